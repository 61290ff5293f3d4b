"""Writing to a SQLite ledger: one commit at a time, which carries all that was waiting.

Brief functions run in the event loop itself: a statement of theirs takes some ten microseconds, and having another
thread run it takes more, for both take turns on Python's lock. What may have to wait never runs there: commits, all
other functions, and a transaction that cannot begin at once have a thread of their own. Readers have theirs.
Knows nothing of what the functions mean.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from queue import SimpleQueue
from typing import Any

from sqlalchemy import Connection, Engine, RootTransaction
from sqlalchemy.exc import DBAPIError

from syncd.ledger.call import Call
from syncd.ledger.engines import waiting
from syncd.ledger.trouble import LedgerUnavailable, is_the_store, unavailable
from syncd.ledger.trouble import of as trouble_of

READERS = 4
GROUP = 64  # functions taken into one commit at most

Answered = tuple[asyncio.Future[Any], Any, BaseException | None]


@dataclass(frozen=True, slots=True)
class _Asked:
    call: Call
    answer: asyncio.Future[Any]


class _Failed(Exception):
    """A function of a group has failed."""

    def __init__(self, error: Exception) -> None:
        super().__init__(str(type(error)))
        self.error = error


class GroupCommit:
    """Takes all that waits into one commit: run in the loop where that can be, stored by a thread.

    There is one group at a time, and one who runs it: a loop or the thread. While none is under way, each loop in
    which somebody waits has a turn to come, for any of them may end before its turn. A function may be run twice,
    what the first run did having been taken back: it must do nothing but speak to the ledger.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="ledger-read")
        self._waiting: deque[_Asked] = deque()
        self._under_way = False  # a group has been taken and not been done
        self._closed = False
        self._lock = threading.Lock()  # of the three above
        self._conn: Connection | None = None  # of the one who runs the group
        self._orders: SimpleQueue[Callable[[], Iterable[Answered]] | None] = SimpleQueue()
        self._writer = threading.Thread(target=self._obey, name="ledger-write", daemon=True)
        self._writer.start()

    async def read(self, call: Call) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._run_read, call)

    def _run_read(self, call: Call) -> Any:
        with unavailable(), self._engine.connect() as conn:
            return call(conn)

    async def write(self, call: Call) -> Any:
        loop = asyncio.get_running_loop()
        asked = _Asked(call, loop.create_future())
        with self._lock:
            if self._closed:
                raise LedgerUnavailable("the ledger is closed")
            self._waiting.append(asked)
            if not self._under_way:
                loop.call_soon(self._turn)
        return await asked.answer

    def close(self) -> None:
        """Nobody may ask for more; what was asked for is done."""
        with self._lock:
            self._closed = True
            if not self._under_way:
                self._orders.put(None)
        self._writer.join()
        self._readers.shutdown()
        self._engine.dispose()

    def _turn(self) -> None:
        """In an event loop: run the next group here, or have the thread run it."""
        with self._lock:
            if self._closed or self._under_way or not self._waiting:
                return
            self._under_way = True
            group = self._take()
        order: Callable[[], Iterable[Answered]] = partial(self._do, group)
        loop = asyncio.get_running_loop()
        try:
            if all(one.call.brief and one.answer.get_loop() is loop for one in group):
                ready = self._run_here(group)
                if ready is not None:
                    order = partial(self._store, *ready)
        finally:
            self._orders.put(order)

    def _take(self) -> list[_Asked]:
        return [self._waiting.popleft() for _ in range(min(GROUP, len(self._waiting)))]

    def _run_here(self, group: list[_Asked]) -> tuple[RootTransaction, list[Answered]] | None:
        """The group's transaction, to be committed; None where the thread has to try, which says what is wrong."""
        if self._conn is None:
            return None
        try:
            transaction = self._conn.begin()
            return transaction, [(one.answer, one.call(self._conn), None) for one in group]
        except BaseException as error:
            self._hang_up()
            if not isinstance(error, Exception):
                raise
            return None

    # What follows is run by the thread.

    def _obey(self) -> None:
        for order in iter(self._orders.get, None):
            answers = order()
            waiting = self._let_go()
            _tell(answers)
            for loop in waiting:
                with suppress(RuntimeError):  # closed: what was asked for there goes with another group, or the close
                    loop.call_soon_threadsafe(self._turn)
        while group := self._take():  # closed: nobody else takes
            _tell(self._do(group))
        self._hang_up()

    def _let_go(self) -> set[asyncio.AbstractEventLoop]:
        """The group is done: the loops in which somebody waits for the next."""
        with self._lock:
            self._under_way = False
            if self._closed:
                self._orders.put(None)
                return set()
            return {one.answer.get_loop() for one in self._waiting}

    def _store(self, transaction: RootTransaction, answers: list[Answered]) -> list[Answered]:
        """Commit what was run in the loop."""
        try:
            with unavailable(), transaction:
                """All has been run."""
        except BaseException as error:
            self._hang_up()
            return [(answer, None, error) for answer, _, _ in answers]
        return answers

    def _do(self, group: list[_Asked]) -> list[Answered]:
        """All in one commit. A function that fails takes back what all have done; then each gets a savepoint."""
        try:
            answers = self._together(group)
            return self._apart(group) if answers is None else answers
        except BaseException as error:  # every caller of the group must hear of it
            return [(one.answer, None, error) for one in group]

    def _together(self, group: list[_Asked]) -> list[Answered] | None:
        """What each function answers; None where one failed, then nothing is stored."""
        try:
            with self._begun() as conn:
                answers: list[Answered] = []
                for one in group:
                    try:
                        answers.append((one.answer, one.call(conn), None))
                    except Exception as error:
                        raise _Failed(error) from error
                return answers
        except _Failed as failed:
            if isinstance(failed.error, DBAPIError) and is_the_store(failed.error):
                raise trouble_of(failed.error) from None
            return None if len(group) > 1 else [(group[0].answer, None, failed.error)]

    def _apart(self, group: list[_Asked]) -> list[Answered]:
        """The same, each in a savepoint of its own: a function's own failure goes to its caller alone."""
        answers: list[Answered] = []
        with self._begun() as conn:
            for one in group:
                try:
                    with conn.begin_nested():
                        answers.append((one.answer, one.call(conn), None))
                except Exception as error:
                    if isinstance(error, DBAPIError) and is_the_store(error):
                        raise  # nothing of this group may be believed
                    answers.append((one.answer, None, error))
        return answers

    @contextmanager
    def _begun(self) -> Iterator[Connection]:
        """A transaction on the writer's connection, which is opened anew after any failure."""
        with unavailable():
            try:
                if self._conn is None:
                    self._conn = self._engine.connect().execution_options(syncd_write=True)
                with waiting(self._conn):
                    transaction = self._conn.begin()
                with transaction:
                    yield self._conn
            except BaseException:
                self._hang_up()
                raise

    def _hang_up(self) -> None:
        """Take back what is not committed, and let go of the connection."""
        conn, self._conn = self._conn, None
        if conn is not None:
            conn.close()


def _tell(answers: Iterable[Answered]) -> None:
    """Give the answers to those who asked, each in its own loop."""
    by_loop: dict[asyncio.AbstractEventLoop, list[Answered]] = {}
    for answered in answers:
        by_loop.setdefault(answered[0].get_loop(), []).append(answered)
    for loop, theirs in by_loop.items():
        with suppress(RuntimeError):  # that loop is closed: nobody waits there any more
            loop.call_soon_threadsafe(_hand_out, theirs)


def _hand_out(answers: Iterable[Answered]) -> None:
    """Give the answers to those who still wait for them."""
    for answer, value, failure in answers:
        if answer.done():
            continue
        if failure is not None:
            answer.set_exception(failure)
        else:
            answer.set_result(value)

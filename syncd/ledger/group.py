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
from syncd.ledger.engines import without_waiting
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

    There is one group at a time, and one who runs it: the loop or the thread. A function may be run twice, what the
    first run did having been taken back: it must do nothing but speak to the ledger. It is closed by whom it serves.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="ledger-read")
        self._waiting: deque[_Asked] = deque()
        self._busy = False  # a group is under way, or about to be
        self._closed = False
        self._lock = threading.Lock()  # of the three above
        self._conn: Connection | None = None  # of the one who runs the group
        self._orders: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
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
            begins, self._busy = not self._busy, True
        if begins:
            loop.call_soon(self._turn)
        return await asked.answer

    def close(self) -> None:
        with self._lock:
            self._closed = True
        self._orders.put(self._finish)
        self._orders.put(None)
        self._writer.join()
        self._readers.shutdown()
        self._engine.dispose()

    def _turn(self) -> None:
        """In an event loop: run the next group here, or have the thread run it."""
        group = self._take()
        if not group:
            return  # closed meanwhile
        loop = asyncio.get_running_loop()
        if all(one.call.brief and one.answer.get_loop() is loop for one in group):
            ready = self._run_here(group)
            if ready is not None:
                self._orders.put(partial(self._store, *ready))
                return
        self._orders.put(partial(self._do, group))

    def _take(self) -> list[_Asked]:
        with self._lock:
            return [self._waiting.popleft() for _ in range(min(GROUP, len(self._waiting)))]

    def _run_here(self, group: list[_Asked]) -> tuple[RootTransaction, list[Answered]] | None:
        """The group's transaction, to be committed; None where the thread has to try, which says what is wrong."""
        if self._conn is None:
            return None
        try:
            with without_waiting(self._conn):
                transaction = self._conn.begin()
            return transaction, [(one.answer, one.call(self._conn), None) for one in group]
        except BaseException as error:
            self._hang_up()
            if not isinstance(error, Exception):
                raise
            return None

    # What follows is run by the thread.

    def _obey(self) -> None:
        while (order := self._orders.get()) is not None:
            order()
        self._hang_up()

    def _finish(self) -> None:
        """Nobody may ask for more: do what was asked for."""
        while group := self._take():
            self._do(group)

    def _store(self, transaction: RootTransaction, answers: list[Answered]) -> None:
        """Commit what was run in the loop."""
        try:
            with unavailable(), transaction:
                """All has been run."""
        except BaseException as error:
            self._hang_up()
            answers = [(answer, None, error) for answer, _, _ in answers]
        self._tell(answers)

    def _do(self, group: list[_Asked]) -> None:
        """All in one commit. A function that fails takes back what all have done; then each gets a savepoint."""
        try:
            answers = self._together(group)
            if answers is None:
                answers = self._apart(group)
        except BaseException as error:  # every caller of the group must hear of it
            answers = [(one.answer, None, error) for one in group]
        self._tell(answers)

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
                with self._conn.begin():
                    yield self._conn
            except BaseException:
                self._hang_up()
                raise

    def _hang_up(self) -> None:
        """Take back what is not committed, and let go of the connection."""
        conn, self._conn = self._conn, None
        if conn is not None:
            conn.close()

    def _tell(self, answers: Iterable[Answered]) -> None:
        """Give the answers to those who asked, and have the next group begin."""
        by_loop: dict[asyncio.AbstractEventLoop, list[Answered]] = {}
        for answered in answers:
            by_loop.setdefault(answered[0].get_loop(), []).append(answered)
        for loop, theirs in by_loop.items():
            with suppress(RuntimeError):  # that loop is closed: nobody waits there any more
                loop.call_soon_threadsafe(_hand_out, theirs)
        with self._lock:
            self._busy = bool(self._waiting)
            following = None if self._closed or not self._waiting else self._waiting[0].answer.get_loop()
        if following is None:
            return
        try:
            following.call_soon_threadsafe(self._turn)
        except RuntimeError:  # as above; what was asked for is done nevertheless
            self._orders.put(partial(self._do, self._take()))


def _hand_out(answers: Iterable[Answered]) -> None:
    """Give the answers to those who still wait for them."""
    for answer, value, failure in answers:
        if answer.done():
            continue
        if failure is not None:
            answer.set_exception(failure)
        else:
            answer.set_result(value)

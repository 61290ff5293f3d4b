"""Where the ledger's functions run: one transaction each, off the event loop in production.

SQLite has one writer at a time, so one thread writes, and takes all that waits into one durable
commit (each function in a savepoint of its own, once one has failed); readers have threads of their
own. PostgreSQL runs each function in a transaction of its own. `Inline` runs on the spot, for
deterministic tests.
Knows nothing of what the functions mean.
"""

from __future__ import annotations

import asyncio
import queue
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import DBAPIError

from syncd.ledger.sql import by_driver
from syncd.ledger.trouble import Kind, LedgerUnavailable, is_the_store, unavailable
from syncd.ledger.trouble import of as trouble_of
from syncd.ledger.unmoved import Unmoved

__all__ = ["Ledger", "LedgerUnavailable", "connect", "is_the_store", "open_ledger", "sqlite_url"]

P = ParamSpec("P")
T = TypeVar("T")
Step = Callable[[Connection], Any]
Answered = tuple[asyncio.Future[Any], Any, BaseException | None]

BUSY_TIMEOUT_MS = 10_000
READERS = 4
GROUP = 64  # functions taken into one commit at most


class Runner(Protocol):
    async def read(self, step: Step) -> Any: ...

    async def write(self, step: Step) -> Any: ...

    def close(self) -> None: ...


class Ledger:
    """Runs ledger functions `fn(conn, …)` in a transaction each; `read` must not change anything.

    `failure` is what the last write met, None if it went well; `met` is the last of all failures, `failures` counts
    them. A damaged ledger takes no more writes: each could only spread the damage.
    """

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self.failure: LedgerUnavailable | None = None
        self.met: LedgerUnavailable | None = None
        self.failures = 0

    async def read(
        self,
        fn: Callable[Concatenate[Connection, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        try:
            result: T = await self._runner.read(lambda conn: fn(conn, *args, **kwargs))
        except LedgerUnavailable as error:
            if error.kind is Kind.DAMAGED:
                self._failed(error)
            raise
        return result

    async def write(
        self,
        fn: Callable[Concatenate[Connection, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        if self.failure is not None and self.failure.kind is Kind.DAMAGED:
            raise LedgerUnavailable(str(self.failure), Kind.DAMAGED)
        try:
            result: T = await self._runner.write(lambda conn: fn(conn, *args, **kwargs))
        except LedgerUnavailable as error:
            self._failed(error)
            raise
        self.failure = None
        return result

    def _failed(self, error: LedgerUnavailable) -> None:
        self.failure = self.met = error
        self.failures += 1

    def close(self) -> None:
        self._runner.close()


def connect(url: str) -> Engine:
    """An engine with the pragmas the ledger's promises rest on. It makes no file: `upgrade` does."""
    if not url.startswith("sqlite"):
        return _to_server(url)
    engine = sqlite_engine(url)
    file = Path(make_url(url).database or "")
    unmoved = Unmoved(file)

    @event.listens_for(engine, "do_connect")
    def _connect(_dialect: object, _record: object, _args: list[Any], parameters: dict[str, Any]) -> sqlite3.Connection:
        unmoved.check_opening()
        opened: sqlite3.Connection = sqlite3.connect(f"{file.as_uri()}?mode=rw", uri=True, **parameters)
        try:
            unmoved.check_opening()  # nor was it moved just now
        except LedgerUnavailable:
            opened.close()
            raise
        return opened

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        immediate = connection.get_execution_options().get("syncd_write", False)
        unmoved.check_file()
        by_driver(connection, "BEGIN IMMEDIATE" if immediate else "BEGIN")
        if immediate:
            try:
                unmoved.check_journal()
            except LedgerUnavailable:
                by_driver(connection, "ROLLBACK")
                raise

    return engine


def _to_server(url: str) -> Engine:
    from syncd.ledger.impatient import connected

    engine = create_engine(url, pool_pre_ping=True, pool_size=8, max_overflow=8)

    @event.listens_for(engine, "do_connect")
    def _connect(_dialect: object, _record: object, args: list[Any], parameters: dict[str, Any]) -> object:
        return connected(*args, **parameters)

    return engine


def sqlite_engine(url: str) -> Engine:
    """An engine whose connections have these pragmas; transactions are the caller's affair."""
    engine = create_engine(
        url,
        connect_args={"timeout": BUSY_TIMEOUT_MS / 1000, "check_same_thread": False},
    )

    @event.listens_for(engine, "connect")
    def _pragmas(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None  # transactions begin where we say, not where the driver guesses
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            "secure_delete=ON",  # what is erased is overwritten, whatever this SQLite was built with
            f"busy_timeout={BUSY_TIMEOUT_MS}",
        ):
            connection.execute(f"PRAGMA {pragma}")

    return engine


def sqlite_url(path: Path) -> str:
    """The URL of the default ledger; a path is not a place for surprises, so it is made absolute."""
    return f"sqlite:///{path.resolve()}"


def companions(file: Path) -> tuple[Path, ...]:
    """The files SQLite puts beside one of its own."""
    return tuple(file.with_name(file.name + ending) for ending in ("-wal", "-shm", "-journal"))


def open_ledger(url: str) -> Ledger:
    """The ledger of a daemon or command."""
    engine = connect(url)
    return Ledger(GroupCommit(engine) if engine.dialect.name == "sqlite" else Pooled(engine))


class Inline:
    """Runs each function at once on the caller's thread."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def read(self, step: Step) -> Any:
        with unavailable(), self._engine.connect() as conn:
            return step(conn)

    async def write(self, step: Step) -> Any:
        with (
            unavailable(),
            self._engine.connect().execution_options(syncd_write=True) as conn,
            conn.begin(),
        ):
            return step(conn)

    def close(self) -> None:
        self._engine.dispose()


class Pooled:
    """One transaction per function on a small pool of threads (PostgreSQL)."""

    def __init__(self, engine: Engine, threads: int = 8) -> None:
        self._engine = engine
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="ledger")

    async def read(self, step: Step) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._run, step)

    async def write(self, step: Step) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._run, step)

    def _run(self, step: Step) -> Any:
        with unavailable(), self._engine.begin() as conn:
            return step(conn)

    def close(self) -> None:
        self._threads.shutdown()
        self._engine.dispose()


class _Failed(Exception):
    """A function of a group has failed."""

    def __init__(self, error: Exception) -> None:
        super().__init__(str(type(error)))
        self.error = error


@dataclass(frozen=True, slots=True)
class _Asked:
    step: Step
    answer: asyncio.Future[Any]


class GroupCommit:
    """One writer thread whose commits carry everything that was waiting (SQLite).

    A function may be run twice, what the first run did having been taken back: it must do nothing but speak to the
    ledger.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="ledger-read")
        self._waiting: queue.SimpleQueue[_Asked | None] = queue.SimpleQueue()
        self._conn: Connection | None = None  # the writer's
        self._writer = threading.Thread(target=self._write_loop, name="ledger-write", daemon=True)
        self._writer.start()

    async def read(self, step: Step) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._run_read, step)

    async def write(self, step: Step) -> Any:
        if not self._writer.is_alive():
            raise LedgerUnavailable("the ledger is closed")
        asked = _Asked(step, asyncio.get_running_loop().create_future())
        self._waiting.put(asked)
        return await asked.answer

    def _run_read(self, step: Step) -> Any:
        with unavailable(), self._engine.connect() as conn:
            return step(conn)

    def _write_loop(self) -> None:
        try:
            while (first := self._waiting.get()) is not None:
                group = [first]
                while len(group) < GROUP and not self._waiting.empty():
                    following = self._waiting.get()
                    if following is None:
                        self._commit(group)
                        return
                    group.append(following)
                self._commit(group)
        finally:
            self._hang_up()

    def _commit(self, group: list[_Asked]) -> None:
        """All in one commit. A function that fails takes back what all have done; then each gets a savepoint."""
        try:
            answers = self._together(group)
            if answers is None:
                answers = self._apart(group)
        except BaseException as error:  # every caller of the group must hear of it
            answers = [(one.answer, None, error) for one in group]
        by_loop: dict[asyncio.AbstractEventLoop, list[Answered]] = {}
        for answered in answers:
            by_loop.setdefault(answered[0].get_loop(), []).append(answered)
        for loop, theirs in by_loop.items():
            with suppress(RuntimeError):  # that loop is closed: nobody waits there any more
                loop.call_soon_threadsafe(_tell, theirs)

    def _together(self, group: list[_Asked]) -> list[Answered] | None:
        """What each function answers; None where one failed, then nothing is stored."""
        try:
            with self._begun() as conn:
                answers: list[Answered] = []
                for one in group:
                    try:
                        answers.append((one.answer, one.step(conn), None))
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
                        answers.append((one.answer, one.step(conn), None))
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
        conn, self._conn = self._conn, None
        if conn is not None:
            conn.close()

    def close(self) -> None:
        self._waiting.put(None)
        self._writer.join()
        self._readers.shutdown()
        self._engine.dispose()


def _tell(answers: Iterable[Answered]) -> None:
    """Give the answers to those who still wait for them."""
    for answer, value, failure in answers:
        if answer.done():
            continue
        if failure is not None:
            answer.set_exception(failure)
        else:
            answer.set_result(value)

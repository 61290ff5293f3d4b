"""Where the ledger's functions run: in a transaction, and never so that the event loop has to wait for it.

SQLite has one writer at a time, so what waits is taken into one durable commit (`group`). PostgreSQL
runs each function in a transaction of its own. `Inline` runs on the spot, for deterministic tests.
Knows nothing of what the functions mean.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from sqlalchemy import Connection, Engine

from syncd.ledger.call import Call
from syncd.ledger.engines import connect
from syncd.ledger.group import GroupCommit
from syncd.ledger.trouble import Kind, LedgerUnavailable, is_the_store, unavailable

__all__ = ["Ledger", "LedgerUnavailable", "is_the_store", "open_ledger"]

P = ParamSpec("P")
T = TypeVar("T")


class Runner(Protocol):
    async def read(self, call: Call) -> Any: ...

    async def write(self, call: Call) -> Any: ...

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
            result: T = await self._runner.read(Call(fn, args, kwargs))
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
            result: T = await self._runner.write(Call(fn, args, kwargs))
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


def open_ledger(url: str) -> Ledger:
    """The ledger of a daemon or command."""
    engine = connect(url)
    return Ledger(GroupCommit(engine) if engine.dialect.name == "sqlite" else Pooled(engine))


class Inline:
    """Runs each function at once on the caller's thread."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def read(self, call: Call) -> Any:
        with unavailable(), self._engine.connect() as conn:
            return call(conn)

    async def write(self, call: Call) -> Any:
        with (
            unavailable(),
            self._engine.connect().execution_options(syncd_write=True) as conn,
            conn.begin(),
        ):
            return call(conn)

    def close(self) -> None:
        self._engine.dispose()


class Pooled:
    """One transaction per function on a small pool of threads (PostgreSQL)."""

    def __init__(self, engine: Engine, threads: int = 8) -> None:
        self._engine = engine
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="ledger")

    async def read(self, call: Call) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._run, call)

    async def write(self, call: Call) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._run, call)

    def _run(self, call: Call) -> Any:
        with unavailable(), self._engine.begin() as conn:
            return call(conn)

    def close(self) -> None:
        self._threads.shutdown()
        self._engine.dispose()

"""A ledger in which everything can be tried and nothing stays: for plans that are only looked at."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

from syncd.ledger.call import Call
from syncd.ledger.store import Ledger


def trial_of(ledger: Ledger) -> Ledger:
    """The same ledger, but what is written is taken back in the same transaction: only the caller sees the answer."""
    return Ledger(_Trial(ledger))


class _Trial:
    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def read(self, call: Call) -> Any:
        return await self._ledger.read(call)

    async def write(self, call: Call) -> Any:
        def undone(conn: Connection) -> None:
            raise _TakenBack(call(conn))

        try:
            await self._ledger.write(undone)
        except _TakenBack as taken_back:
            return taken_back.answer
        return None

    def close(self) -> None:
        """The ledger belongs to somebody else."""


class _TakenBack(Exception):
    def __init__(self, answer: Any) -> None:
        super().__init__()
        self.answer = answer

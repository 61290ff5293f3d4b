"""A connection to PostgreSQL that gives up a server that does not answer, instead of waiting for ever.

A server that was stopped, or cut off without a word, neither answers nor closes the connection; who waits for it would
hold his thread until the machine notices. Imported only where the ledger is on a server.
"""

from __future__ import annotations

from typing import Any, TypeVar

import psycopg
from psycopg.errors import OperationalError

T = TypeVar("T")

CONNECT_SECONDS = 5
ANSWER_SECONDS = 20.0  # of one statement; the longest of a daemon take a fraction of it
LOCK_SECONDS = 5  # waiting for a row somebody else holds


class Impatient(psycopg.Connection[Any]):
    """As psycopg's, but an answer that does not come in time closes it."""

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        """Run one exchange with the server; raises `OperationalError` if it does not end."""
        try:
            return super().wait(gen, interval, ANSWER_SECONDS if timeout is None else timeout)
        except OperationalError:
            if timeout is None and self.pgconn.transaction_status == psycopg.pq.TransactionStatus.ACTIVE:
                self.close()  # what would still arrive belongs to nobody
            raise


def connected(*args: Any, **parameters: Any) -> Impatient:
    """Connect as SQLAlchemy asks to."""
    limits = {"connect_timeout": CONNECT_SECONDS, "options": f"-c lock_timeout={LOCK_SECONDS}s"}
    return Impatient.connect(*args, **{**limits, **parameters})

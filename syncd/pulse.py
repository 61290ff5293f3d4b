"""Whether the daemon really goes on: its ledger answers, its workers come round. For the service manager's watchdog.

An answer counts, also one that says no: a restart does not bring back a system, Redis or a database that is away. What
counts against the daemon is what neither ends nor fails. Looks at nothing itself; whoever goes on says so.
"""

from __future__ import annotations

from collections.abc import Callable

LEDGER_STALL = 300.0  # seconds; a write that waits for others gives up after 10, a lost connection after some 130
WORKER_STALL = 900.0  # seconds one job may take
CALLS_OF_A_JOB = 60  # of the longest; where the budget is small a job takes so many turns of all workers


def worker_stall(workers: int, calls_per_minute: int) -> float:
    """Seconds after which a worker that has not come round is stuck: longer than the longest job may take."""
    return max(WORKER_STALL, CALLS_OF_A_JOB * workers * 60 / calls_per_minute)


class Pulse:
    """When each part last came round. `monotonic` in seconds."""

    def __init__(self, monotonic: Callable[[], float], worker_stall: float) -> None:
        self._monotonic = monotonic
        self._worker_stall = worker_stall
        self._ledger = monotonic()
        self._workers: dict[str, float] = {}

    def ledger_ended(self) -> None:
        """A write to the ledger ended, well or not."""
        self._ledger = self._monotonic()

    def worker_turned(self, worker: str) -> None:
        """A worker begins its next turn."""
        self._workers[worker] = self._monotonic()

    def stuck(self) -> str:
        """Which part does not go on; "" if all do."""
        now = self._monotonic()
        if now - self._ledger > LEDGER_STALL:
            return "ledger"
        late = [worker for worker, at in self._workers.items() if now - at > self._worker_stall]
        return "workers" if late else ""

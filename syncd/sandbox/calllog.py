"""The log of calls a stand-in server took: who asked what, never a value."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field

KEPT_CALLS = 200_000


@dataclass(frozen=True)
class Call:
    """One request as logged: no bodies, only the names of sent attributes.

    `began` and `at` are its first and its last moment; `client` which process asked, where a witness knows.
    """

    at: float
    system: str
    method: str
    route: str
    path: str
    status: int | None
    user: str | None
    names: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()
    began: float = 0.0
    client: str | None = None


@dataclass
class CallLog:
    """The last calls and counts since the last clear()."""

    calls: deque[Call] = field(default_factory=lambda: deque(maxlen=KEPT_CALLS))
    reads: Counter[str] = field(default_factory=Counter)
    writes: Counter[str] = field(default_factory=Counter)

    def add(self, call: Call) -> None:
        """Log one call; token requests count as reads, they change no record."""
        self.calls.append(call)
        quiet = call.method == "GET" or call.route.endswith("/Token")
        (self.reads if quiet else self.writes)[call.system] += 1

    def clear(self) -> None:
        """Forget all calls and counts."""
        self.calls.clear()
        self.reads.clear()
        self.writes.clear()

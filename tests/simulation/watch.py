"""A second look at every write of the daemons: what it set, what it made, and what was asked just before.

Knows both systems' screens, and nothing of the engine.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from syncd.sandbox import Sandbox
from tests.simulation.process import sending
from tests.simulation.witness import ADVOWARE, ESPO, FIELDS, numbers, record_in, value_of

Asked = tuple[str, str, str | None]  # system, method, record


@dataclass(frozen=True)
class Wrote:
    """One write of a daemon: which fields it changed, which status it set, and the betnr EspoCRM showed then."""

    at: float
    system: str
    record: str
    fields: frozenset[str]
    status: str | None = None
    betnr: int | None = None


@dataclass
class Watch:
    """All writes so far, and the entries of Advoware that daemons have made. `now` in virtual seconds."""

    sandbox: Sandbox
    now: Callable[[], float]
    wrote: list[Wrote] = field(default_factory=list)
    made_entries: set[int] = field(default_factory=set)
    _last: dict[str, Asked] = field(default_factory=dict)

    def asked(self, system: str, method: str, record: str | None) -> tuple[Asked | None, dict[str, Any]]:
        """A request is about to be carried out; what its job asked before, and how the record looks."""
        job = sending().job
        before, self._last[job] = self._last.get(job), (system, method, record)
        return before, {} if record is None or method == "GET" else self._seen(system, record)

    def answered(
        self, system: str, method: str, record: str | None, known: tuple[Asked | None, dict[str, Any]]
    ) -> list[str]:
        """It was carried out; what is wrong with that."""
        just_before, before = known
        if record is None or method == "GET" or not before:
            return []
        after = self._seen(system, record)
        fields = frozenset(
            name for name in FIELDS if value_of(system, name, before) != value_of(system, name, after)
        )  # fmt: skip
        status = after.get("syncStatus") if after.get("syncStatus") != before.get("syncStatus") else None
        self.wrote.append(Wrote(self.now(), system, record, fields, status, after.get("betnr")))
        old = {one["id"] for one in before.get("kommunikation", ())}
        self.made_entries |= {one["id"] for one in after.get("kommunikation", ())} - old
        listed = system == ESPO and numbers(system, before) != numbers(system, after)
        if listed and just_before != (ESPO, "GET", record):
            return [f"{self.now():.3f} {sending().process} a list was replaced without a read just before"]
        return []

    def _seen(self, system: str, record: str) -> dict[str, Any]:
        people = self.sandbox.people
        if system == ADVOWARE:
            return people.advoware.see(int(record)) if int(record) in self.sandbox.advoware.beteiligte else {}
        return people.espo.see(record) if record in self.sandbox.espo.tables["CBeteiligte"].rows else {}


def about(system: str, path: str) -> str | None:
    """The Beteiligter or CBeteiligte a path is about."""
    return record_in(system, path)

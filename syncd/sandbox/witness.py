"""What every write of a client changed, and what that client had last read: nothing is guessed afterwards.

Sits at the stand-ins' door. Knows the records and who asks, nothing of the engine. A value a person typed between the
writer's read and its write stands in `Wrote.over`: the two windows nobody can close are counted by that.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from syncd.sandbox.asgi import Scope
from syncd.sandbox.people import BETEILIGTE, People
from syncd.sandbox.reachability import LISTS

RECORD = re.compile(r"/(CBeteiligte|Beteiligte)/(\d+|[0-9a-f]{17})(?:/|$)")
ENTRY = ("tlf", "bemerkung", "online")
LINE = ("type", "primary")


class Names(Protocol):
    """Who the clients are."""

    def met(self, port: int, ours: int) -> None:
        """Somebody has connected just now, from this port to that of ours."""

    def of(self, scope: Scope) -> str | None:
        """The client that sent a request; None where nobody can tell."""


Values = dict[str, Any]
Where = tuple[str, str]
"""system and id there"""


@dataclass(frozen=True)
class Change:
    """One value that was written: as the writer had read it, as it was directly before, and as it is since."""

    name: str
    read: Any
    before: Any
    after: Any

    @property
    def over_another(self) -> bool:
        """Whether it was not as read any more: somebody's change in between is gone."""
        return bool(self.before != self.read)


@dataclass(frozen=True)
class Wrote:
    """One write that was applied. Times are the stand-in's, `read_at` None: this writer had never read the record.

    `arrived` and `at` differ by what the network did to the request.
    """

    at: float
    arrived: float
    writer: str | None
    where: Where
    method: str
    read_at: float | None
    changes: tuple[Change, ...]

    @property
    def over(self) -> tuple[Change, ...]:
        """What of it destroyed a change the writer cannot have seen."""
        return tuple(one for one in self.changes if one.over_another)


@dataclass
class _Read:
    at: float
    values: Values


@dataclass
class Witness:
    """All reads and writes of single records."""

    people: People
    now: Callable[[], float]
    names: Names
    wrote: list[Wrote] = field(default_factory=list)
    _reads: dict[tuple[str | None, Where], _Read] = field(default_factory=dict)

    def before(self, system: str, scope: Scope) -> Values | None:
        """What the record says now; None where the request is about no single record that is there."""
        where = _where(system, scope)
        return None if where is None else self._state(where)

    def after(self, system: str, scope: Scope, arrived: float, before: Values) -> None:
        """Note what a request has made of it."""
        where, writer = _where(system, scope), self.names.of(scope)
        now = None if where is None else self._state(where)
        if where is None or now is None or now == before:
            return
        read = self._reads.get((writer, where))
        known: Mapping[str, Any] = before if read is None else read.values
        names = sorted(name for name in {*before, *now} if before.get(name) != now.get(name))
        changes = tuple(Change(name, known.get(name), before.get(name), now.get(name)) for name in names)
        read_at = None if read is None else read.at
        self.wrote.append(Wrote(self.now(), arrived, writer, where, str(scope["method"]), read_at, changes))
        if read is not None:  # a writer knows what it wrote itself
            read.values |= {one.name: one.after for one in changes}

    def told(self, system: str, scope: Scope, body: bytes) -> None:
        """A GET was answered with this: so much the client knows. EspoCRM answers a PATCH with the record as well."""
        where = _where(system, scope)
        if where is None or scope["path"].rpartition("/")[2] != where[1] or scope["method"] not in ("GET", "PATCH"):
            return
        try:
            shown = json.loads(body)
        except ValueError:
            return
        shown = shown[0] if isinstance(shown, list) and shown else shown
        if not isinstance(shown, dict):
            return
        who, told = self.names.of(scope), values_of(where[0], shown)
        read = self._reads.get((who, where)) if scope["method"] == "PATCH" else None
        left = {} if read is None else {name: value for name, value in read.values.items() if not _in(name, shown)}
        self._reads[who, where] = _Read(self.now(), left | told)

    def _state(self, where: Where) -> Values | None:
        system, number = where
        if system == "espocrm":
            if number not in self.people.espo.world.tables[BETEILIGTE].rows:
                return None
            return values_of(system, self.people.espo.see(number))
        if int(number) not in self.people.advoware.world.beteiligte:
            return None
        return values_of(system, self.people.advoware.see(int(number)))


def values_of(system: str, body: Mapping[str, Any]) -> Values:
    """The single values of a record: fields, and of each phone or e-mail its parts.

    An entry of Advoware is called `kommunikation:<id>:<part>`, a line of EspoCRM `<list>:<value>`.
    """
    if system == "espocrm":
        found = {name: value for name, value in body.items() if not isinstance(value, list)}
        for data, attribute in LISTS.items():
            for line in body.get(data) or ():
                found[f"{data}:{line[attribute]}"] = {name: line.get(name) for name in LINE}
        return found
    found = {name: value for name, value in body.items() if not isinstance(value, list)}
    for entry in body.get("kommunikation") or ():
        found |= {f"kommunikation:{entry['id']}:{name}": entry[name] for name in ENTRY}
    return found


def _in(name: str, body: Mapping[str, Any]) -> bool:
    """Whether an answer tells of this value, or of the whole list it is in."""
    return name in body or name.partition(":")[0] in body


def _where(system: str, scope: Scope) -> Where | None:
    found = RECORD.search(scope["path"])
    return None if found is None else (system, found[2])

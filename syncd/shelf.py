"""One of EspoCRM's lists as it shall be: it takes a list whole or not at all. Pure.

Entries nobody touches are sent exactly as they were read, everything else would be a change. Why
an entry comes or goes is `entries`'.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mappers.spec import AdvowareEntry, EntryList, EspoEntry, Raw
from syncd.model import EntryWrite, Memory
from syncd.pairing import Line, Place, place

Shown = AdvowareEntry | EspoEntry | str  # what EspoCRM shall show: an entry there, one it had itself, a bare value


@dataclass(frozen=True, slots=True)
class Filled:
    """The list to send, None where nothing changes, and the entries that changes. `partial`: more follows then."""

    rows: list[dict[str, Any]] | None = None
    writes: tuple[EntryWrite, ...] = ()
    partial: bool = False


@dataclass(slots=True)
class Shelf:
    """How one list shall change: what goes, what is replaced, what comes, and which is the main one then."""

    channel: str
    entries: tuple[EspoEntry, ...]
    drops: dict[Place, tuple[str, Raw]] = field(default_factory=dict)
    changes: dict[Place, tuple[str, Shown]] = field(default_factory=dict)
    adds: list[tuple[str, Shown]] = field(default_factory=list)
    main: Place | None = None

    def is_full(self, limit: int) -> bool:
        """Whether EspoCRM takes no more entries."""
        return len(self.entries) - len(self.drops) + len(self.adds) >= limit

    def fill(
        self, entries: EntryList, memory: Memory, online: Sequence[Place | None], lines: Mapping[Place | None, Line]
    ) -> Filled:
        """The list: entries as read, changed ones in their place, new ones behind.

        `online` are the main ones in Advoware, `lines` says whose an entry of the list is.
        """
        rows: dict[Place, dict[str, Any]] = {}
        writes: list[EntryWrite] = []
        partial = False
        singly = self.channel in memory.one_by_one
        places = [(espo.channel, espo.form) for espo in self.entries]
        stay = {where for where in places if where not in self.drops and where not in self.changes}
        for where, espo in zip(places, self.entries, strict=True):
            if where in self.drops:
                name, other = self.drops[where]
                writes.append(EntryWrite(name, self.channel, espo.raw, None, other))
            elif where in self.changes and not (singly and _has_new(writes)):
                name, value = self.changes[where]
                now, raw = self._raw(entries, memory, value, espo)
                writes.append(EntryWrite(name, self.channel, espo.raw, now[1], _raw_of(value)))
                if now not in stay:
                    rows.setdefault(now, raw)
                if self.main == where:
                    self.main = now
            else:
                partial |= where in self.changes
                rows[where] = dict(espo.raw)
        for name, value in self.adds:
            if singly and _has_new(writes):
                partial = True
                continue
            now, raw = self._raw(entries, memory, value, None)
            if now not in rows and now not in stay:
                writes.append(EntryWrite(name, self.channel, None, now[1], _raw_of(value)))
                rows[now] = raw
        return self._with_main(entries, rows, writes, online, lines, partial=partial)

    def _with_main(
        self, entries: EntryList, rows: dict[Place, dict[str, Any]], writes: list[EntryWrite],
        online: Sequence[Place | None], lines: Mapping[Place | None, Line], *, partial: bool,
    ) -> Filled:  # fmt: skip
        """Just one entry is the main one: who was chosen, who was it, who is it in Advoware, or the first."""
        current = next(((espo.channel, espo.form) for espo in self.entries if espo.main), None)
        if not writes and self.main in (None, current):
            return Filled(partial=partial)
        main = next((where for where in (self.main, current, *online, *rows) if where in rows), None)
        line = lines.get(main)
        told = {write.name for write in writes}
        if main != current and line is not None and line.espo is not None and line.name not in told:
            writes.append(EntryWrite(line.name, self.channel, line.espo.raw, line.espo.form))
        for where, raw in rows.items():
            raw[entries.main] = where == main
        return Filled([*rows.values()], tuple(writes), partial)

    def _raw(
        self, entries: EntryList, memory: Memory, value: Shown, espo: EspoEntry | None
    ) -> tuple[Place, dict[str, Any]]:
        """An entry for EspoCRM: with the flags the value has there already, where another record holds it."""
        where = (self.channel, value if isinstance(value, str) else value.form or "")
        known = memory.shared.get(where)
        if isinstance(known, Mapping):
            return where, {**known, entries.main: False}
        kind = espo.type if espo is not None else None
        if isinstance(value, EspoEntry):
            return where, {**value.raw, entries.main: False}
        if kind is None and isinstance(value, AdvowareEntry):
            kind = entries.type_of(value.kind)
        here = next((one for one in self.entries if place(one) == where), None)
        if here is not None:  # taken away and added at once: its flags stay
            return where, entries.with_type(here.raw, kind)
        text = value if isinstance(value, str) else entries.espo_text(value)
        return where, entries.espo_raw(self.channel, text, kind, False)


def _has_new(writes: Sequence[EntryWrite]) -> bool:
    return any(write.after is not None for write in writes)


def _raw_of(value: Shown) -> Raw:
    """The entry of Advoware it is to agree with, where there is one."""
    return value.raw if isinstance(value, AdvowareEntry) else None

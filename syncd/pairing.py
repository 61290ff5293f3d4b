"""Which entry of a list in EspoCRM is which entry of the list in Advoware. Pure.

Advoware's entries have ids, EspoCRM's have none: there an entry is the value it had when both last
agreed. So a value that is gone and one that is new may be one entry that was changed; when they
are is decided here, what is written is not.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from mappers.spec import AdvowareEntry, EntryList, EspoEntry, Raw, Same, Side, Unmappable
from syncd.model import ADD, CHANGE, Base, FieldWrite, IntentState, Memory

BASES_KNOWN = 256  # of so many records what is remembered of the lists is kept at hand
BESIDE = "beside"  # in the journal of a POST: ids of the entries that were there before
Place = tuple[str, str]  # (channel, form): what makes two entries the same to EspoCRM


@dataclass(frozen=True, slots=True)
class Past:
    """An entry when both sides last agreed on it; `espo` is None for a twin, which EspoCRM does not know."""

    espo: EspoEntry | None
    form: str | None
    main: bool
    recovered: bool = False  # shown by a marker, not remembered
    kind: int = 0  # Advoware's, where it is known


@dataclass(frozen=True, slots=True)
class Line:
    """One entry on both sides; None where it is not (any more). An emptied entry of Advoware is not there."""

    name: str
    espo: EspoEntry | None
    advoware: AdvowareEntry | None
    past: Past | None = None
    retire: bool = False  # another entry has taken its place in EspoCRM's list

    @property
    def espo_changed(self) -> bool:
        return self.past is not None and self.past.espo is not None and place(self.espo) != place(self.past.espo)

    @property
    def advoware_changed(self) -> bool:
        return self.past is not None and (self.advoware.form if self.advoware else None) != self.past.form


@dataclass(slots=True)
class Pairing:
    """The lines of a list, and what is on one side only."""

    lines: list[Line] = field(default_factory=list)
    new_espo: list[EspoEntry] = field(default_factory=list)
    new_advoware: list[AdvowareEntry] = field(default_factory=list)
    twins: list[AdvowareEntry] = field(default_factory=list)  # unchanged, remembered, say what another entry says
    left_over: list[tuple[str, EspoEntry]] = field(default_factory=list)  # a line's old value, EspoCRM has its new one
    pasts: dict[int, Past] = field(default_factory=dict)


def place(entry: EspoEntry | AdvowareEntry | None) -> Place | None:
    """Where an entry stands in EspoCRM's lists; None for none and for an emptied one."""
    return None if entry is None or entry.form is None else (entry.channel, entry.form)


def channel_of(entry: EspoEntry | AdvowareEntry | None) -> str | None:
    return None if entry is None else entry.channel


def shared_name(where: Place) -> str:
    """The ledger's name of a value that EspoCRM keeps once for all records."""
    return " ".join(where)


def is_settled(
    entries: EntryList, memory: Memory, here: Mapping[str, tuple[EspoEntry, ...]], there: Iterable[AdvowareEntry]
) -> bool:
    """Whether both lists are just what is remembered, entry by entry, and nothing else is known of them.

    Then nothing has to be paired: a plan made of the pairs would say nothing either, whoever saved what since.
    """
    if not memory.met or memory.intents or memory.decisions:
        return False
    left = {(one.channel, one.form): one for rows in here.values() for one in rows}
    bases = _bases(entries, memory)
    living = [one for one in there if one.form is not None]
    if not len(living) == len(left) == len(bases):
        return False
    for one in living:
        espo, base = left.pop((one.channel, one.form or ""), None), bases.get(one.id)
        if espo is None or base is None or not _is_as_agreed(entries, base, espo, one):
            return False
    return True


def _is_as_agreed(entries: EntryList, base: Base, espo: EspoEntry, one: AdvowareEntry) -> bool:
    """Whether an entry is on both sides what the base holds. Only text: of numbers equal ones need not read the same.

    One that is shown as the main one beside another is taken for none, and so is no more what it was.
    """
    if base.espo != espo.raw or base.advoware != one.raw or base.rule != entries.rule:
        return False
    if base.shared != shared_name((espo.channel, espo.form)) or espo.main != bool(espo.raw.get(entries.main)):
        return False
    return isinstance(espo.raw.get(entries.channels[espo.channel]), str) and isinstance(one.raw.get("tlf"), str)


def in_question(entries: EntryList, memory: Memory, here: Mapping[str, tuple[EspoEntry, ...]],
                there: Iterable[AdvowareEntry]) -> set[Place]:  # fmt: skip
    """Values of which a plan needs to know whether another record holds them: new to EspoCRM, or of another type."""
    known = {(one.channel, one.form): one for rows in here.values() for one in rows}
    types = {place(past.espo): past.espo.type for past in _pasts(entries, memory).values() if past.espo}
    new = {where for one in there if (where := place(one)) is not None and where not in known}
    return new | {where for where, one in known.items() if types.get(where, one.type) != one.type}


def entries_there(entries: EntryList, memory: Memory, body: Mapping[str, Raw]) -> tuple[AdvowareEntry, ...] | None:
    """Advoware's entries, with the kinds remembered from when they were last agreed on; None where unreadable."""
    return entries.read_advoware(body, known_kinds(entries, memory))


def _has_old_remark(one: AdvowareEntry, write: FieldWrite) -> bool:
    """Whether the marker stood there before the write: then it does not prove that the write was applied."""
    return isinstance(write.before, Mapping) and one.raw.get("bemerkung") == write.before.get("bemerkung")


def moved(entries: EntryList, memory: Memory, side: Side, body: Mapping[str, Raw]) -> bool:
    """Whether a side's list shows other values than when both last agreed."""
    pasts = _pasts(entries, memory)
    if side is Side.ESPO:
        shown = {place(one) for rows in entries.read_espo(body).values() for one in rows}
        return shown != {place(past.espo) for past in pasts.values() if past.espo is not None}
    there = entries_there(entries, memory, body) or ()
    now = {one.id: one.form for one in there if one.form is not None}
    return now != {number: past.form for number, past in pasts.items() if past.form is not None}


def known_kinds(entries: EntryList, memory: Memory) -> Mapping[int, int]:
    """Kinds of Advoware's entries remembered from when they were last agreed on, by id."""
    return _kinds(entries, Same(memory.base))


@lru_cache(maxsize=BASES_KNOWN)
def _kinds(entries: EntryList, same: Same) -> Mapping[int, int]:
    return {
        number: base.advoware.get("kommKz", 0) if isinstance(base.advoware, Mapping) else 0
        for number, base in _bases_of(entries, same).items()
    }


def pair_up(
    entries: EntryList,
    memory: Memory,
    espo: Mapping[str, tuple[EspoEntry, ...]],
    advoware: Iterable[AdvowareEntry],
    *,
    person_set_type: bool,
    unchanged_there: bool,
) -> Pairing:
    """Find out what belongs together, in the channels `espo` has.

    `person_set_type`: somebody saved the EspoCRM record since; `unchanged_there`: Advoware's list is as it was
    when it was last kept the same, although the ledger does not remember it.
    """
    table = _Table(entries, memory, espo, [one for one in advoware if one.channel in espo])
    table.known()
    table.moved_away()
    table.met_elsewhere()
    table.other_type(saved_since=person_set_type)
    table.by_value()
    if not memory.met:
        table.by_marker(unchanged_there=unchanged_there)
    table.changed_in_espo()
    return table.result()


class _Table:
    """All entries laid out, those that are not paired yet apart."""

    def __init__(
        self, entries: EntryList, memory: Memory, espo: Mapping[str, tuple[EspoEntry, ...]],
        advoware: list[AdvowareEntry],
    ) -> None:  # fmt: skip
        self.entries = entries
        self.memory = memory
        self.all_here: dict[Place, EspoEntry] = {
            (one.channel, one.form): one for rows in espo.values() for one in rows
        }  # fmt: skip
        self.here = dict(self.all_here)
        self.everything = advoware
        self.there: dict[int, AdvowareEntry] = {one.id: one for one in advoware if one.form is not None}
        pasts = _pasts(entries, memory)
        readable = {number: past for number, past in pasts.items() if past.espo is None or past.espo.channel in espo}
        self.pairing = Pairing(pasts=readable)
        self._adopt_lost_answers()
        self.start = self._at_start()

    def _adopt_lost_answers(self) -> None:
        """What a write of ours made though its answer was lost is known by its marker, whatever stands there since."""
        for intent in self.memory.intents:
            if intent.verb not in (ADD, CHANGE) or intent.state not in (IntentState.OPEN, IntentState.IN_DOUBT):
                continue
            for write in intent.writes:
                espo = _read(self.entries, write.other)
                if espo is None or espo.form != write.after:
                    continue
                ours = [one for one in self.everything if self._is_of(write, one) and self._marked(one) == write.after]
                if ours and not _has_old_remark(ours[0], write):
                    self.pairing.pasts[ours[0].id] = Past(espo, write.after, ours[0].main, recovered=True)

    def _is_of(self, write: FieldWrite, one: AdvowareEntry) -> bool:
        """Whether a write was to this entry, or may have made it: one nobody knows that was not there before."""
        number = self.entries.id_of(write.field)
        if number is not None:
            return one.id == number
        there = write.sent.get(BESIDE) if write.sent is not None else None
        return one.id not in self.pairing.pasts and one.id not in (there or ())

    def _at_start(self) -> dict[Place, EspoEntry]:
        """What EspoCRM showed when both sides last agreed before this job, with the type the entry in Advoware has.

        Writes of ours make nothing less new.
        """
        base = self.memory.base if self.memory.base_at_start is None else self.memory.base_at_start
        pasts = _pasts_of(self.entries, base)
        pasts |= {number: past for number, past in self.pairing.pasts.items() if past.recovered}
        found = {}
        for past in pasts.values():
            if past.espo is not None:
                kind = self.entries.type_of(past.kind) if past.kind else past.espo.type
                found[past.espo.channel, past.espo.form] = replace(past.espo, type=kind)
        return found

    def known(self) -> None:
        """Entries that were agreed on, by Advoware's id and by the value EspoCRM had then."""
        claims: defaultdict[Place, list[int]] = defaultdict(list)
        for number, past in self.pairing.pasts.items():
            if past.espo is not None:
                claims[past.espo.channel, past.espo.form].append(number)
        for where, numbers in claims.items():
            espo = self.here.pop(where, None)
            first, *others = sorted(numbers, key=lambda number: self._is_further(number, espo))
            advoware = self.there.pop(first, None)
            self.pairing.lines.append(Line(self.entries.entry_name(first), espo, advoware, self.pairing.pasts[first]))
            for number in others:
                self._claims_too(number, espo)

    def _claims_too(self, number: int, espo: EspoEntry | None) -> None:
        """Two were linked to one of EspoCRM's entries: the one of another kind has been replaced, else it is a twin."""
        past, now = self.pairing.pasts[number], self.there.get(number)
        if now is not None and now.form == past.form and not self._fits(now, espo):
            self.pairing.lines.append(Line(self.entries.entry_name(number), None, now, past, retire=True))
            del self.there[number]
        else:
            self.pairing.pasts[number] = replace(past, espo=None)

    def _is_further(self, number: int, espo: EspoEntry | None) -> tuple[bool, bool, int]:
        """Which of two entries that claim one of EspoCRM's comes second: the one that does not say so any more."""
        past, now = self.pairing.pasts[number], self.there.get(number)
        gone = now is None or past.espo is None or now.form != past.espo.form
        return (gone, now is not None and not self._fits(now, espo), number)

    def _fits(self, one: AdvowareEntry, espo: EspoEntry | None) -> bool:
        """Whether an entry can have the type its value has in EspoCRM."""
        return espo is None or not one.sure or self.entries.type_of(one.kind) == espo.type

    def moved_away(self) -> None:
        """Advoware's entry was changed or is gone, but another one there says now what EspoCRM says."""
        lines = self.pairing.lines
        free = {**self.there}
        free |= {line.advoware.id: line.advoware for line in lines if line.advoware and line.advoware_changed}
        found: dict[int, AdvowareEntry] = {}
        for index, line in enumerate(lines):
            if line.espo is not None and place(line.advoware) != place(line.espo):
                other = self._same(line.espo, (one for one in free.values() if self._fits(one, line.espo)))
                if other is not None:
                    found[index] = free.pop(other.id)
        taken = {other.id for other in found.values()}
        self.pairing.lines = []
        for index, line in enumerate(lines):
            given_away = line.advoware is not None and line.advoware.id in taken
            if index in found:
                self._moved(line, found[index], given_away=given_away)
            elif not given_away:
                self.pairing.lines.append(line)
            elif line.espo is not None:
                self.pairing.left_over.append((line.name, line.espo))
        self.there = {number: one for number, one in self.there.items() if number not in taken}

    def _moved(self, line: Line, other: AdvowareEntry, *, given_away: bool) -> None:
        """EspoCRM's entry of the line belongs to `other` now; what the line had in Advoware is new, or another's."""
        assert line.espo is not None
        assert line.past is not None
        assert line.past.espo is not None
        before = replace(line.past.espo, type=line.espo.type) if self._patch_in_doubt() else line.past.espo
        past = Past(before, other.form, other.main)
        self.pairing.lines.append(Line(self.entries.entry_name(other.id), line.espo, other, past))
        if not given_away:
            self.pairing.lines.append(Line(line.name, None, None, line.past, retire=True))
            if line.advoware is not None:
                self.there[line.advoware.id] = line.advoware
                self.pairing.pasts.pop(line.advoware.id, None)

    def _patch_in_doubt(self) -> bool:
        """Whether a PATCH of ours may have set the types EspoCRM shows: then no person did."""
        return any(
            self.entries.owns(write.field)
            for intent in self.memory.intents
            if intent.side is Side.ESPO and intent.state is IntentState.IN_DOUBT
            for write in intent.writes
        )

    def other_type(self, *, saved_since: bool) -> None:
        """A person gave the value another type, and an entry of that kind with the same value is there already."""
        for line in list(self.pairing.lines):
            if not wants_other_kind(self.entries, self.memory, line, saved_since=saved_since):
                continue
            assert line.espo is not None
            assert line.past is not None
            changed = [one.advoware for one in self.pairing.lines if one.espo is None and one.advoware_changed]
            used = [one for one in changed if one is not None]
            other = self._same(line.espo, [*self.there.values(), *used], line.espo.type)
            if other is None:
                continue
            kept = [one for one in self.pairing.lines if one is not line and one.advoware is not other]
            retired = Line(line.name, None, line.advoware, line.past, retire=True)
            past = Past(line.past.espo, other.form, other.main)
            self.pairing.lines = [*kept, retired, Line(self.entries.entry_name(other.id), line.espo, other, past)]
            self.there.pop(other.id, None)

    def _same(self, espo: EspoEntry, among: Iterable[AdvowareEntry], kind: str | None = None) -> AdvowareEntry | None:
        """An entry that has this value: one that bears its marker before one that says just the same, before others."""
        found = [
            one
            for one in among
            if place(one) == place(espo) and (kind is None or (one.sure and self.entries.type_of(one.kind) == kind))
        ]
        return min(
            found, key=lambda one: (self._marked(one) != espo.form, one.value != espo.form, one.id), default=None
        )

    def met_elsewhere(self) -> None:
        """A value that is new in EspoCRM and the one an entry was changed to in Advoware: the same was typed twice."""
        for index, line in enumerate(self.pairing.lines):
            if line.advoware is None or line.retire or not line.advoware_changed:
                continue
            espo = self.here.pop(place(line.advoware) or ("", ""), None)
            if espo is not None:
                if line.espo is not None:
                    self.pairing.left_over.append((line.name, line.espo))
                self.pairing.lines[index] = replace(line, espo=espo)

    def by_value(self) -> None:
        """What neither side is known to have had before, but both have."""
        for where, espo in list(self.here.items()):
            other = self._same(espo, self.there.values())
            if other is not None:
                del self.here[where], self.there[other.id]
                self.pairing.lines.append(Line(self.entries.entry_name(other.id), espo, other))

    def by_marker(self, *, unchanged_there: bool) -> None:
        """Nothing is remembered: the marker holds the value last agreed on, so the other side was changed."""
        marked = {one.id: self._marked(one) for one in self.there.values()}
        for number, form in marked.items():
            one = self.there[number]
            espo = self.here.get((one.channel, form)) if form is not None and form != one.form else None
            if espo is not None:
                del self.here[(espo.channel, espo.form)], self.there[number]
                past = Past(espo, form, one.main, recovered=True)
                self.pairing.lines.append(Line(self.entries.entry_name(number), espo, one, past))
        if unchanged_there:
            for number, form in marked.items():
                if form is not None and number in self.there and form == self.there[number].form:
                    self._changed_since_marked(self.there[number])

    def _marked(self, one: AdvowareEntry) -> str | None:
        try:
            return None if one.mark is None else self.entries.codec.parse(Side.ADVOWARE, one.mark.value)
        except Unmappable:
            return None

    def _changed_since_marked(self, one: AdvowareEntry) -> None:
        """Advoware shows what was agreed on, EspoCRM does not: if just one value there can be it, it is."""
        kind = self.entries.type_of(one.kind)
        others = [
            other
            for other in self.there.values()
            if other.channel == one.channel and self.entries.type_of(other.kind) == kind and self._marked(other)
        ]
        new = [espo for espo in self.here.values() if espo.channel == one.channel and espo.type == kind]
        if len(others) == 1 and len(new) == 1:
            del self.here[(new[0].channel, new[0].form)], self.there[one.id]
            known = self.entries.read_espo_entry(self.entries.espo_raw(one.channel, one.form or "", kind, new[0].main))
            past = Past(known, one.form, one.main, recovered=True)
            self.pairing.lines.append(Line(self.entries.entry_name(one.id), new[0], one, past))

    def changed_in_espo(self) -> None:
        """Just one entry of a type is gone from EspoCRM and just one is new there: it was changed.

        Counted against the past, not against what is still unpaired, so that the next plan of a job says the same.
        """
        past = self.start
        gone = _by_type(one for where, one in past.items() if where not in self.all_here)
        new = _by_type(one for where, one in self.all_here.items() if where not in past)
        for index, line in enumerate(self.pairing.lines):
            before = _espo_before(line)
            where = place(before)
            if line.espo is not None or line.advoware is None or before is None or where is None or where not in past:
                continue  # what this very job has brought over is not counted: as gone and new it ends the same
            kind = (before.channel, past[where].type)
            if len(gone[kind]) != 1 or len(new[kind]) != 1 or place(gone[kind][0]) != place(before):
                continue
            [espo] = new[kind]
            if place(espo) in self.here:
                self.pairing.lines[index] = replace(line, espo=espo)
                del self.here[espo.channel, espo.form]

    def result(self) -> Pairing:
        """What is left over is new, or a twin that was there before."""
        lines = self.pairing.lines
        said = {place(line.espo) for line in lines if line.espo and place(line.advoware) == place(line.espo)}
        for line in list(lines):
            one = line.advoware
            if line.retire or (line.espo is not None and line.espo_changed) or one is None or not line.advoware_changed:
                continue
            if place(one) in said and place(line.espo) != place(one):  # changed to what another entry says already
                lines.remove(line)
                self.there[one.id] = one
                self.pairing.pasts.pop(one.id, None)
                if line.espo is not None:
                    self.pairing.left_over.append((line.name, line.espo))
        named = {line.name for line in lines}
        for number, past in self.pairing.pasts.items():
            name = self.entries.entry_name(number)
            if past.espo is None and number not in self.there and name not in named:
                lines.append(Line(name, None, None, past, retire=True))  # a twin that is gone
        for one in sorted(self.there.values(), key=lambda one: one.id):
            before = self.pairing.pasts.get(one.id)
            unchanged = before is not None and before.espo is None and before.form == one.form
            twin = place(one) in said or unchanged
            (self.pairing.twins if twin else self.pairing.new_advoware).append(one)
        self.pairing.new_espo = list(self.here.values())
        return self.pairing


def _espo_before(line: Line) -> EspoEntry | None:
    """EspoCRM's entry of a line when it was last agreed on, if it can still be the line's."""
    return None if line.past is None or line.retire else line.past.espo


def _by_type(found: Iterable[EspoEntry]) -> defaultdict[tuple[str, str | None], list[EspoEntry]]:
    kinds: defaultdict[tuple[str, str | None], list[EspoEntry]] = defaultdict(list)
    for one in found:
        kinds[one.channel, one.type].append(one)
    return kinds


def new_name(entries: EntryList, espo: EspoEntry, kind: int) -> str:
    """What an entry of this kind is called that Advoware shall get for EspoCRM's."""
    fresh = hashlib.blake2b(f"{espo.channel}{espo.form}{kind}".encode(), digest_size=6).hexdigest()
    return entries.entry_name(f"new:{fresh}")


def wants_other_kind(entries: EntryList, memory: Memory, line: Line, *, saved_since: bool) -> bool:
    """A person gave the value a type in EspoCRM that its entry in Advoware cannot have.

    `saved_since`: somebody has saved the record since it was last kept the same; what Advoware has refused of that
    still waits afterwards. Type belongs to the value, not to the record: where another known record holds it too,
    nobody knows who meant it.
    """
    if line.espo is None or line.advoware is None or line.past is None or line.past.espo is None or line.retire:
        return False
    fits = line.advoware.sure and entries.type_of(line.advoware.kind) == line.espo.type
    if fits or line.espo.type == line.past.espo.type or place(line.espo) != place(line.past.espo):
        return False
    if not saved_since and new_name(entries, line.espo, entries.new_kind(line.espo)) not in memory.waiting:
        return False
    return not memory.shared.get((line.espo.channel, line.espo.form))


def _pasts(entries: EntryList, memory: Memory) -> dict[int, Past]:
    """What the ledger remembers of this list's entries, by Advoware's id; under another rule it says nothing."""
    return _pasts_of(entries, memory.base)


def _pasts_of(entries: EntryList, bases: Mapping[str, Base]) -> dict[int, Past]:
    return {
        number: _past(entries, base)
        for number, base in _bases_of(entries, Same(bases)).items()
        if base.rule == entries.rule
    }


def _bases(entries: EntryList, memory: Memory) -> Mapping[int, Base]:
    """The bases of this list's entries, by Advoware's id."""
    return _bases_of(entries, Same(memory.base))


@lru_cache(maxsize=BASES_KNOWN)
def _bases_of(entries: EntryList, same: Same) -> Mapping[int, Base]:
    return {
        number: base
        for name, base in same.read.items()
        if entries.owns(name) and (number := entries.id_of(name)) is not None
    }


def _past(entries: EntryList, base: Base) -> Past:
    raw = base.advoware if isinstance(base.advoware, Mapping) else {}
    form = entries.codec.parse(Side.ADVOWARE, raw)
    return Past(_read(entries, base.espo), form, bool(raw.get("online")), kind=int(raw.get("kommKz") or 0))


def _read(entries: EntryList, raw: Any) -> EspoEntry | None:
    if not isinstance(raw, Mapping):
        return None
    try:
        return entries.read_espo_entry(raw)
    except Unmappable:
        return None

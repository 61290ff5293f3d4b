"""Planning the entries of a child list: what each of them must become on either side. Pure.

Which entries belong together is `pairing`'s; here each gets its verdict by the rules every field
has: against its own base, one side's change travels, both sides' changes are a conflict of this
entry alone. EspoCRM's lists come out whole, as it takes them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from mappers.spec import AdvowareEntry, Canonical, Direction, EntryList, EspoEntry, Mark, Policy, Raw, Side
from syncd.evidence import LOST, lost_entries, lost_name
from syncd.model import (
    ADD,
    CHANGE,
    Ask,
    Base,
    Decision,
    Dispute,
    EntryWrite,
    IntentState,
    Keep,
    Memory,
    Present,
    Quarantine,
)
from syncd.pairing import (
    Line,
    Pairing,
    channel_of,
    entries_there,
    is_settled,
    new_name,
    pair_up,
    place,
    shared_name,
    wants_other_kind,
)
from syncd.primary import Choice, choose
from syncd.remarks import REMARK, cut_text, owes_marker, wanted_remark
from syncd.restored import as_in_espo, filled_again, gone_ones, spelt
from syncd.shelf import Shelf, Shown

TWIN_STAYS = "twin_stays"  # why an entry waits: taken away in EspoCRM, its twin of another kind is still there


@dataclass(slots=True)
class EntryPlan:
    """What shall be done about one list."""

    advoware: list[EntryWrite] = field(default_factory=list)
    espo: list[EntryWrite] = field(default_factory=list)
    lists: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    partial: bool = False
    agreed: dict[str, Base | None] = field(default_factory=dict)
    kept: list[Keep] = field(default_factory=list)
    disputes: list[Dispute] = field(default_factory=list)
    asks: list[Ask] = field(default_factory=list)
    refused: list[Quarantine] = field(default_factory=list)
    waits: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Goal:
    """What an entry of Advoware shall become."""

    line: Line
    entry: AdvowareEntry
    tlf: str
    main: bool
    marked: bool = False  # whether the marker is due


def plan_entries(
    entries: EntryList, memory: Memory, espo: Present, advoware: Present, *, unchanged_there: bool, newer: Side | None
) -> EntryPlan:
    """Decide every entry of a list. A list either side does not show is left alone."""
    here = entries.read_espo(espo.body)
    there = entries_there(entries, memory, advoware.body)
    if entries.direction is Direction.OFF or there is None or not here:
        return EntryPlan()
    if is_settled(entries, memory, here, there):
        planned = EntryPlan()
    else:
        saved_since = espo.version != memory.espo_version
        planned = plan_pairs(
            entries, memory, here, there, newer, saved_since=saved_since, unchanged_there=unchanged_there
        )  # fmt: skip
    planned.kept += lost_entries(entries, memory, here, there)
    return planned


def plan_pairs(
    entries: EntryList, memory: Memory, here: Mapping[str, tuple[EspoEntry, ...]], there: tuple[AdvowareEntry, ...],
    newer: Side | None, *, saved_since: bool, unchanged_there: bool,
) -> EntryPlan:  # fmt: skip
    """Pair the entries up and decide about each."""
    pairing = pair_up(
        entries, memory, here, there, person_set_type=saved_since, unchanged_there=unchanged_there
    )  # fmt: skip
    return _Planner(entries, memory, here, there, pairing, newer, saved_since=saved_since).plan()


def _remark(one: AdvowareEntry) -> str:
    return str(one.raw.get(REMARK) or "")


class _Planner:
    """Works through one list."""

    def __init__(
        self, entries: EntryList, memory: Memory, here: Mapping[str, tuple[EspoEntry, ...]],
        there: tuple[AdvowareEntry, ...], pairing: Pairing, newer: Side | None, *, saved_since: bool,
    ) -> None:  # fmt: skip
        self.entries = entries
        self.memory = memory
        self.pairing = pairing
        self.newer = newer
        self.saved_since = saved_since
        self.there = {one.id: one for one in there}
        self.shelves = {channel: Shelf(channel, rows) for channel, rows in here.items()}
        self.goals: dict[str, _Goal] = {}
        self.slots = [one for one in there if one.is_slot and one.mark and one.mark.kind]
        self.result = EntryPlan()
        self.emptied: list[EntryWrite] = []
        self.retired: list[EntryWrite] = []
        self.added: list[EntryWrite] = []

    def plan(self) -> EntryPlan:
        for line in self.pairing.lines:
            self._line(line)
        for name, left in self.pairing.left_over:
            goal = self.goals.get(name)
            self._drop(name, left, goal.entry.raw if goal else None)
        for twin in self.pairing.twins:
            self._twin(twin)
        self._bring_back()
        for one in self.pairing.new_advoware:
            self._new_in_advoware(one)
        for espo in self.pairing.new_espo:
            if self.memory.believe is Side.ADVOWARE:
                self._is_not_believed(espo)
            else:
                self._new_in_espo(espo)
        self._primaries()
        changed = [write for goal in self.goals.values() if (write := self._put(goal)) is not None]
        self.result.advoware = [
            write
            for write in (*self._restored(), *self.emptied, *changed, *self.added, *self.retired)
            if write.name not in self.memory.stuck
        ]
        for shelf in self.shelves.values():
            self._fill(shelf)
        self._agree()
        return self.result

    # --- one entry --------------------------------------------------------------------------

    def _line(self, line: Line) -> None:
        espo, advoware = line.espo, line.advoware
        if espo is not None and advoware is not None:
            self.goals[line.name] = _Goal(line, advoware, advoware.raw.get("tlf") or "", advoware.main)
        if espo is None and advoware is None:
            self.result.agreed[line.name] = None
        elif self._decided(line):
            return
        elif self.memory.believe is not None and place(espo) != place(advoware):
            self._believe(line, self.memory.believe)
        elif espo is None and advoware is not None:
            if line.retire or not line.advoware_changed:
                self._empty(line.name, advoware, line)
            else:
                self._to_espo(line.name, None, advoware)
        elif advoware is None and espo is not None:
            if self._is_ours_applied_late(line.name, None):
                self._new_in_espo(espo)
            else:
                self._drop(line.name, espo)
        elif espo is not None and advoware is not None:
            self._both(line, espo, advoware)

    def _both(self, line: Line, espo: EspoEntry, advoware: AdvowareEntry) -> None:
        goal = self.goals[line.name]
        if place(espo) == place(advoware):
            owed = self._agreed_value(line.name) != advoware.form or owes_marker(self.memory.base.get(line.name))
            goal.marked = line.espo_changed or owed
            if self._wants_other_kind(line):
                added = self._add(espo, self.entries.new_kind(espo), advoware.text, advoware.raw.get("tlf"))
                if added is not None and added not in self.memory.stuck:  # first the new entry, then the old one goes
                    self._empty(line.name, advoware, replace(line, retire=True))
        elif line.espo_changed and line.advoware_changed and self._is_ours_unheard(line, espo.form):
            self._to_espo(line.name, espo, advoware)
        elif line.espo_changed and line.advoware_changed:
            self._contest(line, espo, advoware)
        elif line.espo_changed or (line.advoware_changed and self._is_ours_applied_late(line.name, advoware.form)):
            self._to_advoware(line, espo)
        elif line.advoware_changed:
            self._to_espo(line.name, espo, advoware)

    def _wants_other_kind(self, line: Line) -> bool:
        return wants_other_kind(self.entries, self.memory, line, saved_since=self.saved_since)

    def _believe(self, line: Line, right: Side) -> None:
        """After a restored backup a person said which side is right: the other follows, what it showed is kept."""
        espo, advoware = line.espo, line.advoware
        here, there = espo.form if espo else None, advoware.form if advoware else None
        if (there if right is Side.ESPO else here) is not None:
            base = line.past.form if line.past else None
            self.result.kept.append(Keep(line.name, right, here, there, base, "changed_on_both"))
        if right is Side.ADVOWARE:
            if advoware is not None:
                self._to_espo(line.name, espo, advoware)
            elif espo is not None:
                self._drop(line.name, espo)
        elif espo is None and advoware is not None:
            self._empty(line.name, advoware, line)
        elif espo is not None and advoware is None:
            self._new_in_espo(espo)
        elif espo is not None:
            self._to_advoware(line, espo)

    def _is_not_believed(self, espo: EspoEntry) -> None:
        """Only EspoCRM has it, whose backup was restored, and a person said that Advoware is right."""
        name = lost_name(self.entries, (espo.channel, espo.form))
        self.result.kept.append(Keep(name, Side.ADVOWARE, espo.form, None, None, "changed_on_both"))
        self._drop(name, espo)

    def _agreed_value(self, name: str) -> Canonical:
        """The value an entry of Advoware had when EspoCRM last had it too."""
        base = self.memory.base.get(name)
        return None if base is None or base.espo is None else self.entries.codec.parse(Side.ADVOWARE, base.advoware)

    def _is_ours_applied_late(self, name: str, form: Canonical) -> bool:
        """Advoware shows what a write of ours said that we had given up, and that was not there before it."""
        return any(
            write.field == name and write.after == form
            for intent in self.memory.intents
            if intent.verb == CHANGE and intent.state is IntentState.IN_DOUBT
            for write in intent.writes
            if self.entries.codec.parse(Side.ADVOWARE, write.before) != write.after
        )

    def _is_ours_unheard(self, line: Line, form: Canonical) -> bool:
        """EspoCRM shows what a PATCH of ours said whose answer never came: nobody typed it there."""
        agreed = line.past.form if line.past else None
        return any(
            self.entries.codec.parse(Side.ESPO, write.before) == agreed
            for intent in self.memory.intents
            if intent.side is Side.ESPO and intent.state is IntentState.IN_DOUBT
            for write in intent.writes
            if write.field == line.name and write.after == form
        )

    def _contest(self, line: Line, espo: EspoEntry, advoware: AdvowareEntry) -> None:
        """Both were changed, and differently. When an entry was saved in Advoware nobody knows: `newest` is EspoCRM."""
        base = line.past.form if line.past else None
        one_way = {Direction.TO_ADVOWARE: Side.ESPO, Direction.TO_ESPOCRM: Side.ADVOWARE}.get(self.entries.direction)
        if one_way is None and self.entries.policy is Policy.MANUAL:
            self.result.disputes.append(Dispute(line.name, espo.form, advoware.form, base, "manual"))
            return
        winner = one_way or (Side.ADVOWARE if self.entries.policy is Policy.ADVOWARE else Side.ESPO)
        value = espo.form if winner is Side.ESPO else advoware.form
        if not self._is_quarantined(winner.other, line.name, value):
            self.result.kept.append(Keep(line.name, winner, espo.form, advoware.form, base, "changed_on_both"))
        if winner is Side.ESPO:
            self._to_advoware(line, espo)
        else:
            self._to_espo(line.name, espo, advoware)

    def _decided(self, line: Line) -> bool:
        """A person chose a value for this entry, and both sides still show what was seen then."""
        decision = self.memory.decisions.get(line.name)
        if decision is None:
            return False
        espo = line.espo.form if line.espo else None
        advoware = line.advoware.form if line.advoware else None
        if espo not in (decision.saw_espo, decision.value) or advoware not in (decision.saw_advoware, decision.value):
            return False
        if espo == advoware == decision.value:
            return False
        channel = channel_of(line.espo) or channel_of(line.advoware) or ""
        if advoware != decision.value:
            self._decide_advoware(line, decision)
        if espo != decision.value:
            if decision.value is None and line.espo is not None:
                self._drop(line.name, line.espo)
            elif decision.value is not None:
                self._show(line.name, channel, line.espo, decision.value)
        return True

    def _decide_advoware(self, line: Line, decision: Decision) -> None:
        if line.advoware is None:
            return  # it comes back as a new entry once EspoCRM shows it
        if decision.value is None:
            self._empty(line.name, line.advoware, line)
        else:
            goal = self.goals.setdefault(line.name, _Goal(line, line.advoware, "", line.advoware.main))
            goal.tlf, goal.marked = spelt(self.entries, decision), True

    def _to_advoware(self, line: Line, espo: EspoEntry) -> None:
        if not self.entries.direction.allows(Side.ADVOWARE):
            return
        if self._is_quarantined(Side.ADVOWARE, line.name, espo.form):
            self.result.refused.append(Quarantine(Side.ADVOWARE, line.name, espo.form, ""))
            return
        goal = self.goals[line.name]
        goal.tlf, goal.marked = self.entries.advoware_text(espo), True

    def _to_espo(self, name: str, espo: EspoEntry | None, advoware: AdvowareEntry) -> None:
        if not self.entries.direction.allows(Side.ESPO):
            return
        moves = espo is not None and espo.channel != advoware.channel  # an address was typed over a number
        if not self._show(name, advoware.channel, None if moves else espo, advoware):
            return
        if moves and espo is not None:
            self._drop(name, espo, advoware.raw)
        line = Line(name, espo, advoware)
        goal = self.goals.get(name) or _Goal(line, advoware, advoware.raw.get("tlf") or "", advoware.main)
        goal.marked = True
        self.goals[name] = goal

    def _show(self, name: str, channel: str, espo: EspoEntry | None, value: Shown) -> bool:
        """Have EspoCRM show a value, in place of one of its entries or besides them; False where it cannot."""
        form = value if isinstance(value, str) else value.form or ""
        reason = self.entries.obstacle(channel, form)
        if self._is_quarantined(Side.ESPO, name, form):
            reason = reason or ""
        elif reason is None and espo is None and self.shelves[channel].is_full(self.entries.limit):
            reason = "full"
        if reason is not None:
            self.result.refused.append(Quarantine(Side.ESPO, name, form, reason))
            return False
        if espo is not None:
            self.shelves[channel].changes[espo.channel, espo.form] = (name, value)
        else:
            self.shelves[channel].adds.append((name, value))
        return True

    def _drop(self, name: str, espo: EspoEntry, other: Raw = None) -> None:
        """Take an entry out of EspoCRM's list; `other` is what the same entry is in Advoware, if it lives on there."""
        if self.entries.direction.allows(Side.ESPO):
            self.shelves[espo.channel].drops[espo.channel, espo.form] = (name, other)

    def _empty(self, name: str, one: AdvowareEntry, line: Line | None) -> None:
        """Make a slot of an entry, and of its twins of the same kind: they say what nobody wants any more."""
        if not self.entries.direction.allows(Side.ADVOWARE):
            return
        for twin in self.pairing.twins if line is not None and not line.retire else ():
            known = twin.id in self.pairing.pasts
            if known and place(twin) == place(one) and (twin.kind, twin.sure, one.sure) == (one.kind, True, True):
                self._empty(self.entries.entry_name(twin.id), twin, None)
        if self._is_quarantined(Side.ADVOWARE, name, None):
            self.result.asks.append(Ask(name, None, one.form))
            return
        remark = self.entries.remark(Mark(None, one.kind if one.sure else 0), one.text)
        body = self.entries.advoware_raw(self.entries.emptied, one.text if remark is None else remark, False)
        write = EntryWrite(name, one.channel, one.raw, None, None, one.id, body)
        (self.retired if line is not None and line.retire else self.emptied).append(write)
        if one.sure and remark is not None and not (line is not None and line.retire):
            self.slots.append(one)

    def _bring_back(self) -> None:
        """A number our own PATCH took away, and that a person wants back."""
        for name, decision in self.memory.decisions.items():
            if not name.startswith(self.entries.entry_name(LOST)) or decision.value is None:
                continue
            for channel, shelf in self.shelves.items():
                where = (channel, decision.value)
                if lost_name(self.entries, where) == name and all(one.form != decision.value for one in shelf.entries):
                    self._show(name, channel, None, decision.value)
        for name, decision in gone_ones(self.entries, self.memory):
            self._restore(name, decision)

    def _restore(self, name: str, decision: Decision) -> None:
        """An entry that is gone from both sides: its place in Advoware is filled again, else EspoCRM shows it anew."""
        one = self.there.get(self.entries.id_of(name) or 0)
        here = [espo.form for shelf in self.shelves.values() for espo in shelf.entries]
        if decision.value in (*here, *(other.form for other in self.there.values())) or (one and one.form is not None):
            return  # a person was quicker, or the place has been used again
        write = None if one is None else filled_again(self.entries, one, name, decision)
        if one is None or write is None:
            espo = as_in_espo(self.entries, decision)
            if espo is not None:
                self._show(name, espo.channel, None, espo)
        elif self._is_quarantined(Side.ADVOWARE, name, decision.value):
            self.result.refused.append(Quarantine(Side.ADVOWARE, name, decision.value, ""))
        elif self.entries.direction.allows(Side.ADVOWARE):
            self.slots = [slot for slot in self.slots if slot.id != one.id]
            self.added.append(write)

    # --- what is on one side only -----------------------------------------------------------

    def _twin(self, twin: AdvowareEntry) -> None:
        """An entry that says what another one says. EspoCRM has it once, or, taken away there, no more."""
        name = self.entries.entry_name(twin.id)
        if any(place(line.espo) == place(twin) for line in self.pairing.lines):
            if not self._is_needed(name):
                self._remember(name, Base(None, dict(twin.raw), self.entries.rule))
            if twin.mark is not None and twin.mark.value is not None:  # it says another value since: so must its marker
                goal = _Goal(Line(name, None, twin), twin, twin.raw.get("tlf") or "", twin.main, marked=True)
                self.goals.setdefault(name, goal)
            return
        comes_again = any(place(one) == place(twin) for one in self.pairing.new_advoware)
        if comes_again or any(write.id == twin.id for write in self.emptied):
            return
        decision = self.memory.decisions.get(name)
        if decision is not None and decision.saw_advoware == twin.form:
            if decision.value is None:
                self._empty(name, twin, None)
            else:
                self._new_in_advoware(twin)
            return
        self.result.disputes.append(Dispute(name, None, twin.form, twin.form, TWIN_STAYS))

    def _is_needed(self, name: str) -> bool:
        """Whether this base alone tells that EspoCRM's entry of an old value is none that is new there."""
        base = self.memory.base.get(name)
        if base is None or not isinstance(base.espo, Mapping):
            return False
        known = place(self.entries.read_espo_entry(base.espo))
        shared = [other.shared for other in self.memory.base.values()]
        shown = any(place(one) == known for shelf in self.shelves.values() for one in shelf.entries)
        return shown and shared.count(base.shared) == 1

    def _new_in_advoware(self, one: AdvowareEntry) -> None:
        """Typed there by a person: never to be destroyed."""
        self._to_espo(self.entries.entry_name(one.id), None, one)

    def _new_in_espo(self, espo: EspoEntry) -> None:
        if self.entries.direction.allows(Side.ADVOWARE):
            self._add(espo, self.entries.new_kind(espo), "")

    def _add(self, espo: EspoEntry, kind: int, user_text: str, spelt: Raw = None) -> str | None:
        """An entry of this kind for EspoCRM's: a slot is used again, or a new one made. Its name, if it is written.

        `spelt` is how a person wrote the value in Advoware, where it was there already.
        """
        if any(place(one) == place(espo) and one.sure and one.kind == kind for one in self.there.values()):
            return None
        name = new_name(self.entries, espo, kind)
        if self._is_quarantined(Side.ADVOWARE, name, espo.form):
            self.result.refused.append(Quarantine(Side.ADVOWARE, name, espo.form, ""))
            return None
        tlf = spelt or self.entries.advoware_text(espo)
        mark = Mark(tlf, kind)
        remark = self.entries.remark(mark, user_text) or self.entries.remark(mark, "") or ""
        body = self.entries.advoware_raw(tlf, remark, espo.main)
        slot = next((one for one in self.slots if one.kind == kind and not self._was_refused_by(one, espo)), None)
        if slot is not None:
            self.slots.remove(slot)
            name = self.entries.entry_name(slot.id)
            self.added.append(EntryWrite(name, espo.channel, slot.raw, espo.form, espo.raw, slot.id, body, kind))
            return name
        if self._in_doubt(espo.form):
            self.result.waits.append(name)
            return None
        body |= self.entries.advoware_kind(kind)
        self.added.append(EntryWrite(name, espo.channel, None, espo.form, espo.raw, None, body, kind))
        return name

    def _was_refused_by(self, slot: AdvowareEntry, espo: EspoEntry) -> bool:
        return self._is_quarantined(Side.ADVOWARE, self.entries.entry_name(slot.id), espo.form)

    def _in_doubt(self, form: str) -> bool:
        """Whether a POST of this value may still apply although its answer never came."""
        return any(
            write.after == form
            for intent in self.memory.intents
            if intent.verb == ADD and not intent.repeatable and intent.state in (IntentState.OPEN, IntentState.IN_DOUBT)
            for write in intent.writes
        )

    # --- primary and online -----------------------------------------------------------------

    def _primaries(self) -> None:
        for channel, shelf in self.shelves.items():
            goals = [goal for goal in self.goals.values() if goal.entry.channel == channel]
            choices = [
                Choice(
                    place(goal.line.espo) or place(goal.entry),
                    goal.entry.id,
                    bool(goal.line.espo and goal.line.espo.main),
                    goal.main,
                    self._main_before(goal.line),
                    goal.line.past.main if goal.line.past else None,
                    goal.marked and wanted_remark(self.entries, goal.entry, goal.tlf) != _remark(goal.entry),
                )
                for goal in goals
            ]
            shelf.main, online = choose(choices, self.entries, self.newer, first=not self.memory.met)
            for goal in goals:
                wanted = online.get(goal.entry.id, goal.main)
                if wanted != goal.main and not self._is_quarantined(
                    Side.ADVOWARE, f"{goal.line.name}.online", str(wanted)
                ):
                    goal.main = wanted

    def _main_before(self, line: Line) -> bool | None:
        """Whether EspoCRM's entry was the main one; a PATCH of ours that may have made it so is nobody's choice."""
        if line.past is None or line.past.espo is None:
            return None
        ours = any(
            write.field == line.name
            for intent in self.memory.intents
            if intent.side is Side.ESPO and intent.state is IntentState.IN_DOUBT
            for write in intent.writes
        )
        return line.espo.main if ours and line.espo is not None else line.past.espo.main

    # --- what is sent -----------------------------------------------------------------------

    def _put(self, goal: _Goal) -> EntryWrite | None:
        """The PUT that makes an entry what it shall be; None where it is."""
        if not self.entries.direction.allows(Side.ADVOWARE):
            return None
        raw, one = goal.entry.raw, goal.entry
        remark = _remark(one)
        if goal.marked:
            wanted = wanted_remark(self.entries, one, goal.tlf)
            if not self._is_quarantined(Side.ADVOWARE, f"{goal.line.name}.bemerkung", one.form):
                remark = wanted
        body = self.entries.advoware_raw(goal.tlf, remark, goal.main)
        if body == self.entries.advoware_raw(raw.get("tlf") or "", _remark(one), one.main):
            return None
        after = self.entries.codec.parse(Side.ADVOWARE, goal.tlf)
        espo = goal.line.espo.raw if goal.line.espo else None
        return EntryWrite(goal.line.name, one.channel, raw, after, espo, one.id, body)

    def _restored(self) -> list[EntryWrite]:
        """Remarks that Advoware cut when the marker was put before them: people's text goes back, unmarked."""
        found = []
        for intent in self.memory.intents:
            for write in intent.writes:
                number = self.entries.id_of(write.field) if self.entries.owns(write.field) else None
                one = self.there.get(number) if number is not None else None
                text = cut_text(self.entries, one, write)
                if one is None or text is None:
                    continue
                self.goals.pop(self.entries.entry_name(one.id), None)
                body = self.entries.advoware_raw(one.raw.get("tlf") or "", text, one.main)
                found.append(EntryWrite(write.field, one.channel, one.raw, one.form, None, one.id, body))
        return found

    def _fill(self, shelf: Shelf) -> None:
        """EspoCRM's list as it shall be, where that is not what it is."""
        online = [place(one) for one in self.there.values() if one.main and one.channel == shelf.channel]
        lines = {place(goal.line.espo): goal.line for goal in self.goals.values() if goal.line.espo is not None}
        filled = shelf.fill(self.entries, self.memory, online, lines)
        self.result.partial |= filled.partial
        if filled.rows is not None:
            self.result.lists[shelf.channel] = filled.rows
            self.result.espo += filled.writes

    # --- what is agreed ---------------------------------------------------------------------

    def _agree(self) -> None:
        """Entries that both sides show and nothing is to be written about become the base."""
        busy = {write.name for write in (*self.result.advoware, *self.result.espo)} | self.memory.stuck
        moved = set(self.result.lists)
        for line in self.pairing.lines:
            espo, one = line.espo, line.advoware
            if espo is None or one is None or place(espo) != place(one) or line.name in busy or espo.channel in moved:
                continue
            if self._wants_other_kind(line):
                continue
            shared = shared_name((espo.channel, espo.form))
            self._remember(line.name, Base(dict(espo.raw), dict(one.raw), self.entries.rule, shared))
        for line in self.pairing.lines:
            self._recover(line)

    def _recover(self, line: Line) -> None:
        """What a marker or a lost answer has shown of the past is remembered before anything makes it unreadable."""
        past, one = line.past, line.advoware
        if past is None or past.espo is None or one is None or not past.recovered:
            return
        if self._agreed_value(line.name) == past.form:
            return
        raw = {**one.raw, "tlf": past.form}
        shared = shared_name((past.espo.channel, past.espo.form))
        base = Base(dict(past.espo.raw), raw, self.entries.rule, shared)
        self.result.agreed.setdefault(line.name, base)

    def _remember(self, name: str, base: Base) -> None:
        if self.memory.base.get(name) != base:
            self.result.agreed[name] = base

    def _is_quarantined(self, side: Side, name: str, value: Canonical) -> bool:
        key = (side, name)
        return key in self.memory.quarantine and self.memory.quarantine[key] == value

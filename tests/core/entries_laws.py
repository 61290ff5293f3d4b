"""What must hold of any two lists once the plans have come to rest, judged only by what could be seen before.

A value that is new on a side was typed there; one that is missing was taken away. So the end is
known: what both still had, and all that was typed, unless a conflict kept it apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mappers.kommunikation import (
    KOMMUNIKATION,
    MAIL_KINDS,
    MAILS,
    PHONES,
    TYPES,
    form,
    read_espo_entry,
    remark,
    split,
    value,
)
from mappers.spec import AdvowareEntry, EspoEntry, Mark, Side
from syncd.entries import TWIN_STAYS
from syncd.model import Ask, Dispute, Keep, Quarantine
from syncd.pairing import Place
from tests.core.entries_world import World


@dataclass(frozen=True)
class Agreed:
    """An entry as both sides last agreed on it; a twin is not in EspoCRM."""

    espo: EspoEntry | None
    where: Place
    raw: Mapping[str, Any]


class Before:
    """What could be seen of a record before the first job."""

    def __init__(self, world: World) -> None:
        self.here = dict(world.here())
        self.there = dict(world.there())
        self.rows = {number: dict(row) for number, row in world.rows.items()}
        self.living = world.living()
        self.base: dict[int, Agreed] = {}
        for name, base in world.memory.base.items():
            if KOMMUNIKATION.owns(name):
                espo = read_espo_entry(base.espo) if base.espo else None
                agreed = form(base.advoware["tlf"]) or ""
                channel = MAILS if base.advoware["kommKz"] in MAIL_KINDS or "@" in agreed else PHONES
                self.base[int(name.split(":")[1])] = Agreed(espo, (channel, agreed), base.advoware)
        self.base_here = {_place(past.espo) for past in self.base.values() if past.espo}

    @property
    def typed_here(self) -> set[Place]:
        """Values a person typed into EspoCRM."""
        return {where for where in self.here if where not in self.base_here}

    @property
    def typed_there(self) -> dict[int, Place]:
        """Values a person typed into Advoware, by entry."""
        now = {number: _place(one) for number, one in self.there.items()}
        past = {number: one.where for number, one in self.base.items()}
        return {number: where for number, where in now.items() if past.get(number) != where}

    @property
    def wanted(self) -> set[Place]:
        """What both sides shall have in the end: what nobody took away, and what anybody typed."""
        both = {where for where in self.base_here if where in self.here and self.living[where]}
        return both | self.typed_here | set(self.typed_there.values())

    @property
    def changed_here(self) -> dict[int, Place]:
        """Entries whose value a person typed over in EspoCRM: just one of a type is gone, and just one is new."""
        typed = self.typed_here
        gone: dict[tuple[str, str | None], list[int]] = {}
        for number, past in self.base.items():
            now = self.there.get(number)
            if past.espo and _place(past.espo) not in self.here and now and _place(now) not in typed:
                gone.setdefault((past.espo.channel, past.espo.type), []).append(number)
        new: dict[tuple[str, str | None], list[Place]] = {}
        for where in typed:
            if not self.living[where]:
                new.setdefault((where[0], self.here[where].type), []).append(where)
        return {
            numbers[0]: new[what][0] for what, numbers in gone.items() if len(numbers) == len(new.get(what, ())) == 1
        }

    def was_touched_here(self, number: int) -> bool:
        past = self.base[number].espo
        return past is None or _place(past) not in self.here or self.here[_place(past)].raw != past.raw

    def was_touched_there(self, number: int) -> bool:
        past = self.base[number]
        now = self.there.get(number)
        return now is None or any(now.raw[name] != past.raw[name] for name in ("tlf", "online"))

    def is_untouched(self, number: int) -> bool:
        return number in self.base and not self.was_touched_here(number) and not self.was_touched_there(number)


def check(before: Before, after: World) -> None:
    """All laws of a pair with a known past."""
    end_is_what_people_wanted(before, after)
    nothing_is_doubled(before, after)
    conflicts_are_conflicts(before, after)
    only_a_changed_entry_takes_another_value(before, after)
    untouched_entries_are_not_written(before, after)
    only_the_other_side_is_written(before, after)
    people_keep_their_remarks(before, after)
    nothing_unknown_is_emptied(before, after)
    types_agree(before, after)
    what_is_linked_is_marked(before, after)
    what_both_show_is_remembered(after)
    it_is_quiet(after)
    a_lost_ledger_changes_nothing(after)


def end_is_what_people_wanted(before: Before, after: World) -> None:
    here, there = set(after.here()), set(after.living())
    told = _told(before, after)
    lost = {value for keep in after.kept for value in (keep.espo, keep.advoware)}
    for where in before.wanted:
        if where not in here or where not in there:
            assert where[1] in lost or where in told, f"{where} is missing"
    for where in (here | there) - before.wanted:
        assert where in told, f"{where} has come back"
    assert (here ^ there) <= told, f"{here ^ there} on one side only"


def nothing_typed_is_lost(before: Before, after: World) -> None:
    """What nobody took away is on both sides, or kept, or shown; what was taken away may have come back."""
    told, lost = _told(before, after), {value for keep in after.kept for value in (keep.espo, keep.advoware)}
    for where in before.wanted - told:
        there = where in after.here() and where in after.living()
        assert there or where[1] in lost, f"{where} is lost"
    assert set(after.here()) ^ set(after.living()) <= told


def _told(before: Before, after: World) -> set[Place]:
    """Values of which a person is told that they are not on both sides."""
    told = set()
    for name, item in after.waiting.items():
        number = int(name.split(":")[1]) if name.split(":")[1].isdigit() else None
        channels = {where[0] for where in {*after.here(), *after.living(), *before.here, *before.living}}
        values: tuple[str | None, ...]
        match item:
            case Dispute(_, espo, advoware, _, why):
                values = (espo, advoware)
                if why == TWIN_STAYS:
                    assert number is not None
                    assert _place(before.there[number]) not in before.here
            case Quarantine(side, _, refused, _):
                values = (refused,)
                assert side is Side.ESPO, "Advoware takes everything here"
            case Ask():
                raise AssertionError("Advoware empties everything here")
        if number in before.base:  # neither value of the entry can travel
            past = before.base[number]
            told |= {where for where in (past.where, before.changed_here.get(number)) if where is not None}
        told |= {(channel, one) for channel in channels for one in values if one is not None}
    return told


def nothing_is_doubled(before: Before, after: World) -> None:
    for where, count in after.living().items():
        assert count <= max(1, before.living[where]), f"{where} is there {count} times"


def conflicts_are_conflicts(before: Before, after: World) -> None:
    """Only where both changed one and the same entry; different numbers are nobody's conflict."""
    open_ones = [item for item in after.waiting.values() if isinstance(item, Dispute)]
    told: list[Keep | Dispute] = [*after.kept, *open_ones]
    for item in told:
        if isinstance(item, Dispute) and item.why == TWIN_STAYS:
            continue
        number = int(item.field.split(":")[1])
        assert number in before.typed_there, "not changed in Advoware"
        assert number in before.changed_here, "not changed in EspoCRM"
        if isinstance(item, Keep):
            loser = item.advoware if item.winner is Side.ESPO else item.espo
            winner = item.espo if item.winner is Side.ESPO else item.advoware
            assert loser != winner


def only_a_changed_entry_takes_another_value(before: Before, after: World) -> None:
    """Two are gone or two are new: nobody knows which is which, and no number gets another one's remark."""
    for write in after.sent:
        if write.id in before.there and write.after is not None and write.before["tlf"]:
            now = before.there[write.id]
            changed = before.changed_here.get(write.id)
            assert write.after == now.form or (changed and write.after == changed[1]), f"{write.id} := {write.after}"


def untouched_entries_are_not_written(before: Before, after: World) -> None:
    untouched = {number for number in before.base if before.is_untouched(number)}
    for write in after.sent:
        assert write.id not in untouched, f"unasked PUT of {write.id}: {dict(write.body)}"
    for patch in after.patches:
        for channel, sent in patch.items():
            for number in untouched:
                espo = before.base[number].espo
                if espo is not None and espo.channel == channel:
                    raw = before.here[_place(espo)].raw
                    same = [{**row, "primary": None} for row in sent]
                    assert {**raw, "primary": None} in same, f"{number} is not sent as it was read"
            chosen = [espo for espo in before.here.values() if espo.main and espo.channel == channel]
            rows = [row for row in sent if row["primary"]]
            turned = any(
                bool(before.rows[number]["online"]) != bool(before.base[number].raw["online"])
                if number in before.base and number in before.rows
                else True
                for number in {*before.base, *before.rows}
            )
            if chosen and dict(chosen[0].raw) in sent and not turned:
                assert rows == [dict(chosen[0].raw)], "another entry was made the primary one"


def only_the_other_side_is_written(before: Before, after: World) -> None:
    """Nobody typed in Advoware: EspoCRM is left alone. Nobody typed in EspoCRM: only markers go to Advoware."""
    touched_there = {number for number in before.base if before.was_touched_there(number)}
    new_there = set(before.there) - set(before.base)
    channels = {before.base[number].where[0] for number in touched_there}
    channels |= {before.there[number].channel for number in new_there}
    channels |= {
        before.there[number].channel for number in touched_there & before.there.keys()
    }  # an address typed over
    for patch in after.patches:
        assert set(patch) <= channels, "EspoCRM's list was written although nobody typed in Advoware"
    if before.typed_here or any(before.was_touched_here(number) for number in before.base if before.base[number].espo):
        return
    for write in after.sent:
        assert write.id in touched_there | new_there
        assert write.body["tlf"] == before.rows[write.id]["tlf"], "a value nobody typed in EspoCRM"
        assert write.body["online"] == before.rows[write.id]["online"]


def people_keep_their_remarks(before: Before, after: World) -> None:
    reused = set()
    for write in after.sent:
        if write.id is not None and not (write.before["tlf"] or "").strip() and write.body["tlf"]:
            mark, _ = split(write.before["bemerkung"])
            assert mark is not None, "only slots are used again"
            assert mark.value is None
            reused.add(write.id)
    for number, row in before.rows.items():
        if number not in reused:
            assert _text(after.rows[number]) == _text(row), f"remark of {number}"
    for number, row in after.rows.items():
        assert row["kommKz"] == before.rows.get(number, row)["kommKz"]


def nothing_unknown_is_emptied(before: Before, after: World) -> None:
    for write in after.sent:
        if write.id in before.there and write.id not in before.base:
            assert value(write.body["tlf"]) == before.there[write.id].value, "an entry nobody knew was written over"


def types_agree(before: Before, after: World) -> None:
    """A type a person chose in EspoCRM is the kind in Advoware, also of what is new there."""
    kinds: dict[Place, set[str | None]] = {}
    for one in after.there().values():
        if one.sure:
            kinds.setdefault(_place(one), set()).add(TYPES.get(one.kind))
    for where, espo in after.here().items():
        if where in kinds and where in before.here:
            past = [one.espo for one in before.base.values() if one.espo and _place(one.espo) == where]
            there = where in before.typed_there.values()  # then the kind is a person's too
            retyped = bool(past) and past[0].type != before.here[where].type and not there
            new = where in before.typed_here and not there
            if retyped or new:
                assert espo.type == before.here[where].type
                assert espo.type in kinds[where], f"{where} is {kinds[where]} in Advoware, {espo.type} in EspoCRM"


def what_is_linked_is_marked(before: Before, after: World) -> None:
    """The marker holds the value agreed on; where a person took it away, or none fits, there is none."""
    end = Before(after)
    for number, past in end.base.items():
        if past.espo is None or number not in end.there:
            continue
        known = before.base.get(number)
        if known is None or known.espo is None or known.where != past.where:
            one = end.there[number]
            if one.mark is None and remark(Mark(one.raw["tlf"], one.kind), one.text) is None:
                continue
            assert one.mark is not None, f"{number} is linked but not marked"
            assert form(one.mark.value) == past.where[1], f"{number} is marked as {one.mark.value}"


def what_both_show_is_remembered(after: World) -> None:
    """Else an entry that a person takes away next would be taken for a new one of the other side."""
    known = {(past.espo.channel, past.espo.form) for past in Before(after).base.values() if past.espo is not None}
    both = set(after.here()) & set(after.living())
    assert both - _open(after) <= known, f"{both - known} are not remembered"


def _open(after: World) -> set[Place]:
    """Values of questions that wait for a person."""
    disputes = [item for item in after.waiting.values() if isinstance(item, Dispute)]
    values = {one for item in disputes for one in (item.espo, item.advoware)}
    return {where for where in {*after.here(), *after.living()} if where[1] in values}


def it_is_quiet(after: World) -> None:
    again = after.copy()
    assert again.job()
    assert not again.sent, f"a second job writes {[(w.id, dict(w.body)) for w in again.sent]}"
    assert not again.patches, f"a second job writes {again.patches}"
    assert again.waiting == after.waiting
    third = again.copy()
    assert third.job()
    assert third.memory.base == again.memory.base, "every job remembers something else"


def a_lost_ledger_changes_nothing(after: World) -> None:
    """An installation that has markers goes on without a word."""
    lost = after.copy()
    lost.lose_ledger()
    assert lost.job()
    if after.waiting:  # what was open is a first sync's question; nothing is doubled or deleted by it
        told = _told(Before(after), after) | _told(Before(after), lost)
        replaced = {value for keep in lost.kept for value in (keep.espo, keep.advoware)}
        for where in {*after.here(), *after.living()} - told:
            assert where[1] in replaced or (where in lost.here() and where in lost.living()), f"{where} is lost"
        nothing_is_doubled(Before(after), lost)
        return
    for write in lost.sent:
        row = after.rows[write.id or 0]
        assert split(row["bemerkung"])[0] is None, f"ledger lost: writes {write.id} {dict(write.body)}"
        assert write.body["tlf"] == row["tlf"], "only the marker is due"
    assert not lost.patches, f"ledger lost: writes {lost.patches}"
    what_both_show_is_remembered(lost)


def _text(row: Mapping[str, Any]) -> str:
    return split(row["bemerkung"])[1]


def _place(entry: EspoEntry | AdvowareEntry | None) -> Place:
    return ("", "") if entry is None else (entry.channel, entry.form or "")

"""The demonstration: a short one with the real daemon, and a judge that cannot be deceived."""

from __future__ import annotations

import base64
import copy
import os
import random
import subprocess
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from syncd.sandbox import Sandbox, defaults
from syncd.sandbox.calllog import Call
from syncd.sandbox.demo_check import End, Report, judge
from syncd.sandbox.demo_daemon import Daemon, DaemonError
from syncd.sandbox.demo_diary import FIELDS, Diary, Did, Number, meaning, shown, shows
from syncd.sandbox.demo_numbers import Numbers
from syncd.sandbox.demo_numbers_story import PARTS, NumberActs
from syncd.sandbox.reachability import living, user_text
from syncd.sandbox.reachability import meaning as number
from syncd.sandbox.sandbox import ADVOWARE, ESPO
from tests.sandbox.conftest import START, HandClock

HERE = f"/api/v1/advonet/Beteiligte/{100_001}"
NEW = {"firstName": "Nele", "lastName": "Thalbach", "geburtsdatum": "1980-02-03", "salutationName": "Ms."}


class Played:
    """A day in two offices whose changes somebody carried over faithfully: the end the judge must accept."""

    PAIRS = 5

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.diary = Diary(sandbox, lambda _: None)
        self.pairs = sandbox.seed.synced(self.PAIRS)
        self.before = copy.deepcopy(sandbox.dump())
        self.conflicts: list[dict[str, Any]] = []
        first, second, third, fourth, fifth = (record for record, _ in self.pairs[:5])
        self.first, self.untouched, self.contested = first, second, third
        self.diary.edit(ESPO, first, {"zusatz": "Haus 1"}, "anna")
        self.diary.edit(ESPO, first, {"zusatz": "Haus 2"}, "bernd")
        self.diary.edit(ADVOWARE, first, {"titel": "Dr. med."}, "AB")
        self.contest(third)
        self.diary.vanish(fourth, "AB")
        self.diary.delete(fifth, "anna")
        self.new = self.diary.create(NEW, "anna")
        self.carry(first, ADVOWARE, "zusatz")
        self.carry(first, ESPO, "titel")
        self.carry(third, ADVOWARE, "briefanrede")
        self.betnr = sandbox.advoware.create(
            defaults.ADVOWARE_USER,
            {"name": "Thalbach", "vorname": "Nele", "geburtsdatum": "1980-02-03", "anrede": "Frau"},
        ).values["betNr"]
        self.set_espo(self.new, {"betnr": self.betnr})
        for record in (first, third, self.new):
            self.set_espo(record, {"syncStatus": "clean"})
        self.set_espo(fourth, {"syncStatus": "deleted_in_advoware"})

    def contest(self, record: str) -> None:
        """Both sides at once in one field; EspoCRM wins, the ledger has the other value."""
        self.diary.edit(ESPO, record, {"briefanrede": "Liebe A,"}, "anna")
        self.diary.edit(ADVOWARE, record, {"briefanrede": "Liebe B,"}, "CD")
        self.conflicts.append(
            {
                "key": f"beteiligte/{record}",
                "field": "briefanrede",
                "kind": "changed_on_both",
                "state": "kept",
                "espo": "Liebe A,",
                "advoware": "Liebe B,",
            }
        )

    def carry(self, record: str, target: str, name: str) -> None:
        """The value of the other side, as the daemon would write it."""
        source = self.diary.advoware(record) if target == ESPO else self.diary.espo(record)
        assert source is not None
        value = shown(name, ADVOWARE if target == ESPO else ESPO, source)
        if target == ESPO:
            self.set_espo(record, {FIELDS[name][0]: value})
        else:
            self.set_advoware(record, {FIELDS[name][1]: value})

    def set_espo(self, record: str, values: Mapping[str, Any]) -> None:
        self.sandbox.espo.update(self.sandbox.espo.api_user, "CBeteiligte", record, values)

    def set_advoware(self, record: str, values: Mapping[str, Any]) -> None:
        betnr = self.diary.betnr(record)
        assert betnr is not None
        self.sandbox.advoware.edit(defaults.ADVOWARE_USER, betnr, values)

    def advoware_body(self) -> dict[str, Any]:
        """The Beteiligter nobody touched."""
        body = self.diary.advoware(self.untouched)
        assert body is not None
        return body

    def end(self, **changes: Any) -> End:
        end = End(
            before=self.before,
            after=self.sandbox.dump(),
            typed=self.diary.typed,
            born=self.diary.born,
            deleted=frozenset(self.diary.deleted),
            vanished=frozenset(self.diary.vanished),
            conflicts=self.conflicts,
        )
        return replace(end, **changes)


@pytest.fixture
def played(sandbox: Sandbox) -> Played:
    return Played(sandbox)


def test_a_faithful_end_is_accepted(played: Played) -> None:
    report = judge(played.end())
    assert report.wrong == []
    assert (report.pairs, report.kept, report.checked) == (4, 1, 4 * len(FIELDS))
    assert report.checked == report.equal


def _lose(played: Played) -> None:
    played.set_espo(played.first, {"zusatz": None})
    played.set_advoware(played.first, {"zusatz": None})


def _revert(played: Played) -> None:
    played.set_espo(played.first, {"zusatz": "Haus 1"})
    played.set_advoware(played.first, {"zusatz": "Haus 1"})


def _forget_loser(played: Played) -> None:
    played.conflicts.clear()


def _never_create(played: Played) -> None:
    played.set_espo(played.new, {"betnr": None})
    played.sandbox.advoware.vanish(played.betnr)


def _create_twice(played: Played) -> None:
    values = {"name": "Thalbach", "vorname": "Nele", "geburtsdatum": "1980-02-03", "anrede": "Frau"}
    played.sandbox.advoware.create(defaults.ADVOWARE_USER, values)


def _share(played: Played) -> None:
    played.set_espo(played.new, {"betnr": played.diary.betnr(played.untouched)})


def _import(played: Played) -> None:
    played.sandbox.espo.create(played.sandbox.espo.api_user, "CBeteiligte", {"lastName": "Niemand"})


def _touch_espo(played: Played) -> None:
    played.set_espo(played.untouched, {"description": "von niemandem"})


def _touch_both(played: Played) -> None:
    played.set_espo(played.untouched, {"rechtsform": "Divers"})
    played.set_advoware(played.untouched, {"rechtsform": "Divers"})


def _respell(played: Played) -> None:
    played.set_advoware(played.untouched, {"bAnrede": f"{played.advoware_body()['bAnrede']} "})


def _touch_child(played: Played) -> None:
    child = played.advoware_body()["kommunikation"][0]["id"]
    betnr = played.diary.betnr(played.untouched)
    assert betnr is not None
    played.sandbox.people.advoware.edit_kommunikation(betnr, child, {"bemerkung": ""})


def _differ(played: Played) -> None:
    played.set_advoware(played.first, {"zusatz": "Haus 1"})


def _stuck(played: Played) -> None:
    played.set_espo(played.first, {"syncStatus": "failed"})


def _cry_wolf(played: Played) -> None:
    played.set_espo(played.first, {"syncStatus": "conflict"})


def _delete_address(played: Played) -> None:
    table = played.sandbox.people.espo
    table.delete(table.ids("CAdressen")[0], "CAdressen")


@pytest.mark.parametrize(
    ("manipulate", "kind"),
    [
        (_lose, "lost"),
        (_revert, "lost"),
        (_forget_loser, "lost"),
        (_never_create, "lost"),
        (_create_twice, "doubled"),
        (_share, "doubled"),
        (_import, "doubled"),
        (_touch_espo, "unasked"),
        (_touch_both, "unasked"),
        (_respell, "unasked"),
        (_touch_child, "unasked"),
        (_delete_address, "unasked"),
        (_differ, "differing"),
        (_stuck, "unfinished"),
        (_cry_wolf, "unfinished"),
    ],
)
def test_no_manipulated_end_deceives_the_judge(played: Played, manipulate: Callable[[Played], None], kind: str) -> None:
    manipulate(played)
    assert getattr(judge(played.end()), kind)


class Dialled(Played):
    """The same day, and people also had to do with phones and e-mails; again somebody carried it all over."""

    PAIRS = 9

    def __init__(self, sandbox: Sandbox) -> None:
        super().__init__(sandbox)
        self.numbers = Numbers(self.diary)
        self.history: list[dict[str, Any]] = []
        self.busy, self.rivals, self.emptied, self.unreadable = (record for record, _ in self.pairs[5:])
        self.office = "+495115000001"
        self._busy()
        self._rivals()
        self._emptied()
        self._unreadable()

    def _busy(self) -> None:
        """Changed and retyped in EspoCRM, added and annotated in Advoware."""
        record, numbers = self.busy, self.numbers
        self.old = self.first_phone(record)
        entry = numbers.entry_of(record, self.old)
        numbers.change(record, self.old, self.office, "anna")
        self.put(record, entry, self.office, 1)
        numbers.annotate(record, self.entry(record, self.office), "nur vormittags", "AB")
        numbers.enter(record, "0511/50000-02", 1, "CD", "Zentrale")
        self.added = "+495115000002"
        self.show(record, "phoneNumberData", {"phoneNumber": self.added, "type": "Office", "primary": False})
        self.put(record, self.entry(record, self.added), "0511/50000-02", 1)
        numbers.add(record, "+495115000003", "Home", "bernd")
        self.post(record, "+495115000003", 6)
        numbers.prefer(record, "+495115000003", "bernd")

    def _rivals(self) -> None:
        record, value = self.rivals, self.first_phone(self.rivals)
        entry = self.numbers.entry_of(record, value)
        self.numbers.change(record, value, "+495115000004", "anna")
        self.numbers.correct(record, entry, "0511/50000-05", "AB")
        self.put(record, self.entry(record, "+495115000005"), "+495115000004", 1)
        self.tell(record, f"{entry['id']}", "kept", "+495115000004", "+495115000005")

    def _emptied(self) -> None:
        """Removed in EspoCRM, so emptied in Advoware; another one removed in Advoware."""
        record, self.gone = self.emptied, self.first_phone(self.emptied)
        entry = self.numbers.entry_of(record, self.gone)
        self.numbers.remove(record, self.gone, "anna")
        slot = {"tlf": "", "bemerkung": "[ESPOCRM-SLOT:1]", "online": False}
        self.sandbox.advoware.put_kommunikation(defaults.ADVOWARE_USER, self.betnr_of(record), entry["id"], slot)
        mail = self.numbers.entry_of(record, self.first_mail(record))
        self.numbers.strike(record, mail, "CD")
        self.set_espo(record, {"emailAddressData": []})

    def _unreadable(self) -> None:
        self.numbers.enter(self.unreadable, "nach 18 Uhr fragen", 10, "AB")
        entry = self.entry(self.unreadable, "nach 18 Uhr fragen")
        self.tell(self.unreadable, str(entry["id"]), "open", None, "nach 18 Uhr fragen")
        for record in (self.busy, self.rivals, self.emptied):
            self.set_espo(record, {"syncStatus": "clean"})
        self.set_espo(self.unreadable, {"syncStatus": "conflict"})

    def first_phone(self, record: str) -> str:
        return str(self.diary.espo(record)["phoneNumber"])

    def first_mail(self, record: str) -> str:
        return str(self.diary.espo(record)["emailAddress"])

    def betnr_of(self, record: str) -> int:
        betnr = self.diary.betnr(record)
        assert betnr is not None
        return betnr

    def entry(self, record: str, value: str) -> Mapping[str, Any]:
        return self.numbers.entry_of(record, value)

    def put(self, record: str, entry: Mapping[str, Any], tlf: str, kind: int, text: str | None = None) -> None:
        """Write an entry as the daemon does: marker, and the text behind it."""
        behind = user_text(entry["bemerkung"]) if text is None else text
        marker = f"[ESPOCRM:{base64.b64encode(str(number(tlf)).encode()).decode()}:{kind}]"
        body = {"tlf": tlf, "bemerkung": f"{marker} {behind}".strip(), "online": entry["online"]}
        self.sandbox.advoware.put_kommunikation(defaults.ADVOWARE_USER, self.betnr_of(record), entry["id"], body)

    def post(self, record: str, tlf: str, kind: int) -> None:
        marker = f"[ESPOCRM:{base64.b64encode(tlf.encode()).decode()}:{kind}]"
        body = {"tlf": tlf, "bemerkung": marker, "kommKz": kind, "online": False}
        self.sandbox.advoware.add_kommunikation(defaults.ADVOWARE_USER, self.betnr_of(record), body)

    def show(self, record: str, data: str, line: Mapping[str, Any]) -> None:
        self.set_espo(record, {data: [*self.diary.espo(record)[data], line]})

    def hide(self, record: str, value: str) -> None:
        """Take a value out of both systems."""
        for data, name in (("phoneNumberData", "phoneNumber"), ("emailAddressData", "emailAddress")):
            lines = self.diary.espo(record)[data]
            rest = [line for line in lines if number(line[name]) != value]
            if len(rest) < len(lines):
                self.set_espo(record, {data: rest})
        for entry in living(self.diary.advoware(record) or {}):
            if number(entry["tlf"]) == value:
                slot = {"tlf": "", "bemerkung": f"[ESPOCRM-SLOT:{entry['kommKz']}]", "online": False}
                who = defaults.ADVOWARE_USER
                self.sandbox.advoware.put_kommunikation(who, self.betnr_of(record), entry["id"], slot)

    def edit_line(self, record: str, value: str, **changes: Any) -> None:
        lines = self.diary.espo(record)["phoneNumberData"]
        changed = [line | (changes if line["phoneNumber"] == value else {}) for line in lines]
        self.set_espo(record, {"phoneNumberData": changed})

    def tell(self, record: str, entry: str, state: str, espo: str | None, advoware: str | None) -> None:
        row = {"key": f"beteiligte/{record}", "field": f"kommunikation:{entry}", "kind": "changed_on_both"}
        self.conflicts.append(row | {"state": state, "espo": espo, "advoware": advoware})

    def end(self, **changes: Any) -> End:
        return super().end(history=self.history, **changes)


@pytest.fixture
def dialled(sandbox: Sandbox) -> Dialled:
    return Dialled(sandbox)


def test_a_faithful_end_with_numbers_is_accepted(dialled: Dialled) -> None:
    report = judge(dialled.end())
    assert report.wrong == []
    assert (report.pairs, report.kept, report.one_sided) == (8, 2, 1)
    assert report.numbers > 0


def _lose_a_number(day: Dialled) -> None:
    day.hide(day.busy, day.added)


def _lose_a_number_of_one_side(day: Dialled) -> None:
    day.edit_line(day.busy, day.added, phoneNumber="+495115999999")


def _lose_what_nobody_touched(day: Dialled) -> None:
    day.hide(day.busy, day.first_mail(day.busy))


def _forget_the_rival(day: Dialled) -> None:
    day.conflicts[:] = [row for row in day.conflicts if row["field"] == "briefanrede" or row["state"] == "open"]


def _bring_back(day: Dialled) -> None:
    day.post(day.emptied, day.gone, 1)
    day.show(day.emptied, "phoneNumberData", {"phoneNumber": day.gone, "type": "Office", "primary": True})


def _bring_back_the_old_one(day: Dialled) -> None:
    day.post(day.busy, day.old, 1)
    day.show(day.busy, "phoneNumberData", {"phoneNumber": day.old, "type": "Office", "primary": False})


def _make_twice(day: Dialled) -> None:
    day.post(day.busy, "+495115000003", 6)


def _make_twice_and_empty_one(day: Dialled) -> None:
    slot = {"tlf": "", "bemerkung": "[ESPOCRM-SLOT:6]", "kommKz": 6, "online": False}
    for _ in range(3):
        day.sandbox.advoware.add_kommunikation(defaults.ADVOWARE_USER, day.betnr_of(day.busy), slot)


def _drop_a_text(day: Dialled) -> None:
    day.put(day.busy, day.entry(day.busy, day.office), day.office, 1, text="")


def _drop_the_text_of_an_added_one(day: Dialled) -> None:
    day.put(day.busy, day.entry(day.busy, day.added), "0511/50000-02", 1, text="")


def _write_an_untouched_entry(day: Dialled) -> None:
    entry = day.entry(day.rivals, day.first_mail(day.rivals))
    who, betnr = defaults.ADVOWARE_USER, day.betnr_of(day.rivals)
    day.sandbox.advoware.put_kommunikation(who, betnr, entry["id"], entry)


def _write_an_entry_of_a_record_with_other_edits(day: Dialled) -> None:
    entry = day.entry(day.first, day.first_mail(day.first))
    who, betnr = defaults.ADVOWARE_USER, day.betnr_of(day.first)
    day.sandbox.advoware.put_kommunikation(who, betnr, entry["id"], entry)


def _choose_for_people(day: Dialled) -> None:
    entry = day.entry(day.unreadable, day.first_mail(day.unreadable))
    changed = dict(entry) | {"online": not entry["online"]}
    day.put(day.unreadable, changed, entry["tlf"], 4)


def _leave_no_slot(day: Dialled) -> None:
    entry = next(one for one in day.numbers.entries(day.emptied) if not one["tlf"])
    who, betnr = defaults.ADVOWARE_USER, day.betnr_of(day.emptied)
    day.sandbox.advoware.edit_kommunikation(who, betnr, entry["id"], {"bemerkung": ""})


def _respell_a_number(day: Dialled) -> None:
    day.put(day.busy, day.entry(day.busy, day.added), day.added, 1)


def _choose_another_type(day: Dialled) -> None:
    day.edit_line(day.rivals, "+495115000004", type="Other")


def _forget_the_type(day: Dialled) -> None:
    day.edit_line(day.busy, "+495115000003", type="Other")


def _choose_another_first(day: Dialled) -> None:
    day.edit_line(day.busy, day.office, primary=True)


def _keep_an_old_marker(day: Dialled) -> None:
    entry = day.entry(day.busy, day.added)
    changes = {"bemerkung": f"[ESPOCRM:{base64.b64encode(b'+49511').decode()}:1] Zentrale"}
    day.sandbox.advoware.edit_kommunikation(defaults.ADVOWARE_USER, day.betnr_of(day.busy), entry["id"], changes)


def _tell_nobody(day: Dialled) -> None:
    day.conflicts.pop()
    day.set_espo(day.unreadable, {"syncStatus": "clean"})


@pytest.mark.parametrize(
    ("manipulate", "kind"),
    [
        (_lose_a_number, "lost"),
        (_lose_a_number_of_one_side, "lost"),
        (_lose_a_number_of_one_side, "differing"),
        (_lose_a_number_of_one_side, "unasked"),
        (_lose_what_nobody_touched, "unasked"),
        (_forget_the_rival, "lost"),
        (_bring_back, "lost"),
        (_bring_back_the_old_one, "lost"),
        (_make_twice, "doubled"),
        (_make_twice, "differing"),
        (_make_twice_and_empty_one, "doubled"),
        (_drop_a_text, "lost"),
        (_drop_the_text_of_an_added_one, "unasked"),
        (_write_an_untouched_entry, "unasked"),
        (_write_an_entry_of_a_record_with_other_edits, "unasked"),
        (_respell_a_number, "unasked"),
        (_leave_no_slot, "unasked"),
        (_choose_for_people, "unasked"),
        (_choose_another_type, "unasked"),
        (_forget_the_type, "lost"),
        (_choose_another_first, "lost"),
        (_keep_an_old_marker, "differing"),
        (_tell_nobody, "lost"),
        (_tell_nobody, "differing"),
    ],
)
def test_no_manipulated_number_deceives_the_judge(
    dialled: Dialled, manipulate: Callable[[Dialled], None], kind: str
) -> None:
    manipulate(dialled)
    assert getattr(judge(dialled.end()), kind)


def test_a_text_that_had_to_go_is_looked_for_in_the_history(dialled: Dialled) -> None:
    """Removed in EspoCRM, and the slot is used for another number: its text is in the ledger."""
    record = dialled.busy
    dialled.numbers.remove(record, dialled.office, "anna")
    entry = dialled.entry(record, dialled.office)
    dialled.numbers.add(record, "+495115000009", "Office", "anna")
    dialled.put(record, entry, "+495115000009", 1, text="")
    dialled.set_espo(record, {"syncStatus": "clean"})
    assert [line for line in judge(dialled.end()).lost if "nur vormittags" in line]
    row = {"key": f"beteiligte/{record}", "field": f"kommunikation:{entry['id']}", "after": None}
    dialled.history.append(row | {"before": dict(entry)})
    assert judge(dialled.end()).wrong == []


def _call(at: float, method: str, path: str, *names: str) -> Call:
    return Call(at, ADVOWARE, method, path, path, 200, defaults.ADVOWARE_USER, names)


def test_a_write_to_a_record_nobody_touched_is_unasked_even_if_it_changes_nothing(played: Played) -> None:
    betnr = played.diary.betnr(played.untouched)
    calls = [_call(START, "PUT", f"/api/v1/advonet/Beteiligte/{betnr}", "name")]
    assert len(judge(played.end(calls=calls)).unasked) == 1


def test_a_write_after_quiet_is_a_fault(played: Played) -> None:
    report = judge(played.end(quiet=[_call(START, "PUT", HERE, "name")]))
    assert (len(report.quiet), len(report.wrong)) == (1, 1)


def test_an_open_conflict_explains_only_the_difference_it_names(played: Played) -> None:
    played.set_espo(played.first, {"syncStatus": "conflict"})
    played.set_advoware(played.first, {"zusatz": None})
    row = {"key": f"beteiligte/{played.first}", "field": "zusatz", "kind": "refused_advoware", "state": "open"}
    explained = judge(played.end(conflicts=[*played.conflicts, row | {"espo": "Haus 2", "advoware": None}]))
    assert (explained.wrong, explained.explained) == ([], 1)
    other = judge(played.end(conflicts=[*played.conflicts, row | {"espo": "Haus 9", "advoware": None}]))
    assert other.lost
    assert other.differing


def test_numbers_are_written_only_where_somebody_edited_numbers(dialled: Dialled) -> None:
    for record, count in ((dialled.first, 1), (dialled.busy, 0)):
        path = f"/api/v1/advonet/Beteiligte/{dialled.betnr_of(record)}/Kommunikationen"
        assert len(judge(dialled.end(calls=[_call(START, "POST", path, "tlf")])).unasked) == count
        patch = Call(START, ESPO, "PATCH", "", f"/api/v1/CBeteiligte/{record}", 200, None, ("phoneNumberData",))
        assert len(judge(dialled.end(calls=[patch])).unasked) == count


@pytest.mark.parametrize(("read_after", "window", "lost"), [(-0.01, 1, 0), (0.005, 0, 1)])
def test_a_number_typed_between_get_and_put_of_its_entry_is_counted_apart(
    dialled: Dialled, clock: HandClock, read_after: float, window: int, lost: int
) -> None:
    clock.at += 10
    entry = dialled.entry(dialled.busy, dialled.added)
    dialled.numbers.correct(dialled.busy, entry, "0511/50000-08", "AB")
    dialled.put(dialled.busy, entry, "0511/50000-02", 1)
    path = f"/api/v1/advonet/Beteiligte/{dialled.betnr_of(dialled.busy)}"
    calls = [
        _call(clock.at + read_after, "GET", path),
        _call(clock.at + 0.01, "PUT", f"{path}/Kommunikationen/{entry['id'] + 1}", "tlf"),
        _call(clock.at + 0.01, "PUT", f"{path}/Kommunikationen/{entry['id']}", "tlf"),
    ]
    report = judge(dialled.end(calls=calls))
    assert (len(report.window), len(report.lost)) == (window, lost)


def _overwritten(played: Played, clock: HandClock, read_after: float) -> Report:
    betnr = played.diary.betnr(played.first)
    path = f"/api/v1/advonet/Beteiligte/{betnr}"
    clock.at += 10
    played.diary.edit(ADVOWARE, played.first, {"vorname": "Ada"}, "AB")
    played.set_advoware(played.first, {"vorname": played.diary.espo(played.first)["firstName"]})
    calls = [_call(clock.at + read_after, "GET", path), _call(clock.at + 0.01, "PUT", path, "name")]
    return judge(played.end(calls=calls))


def test_an_edit_between_get_and_put_of_the_whole_object_is_counted_apart(played: Played, clock: HandClock) -> None:
    report = _overwritten(played, clock, read_after=-0.01)
    assert (len(report.window), report.lost) == (1, [])


def test_an_edit_the_daemon_could_have_read_is_lost(played: Played, clock: HandClock) -> None:
    assert _overwritten(played, clock, read_after=0.005).lost


def _later(act: Callable[..., None], *arguments: str) -> Callable[[], Awaitable[None]]:
    async def play() -> None:
        act(*arguments)

    return play


async def _watched(diary: Diary, acts: Sequence[Callable[[], Awaitable[None]]]) -> None:
    """Each act leaves that system showing what the diary says of it."""
    for act in acts:
        before = len(diary.typed)
        await act()
        for one in diary.typed[before:]:
            body = diary.espo(one.record) if one.side == ESPO else diary.advoware(one.record)
            assert body is not None
            assert shows(one, one.side, body), one


async def test_what_the_diary_says_of_numbers_was_really_typed(sandbox: Sandbox) -> None:
    linked = [record for record, _ in sandbox.seed.synced(PARTS + 5)]
    told: list[str] = []
    diary = Diary(sandbox, told.append)
    story = NumberActs(diary, linked[:PARTS], random.Random(1))
    await _watched(diary, [act for _, act in story.acts() if act != story.slot_typed_into])
    for _ in range(30):
        for record in linked[PARTS:]:
            await _watched(diary, [_later(story.anything, side, record) for side in (ESPO, ADVOWARE)])
    assert {one.did for one in diary.typed if isinstance(one, Number)} == set(Did)
    assert len(told) > 100


@pytest.mark.parametrize(
    ("name", "one", "other"),
    [
        ("anrede", "Mrs.", "Frau"),
        ("anrede", "Mr.", "Herr"),
        ("geburtsdatum", "1980-02-03", "1980-02-03T00:00:00"),
        ("zusatz", None, " "),
        ("name", "Mu\u0308ller", "Müller"),
    ],
)
def test_the_judge_reads_both_spellings_alike(name: str, one: str | None, other: str) -> None:
    assert meaning(name, one) == meaning(name, other)


async def test_a_daemon_that_does_not_start_says_why_on_one_line(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path, tmp_path / "daemon.log", SYNCD_POLL_SECONDS="soon")
    try:
        with pytest.raises(DaemonError, match=r"ended by itself.*daemon\.log") as error:
            await daemon.start()
    finally:
        await daemon.close()
    assert "\n" not in str(error.value)
    assert not daemon.alive


@pytest.mark.timeout(240)
def test_a_short_demonstration_holds(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "syncd.sandbox.demo", "--seconds", "10", "--records", "40", "--seed", "7"]
    environment = {**os.environ, "TMPDIR": str(tmp_path), "COLUMNS": "200"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=220, check=False)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert "everything holds" in done.stdout
    assert list(tmp_path.iterdir()) == []

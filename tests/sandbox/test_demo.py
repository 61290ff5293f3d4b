"""The demonstration: a short one with the real daemon, and a judge that cannot be deceived."""

from __future__ import annotations

import copy
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from syncd.sandbox import Sandbox, defaults
from syncd.sandbox.calllog import Call
from syncd.sandbox.demo_check import End, Report, judge
from syncd.sandbox.demo_daemon import Daemon, DaemonError
from syncd.sandbox.demo_diary import FIELDS, Diary, meaning, shown
from syncd.sandbox.sandbox import ADVOWARE, ESPO
from tests.sandbox.conftest import START, HandClock

HERE = f"/api/v1/advonet/Beteiligte/{100_001}"
NEW = {"firstName": "Nele", "lastName": "Thalbach", "geburtsdatum": "1980-02-03", "salutationName": "Ms."}


class Played:
    """A day in two offices whose changes somebody carried over faithfully: the end the judge must accept."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.diary = Diary(sandbox, lambda _: None)
        self.pairs = sandbox.seed.synced(5)
        self.before = copy.deepcopy(sandbox.dump())
        self.conflicts: list[dict[str, Any]] = []
        first, second, third, fourth, fifth = (record for record, _ in self.pairs)
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

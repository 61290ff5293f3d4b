"""The judge of storms is judged: a small world that is right, and then everything that may be wrong with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from syncd.sandbox import Sandbox
from syncd.sandbox.calllog import Call
from syncd.sandbox.demo_check import End
from syncd.sandbox.demo_diary import Diary
from syncd.sandbox.demo_numbers import Numbers
from syncd.sandbox.sandbox import ADVOWARE, ESPO
from syncd.sandbox.witness import Change, Wrote
from tests.process.tale import tales
from tests.process.verdict import Facts, Verdict, verdict

PHONE, SPELLED = "+495117654321", "0511/7654321"
NOBODYS = "+49511999888"


@dataclass
class Small:
    """Two pairs; Anna has typed a title and a phone into the first, AB a name into the second, all have arrived."""

    sandbox: Sandbox
    diary: Diary
    before: Mapping[str, Any]
    pairs: list[tuple[str, int]]
    conflicts: list[dict[str, Any]]
    clock: list[float]

    def daemon_writes(self, side: str, pair: int, **values: Any) -> None:
        """As the daemon would, with or without a reason."""
        record, betnr = self.pairs[pair]
        if side == ESPO:
            self.sandbox.espo.update(self.sandbox.espo.api_user, "CBeteiligte", record, values)
        else:
            self.sandbox.advoware.edit("syncd", betnr, values)

    def adds(self, pair: int, tlf: str) -> None:
        """The daemon enters a number in Advoware."""
        body = {"kommKz": 1, "tlf": tlf, "bemerkung": "", "online": False}
        self.sandbox.advoware.add_kommunikation("syncd", self.pairs[pair][1], body)

    def lists(self, pair: int, numbers: list[str]) -> None:
        """The daemon writes a list of phones in EspoCRM."""
        lines = [
            {"phoneNumber": number, "type": "Office", "primary": not place} for place, number in enumerate(numbers)
        ]
        self.daemon_writes(ESPO, pair, phoneNumberData=lines)

    def end(self, **facts: Any) -> End:
        """As it is now."""
        known: dict[str, Any] = {"conflicts": self.conflicts, "wrote": []} | facts
        return End(
            before=self.before,
            after=self.sandbox.dump(),
            typed=self.diary.typed,
            born=self.diary.born,
            deleted=frozenset(self.diary.deleted),
            vanished=frozenset(self.diary.vanished),
            **known,
        )


@pytest.fixture
def small() -> Small:
    clock = [1_795_167_490.0]
    sandbox = Sandbox(now=lambda: clock[0], seed=3)
    pairs = sandbox.seed.synced(2)
    for _, betnr in pairs:
        for child in list(sandbox.advoware.at(betnr).children["kommunikation"]):
            sandbox.advoware.remove_child(betnr, "kommunikation", child["id"])
    for record, _ in pairs:
        values: dict[str, Any] = {"phoneNumberData": [], "emailAddressData": []}
        sandbox.espo.update(sandbox.espo.api_user, "CBeteiligte", record, values)
    before = sandbox.dump()
    diary = Diary(sandbox, lambda _: None)
    made = Small(sandbox, diary, before, pairs, [], clock)
    clock[0] += 1
    diary.edit(ESPO, pairs[0][0], {"titel": "Dr. Neu"}, "anna")
    diary.edit(ADVOWARE, pairs[1][0], {"name": "Neuname"}, "AB")
    Numbers(diary).add(pairs[0][0], PHONE, "Office", "anna")
    clock[0] += 1
    made.daemon_writes(ADVOWARE, 0, titel="Dr. Neu")
    made.daemon_writes(ESPO, 1, lastName="Neuname")
    made.adds(0, PHONE)
    for number in range(2):
        made.daemon_writes(ESPO, number, syncStatus="clean")
    return made


def judged(small: Small, facts: Facts | None = None, **ends: Any) -> Verdict:
    return verdict(small.end(**ends), facts or Facts())


def test_a_world_in_which_all_is_well_is_found_well(small: Small) -> None:
    found = judged(small)
    assert found.wrong == []
    assert (found.report.typed, found.report.pairs) == (3, 2)


def lost_field(small: Small) -> None:
    for side in (ESPO, ADVOWARE):
        small.daemon_writes(side, 0, titel=None)


def differing_field(small: Small) -> None:
    small.daemon_writes(ADVOWARE, 0, titel=None)


def invented_field(small: Small) -> None:
    small.daemon_writes(ESPO, 0, zusatz="von niemandem")
    small.daemon_writes(ADVOWARE, 0, zusatz="von niemandem")


def old_value_again(small: Small) -> None:
    was = small.before[ADVOWARE][str(small.pairs[1][1])]["name"]
    small.daemon_writes(ESPO, 1, lastName=was)
    small.daemon_writes(ADVOWARE, 1, name=was)


def other_spelling(small: Small) -> None:
    text = small.before[ADVOWARE][str(small.pairs[0][1])]["bAnrede"]
    small.daemon_writes(ADVOWARE, 0, bAnrede=f"{text} ")


def doubled_person(small: Small) -> None:
    one = small.sandbox.people.advoware.see(small.pairs[0][1])
    small.sandbox.advoware.create("syncd", {"name": one["name"], "vorname": one["vorname"]})


def shared_person(small: Small) -> None:
    small.daemon_writes(ESPO, 1, betnr=small.pairs[0][1])


def record_nobody_entered(small: Small) -> None:
    small.sandbox.espo.create(small.sandbox.espo.api_user, "CBeteiligte", {"lastName": "Niemand"}, skip_duplicates=True)


def doubled_number(small: Small) -> None:
    small.adds(0, PHONE)


def number_twice_spelled(small: Small) -> None:
    small.adds(0, SPELLED)


def invented_number(small: Small) -> None:
    small.adds(0, NOBODYS)
    small.lists(0, [PHONE, NOBODYS])


def lost_number(small: Small) -> None:
    entry = small.sandbox.advoware.at(small.pairs[0][1]).children["kommunikation"][0]
    small.sandbox.advoware.remove_child(small.pairs[0][1], "kommunikation", entry["id"])
    small.lists(0, [])


def number_on_one_side(small: Small) -> None:
    small.lists(0, [])


def left_dirty(small: Small) -> None:
    small.daemon_writes(ESPO, 0, syncStatus="dirty")


def person_deleted(small: Small) -> None:
    small.sandbox.advoware.vanish(small.pairs[1][1])


@pytest.mark.parametrize(
    ("spoil", "kind"),
    [
        (lost_field, "lost"),
        (differing_field, "differing"),
        (invented_field, "unasked"),
        (old_value_again, "lost"),
        (other_spelling, "unasked"),
        (doubled_person, "doubled"),
        (shared_person, "doubled"),
        (record_nobody_entered, "doubled"),
        (doubled_number, "doubled"),
        (number_twice_spelled, "doubled"),
        (invented_number, "unasked"),
        (lost_number, "lost"),
        (number_on_one_side, "differing"),
        (left_dirty, "unfinished"),
        (person_deleted, "differing"),
    ],
)
def test_what_is_wrong_with_the_two_systems_is_found(small: Small, spoil: Callable[[Small], None], kind: str) -> None:
    spoil(small)
    found = judged(small)
    assert getattr(found.report, kind), found.wrong
    assert found.wrong


def test_a_value_the_ledger_has_kept_is_not_lost(small: Small) -> None:
    lost_field(small)
    assert any("titel" in line for line in judged(small).report.lost)
    small.conflicts.append(
        {"key": f"beteiligte/{small.pairs[0][0]}", "field": "titel", "state": "kept", "espo": "Dr. Neu", "advoware": ""}
    )
    assert not any("titel" in line for line in judged(small).report.lost)


def wrote(small: Small, name: str, read: Any, before: Any, after: Any, **how: Any) -> Wrote:
    """A write of the first pair in Advoware, a moment after everything."""
    now = small.clock[0] + 0.2
    values: dict[str, Any] = {"at": now, "arrived": now, "writer": "one/1", "read_at": now - 0.1} | how
    where = (ADVOWARE, str(small.pairs[1][1]))
    return Wrote(where=where, method="PUT", changes=(Change(name, read, before, after),), **values)


def test_what_a_write_destroyed_unseen_is_counted_apart_and_only_that(small: Small) -> None:
    was = small.before[ADVOWARE][str(small.pairs[1][1])]["name"]
    old_value_again(small)
    assert [line for line in judged(small).report.lost if "Neuname" in line], "nobody saw a write over it: lost"
    seen = wrote(small, "name", read="Neuname", before="Neuname", after=was)
    assert [line for line in judged(small, wrote=[seen]).report.lost if "Neuname" in line], "its writer had read it"
    unseen = wrote(small, "name", read=was, before="Neuname", after=was)
    found = judged(small, wrote=[unseen])
    assert (found.report.lost, found.windows[ADVOWARE], len(found.report.window)) == ([], 1, 1)
    assert found.longest_window == pytest.approx(0.1)


def test_a_write_over_an_old_read_is_found(small: Small) -> None:
    late = wrote(small, "name", "a", "a", "Neuname")
    assert judged(small, wrote=[late]).findings == []
    assert "s old" in judged(small, wrote=[replace(late, read_at=late.at - 9)]).findings[0]
    assert "never read" in judged(small, wrote=[replace(late, read_at=None)]).findings[0]
    books = replace(late, read_at=late.at - 9, changes=(Change("syncStatus", None, None, "clean"),))
    assert judged(small, wrote=[books]).findings == []


def test_two_daemons_at_one_record_at_the_same_time_are_found(small: Small) -> None:
    first = wrote(small, "name", "a", "a", "Neuname")
    between = replace(first, writer="two/1", arrived=first.arrived - 0.05, read_at=first.at - 3)
    assert len(judged(small, wrote=[between, first]).findings) == 1
    before = replace(between, arrived=first.arrived - 0.5)
    assert judged(small, wrote=[before, first]).findings == []
    assert judged(small, wrote=[replace(between, writer="one/1"), first]).findings == []


def test_a_value_nobody_typed_is_found_also_if_it_has_gone_again(small: Small) -> None:
    field = wrote(small, "zusatz", None, None, "von niemandem")
    assert "typed by nobody" in judged(small, wrote=[field]).findings[0]
    number = wrote(small, "kommunikation:7:tlf", None, None, NOBODYS)
    assert "typed by nobody" in judged(small, wrote=[number]).findings[0]
    line = replace(
        number, where=(ESPO, small.pairs[0][0]), changes=(Change(f"phoneNumberData:{NOBODYS}", 0, None, {}),)
    )
    assert "typed by nobody" in judged(small, wrote=[line]).findings[0]


def call(at: float, path: str = "/api/v1/Token", method: str = "POST", system: str = ADVOWARE) -> Call:
    return Call(at, system, method, path, path, 200, "syncd", began=at)


def test_a_login_too_many_is_found(small: Small, tmp_path: Path) -> None:
    facts = Facts(token_seconds=60)
    assert judged(small, facts, calls=[call(10), call(45)]).findings == []
    assert "two logins" in judged(small, facts, calls=[call(10), call(15)]).findings[0]
    for moved in ({"troubled": [12.0]}, {"flushed": [12.0]}):
        assert judged(small, replace(facts, **moved), calls=[call(10), call(15)]).findings == []  # type: ignore[arg-type]
    log = tmp_path / "daemon-1.log"
    log.write_text('{"event": "shared.redis_away", "level": "warning", "time": "1970-01-01T00:00:12Z"}\n')
    assert judged(small, replace(facts, logs=[log]), calls=[call(10), call(15)]).findings == []


def test_calls_beyond_the_budget_are_found(small: Small) -> None:
    facts = Facts(calls_per_minute=100)
    calls = [call(float(number) / 2, "/api/v1/CBeteiligte", "GET", ESPO) for number in range(300)]
    assert "calls in a minute" in judged(small, facts, calls=calls).findings[0]
    assert judged(small, replace(facts, calls_per_minute=130), calls=calls).findings == []


def test_writes_after_quiet_work_that_is_left_and_traces_are_found(small: Small, tmp_path: Path) -> None:
    log = tmp_path / "daemon-1.log"
    log.write_text('{"event": "job.ended"}\n{"event": "job.bug", "trace": "…"}\nTraceback (most recent call last):\n')
    facts = Facts(left={"open intents": 1, "work": 0}, codes={"one": 0, "two": 1}, logs=[log])
    found = judged(small, facts, quiet=[call(1.0, "/api/v1/CBeteiligte/1", "PATCH", ESPO)])
    assert len(found.report.quiet) == 1
    assert len(found.findings) == 4


def test_a_tale_tells_what_happened_to_the_records_that_are_named(small: Small) -> None:
    lost_field(small)
    end = small.end(wrote=[wrote(small, "name", "a", "b", "c")])
    told = tales(end, verdict(end, Facts()).wrong)
    assert "person: EspoCRM" in told

"""A Beteiligter is brought to EspoCRM exactly once, with his numbers, whatever becomes of the answers."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from syncd.commands import Refusal
from syncd.import_run import Outcome, import_all
from syncd.importing import Fate, team_id
from syncd.ledger import imports, runs
from syncd.ledger.runs import RunState
from syncd.sandbox.faults import Kind
from tests.daemon import Crash
from tests.engine.deaths import settle
from tests.engine.story import ADVOWARE, ESPO, Story, told
from tests.virtual import run

QUICKLY = {"ESPOCRM_API_TIMEOUT_SECONDS": "4", "ADVOWARE_API_TIMEOUT_SECONDS": "4"}
HOUR = 3600.0
NUMBERS = [(1, "+4951112345"), (3, "+4917112345"), (4, "ida@example.org")]


def beteiligter(story: Story, **values: Any) -> int:
    """Ida Neumann in Advoware, with her numbers."""
    number = story.advoware.create({**ADVOWARE, **values})
    who = story.sandbox.advoware.people[0]
    for kind, value in NUMBERS:
        entry = {"kommKz": kind, "tlf": value, "bemerkung": "", "online": kind in (1, 4)}
        story.sandbox.advoware.add_kommunikation(who, number, entry)
    return number


async def imported(
    story: Story, *numbers: int, owner: str = "command", anyway: bool = False, team: str | None = None
) -> Outcome:
    app = story.world.daemon(owner)
    await app.open()
    never = asyncio.Event()
    return await import_all(app, app.context(None), numbers, team, anyway, never, lambda done, total: None)


def fates(outcome: Outcome) -> list[Fate]:
    return [one.fate for one in outcome.imported]


def records(story: Story, number: int) -> list[dict[str, Any]]:
    return [one for one in story.espo.all() if one["betnr"] == number]


@told(**QUICKLY)
async def test_a_beteiligter_arrives_with_every_field_and_number_and_is_clean(story: Story) -> None:
    number = beteiligter(story)
    before = story.advoware.see(number)
    outcome = await imported(story, number)
    [seen] = records(story, number)
    assert (fates(outcome), seen["syncStatus"]) == ([Fate.CREATED], "clean")
    assert {name: seen[name] for name in ESPO} == ESPO
    assert sorted(entry["phoneNumber"] for entry in seen["phoneNumberData"]) == ["+4917112345", "+4951112345"]
    assert [entry["emailAddress"] for entry in seen["emailAddressData"]] == ["ida@example.org"]
    assert [name for name in before if story.advoware.see(number)[name] != before[name]] == ["kommunikation"]
    assert [entry["tlf"] for entry in story.advoware.see(number)["kommunikation"]] == [value for _, value in NUMBERS]
    [row] = await story.read(runs.listing)
    assert (row["kind"], row["state"], row["id"]) == ("import", RunState.DONE, outcome.run_id)
    await story.settle()
    story.forget_calls()
    await story.settle()
    assert story.writes() == []


@told(**QUICKLY)
async def test_what_need_not_or_cannot_be_imported_is_passed_over_with_a_word(story: Story) -> None:
    linked, number = await story.pair()
    typed = beteiligter(story, name="Getippt")
    holder = story.espo.create({**ESPO, "lastName": "Anders", "betnr": typed}, by="anna")
    alike = beteiligter(story, name="Ähnlich")
    somebody = story.espo.create({**ESPO, "lastName": "Ähnlich", "geburtsdatum": None}, by="anna")
    nameless = story.advoware.create({**ADVOWARE, "name": ""})
    before = story.sandbox.dump()
    outcome = await imported(story, number, typed, alike, nameless, 999_999)
    assert [(one.fate, one.espo_id, one.candidates) for one in outcome.imported] == [
        (Fate.LINKED, linked, ()),
        (Fate.THERE, holder, ()),
        (Fate.CANDIDATE, None, (somebody,)),
        (Fate.NAMELESS, None, ()),
        (Fate.ABSENT, None, ()),
    ]
    assert story.sandbox.dump() == before
    assert fates(await imported(story, alike, anyway=True)) == [Fate.CREATED]


@told(**QUICKLY)
async def test_espocrms_own_word_on_duplicates_is_told_and_overruled_only_by_a_person(story: Story) -> None:
    _, namesake = await story.pair()
    other = story.espo.see(records(story, namesake)[0]["id"])["id"]
    number = beteiligter(story, geburtsdatum="1955-05-05T00:00:00")
    [one] = (await imported(story, number)).imported
    assert (one.fate, one.candidates, records(story, number)) == (Fate.DUPLICATE, (other,), [])
    assert await story.read(imports.get, "beteiligte", number) is None, "nothing is in doubt"
    assert fates(await imported(story, number, anyway=True)) == [Fate.CREATED]


@told(**QUICKLY)
async def test_a_value_espocrm_refuses_is_left_out_and_told(story: Story) -> None:
    number = beteiligter(story, anrede="Firma")
    [one] = (await imported(story, number)).imported
    assert (one.fate, "salutationName" in one.why) == (Fate.CREATED, True)
    assert records(story, number)[0]["syncStatus"] == "conflict"


@told(**QUICKLY, SYNCD_DRY_RUN="true")
async def test_a_dry_run_only_tells(story: Story) -> None:
    number = beteiligter(story)
    before = story.sandbox.dump()
    assert fates(await imported(story, number)) == [Fate.WOULD_CREATE]
    assert (story.sandbox.dump(), await story.read(runs.listing)) == (before, [])


@told(**QUICKLY)
async def test_the_records_get_the_team_and_an_unknown_one_is_refused(story: Story) -> None:
    world = story.sandbox.espo
    team = world.create(world.admin, "Team", {"name": "Kanzlei"}).id
    app = story.world.daemon()
    assert [await team_id(app.context(None), named) for named in ("Kanzlei", team, "")] == [team, team, None]
    with pytest.raises(Refusal, match="SYNCD_IMPORT_TEAM"):
        await team_id(app.context(None), "Niemand")
    number = beteiligter(story)
    await imported(story, number, team=team)
    assert records(story, number)[0]["teamsIds"] == [team]


FATES: dict[str, dict[str, Any]] = {
    "time-out, not applied": {"kind": Kind.TIMEOUT},
    "time-out, applied": {"kind": Kind.TIMEOUT_APPLIED},
    "applied after we gave up": {"kind": Kind.APPLIED_LATE, "seconds": 5.0},
    "applied after we looked": {"kind": Kind.APPLIED_LATE, "seconds": 7.5},
    "hung up, applied": {"kind": Kind.HANG_UP_APPLIED},
    "500, applied": {"kind": Kind.STATUS_APPLIED, "status": 500},
    "503": {"kind": Kind.STATUS, "status": 503, "retry_after": "3"},
}


@pytest.mark.parametrize("fate", FATES)
@told(**QUICKLY)
async def test_a_lost_answer_is_looked_up_before_it_is_sent_again(story: Story, fate: str) -> None:
    number = beteiligter(story)
    story.fault(**FATES[fate], system="espocrm", method="POST", route="*/CBeteiligte")
    outcome = await imported(story, number)
    await story.sandbox.settle()
    assert fates(outcome)[0] in (Fate.CREATED, Fate.FOUND)
    assert [one["syncStatus"] for one in records(story, number)] == ["clean"]


@pytest.mark.parametrize("skew", [-4 * HOUR, 4 * HOUR])
@told(**QUICKLY)
async def test_a_lost_answer_is_known_for_ours_however_wrong_espocrms_clock_is(story: Story, skew: float) -> None:
    story.misdate_espocrm(skew)
    number = beteiligter(story)
    story.fault(Kind.TIMEOUT_APPLIED, system="espocrm", method="POST", route="*/CBeteiligte")
    assert fates(await imported(story, number)) == [Fate.FOUND]
    assert [one["syncStatus"] for one in records(story, number)] == ["clean"]


@pytest.mark.parametrize("skew", [0.0, 4 * HOUR])
@told(**QUICKLY)
async def test_an_older_record_of_ours_is_not_what_was_just_sent(story: Story, skew: float) -> None:
    story.misdate_espocrm(skew)
    [old] = (await imported(story, beteiligter(story, name="Alt"))).imported
    assert old.espo_id is not None
    await story.without_daemon(HOUR)
    number = beteiligter(story)
    story.fault(Kind.TIMEOUT, system="espocrm", method="POST", route="*/CBeteiligte")
    running = asyncio.create_task(imported(story, number))
    await story.world.clock.sleep(5)
    story.espo.edit(old.espo_id, {"betnr": number}, by="anna")
    [one] = (await running).imported
    assert (one.fate, one.espo_id) == (Fate.THERE, old.espo_id)


@told(**QUICKLY)
async def test_what_a_dead_import_has_sent_is_waited_for_before_it_is_sent_again(story: Story) -> None:
    number = beteiligter(story)
    await story.write(imports.announce, "beteiligte", number, "earlier", story.world.clock.now(), None)

    async def applied_late() -> None:
        await story.world.clock.sleep(5.0)
        story.espo.create({"lastName": "Neumann", "betnr": number}, by="anna")

    late = asyncio.create_task(applied_late())
    assert fates(await imported(story, number)) == [Fate.THERE]
    await late
    assert len(records(story, number)) == 1


@told(**QUICKLY)
async def test_two_imports_at_the_same_time_make_one_record(story: Story) -> None:
    number = beteiligter(story)
    both = await asyncio.gather(imported(story, number, owner="one"), imported(story, number, owner="two"))
    await story.settle()
    assert len(records(story, number)) == 1
    assert sorted(one.fate in (Fate.CREATED, Fate.FOUND) for outcome in both for one in outcome.imported) != [False] * 2


@told(**QUICKLY)
async def test_a_number_a_clerk_types_meanwhile_is_no_creation_of_ours(story: Story) -> None:
    number = beteiligter(story)
    story.fault(Kind.TIMEOUT, system="espocrm", method="POST", route="*/CBeteiligte",
                act=lambda: None)  # fmt: skip
    running = asyncio.create_task(imported(story, number))
    await story.world.clock.sleep(5)
    typed = story.espo.create({**ESPO, "lastName": "Fremd", "betnr": number}, by="anna")
    [one] = (await running).imported
    assert (one.fate, one.espo_id) == (Fate.THERE, typed)
    await story.settle()
    assert story.status(typed) == "conflict"


async def _played(directory: Path, after: int | None) -> tuple[list[tuple[Any, ...]], int]:
    """Two numbers imported, killed after one effect, imported again, settled: what people see then."""
    story = Story(directory, {**QUICKLY, "SYNCD_SWEEP_MIN_SECONDS": "10", "SYNCD_SWEEP_MAX_SECONDS": "40"})
    await story.pair({"lastName": "Alt"}, {"name": "Alt"})
    numbers = [beteiligter(story, name=name) for name in ("Eins", "Zwei")]
    story.world.effects.count, story.world.effects.crash_after = 0, after
    try:
        await imported(story, *numbers)
    except Crash:
        story.world.effects.crash_after = None
        await story.without_daemon(61)
        await imported(story, *numbers, owner="again")
    effects = story.world.effects.count
    await story.without_daemon(61)
    await settle(story.world, story.world.daemon("daemon"))
    return [
        (
            number,
            len(records(story, number)),
            [one["syncStatus"] for one in records(story, number)],
            sorted(entry["phoneNumber"] for one in records(story, number) for entry in one["phoneNumberData"]),
            [entry["tlf"] for entry in story.advoware.see(number)["kommunikation"]],
        )
        for number in numbers
    ], effects


def killed_everywhere(tmp_path: Path, every: int) -> None:
    (tmp_path / "whole").mkdir()
    expected, effects = run(_played(tmp_path / "whole", None))
    assert [row[1:3] for row in expected] == [(1, ["clean"]), (1, ["clean"])]
    wrong = []
    for number in range(1, effects + 1, every):
        directory = tmp_path / str(number)
        directory.mkdir()
        end, _ = run(_played(directory, number))
        if end != expected:
            wrong.append((number, end))
    assert not wrong


def test_killed_at_many_points_the_same_command_ends_alike_without_doubles(tmp_path: Path) -> None:
    killed_everywhere(tmp_path, every=23)


@pytest.mark.soak
def test_killed_at_any_point_the_same_command_ends_alike_without_doubles(tmp_path: Path) -> None:
    killed_everywhere(tmp_path, every=1)

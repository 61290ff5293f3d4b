"""ADVOWARE_PARTIAL_PUT: only changed fields are sent, and nothing is lost where Advoware blanks the others."""

from __future__ import annotations

from typing import Any

import pytest

from syncd.ledger import facts, partial
from syncd.sandbox.faults import Kind
from tests.engine.story import ROUND, Story, told

OBJECT = "*/Beteiligte/*"
PARTS = {"ADVOWARE_PARTIAL_PUT": "true"}
BESIDE = ("vorname", "name", "rechtsform", "anrede", "zusatz", "bAnrede", "geburtsdatum")
SLOW = {**PARTS, "SYNCD_SWEEP_MIN_SECONDS": "300", "SYNCD_SWEEP_MAX_SECONDS": "86400"}


def puts(story: Story) -> list[tuple[str, ...]]:
    """The attributes that each of our PUTs carried."""
    return [call.names for call in story.calls("Beteiligte") if call.method == "PUT"]


def whole(story: Story, betnr: int) -> dict[str, Any]:
    seen = story.advoware.see(betnr)
    return {name: seen[name] for name in BESIDE}


@told(**PARTS)
async def test_only_changed_fields_are_sent_where_advoware_keeps_the_others(story: Story) -> None:
    story.sandbox.advoware.switches.put_keeps_missing = True
    espo_id, betnr = await story.pair()
    before = whole(story, betnr)
    story.forget_calls()
    story.espo.edit(espo_id, {"titel": "Prof."}, by="anna")
    await story.settle()
    assert puts(story) == [("titel",)]
    assert whole(story, betnr) == before
    assert story.status(espo_id) == "clean"
    assert (await story.read(partial.look))["keeps"] is True


@told(**PARTS)
async def test_what_a_person_saves_in_the_instant_of_the_put_survives(story: Story) -> None:
    story.sandbox.advoware.switches.put_keeps_missing = True
    espo_id, betnr = await story.pair()
    story.espo.edit(espo_id, {"titel": "Prof."}, by="anna")
    story.fault(
        Kind.EDIT_AFTER, system="advoware", method="GET", route=OBJECT,
        act=lambda: story.advoware.edit(betnr, {"zusatz": "Hinterhaus"}, by="AB"),
    )  # fmt: skip
    await story.settle()
    seen = story.espo.see(espo_id)
    assert (seen["titel"], seen["zusatz"], seen["syncStatus"]) == ("Prof.", "Hinterhaus", "clean")
    assert story.advoware.see(betnr)["zusatz"] == "Hinterhaus"


@told(**PARTS)
async def test_a_field_emptied_at_that_instant_stays_empty_once_advoware_is_known_to_keep(story: Story) -> None:
    story.sandbox.advoware.switches.put_keeps_missing = True
    espo_id, betnr = await story.pair()
    story.espo.edit(espo_id, {"titel": "Prof."}, by="anna")
    await story.settle()
    story.espo.edit(espo_id, {"titel": "Dr."}, by="anna")
    story.fault(
        Kind.EDIT_AFTER, system="advoware", method="GET", route=OBJECT,
        act=lambda: story.advoware.edit(betnr, {"zusatz": ""}, by="AB"),
    )  # fmt: skip
    await story.settle()
    assert not story.espo.see(espo_id)["zusatz"]
    assert not story.advoware.see(betnr)["zusatz"]


@told(**PARTS)
async def test_an_advoware_that_blanks_the_others_is_noticed_and_everything_is_written_back(story: Story) -> None:
    espo_id, betnr = await story.pair()
    before = whole(story, betnr)
    here = {name: value for name, value in story.espo.see(espo_id).items() if name in ("firstName", "zusatz")}
    story.forget_calls()
    story.espo.edit(espo_id, {"titel": "Prof."}, by="anna")
    await story.settle()
    assert whole(story, betnr) == before
    assert story.advoware.see(betnr)["titel"] == "Prof."
    assert {name: story.espo.see(espo_id)[name] for name in here} == here
    assert story.status(espo_id) == "clean"
    assert (await story.read(partial.look))["keeps"] is False
    assert "put_back" in {row["why"] for row in (await story.known(espo_id))["history"]}
    # for good: whole objects from now on, also by a daemon started later
    assert [len(names) == 1 for names in puts(story)] == [True, False]
    story.espo.edit(espo_id, {"titel": "Dr."}, by="anna")
    await story.settle()
    assert len(puts(story)[-1]) > 8
    assert whole(story, betnr) == before


@pytest.mark.parametrize("kind", [Kind.HANG_UP_APPLIED, Kind.STATUS_APPLIED, Kind.HTML])
@told(**PARTS)
async def test_it_is_noticed_by_the_next_job_where_the_answer_was_lost(story: Story, kind: Kind) -> None:
    espo_id, betnr = await story.pair()
    before = whole(story, betnr)
    story.fault(kind, system="advoware", method="PUT", route=OBJECT, status=502)
    story.espo.edit(espo_id, {"titel": "Prof."}, by="anna")
    await story.live(5 * ROUND)  # beyond the first retry
    assert whole(story, betnr) == before
    assert story.espo.see(espo_id)["zusatz"] == "c/o Weber"
    assert story.status(espo_id) == "clean"


@told(**SLOW)
async def test_a_daemon_killed_at_any_step_of_it_loses_nothing(story: Story) -> None:
    """The PUT is applied and the process dies before, while or after everything is written back."""
    persons = await story.pairs([({}, {}) for _ in range(6)])
    effects = story.world.effects
    for steps, (espo_id, betnr) in enumerate(persons):
        await story.write(facts.put, partial.FACT, {})
        before = whole(story, betnr)
        story.espo.edit(espo_id, {"titel": "Prof."}, by="anna")
        story.fault(Kind.EDIT_BEFORE, system="advoware", method="PUT", route=OBJECT,
                    act=lambda steps=steps: setattr(effects, "crash_after", effects.count + steps))  # fmt: skip
        assert not await story.world.live(story.world.daemon(), 2 * ROUND), steps
        effects.crash_after = None
        await story.live(4 * ROUND)
        assert whole(story, betnr) == before, steps
        assert story.espo.see(espo_id)["zusatz"] == "c/o Weber", steps
        assert story.advoware.see(betnr)["titel"] == "Prof.", steps
        assert story.status(espo_id) == "clean", steps


@told(**PARTS)
async def test_what_cannot_be_written_back_is_not_carried_over_to_espocrm(story: Story) -> None:
    register = {"handelsregisterNummer": "HRB 7", "registergericht": "Celle"}
    espo_id, betnr = await story.pair(register, {"handelsRegisterNummer": "HRB 7", "registergericht": "Celle"})
    story.espo.edit(espo_id, {"titel": "Prof."}, by="anna")
    blank = {"handelsRegisterNummer": "", "registergericht": ""}
    story.fault(Kind.EDIT_AFTER, system="advoware", method="PUT", route=OBJECT,
                act=lambda: story.advoware.edit(betnr, blank, by="syncd"))  # fmt: skip
    await story.live(2 * ROUND)
    seen = story.espo.see(espo_id)
    assert {name: seen[name] for name in register} == register
    assert {row["kind"] for row in await story.conflicts(espo_id)} == {"by_hand"}

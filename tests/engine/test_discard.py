"""What a guard stopped can be thrown away instead of let through: nothing of it arrives, nothing else is touched."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from mappers.beteiligte import BETEILIGTE
from syncd import inspect
from syncd.commands import Refusal
from tests.engine.story import Story, key, told

CHANGES = {"SYNCD_CHANGE_GUARD_MIN": "4", "SYNCD_CHANGE_GUARD_PERCENT": "25"}
MISSING = {"SYNCD_DELETE_GUARD_MIN": "3", "SYNCD_DELETE_GUARD_PERCENT": "5", "SYNCD_DELETE_GUARD_RUN": "20"}


async def _stopped(story: Story) -> dict[str, Any]:
    """The one guard, with its records."""
    [found] = await inspect.guards(story.ledger())
    shown = await inspect.guard(story.ledger(), {BETEILIGTE.name: BETEILIGTE}, found["id"])
    assert shown is not None
    return shown


@told(**CHANGES)
async def test_a_discarded_mass_change_is_put_back_where_it_was_made(story: Story) -> None:
    pairs = await story.pairs([({}, {})] * 8)
    for _, betnr in pairs:
        story.advoware.edit(betnr, {"zusatz": ""}, by="AB")
    await story.live(30)
    stopped = await _stopped(story)
    assert {(one["title"], one["before"], one["after"]) for one in stopped["records"]} == {
        ("Neumann, Ida", "c/o Weber", None)
    }
    assert "from before back in advoware" in stopped["discarding"]
    held = set(stopped["keys"])
    assert len(held) >= 4
    await replace(story.desk, who="page:anna").discard(stopped["id"])
    await story.live(40)
    for espo_id, betnr in pairs:
        value = "c/o Weber" if key(espo_id) in held else None
        shown = story.espo.see(espo_id)["zusatz"], story.advoware.see(betnr)["zusatz"] or None, story.status(espo_id)
        assert shown == (value, value, "clean")
    assert await inspect.guards(story.ledger()) == []
    happened = await inspect.timeline(story.ledger(), BETEILIGTE, min(held))
    [change] = [one for one in happened if one["kind"] == "change"]
    assert (change["side"], change["after"], change["who"]) == ("advoware", "c/o Weber", "page:anna")


@told(**CHANGES)
async def test_what_was_typed_after_the_stop_is_not_put_back(story: Story) -> None:
    pairs = await story.pairs([({}, {})] * 8)
    for _, betnr in pairs:
        story.advoware.edit(betnr, {"zusatz": ""}, by="AB")
    await story.live(30)
    stopped = await _stopped(story)
    typed = next(betnr for espo_id, betnr in pairs if key(espo_id) in stopped["keys"])
    await story.without_daemon(5)
    story.advoware.edit(typed, {"zusatz": "c/o Neu"}, by="AB")
    await story.desk.discard(stopped["id"])
    await story.live(40)
    assert story.advoware.see(typed)["zusatz"] == "c/o Neu"


@told(**CHANGES)
async def test_the_same_again_after_it_was_let_through_is_stopped_again(story: Story) -> None:
    pairs = await story.pairs([({}, {})] * 8)
    for value in ("", "c/o Alle"):
        for _, betnr in pairs:
            story.advoware.edit(betnr, {"zusatz": value}, by="AB")
        await story.live(30)
        stopped = await _stopped(story)
        assert len(stopped["keys"]) >= 4
        await story.desk.allow(stopped["id"])
        await story.live(30)
        assert {story.espo.see(espo_id)["zusatz"] for espo_id, _ in pairs} == {value or None}


@told(SYNCD_CREATE_GUARD="2")
async def test_a_discarded_flood_of_creations_takes_part_no_more(story: Story) -> None:
    await story.pair()
    for n in range(5):
        story.espo.create({"firstName": f"Kind {n}", "lastName": f"Vielmann {n}", "geburtsdatum": "2001-01-01"})
    await story.live(40)
    stopped = await _stopped(story)
    await story.desk.discard(stopped["id"])
    await story.live(40)
    assert len(story.advoware.betnrs()) == 1 + 2
    found = await inspect.records(story.ledger())
    assert {row["key"] for row in found if row["state"] == "excluded"} == set(stopped["keys"])


@told(**MISSING)
async def test_missing_records_that_are_not_believed_are_looked_at_again(story: Story) -> None:
    pairs = await story.pairs([({}, {})] * 8)
    story.sandbox.snapshot("before")
    for _, betnr in pairs[:5]:
        story.advoware.vanish(betnr)
    await story.live(50)
    await story.desk.discard((await _stopped(story))["id"])
    await story.live(50)
    again = await _stopped(story)  # they are missing still
    story.sandbox.restore("advoware", "before")
    await story.desk.discard(again["id"])
    await story.live(50)
    assert await inspect.guards(story.ledger()) == []
    assert [story.status(espo_id) for espo_id, _ in pairs[3:]] == ["clean"] * 5


@told()
async def test_a_restored_backup_is_not_answered_by_discarding(story: Story) -> None:
    espo_id, _ = await story.pair()
    story.sandbox.snapshot("yesterday")
    await story.without_daemon(3600)
    story.espo.edit(espo_id, {"titel": "Prof."}, by="anna")
    await story.settle()
    await story.without_daemon(3600)
    story.sandbox.restore("advoware", "yesterday")
    await story.live(60)
    stopped = await _stopped(story)
    assert stopped["discarding"] is None
    with pytest.raises(Refusal, match="say which side is right"):
        await story.desk.discard(stopped["id"])
    with pytest.raises(Refusal, match="no stopped guard"):
        await story.desk.discard("nonesuch")

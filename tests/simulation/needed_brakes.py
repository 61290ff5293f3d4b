"""Stories that go wrong without brakes, limits, and doubt about what seems to be gone."""

from __future__ import annotations

from syncd import inspect
from syncd.sandbox.faults import Kind
from tests.engine.story import Story
from tests.simulation.needed import (
    OTTO,
    STRICT,
    together,
    without,
)

# --- what is gone, and what is too much -----------------------------------------------------------


@without("404 confirmed twice", "marked as deleted")
async def one_wrong_404_marks_nobody(story: Story) -> None:
    espo_id, betnr = await story.pair({"assignedUserId": story.anna()})
    story.fault(Kind.STATUS, system="advoware", method="GET", route=f"*/{betnr}", status=404, text="weg")
    await story.settle()
    assert story.tasks() == [], "a person was marked as deleted"
    assert story.status(espo_id) == "clean"


@without("unknown is not absent", "marked as deleted")
async def a_proxys_page_is_no_deletion(story: Story) -> None:
    _, betnr = await story.pair({"assignedUserId": story.anna()})
    story.fault(Kind.STATUS, system="advoware", method="GET", route=f"*/{betnr}", status=404, times=None)
    await story.live(60)
    assert story.tasks() == [], "a person was marked as deleted"


@without("listing trust", "buried", SYNCD_FULL_PASS_HOURS="0.003")
async def what_a_listing_lacks_is_still_there(story: Story) -> None:
    await story.pairs([({"assignedUserId": story.anna()}, {})] * 4)
    story.fault(Kind.SHORT_PAGE, system="espocrm", method="GET", route="*/CBeteiligte", times=None)
    await story.live(40)
    assert story.tasks() == [], "a living record was buried"


@without("mass-delete guard", "too many", **STRICT)
async def many_missing_at_once_are_shown_to_a_person(story: Story) -> None:
    pairs = await story.pairs([({}, {})] * 8)
    for _, betnr in pairs[:5]:
        story.advoware.vanish(betnr)
    await story.live(50)
    gone = [espo_id for espo_id, _ in pairs if story.status(espo_id) == "deleted_in_advoware"]
    assert len(gone) < 3, "too many were marked as deleted"


@without("create guard", "too many", SYNCD_CREATE_GUARD="3")
async def a_flood_of_creations_is_stopped(story: Story) -> None:
    for number in range(6):
        story.espo.create({**OTTO, "lastName": f"Vielmann {number}"}, by="anna")
    story.world.job_settings["create_unchecked"] = True
    await story.live(40)
    assert len(story.advoware.betnrs()) == 3, "too many were created"
    assert len(await inspect.guards(story.ledger())) == 1


@without("change guard", "too many", SYNCD_CHANGE_GUARD_MIN="4", SYNCD_CHANGE_GUARD_PERCENT="25")
async def a_field_blanked_everywhere_is_not_blanked_on_the_other_side(story: Story) -> None:
    pairs = await story.pairs([({}, {})] * 8)
    for _, betnr in pairs:
        story.advoware.edit(betnr, {"zusatz": ""}, by="AB")
    await story.live(30)
    kept = [espo_id for espo_id, _ in pairs if story.espo.see(espo_id)["zusatz"] == "c/o Weber"]
    assert len(kept) >= 4, "too many were changed"


@without("restored-backup hold", "undone")
async def a_restored_backup_undoes_nothing(story: Story) -> None:
    espo_id, _ = await story.pair()
    story.sandbox.snapshot("yesterday")
    await story.without_daemon(3600)
    story.espo.edit(espo_id, {"titel": "Prof."}, by="anna")
    await story.settle()
    await story.without_daemon(3600)
    story.sandbox.restore("advoware", "yesterday")
    await story.live(60)
    assert story.espo.see(espo_id)["titel"] == "Prof.", "what people typed was undone"


# --- limits ---------------------------------------------------------------------------------------


@without("token single-flight", "logins")
async def many_workers_log_in_once(story: Story) -> None:
    story.sandbox.seed.synced(6)
    story.fault(Kind.LATENCY, system="advoware", method="POST", route="*/Token", seconds=1.0, times=None)
    await together(story, 20, 0)
    assert story.sandbox.tokens.issued == 1, f"{story.sandbox.tokens.issued} logins"


@without("call budget", "calls in a minute", SYNCD_ADVOWARE_CALLS_PER_MINUTE="30")
async def no_more_calls_than_granted(story: Story) -> None:
    story.sandbox.seed.synced(30)
    await story.live(60)
    calls = len([call for call in story.sandbox.log.calls if call.system == "advoware"])
    assert calls <= 31, f"{calls} calls in a minute"


@without("circuit", "calls to a system that is away")
async def a_system_that_is_away_is_left_alone(story: Story) -> None:
    pairs = await story.pairs([({}, {})] * 6)
    for espo_id, _ in pairs:
        story.espo.edit(espo_id, {"titel": "Prof."}, by="anna")
    story.sandbox.faults.down.add("advoware")
    story.forget_calls()
    await story.live(60)
    calls = len([call for call in story.sandbox.log.calls if call.system == "advoware"])
    assert calls < 30, f"{calls} calls to a system that is away"

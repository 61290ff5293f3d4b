"""How a change is found: polls, page edges, webhooks that are late, lost or doubled; and who takes part."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mappers.spec import Entity
from syncd import discovery
from syncd.admission import espo_time
from syncd.projection import espo_text
from syncd.sandbox.faults import Kind
from tests.engine.story import ADVOWARE, ESPO, POLL, Story, registered, told

SELDOM = {"SYNCD_POLL_SECONDS": "3600", "SYNCD_SWEEP_MIN_SECONDS": "3600", "SYNCD_SWEEP_MAX_SECONDS": "86400"}


# --- polls --------------------------------------------------------------------------------------


@told()
async def test_rows_of_the_same_second_at_a_pages_edge_are_all_found(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(discovery, "PAGE", 2)
    pairs = await story.pairs([({}, {})] * 7)
    await story.without_daemon(120)
    for espo_id, _ in pairs:
        story.espo.edit(espo_id, {"titel": "Prof."}, by="anna")
    await story.live(POLL)
    assert [story.advoware.see(betnr)["titel"] for _, betnr in pairs] == ["Prof."] * 7


@told()
async def test_what_was_typed_while_no_daemon_ran_is_found(story: Story) -> None:
    (one, first), (two, second) = await story.pairs([({}, {})] * 2)
    story.espo.edit(one, {"titel": "Prof."}, by="anna")
    await story.without_daemon(3600)
    story.espo.edit(two, {"titel": "Prof."}, by="anna")
    await story.without_daemon(86400)
    await story.live(POLL)
    assert story.advoware.see(first)["titel"] == story.advoware.see(second)["titel"] == "Prof."


@told()
async def test_an_edit_is_served_within_seconds_while_many_others_are_taken_up(story: Story) -> None:
    espo_id, betnr = await story.pair()
    story.sandbox.seed.synced(60)
    await story.live(1)
    story.espo.edit(espo_id, {"titel": "Prof."}, by="anna")
    await story.live(POLL)
    assert story.advoware.see(betnr)["titel"] == "Prof."


@pytest.mark.parametrize("status", ["dirty", "pending_sync", "failed", "syncing", "clean"])
@told()
async def test_whatever_status_people_leave_a_pair_ends_clean(story: Story, status: str) -> None:
    espo_id, betnr = await story.pair()
    story.espo.edit(espo_id, {"syncStatus": status, "titel": "Prof."}, by="anna")
    await story.settle()
    assert (story.status(espo_id), story.advoware.see(betnr)["titel"]) == ("clean", "Prof.")


@pytest.mark.parametrize("status", ["dirty", "pending_sync", "failed", "syncing", "conflict", "permanently_failed"])
@told()
async def test_a_status_set_without_an_edit_is_put_right(story: Story, status: str) -> None:
    espo_id, _ = await story.pair()
    story.espo.edit(espo_id, {"syncStatus": status}, by="anna")
    await story.settle()
    assert story.status(espo_id) == "clean"
    assert story.writes("advonet") == []


@told(SYNCD_SWEEP_MIN_SECONDS="3600", SYNCD_SWEEP_MAX_SECONDS="86400")
async def test_a_status_that_asks_for_work_is_found_long_after_its_time_stamp(story: Story) -> None:
    (espo_id, betnr), (other, _) = await story.pairs([({}, {})] * 2)
    for person in (espo_id, other):
        story.espo.edit(person, {"titel": "Prof."}, by="anna")
        await story.live(200)
    table = story.sandbox.espo.tables["CBeteiligte"]
    row = table.rows[espo_id]
    at = espo_text((espo_time(row.values["modifiedAt"]) or 0.0) + 10.0)
    table.change(row, {"syncStatus": "dirty", "titel": "Mag.", "modifiedAt": at})  # saved then, and committed only now
    await story.live(POLL * 2)
    assert (story.status(espo_id), story.advoware.see(betnr)["titel"]) == ("clean", "Mag.")


@pytest.mark.parametrize("raw", [None, "", "unheard of"])
@told()
async def test_a_null_or_unknown_status_counts_as_dirty(story: Story, raw: str | None) -> None:
    espo_id, betnr = await story.pair()
    row = story.sandbox.espo.tables["CBeteiligte"].rows[espo_id]
    story.espo.edit(espo_id, {"titel": "Prof."}, by="anna")
    row.values["syncStatus"] = raw
    await story.settle()
    assert (story.status(espo_id), story.advoware.see(betnr)["titel"]) == ("clean", "Prof.")


@told(SYNCD_LEASE_SECONDS="10")
async def test_syncing_left_by_a_dead_daemon_is_put_right(story: Story) -> None:
    await story.pair()
    story.fault(Kind.LATENCY, system="advoware", method="POST", route="*/Beteiligte", seconds=20.0)
    new = story.espo.create({**ESPO, "lastName": "Neuling", "firstName": "Nora"}, by="anna")
    await story.live(5)
    assert story.status(new) == "syncing"
    await story.live(100)
    assert story.status(new) == "clean"
    assert len(story.advoware.betnrs()) == 2


# --- webhooks -----------------------------------------------------------------------------------


@told(**SELDOM)
async def test_a_webhook_brings_a_change_over_without_a_poll(story: Story) -> None:
    espo_id, betnr = await story.pair()
    await registered(story, "update")
    await story.live(1)
    story.espo.edit(espo_id, {"titel": "Prof."}, by="anna")
    await story.sandbox.webhooks.run()
    await story.live(POLL)
    assert (story.status(espo_id), story.advoware.see(betnr)["titel"]) == ("clean", "Prof.")


@pytest.mark.parametrize("way", ["lost", "late", "doubled", "after the poll"])
@told()
async def test_webhooks_may_go_any_way(story: Story, way: str) -> None:
    espo_id, betnr = await story.pair()
    await registered(story, "update", "create")
    settings = story.sandbox.webhooks.settings
    settings.loss, settings.twice = (1.0 if way == "lost" else 0.0), (1.0 if way == "doubled" else 0.0)
    story.espo.edit(espo_id, {"titel": "Prof."}, by="anna")
    new = story.espo.create({**ESPO, "lastName": "Neuling", "firstName": "Nora"}, by="anna")
    if way != "after the poll":
        await story.sandbox.webhooks.run()
    await story.live(POLL)
    await story.sandbox.webhooks.run()
    await story.live(POLL)
    assert (story.status(espo_id), story.advoware.see(betnr)["titel"]) == ("clean", "Prof.")
    assert story.status(new) == "clean"
    assert len(story.advoware.betnrs()) == 2
    story.forget_calls()
    await story.sandbox.webhooks.run()
    await story.settle()
    assert story.writes() == []


@told(**SELDOM)
async def test_what_a_webhook_brought_survives_redis(story: Story) -> None:
    espo_id, betnr = await story.pair()
    await registered(story, "update")
    story.espo.edit(espo_id, {"titel": "Prof."}, by="anna")
    await story.sandbox.webhooks.run()
    story.world.flush_redis()
    await story.live(POLL)
    assert story.advoware.see(betnr)["titel"] == "Prof."


# --- who takes part -----------------------------------------------------------------------------


@told()
async def test_rows_from_before_the_first_start_are_ignored_whatever_their_status(story: Story) -> None:
    old = story.espo.create(ESPO, by="anna")
    named = story.espo.create({**ESPO, "betnr": story.advoware.create(ADVOWARE, by="AB")}, by="anna")
    await story.without_daemon(600)
    story.forget_calls()
    await story.settle()
    story.espo.edit(old, {"titel": "Prof."}, by="anna")
    await story.settle()
    assert (story.status(old), story.status(named)) == ("dirty", "pending_sync")
    assert story.writes() == []
    assert len(story.advoware.betnrs()) == 1


@pytest.mark.parametrize("skew", [-90_000.0, 90_000.0])
@told()
async def test_old_and_new_are_told_apart_by_espocrms_own_clock(story: Story, skew: float) -> None:
    story.misdate_espocrm(skew)
    old = story.espo.create(ESPO, by="anna")
    await story.without_daemon(600)
    await story.live(POLL)
    new = story.espo.create({**ESPO, "lastName": "Neu"}, by="anna")
    await story.live(POLL)
    assert story.status(old) == "pending_sync"
    assert story.status(new) == "conflict"  # asked about: nobody can be searched for yet


@told()
async def test_an_old_row_takes_part_once_a_person_asks_for_it(story: Story) -> None:
    old = story.espo.create({**ESPO, "betnr": story.advoware.create(ADVOWARE, by="AB")}, by="anna")
    await story.without_daemon(600)
    await story.live(POLL)
    await story.desk.sync([f"beteiligte/{old}"])
    await story.live(POLL)
    assert story.status(old) == "clean"


@told()
async def test_an_installation_that_goes_on_takes_part_at_once(story: Story) -> None:
    pairs = story.sandbox.seed.synced(3)
    await story.live(POLL)
    story.espo.edit(pairs[0][0], {"titel": "Prof."}, by="anna")
    await story.live(POLL)
    assert story.advoware.see(pairs[0][1])["titel"] == "Prof."
    assert story.status(pairs[0][0]) == "clean"


@told()
async def test_a_filter_keeps_records_out(story: Story) -> None:
    only = ({"type": "equals", "attribute": "rechtsform", "value": "Frau"},)
    story.world.job_settings["espo_filter"] = only
    await story.pair()
    inside = story.espo.create({**ESPO, "lastName": "Innen"}, by="anna")
    outside = story.espo.create({**ESPO, "lastName": "Außen", "rechtsform": "Herr"}, by="anna")
    await story.settle()
    assert (story.status(inside), story.status(outside)) == ("clean", "pending_sync")
    assert len(story.advoware.betnrs()) == 2


@told()
async def test_an_excluded_record_is_left_alone_until_it_is_included(story: Story) -> None:
    espo_id, betnr = await story.pair()
    await story.desk.exclude(f"beteiligte/{espo_id}")
    story.espo.edit(espo_id, {"titel": "Prof."}, by="anna")
    await story.settle()
    assert (story.status(espo_id), story.advoware.see(betnr)["titel"]) == ("dirty", "Dr.")
    await story.desk.include(f"beteiligte/{espo_id}")
    await story.settle()
    assert (story.status(espo_id), story.advoware.see(betnr)["titel"]) == ("clean", "Prof.")


@told()
async def test_a_newly_mapped_field_fills_blanks_and_leaves_differences_to_a_person(story: Story) -> None:
    def without(entity: Entity) -> Entity:
        return replace(entity, fields=tuple(field for field in entity.fields if field.name != "zusatz"))

    story.world.entity = without
    (blank, first), (differs, second) = await story.pairs([({"zusatz": None}, {}), ({"zusatz": "Hof"}, {})])
    story.world.entity = lambda entity: entity
    await story.settle()
    assert story.espo.see(blank)["zusatz"] == story.advoware.see(first)["zusatz"] == "c/o Weber"
    assert (story.espo.see(differs)["zusatz"], story.advoware.see(second)["zusatz"]) == ("Hof", "c/o Weber")
    assert (story.status(blank), story.status(differs)) == ("clean", "conflict")

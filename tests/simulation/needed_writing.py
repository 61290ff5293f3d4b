"""Stories that go wrong without the safeguards around claims, reads and writes."""

from __future__ import annotations

import asyncio

from syncd.sandbox.faults import Kind
from tests.daemon import Crash
from tests.engine.numbers import HOME, MOBILE, OFFICE, entry, known, phone, phones, rows, save
from tests.engine.story import POLL, Story
from tests.simulation.needed import (
    BETEILIGTE,
    IMPATIENT,
    OBJECT,
    OTTO,
    RECORD,
    SELDOM,
    titles,
    together,
    without,
)

# --- who may write ------------------------------------------------------------------------------


@without("journal", "two Beteiligte", **IMPATIENT)
async def a_post_that_applies_after_we_looked_is_made_once(story: Story) -> None:
    await story.pair()
    story.fault(Kind.APPLIED_LATE, seconds=7.5, system="advoware", method="POST", route=BETEILIGTE)
    story.espo.create(OTTO, by="anna")
    await story.live(75)
    assert len(story.advoware.betnrs()) == 2, "two Beteiligte for one record"


@without("fencing", "two Beteiligte", SYNCD_LEASE_SECONDS="6")
async def a_daemon_that_hangs_before_a_create_comes_too_late(story: Story) -> None:
    await story.pair()
    story.fault(Kind.LATENCY, system="espocrm", method="PATCH", route=RECORD, seconds=20.0)
    story.espo.create(OTTO, by="anna")

    async def forget_leases() -> None:
        for _ in range(15):
            await story.without_daemon(1)
            story.world.flush_redis()

    forgetting = asyncio.create_task(forget_leases())
    await together(story, 60, 6)
    await forgetting
    await story.settle()
    assert len(story.advoware.betnrs()) == 2, "two Beteiligte for one record"


@without("lease renewal", "never ends", SYNCD_LEASE_SECONDS="6")
async def a_job_whose_first_answer_outlasts_its_lease_comes_to_its_end(story: Story) -> None:
    espo_id, betnr = await story.pair()
    story.fault(Kind.LATENCY, system="advoware", seconds=8.0, times=None)
    story.espo.edit(espo_id, {"titel": "Prof."}, by="anna")
    await together(story, 120, 1)
    assert (story.status(espo_id), story.advoware.see(betnr)["titel"]) == ("clean", "Prof."), "the job never ends"


@without("crash counted as a try", "every process dies", SYNCD_LEASE_SECONDS="10")
async def a_record_that_kills_the_process_is_given_up(story: Story) -> None:
    espo_id, betnr = await story.pair()

    def die() -> None:
        story.world.effects.kill()
        raise Crash("poison")

    story.fault(Kind.EDIT_BEFORE, system="advoware", method="GET", route=f"*/Beteiligte/{betnr}", times=None, act=die)
    story.espo.edit(espo_id, {"titel": "Prof."}, by="anna")
    lived = [await story.world.live(story.world.daemon(f"number {number}"), 30) for number in range(9)]
    assert any(lived), "every process dies of the same record"


@without("work copied from the ledger", "forgotten", **SELDOM)
async def work_that_redis_forgot_is_done(story: Story) -> None:
    pairs = await story.pairs([({}, {})] * 6)
    story.fault(Kind.LATENCY, system="advoware", method="GET", route=OBJECT, seconds=3.0, times=6)
    for espo_id, _ in pairs:
        story.espo.edit(espo_id, {"titel": "Prof."}, by="anna")
    living = asyncio.create_task(story.live(60))
    await story.without_daemon(4.5)
    story.world.flush_redis()
    await living
    assert {story.advoware.see(betnr)["titel"] for _, betnr in pairs} == {"Prof."}, "an edit was forgotten"


# --- what was read, and what was written ---------------------------------------------------------


@without("re-check before write", "written over")
async def what_is_typed_while_a_read_grows_old_stays(story: Story) -> None:
    espo_id, betnr = await story.pair()
    story.espo.edit(espo_id, {"titel": "Prof."}, by="anna")
    story.fault(Kind.LATENCY, system="espocrm", method="GET", route=RECORD, seconds=10.0)
    living = asyncio.create_task(story.live(40))
    await story.without_daemon(8)
    story.advoware.edit(betnr, {"zusatz": "Hinterhaus"}, by="AB")
    await living
    assert story.advoware.see(betnr)["zusatz"] == "Hinterhaus", "an edit was written over"
    assert titles(story, espo_id, betnr) == ("Prof.", "Prof.")


@without("last look before sending", "written over")
async def what_waits_for_a_login_is_not_sent_over_what_was_typed_meanwhile(story: Story) -> None:
    espo_id, betnr = await story.pair()
    story.espo.edit(espo_id, {"titel": "Prof."}, by="anna")
    story.fault(Kind.EDIT_AFTER, system="advoware", method="GET", route=OBJECT, act=story.sandbox.tokens.revoke)
    story.fault(Kind.LATENCY, system="advoware", route="*/Token", seconds=12.0)
    living = asyncio.create_task(story.world.live(story.world.daemon(), 60))
    await story.without_daemon(9)
    story.advoware.edit(betnr, {"zusatz": "Hinterhaus"}, by="AB")
    await living
    assert story.advoware.see(betnr)["zusatz"] == "Hinterhaus", "what AB typed was written over"
    assert story.advoware.see(betnr)["titel"] == "Prof."


@without("list re-read before PATCH", "a number was lost", **SELDOM)
async def a_number_added_since_the_read_stays(story: Story) -> None:
    espo_id, betnr = await known(story, phone(OFFICE, primary=True), phone(MOBILE, "Mobile"))
    story.advoware.edit_kommunikation(betnr, entry(story, betnr, MOBILE)["id"], {"tlf": ""}, by="AB")
    story.espo.edit(espo_id, {"syncStatus": "dirty"}, by="anna")
    story.fault(Kind.LATENCY, system="advoware", method="GET", route=OBJECT, seconds=3.0)
    story.fault(Kind.EDIT_BEFORE, system="advoware", method="GET", route=OBJECT,
                act=lambda: save(story, espo_id, *rows(story, espo_id), phone(HOME, "Home")))  # fmt: skip
    await story.settle()
    assert (HOME, "Home") in phones(story, espo_id), "a number was lost"


@without("read-back", "a clerk's value was replaced by the old one")
async def a_value_advoware_keeps_out_stays_in_espocrm(story: Story) -> None:
    espo_id, _ = await story.pair()
    story.fault(Kind.REFUSE, system="advoware", method="PUT", route=OBJECT, field="titel", times=None)
    story.espo.edit(espo_id, {"titel": "Prof."}, by="anna")
    await story.settle()
    assert story.espo.see(espo_id)["titel"] == "Prof.", "a clerk's value was replaced by the old one"


@without("base per confirmed field", "clean, and different")
async def a_value_that_was_not_taken_is_shown(story: Story) -> None:
    espo_id, betnr = await story.pair()
    story.fault(Kind.REFUSE, system="advoware", method="PUT", route=OBJECT, field="titel", times=None)
    story.espo.edit(espo_id, {"titel": "Prof."}, by="anna")
    await story.settle()
    espo, advoware = titles(story, espo_id, betnr)
    assert story.status(espo_id) == "conflict" or espo == advoware, "clean, and different"


@without("quarantine", "a good value waits for a bad one")
async def one_bad_value_keeps_no_good_one_back(story: Story) -> None:
    espo_id, betnr = await story.pair()
    story.fault(Kind.REFUSE, system="espocrm", method="PATCH", route=RECORD, field="titel", times=None)
    story.advoware.edit(betnr, {"titel": "Prof.", "zusatz": "Hinterhaus"}, by="AB")
    await story.settle()
    assert story.espo.see(espo_id)["zusatz"] == "Hinterhaus", "a good value waits for a bad one"


@without("own late write", "the later word was lost", **IMPATIENT)
async def a_write_of_ours_that_applies_late_is_nobodys_edit(story: Story) -> None:
    espo_id, betnr = await story.pair()
    story.fault(Kind.APPLIED_LATE, seconds=25.0, system="advoware", method="PUT", route=OBJECT)
    story.espo.edit(espo_id, {"titel": "Mag."}, by="anna")
    await story.live(POLL)
    story.espo.edit(espo_id, {"titel": "Prof."}, by="anna")
    await story.live(40)
    await story.settle()
    assert titles(story, espo_id, betnr) == ("Prof.", "Prof."), "the later word was lost"


@without("losing value kept", "the value that lost is nowhere")
async def of_two_values_the_one_that_loses_is_kept(story: Story) -> None:
    espo_id, betnr = await story.pair()
    story.espo.edit(espo_id, {"titel": "Prof."}, by="anna")
    story.advoware.edit(betnr, {"titel": "Mag."}, by="AB")
    await story.settle()
    kept = [row["advoware"] for row in await story.conflicts(espo_id, "kept")]
    assert kept == ["Mag."], "the value that lost is nowhere"


@without("late check", "an edit was never looked at", **SELDOM)
async def a_save_under_our_stamp_is_found(story: Story) -> None:
    espo_id, betnr = await story.pair()
    story.espo.edit(espo_id, {"titel": "Prof."}, by="anna")

    def save_underneath() -> None:
        story.sandbox.espo.tables["CBeteiligte"].rows[espo_id].values["zusatz"] = "Hinterhaus"

    story.fault(Kind.EDIT_AFTER, system="espocrm", method="PATCH", route=RECORD, act=save_underneath)
    await story.live(POLL)
    assert story.advoware.see(betnr)["zusatz"] == "Hinterhaus", "an edit was never looked at"


@without("own-write recognition", "work without end", **SELDOM)
async def what_we_wrote_starts_no_work(story: Story) -> None:
    espo_id, betnr = await story.pair()
    story.espo.edit(espo_id, {"titel": "Prof."}, by="anna")
    await story.settle()
    story.forget_calls()
    await story.live(60)
    assert story.calls(espo_id, betnr) == [], "work without end"


@without("watermark overlap", "a late row was never seen", **SELDOM)
async def a_row_committed_late_is_polled(story: Story) -> None:
    (one, betnr), (other, _) = await story.pairs([({}, {})] * 2)
    await story.without_daemon(100)
    story.espo.edit(other, {"titel": "Mag."}, by="anna")
    row = story.sandbox.espo.tables["CBeteiligte"].rows[one]
    stamp = story.espo.see(other)["modifiedAt"]
    await story.without_daemon(20)
    story.espo.edit(other, {"titel": "Prof."}, by="anna")
    await story.live(POLL)
    story.sandbox.espo.tables["CBeteiligte"].change(row, {"titel": "Prof.", "modifiedAt": stamp})  # committed only now
    await story.live(POLL)
    assert story.advoware.see(betnr)["titel"] == "Prof.", "a late row was never seen"

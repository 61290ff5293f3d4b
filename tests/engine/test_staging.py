"""A dry run for days: each change is planned once and told, and nothing is written, whatever happens."""

from __future__ import annotations

from syncd.ledger import views
from syncd.sandbox.faults import Kind
from syncd.staging import Staged, everything
from tests.engine.story import ESPO, POLL, Story, key, told

DRY = {"SYNCD_DRY_RUN": "true"}


async def staged(story: Story) -> Staged:
    return await everything(story.ledger())


async def stagings(story: Story, espo_id: str) -> int:
    """How often a record was staged."""
    known = await story.read(views.record, key(espo_id), 200)
    assert known is not None
    return sum(row["why"].startswith("staged:") for row in known["history"])


@told(**DRY)
async def test_what_would_be_written_is_told_behind_the_link_too(story: Story) -> None:
    pairs = story.sandbox.seed.synced(2)
    story.advoware.edit(pairs[0][1], {"titel": "Prof."}, by="AB")
    new = story.espo.create({**ESPO, "lastName": "Neuling"}, by="anna")
    await story.live(POLL)
    found = await staged(story)
    plans = {plan["key"]: plan for plan in found.plans}
    assert plans[key(pairs[0][0])]["to_espo"] == ["titel"]
    assert [action["do"] for action in plans[key(pairs[0][0])]["actions"]][:2] == ["link", "update"]
    assert plans[key(new)]["creates"]
    assert (found.creates, found.same, {name: row for name, *row in found.fields}["titel"]) == (1, 1, [1, 1])
    assert story.writes() == []


@told(**DRY)
async def test_each_change_is_staged_once_not_each_look_anew(story: Story) -> None:
    [(espo_id, number)] = story.sandbox.seed.synced(1)
    await story.live(40)
    assert await stagings(story, espo_id) == 1
    story.advoware.edit(number, {"titel": "Prof."}, by="AB")
    await story.live(60)
    assert await stagings(story, espo_id) == 2
    story.advoware.edit(number, {"titel": "Dr."}, by="AB")
    await story.live(60)
    assert await stagings(story, espo_id) == 3
    [plan] = (await staged(story)).plans
    assert "Dr." in str(plan["actions"])


@told(**DRY, SYNCD_RETRY_MINUTES="0.1,0.1,0.1,0.1,0.1")
async def test_a_failure_in_a_dry_run_is_not_written_into_espocrm(story: Story) -> None:
    [(espo_id, _)] = story.sandbox.seed.synced(1)
    story.fault(Kind.STATUS, system="advoware", method="GET", route="*/Beteiligte/*", status=500, times=None)
    story.espo.edit(espo_id, {"titel": "Prof."}, by="anna")
    before = story.sandbox.dump()
    await story.live(40)
    assert (await story.known(espo_id))["pair"]["retries"] > 0
    await story.desk.retry([key(espo_id)])
    await story.live(30)
    assert story.writes() == []
    assert story.sandbox.dump() == before


@told()
async def test_what_was_staged_is_forgotten_once_it_is_done_in_earnest(story: Story) -> None:
    await story.pair()
    await story.write(_note_staging)
    await story.live(POLL)
    assert (await staged(story)).plans == []


def _note_staging(conn: object) -> None:
    from syncd.ledger import facts
    from syncd.ledger.staged import Plan, put

    put(conn, "beteiligte/x", Plan([], ["titel"]), 1.0)  # type: ignore[arg-type]
    facts.put(conn, "staging", True)  # type: ignore[arg-type]

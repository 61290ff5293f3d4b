"""The history tells whose value was carried over, what set the job going, and who asked for what."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from mappers.beteiligte import BETEILIGTE
from syncd import inspect
from tests.engine.story import Story, key, registered, told


async def _timeline(story: Story, espo_id: str, kind: str) -> list[dict[str, Any]]:
    found = await inspect.timeline(story.ledger(), BETEILIGTE, key(espo_id))
    assert [one["at"] for one in found] == sorted((one["at"] for one in found), reverse=True)
    return [one for one in found if one["kind"] == kind]


@told()
async def test_a_change_names_who_saved_the_other_side_and_what_made_us_look(story: Story) -> None:
    espo_id, betnr = await story.pair()
    story.espo.edit(espo_id, {"titel": "Prof."}, by="anna")
    await story.settle()
    [change] = await _timeline(story, espo_id, "change")
    assert (change["side"], change["field"], change["before_words"], change["after_words"]) == (
        "advoware", "titel", "Dr.", "Prof.",
    )  # fmt: skip
    assert (change["who"], change["cause"]) == (f"espocrm:{story.anna()}", "event")
    story.advoware.edit(betnr, {"zusatz": "c/o Meier"}, by="AB")
    await story.settle()
    newest = (await _timeline(story, espo_id, "change"))[0]
    assert (newest["side"], newest["who"], newest["cause"]) == ("espocrm", "advoware:AB", "sweep")


@told(SYNCD_POLL_SECONDS="1000")
async def test_a_job_that_a_webhook_began_says_so(story: Story) -> None:
    espo_id, _ = await story.pair()
    await registered(story, "update")
    story.espo.edit(espo_id, {"titel": "Prof."}, by="anna")
    await story.sandbox.webhooks.run()
    await story.settle()
    assert [one["cause"] for one in await _timeline(story, espo_id, "change")] == ["webhook"]
    assert [one["event"] for one in await _timeline(story, espo_id, "webhook")] == ["update"]


@told(SYNCD_DEFAULT_POLICY="manual")
async def test_a_choice_and_what_came_of_it_name_the_person(story: Story) -> None:
    espo_id, betnr = await story.pair()
    story.espo.edit(espo_id, {"titel": "Prof."}, by="anna")
    story.advoware.edit(betnr, {"titel": "Mag."}, by="AB")
    await story.settle()
    [conflict] = await story.conflicts(espo_id)
    desk = replace(story.desk, who="page:bernd")
    await desk.resolve(conflict["id"], "advoware")
    await story.settle()
    [change] = await _timeline(story, espo_id, "change")
    assert (change["side"], change["after_words"], change["who"]) == ("espocrm", "Mag.", "page:bernd")
    [asked] = await _timeline(story, espo_id, "asked")
    assert (asked["what"], asked["about"], asked["who"]) == ("resolve", conflict["id"], "page:bernd")
    [settled] = await _timeline(story, espo_id, "settled")
    assert (settled["id"], settled["who"]) == (conflict["id"], "page:bernd")

    await desk.undo(await desk.change(change["id"]), {"of": str(change["id"])})
    await story.settle()
    newest = (await _timeline(story, espo_id, "change"))[0]
    assert (newest["why"], newest["who"]) == (f"undo:{change['id']}", "page:bernd")
    assert [one["what"] for one in await inspect.requests(story.ledger())] == ["undo", "resolve"]

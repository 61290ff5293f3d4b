"""A system that makes something else of what it is sent must not be asked for ever."""

from __future__ import annotations

from syncd.sandbox.faults import Kind, Rule
from tests.engine.story import Story, told


@told()
async def test_a_value_advoware_always_replaces_is_shown_and_not_sent_again_and_again(story: Story) -> None:
    espo_id, betnr = await story.pair()

    def replaced() -> None:
        story.advoware.edit(betnr, {"titel": "Dipl.-Ing."}, by="AB")

    story.sandbox.faults.add(
        Rule(Kind.EDIT_AFTER, system="advoware", method="PUT", route="*/Beteiligte/*", times=None, act=replaced)
    )
    story.espo.edit(espo_id, {"titel": "Prof."}, by="anna")
    await story.settle()
    puts = [call for call in story.sandbox.log.calls if call.method == "PUT"]
    assert len(puts) == 2
    assert story.status(espo_id) == "conflict"
    assert "titel" in story.espo.see(espo_id)["syncErrorMessage"]

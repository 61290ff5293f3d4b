"""What both sides show of a record now, for people: each by itself, whatever has become of the other."""

from __future__ import annotations

import pytest

from syncd.asking import each_side, preview
from syncd.listed import Known
from syncd.sandbox.faults import Kind
from syncd.sides import Answer, Sides
from syncd.ui.record_rows import lines
from syncd.ui.show import Show
from tests.engine.numbers import MOBILE, OFFICE, known, phone, rows, save
from tests.engine.story import Story, key, told


async def look(story: Story, espo_id: str) -> Sides:
    return await each_side(story.world.daemon().contexts, key(espo_id))


@told()
async def test_both_sides_are_shown_with_their_entries_and_nothing_is_written(story: Story) -> None:
    espo_id, betnr = await known(story, phone(OFFICE, primary=True))
    story.advoware.edit(betnr, {"titel": "Prof."}, by="AB")
    story.forget_calls()
    seen = await look(story, espo_id)
    assert (seen.espocrm.answer, seen.advoware.answer) == (Answer.SHOWN, Answer.SHOWN)
    assert (seen.espocrm.fields["name"], seen.advoware.fields["titel"]) == ("Neumann", "Prof.")
    assert seen.entries is not None
    assert [one.known for one in seen.entries] == [Known.LINKED]
    assert story.writes() == []


@pytest.mark.parametrize("silent", ["espocrm", "advoware"])
@told()
async def test_a_side_that_does_not_answer_hides_nothing_of_the_other(story: Story, silent: str) -> None:
    espo_id, _ = await known(story, phone(OFFICE, primary=True))
    story.fault(Kind.STATUS, system=silent, status=503, times=None)
    seen = await look(story, espo_id)
    away, there = (seen.espocrm, seen.advoware) if silent == "espocrm" else (seen.advoware, seen.espocrm)
    assert (away.answer, away.fields) == (Answer.SILENT, {})
    assert away.reason
    assert (there.answer, there.fields["vorname"]) == (Answer.SHOWN, "Ida")
    assert seen.entries is None, "they cannot be laid side by side"


@told()
async def test_gone_and_not_linked_are_no_silence(story: Story) -> None:
    espo_id, betnr = await story.pair()
    story.advoware.vanish(betnr)
    assert (await look(story, espo_id)).advoware.answer is Answer.ABSENT
    alone = story.espo.create({"lastName": "Einzel", "firstName": "Eva"}, by="anna")
    seen = await look(story, alone)
    assert (seen.espocrm.answer, seen.advoware.answer) == (Answer.SHOWN, Answer.UNLINKED)


@told()
async def test_a_plan_is_told_in_the_words_of_the_reader(story: Story) -> None:
    espo_id, betnr = await known(story, phone(OFFICE, primary=True))
    story.advoware.edit(betnr, {"titel": "Prof."}, by="AB")
    contexts = story.world.daemon().contexts
    for language, written in (("de", "In EspoCRM schreiben"), ("en", "Write to EspoCRM")):
        planned = await preview(contexts, key(espo_id), language)
        told_lines = lines(Show(language, 0.0), contexts["beteiligte"].entity, planned["actions"])
        [update] = [one for one in told_lines if one.text == written]
        assert [after for _, _, after in update.writes] == ["Prof."]


@told()
async def test_a_new_number_is_told_in_a_plan_by_what_it_says(story: Story) -> None:
    espo_id, _ = await known(story, phone(OFFICE, primary=True))
    save(story, espo_id, *rows(story, espo_id), phone(MOBILE, "Mobile"))
    contexts = story.world.daemon().contexts
    planned = await preview(contexts, key(espo_id), "en")
    told_lines = lines(Show("en", 0.0), contexts["beteiligte"].entity, planned["actions"])
    assert ("Phone/e-mail", "", MOBILE) in [write for one in told_lines for write in one.writes]

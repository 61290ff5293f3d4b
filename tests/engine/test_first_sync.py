"""The first sync of two records that belong together: nobody remembers who changed what."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.engine.story import ADVOWARE, ESPO, Story, told
from tests.virtual import START


def meet(story: Story, espo: Mapping[str, Any], advoware: Mapping[str, Any]) -> tuple[str, int]:
    """Both know Ida Neumann, and a clerk has just entered her number."""
    betnr = story.advoware.create({**ADVOWARE, **advoware}, by="AB")
    return story.espo.create({**ESPO, **espo, "betnr": betnr}, by="anna"), betnr


@told()
async def test_equal_records_are_linked_and_advoware_is_not_written(story: Story) -> None:
    espo_id, betnr = meet(story, {}, {})
    before = story.advoware.see(betnr)
    await story.settle()
    assert story.status(espo_id) == "clean"
    assert story.advoware.see(betnr) == before
    assert story.writes("advonet") == []


@told()
async def test_blanks_are_filled_on_both_sides(story: Story) -> None:
    espo_id, betnr = meet(story, {"titel": None, "geburtsdatum": None}, {"zusatz": ""})
    await story.settle()
    espo, advoware = story.espo.see(espo_id), story.advoware.see(betnr)
    assert (espo["titel"], advoware["titel"]) == ("Dr.", "Dr.")
    assert (espo["zusatz"], advoware["zusatz"]) == ("c/o Weber", "c/o Weber")
    assert espo["geburtsdatum"] == "1990-02-03"
    assert story.status(espo_id) == "clean"
    assert await story.conflicts(espo_id, "kept") == []


@pytest.mark.parametrize(("seconds", "shown"), [(30, "Dipl."), (1, "Prof.")], ids=["newer wins", "too close: policy"])
@told()
async def test_the_later_of_two_different_values_wins_and_the_other_is_kept(
    story: Story, seconds: float, shown: str
) -> None:
    espo_id, betnr = meet(story, {"titel": "Prof."}, {})
    await story.without_daemon(seconds)
    story.advoware.edit(betnr, {"titel": "Dipl."}, by="AB")
    await story.settle()
    assert (story.espo.see(espo_id)["titel"], story.advoware.see(betnr)["titel"]) == (shown, shown)
    assert story.status(espo_id) == "clean"
    [kept] = await story.conflicts(espo_id, "kept")
    assert (kept["espo"], kept["advoware"], kept["kind"]) == ("Prof.", "Dipl.", "first_sync")


@told()
async def test_in_the_doubled_hour_of_october_nobody_knows_who_is_newer(story: Story) -> None:
    story.world.clock.skew = datetime(2026, 10, 25, 0, 30, tzinfo=UTC).timestamp() - START
    await story.live(1)
    espo_id, betnr = meet(story, {"titel": "Prof."}, {})
    await story.without_daemon(120)
    story.advoware.edit(betnr, {"titel": "Dipl."}, by="AB")
    await story.settle()
    assert (story.espo.see(espo_id)["titel"], story.advoware.see(betnr)["titel"]) == ("Prof.", "Prof.")
    [kept] = await story.conflicts(espo_id, "kept")
    assert kept["advoware"] == "Dipl."


@told()
async def test_before_the_doubled_hour_the_newer_value_wins_as_ever(story: Story) -> None:
    story.world.clock.skew = datetime(2026, 10, 24, 23, 30, tzinfo=UTC).timestamp() - START
    await story.live(1)
    espo_id, betnr = meet(story, {"titel": "Prof."}, {})
    await story.without_daemon(120)
    story.advoware.edit(betnr, {"titel": "Dipl."}, by="AB")
    await story.settle()
    assert story.espo.see(espo_id)["titel"] == "Dipl."


@told(SYNCD_DEFAULT_POLICY="manual")
async def test_under_manual_neither_side_is_written_where_both_have_a_value(story: Story) -> None:
    espo_id, betnr = meet(story, {"titel": "Prof.", "zusatz": None}, {})
    await story.settle()
    assert (story.espo.see(espo_id)["titel"], story.advoware.see(betnr)["titel"]) == ("Prof.", "Dr.")
    assert story.espo.see(espo_id)["zusatz"] == "c/o Weber"
    assert story.status(espo_id) == "conflict"


@told()
async def test_several_fields_each_find_their_own_way(story: Story) -> None:
    espo_id, betnr = meet(story, {"titel": None, "zusatz": "Hinterhaus"}, {"bAnrede": ""})
    await story.settle()
    espo, advoware = story.espo.see(espo_id), story.advoware.see(betnr)
    assert (espo["titel"], espo["zusatz"], advoware["bAnrede"]) == ("Dr.", "Hinterhaus", ESPO["briefanrede"])
    assert advoware["zusatz"] == "Hinterhaus"
    assert [kept["advoware"] for kept in await story.conflicts(espo_id, "kept")] == ["c/o Weber"]

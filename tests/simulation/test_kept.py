"""Worlds that once ended badly because of a defect of the engine. Each is the whole script as it was drawn then."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.simulation.play import play
from tests.simulation.script import kept
from tests.simulation.tell import story

STORIES = {
    "own_write_in_doubt": "our own value, written by a PUT whose answer was lost, passed for a person's edit",
    "espocrm_a_day_behind": "with EspoCRM's clock behind, a clerk's new record was taken for an old one",
    "clocks_wrong_in_calm": "the same without any other trouble",
    "one_old_answer": "one stale answer held a record for a person, as after a restored backup",
    "login_refused_twice": "a login that was refused stayed barred although a person had said to try again",
    "pause_ended_while_the_job_slept": "a job that a pause had stopped and that ended after it waited for ever",
    "stopped_right_after_the_claim": "a process stopped between claim and job wrote under a claim that had run out",
    "old_answer_without_a_ledger": "with the ledger lost, one stale answer of Advoware doubled a number",
    "search_proven_with_the_ill": "a new record failed for ever of the record the search was to be proven with",
    "marker_refused_once": "a marker that could not be written once said for ever what its entry had said before",
    "answer_older_than_our_put": "an answer older than our PUT passed for a refusal, and what that undid stayed undone",
    "backup_back_within_a_job": "a backup that came back between two reads of one job passed for an edit",
    "typed_under_our_own_patch": "after our own PATCH a new record seemed untouched, whatever had been typed meanwhile",
    "refused_type": "a type Advoware had refused once was agreed on by the next job, although it never arrived",
    "clock_ahead_without_redis": "started without Redis and with a clock ahead, a daemon did nothing for that long",
    "unreadable_record": "a record EspoCRM could not show was tried again by every poll, and nobody looked round",
    "chosen_value_refused": "a value a person had chosen, and one side refused, passed for agreed on",
    "task_posted_late": "a Task whose POST applied after the next look for it was posted twice",
    "no_body_for_a_list": "an answer without a body passed for an empty list: a person's accounts were deleted there",
}
FOLDER = Path(__file__).with_name("kept")


@pytest.mark.parametrize("name", STORIES)
def test_it_ends_well_now(name: str) -> None:
    outcome = play(kept(FOLDER / f"{name}.json"))
    assert not outcome.wrong, f"{STORIES[name]}\n{story(outcome.script, outcome.wrong)}"


def test_every_kept_story_has_its_sentence() -> None:
    assert {path.stem for path in FOLDER.glob("*.json")} == set(STORIES)

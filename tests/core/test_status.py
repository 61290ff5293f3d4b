"""The eight values of `syncStatus`: who may write which, and when a failed record is tried again."""

from __future__ import annotations

import re
from itertools import product

import pytest

from syncd.model import Status
from syncd.status import (
    ASKS_FOR_WORK,
    MAY_WRITE,
    ForbiddenStatus,
    NextTry,
    Outcome,
    after_failure,
    diagram,
    found,
    may_write,
    outcome_of,
    table,
)

MINUTE = 60.0
WAITS = tuple(minutes * MINUTE for minutes in (1, 5, 15, 60, 240))
DAY = 86400.0

# sync.md §2, column "set by": what the daemon sets, and when.
SPEC = {
    Outcome.WORKING: "syncing",
    Outcome.AGREED: "clean",
    Outcome.NEEDS_PERSON: "conflict",
    Outcome.FAILED: "failed",
    Outcome.GAVE_UP: "permanently_failed",
    Outcome.COUNTERPART_GONE: "deleted_in_advoware",
    Outcome.AGAIN: "dirty",
}


@pytest.mark.parametrize(("outcome", "status"), list(product(Outcome, Status)))
def test_exactly_the_status_of_the_table_may_be_written(outcome: Outcome, status: Status) -> None:
    if SPEC[outcome] == status:
        assert may_write(outcome, status) is status
    else:
        with pytest.raises(ForbiddenStatus):
            may_write(outcome, status)


def test_the_daemon_never_writes_pending_sync() -> None:
    assert set(MAY_WRITE.values()) == set(Status) - {Status.PENDING_SYNC}


@pytest.mark.parametrize("status", Status)
def test_a_plan_ends_clean_in_conflict_or_without_a_counterpart(status: Status) -> None:
    if status in (Status.CLEAN, Status.CONFLICT, Status.DELETED_IN_ADVOWARE):
        assert may_write(outcome_of(status), status) is status
    else:
        with pytest.raises(ForbiddenStatus):
            outcome_of(status)


@pytest.mark.parametrize("status", Status)
def test_a_known_value_is_found_as_it_is(status: Status) -> None:
    assert found(str(status)) is status


@pytest.mark.parametrize("raw", [None, "", "unbekannt", "Clean", 7, [], "clean "])
def test_null_and_unknown_values_count_as_dirty(raw: object) -> None:
    assert found(raw) is Status.DIRTY


def test_of_espocrms_values_only_two_ask_for_work() -> None:
    assert {str(status) for status in ASKS_FOR_WORK} == {"pending_sync", "dirty"}


# --- backoff --------------------------------------------------------------------------------------


def failures(jitter: float) -> list[NextTry]:
    """A record that fails, and goes on failing, until it is given up."""
    tries = [after_failure(0, False, WAITS, DAY, jitter)]
    while tries[-1].status is Status.FAILED:
        tries.append(after_failure(tries[-1].retries, True, WAITS, DAY, jitter))
    return tries


def test_five_retries_after_1_5_15_60_and_240_minutes_then_it_is_given_up_for_a_day() -> None:
    tries = failures(0.5)
    assert [each.status for each in tries] == [Status.FAILED] * 5 + [Status.PERMANENTLY_FAILED]
    assert [each.wait / MINUTE for each in tries] == pytest.approx([1, 5, 15, 60, 240, 1440])


def test_the_count_shown_is_that_of_failed_retries() -> None:
    assert [each.retries for each in failures(0.5)] == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize("jitter", [0.0, 0.25, 0.75, 0.999])
def test_waits_spread_by_ten_percent_and_no_more(jitter: float) -> None:
    for each, wait in zip(failures(jitter), WAITS, strict=False):
        assert wait * 0.9 <= each.wait <= wait * 1.1


def test_the_spread_reaches_both_ends() -> None:
    assert failures(0.0)[0].wait == pytest.approx(54)
    assert failures(1.0)[0].wait == pytest.approx(66)


def test_a_failure_that_is_no_retry_uses_none_up() -> None:
    for retries in range(5):
        assert after_failure(retries, False, WAITS, DAY, 0.5).retries == retries


def test_what_trying_cannot_cure_is_given_up_at_once() -> None:
    assert after_failure(0, False, (), DAY, 0.5) == NextTry(Status.PERMANENTLY_FAILED, 0, DAY)


# --- what the docs show ---------------------------------------------------------------------------


def test_the_table_in_the_docs_has_a_line_for_each_outcome() -> None:
    lines = table().splitlines()[2:]
    assert lines == [f"| {outcome} | `{status}` |" for outcome, status in SPEC.items()]


def test_the_diagram_shows_only_what_the_table_allows() -> None:
    text = diagram()
    assert text.startswith("stateDiagram-v2\n")
    for start, end, cause in re.findall(r"^    (\S+) --> (\S+): (.+)$", text, re.M):
        assert end in set(Status)
        if start != "[*]":
            assert start in set(Status)
            assert start != end
        if not cause.startswith("EspoCRM"):
            assert SPEC[Outcome(cause)] == end


def test_the_diagram_leads_out_of_every_state_and_a_person_can_always_start_again() -> None:
    text = diagram()
    for status in Status:
        assert re.search(rf"^    {status} --> ", text, re.M)
        if status is not Status.DIRTY:
            assert f"    {status} --> dirty: EspoCRM, on update" in text

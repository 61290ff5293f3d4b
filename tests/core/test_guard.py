"""The brakes of sync.md §6: when many records seem to have been edited, deleted or asked for at once."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mappers.spec import Side
from syncd import guard
from syncd.guard import Limits, too_many_changes, too_many_creations, too_many_missing

DEFAULT = Limits()
quick = settings(max_examples=200, deadline=None)
counts = st.integers(0, 100_000)


@pytest.mark.parametrize(
    ("missing", "checked", "in_succession", "stops"),
    [
        (9, 9, 9, False),
        (9, 10, 0, False),
        (10, 199, 0, True),
        (10, 200, 0, False),
        (11, 200, 0, True),
        (5000, 100_000, 0, False),
        (5001, 100_000, 0, True),
        (20, 100_000, 20, False),
        (21, 100_000, 21, True),
        (0, 0, 0, False),
    ],
)
def test_ten_missing_and_more_than_5_percent_or_more_than_20_in_succession_stop(
    missing: int, checked: int, in_succession: int, stops: bool
) -> None:
    assert too_many_missing(missing, checked, in_succession, DEFAULT) is stops


@pytest.mark.parametrize(("created", "stops"), [(0, False), (199, False), (200, True), (201, True)])
def test_200_creations_an_hour_are_allowed_and_the_next_one_stops(created: int, stops: bool) -> None:
    assert too_many_creations(created, DEFAULT) is stops


@pytest.mark.parametrize(
    ("changed", "checked", "stops"),
    [(499, 499, False), (500, 1999, True), (500, 2000, False), (501, 2000, True), (100_000, 100_000, True)],
)
def test_the_same_field_changed_in_500_pairs_and_more_than_a_quarter_stops(
    changed: int, checked: int, stops: bool
) -> None:
    assert too_many_changes(changed, checked, DEFAULT) is stops


def test_the_change_guard_can_be_switched_off() -> None:
    assert not too_many_changes(100_000, 100_000, Limits(change_min=0))


@quick
@given(counts, counts, counts)
def test_more_of_them_never_releases_a_brake(number: int, checked: int, in_succession: int) -> None:
    steps = [number, number + 1, number + 100]
    for one, more in pairwise(steps):
        assert too_many_missing(one, checked, in_succession, DEFAULT) <= too_many_missing(
            more, checked, in_succession, DEFAULT
        )
        assert too_many_changes(one, checked, DEFAULT) <= too_many_changes(more, checked, DEFAULT)
        assert too_many_creations(one, DEFAULT) <= too_many_creations(more, DEFAULT)


@quick
@given(counts, counts, counts)
def test_more_records_checked_never_stop_more(number: int, checked: int, in_succession: int) -> None:
    assert too_many_missing(number, checked + 1, in_succession, DEFAULT) <= too_many_missing(
        number, checked, in_succession, DEFAULT
    )
    assert too_many_changes(number, checked + 1, DEFAULT) <= too_many_changes(number, checked, DEFAULT)


def test_each_brake_has_a_name_of_its_own() -> None:
    kinds = [
        *(guard.missing_kind(side) for side in Side),
        *(guard.change_kind(side, field) for side in Side for field in ("name", "titel")),
        *(guard.went_back_kind(side) for side in (*Side, None)),
        guard.CREATE_KIND,
    ]
    assert len(set(kinds)) == len(kinds)


@pytest.mark.parametrize(
    ("kind", "stopped", "allowing"),
    [
        (guard.missing_kind(Side.ESPO), "missing in espocrm", "nothing is deleted"),
        (guard.CREATE_KIND, "no more are sent to Advoware", "nobody can delete"),
        (guard.change_kind(Side.ADVOWARE, "titel"), "not written to espocrm", "writes titel"),
        (guard.new_field_kind("zusatz"), "zusatz was mapped later", "rules of a first sync"),
        (guard.went_back_kind(Side.ESPO), "older in espocrm", "--right SIDE"),
    ],
)
def test_each_kind_says_what_was_stopped_and_what_allowing_does(kind: str, stopped: str, allowing: str) -> None:
    told = guard.told(kind)
    assert stopped in told.stopped
    assert allowing in told.allowing

"""How often a record is looked at in Advoware, and whose turn it is."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from benchmarks import sweep
from syncd.rounds import LONGEST_PART, Turn, chosen, interval, must_read_both

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0
NOW = 1_800_000_000.0
AGES = st.floats(0, 10_000 * DAY)
LIMITS = st.tuples(st.floats(0.05, DAY), st.floats(0.05, 10 * DAY)).map(lambda two: (min(two), max(two)))


def test_intervals_grow_with_the_square_root_of_the_age() -> None:
    ages = (0, 10 * MINUTE, 2 * HOUR, DAY, 30 * DAY, 400 * DAY, 40_000 * DAY)
    minutes = [interval(age, 5 * MINUTE, DAY) / MINUTE for age in ages]
    assert minutes == [5, 5, 10, 40, 160, 640, 0.8 * DAY / MINUTE]


@given(AGES, AGES, LIMITS)
def test_an_older_change_never_means_a_sooner_look(one: float, two: float, limits: tuple[float, float]) -> None:
    shortest, longest = limits
    sooner, later = interval(min(one, two), *limits), interval(max(one, two), *limits)
    assert shortest <= sooner <= later <= max(shortest, longest)


@given(LIMITS)
def test_there_are_few_intervals(limits: tuple[float, float]) -> None:
    ages = [2.0**power for power in range(40)]
    assert len({interval(age, *limits) for age in ages}) <= 24


TURNS = st.lists(
    st.builds(Turn, st.uuids().map(str), st.sampled_from([300.0, 2400.0, 38400.0]), st.floats(NOW - 3 * DAY, NOW)),
    unique_by=lambda turn: turn.key,
)


@given(TURNS, st.integers(1, 20))
def test_no_more_are_chosen_than_may_be_and_none_twice(turns: list[Turn], most: int) -> None:
    found = chosen(turns, NOW, most, DAY)
    assert len(found) == min(most, len(turns))
    assert len({turn.key for turn in found}) == len(found)


@given(TURNS, st.integers(1, 20))
def test_who_is_passed_over_waits_for_fewer_intervals_or_is_one_too_many_of_the_late(
    turns: list[Turn], most: int
) -> None:
    found = chosen(turns, NOW, most, DAY)

    def late(turn: Turn) -> bool:
        return turn.since(NOW) >= DAY * LONGEST_PART

    some_late = [turn for turn in found if late(turn)]
    for turn in turns:
        if turn in found:
            continue
        if late(turn):
            assert len(some_late) >= max(1, int(most * 0.75))
        else:
            others = [one for one in found if not late(one)]
            assert all(one.since(NOW) / one.every >= turn.since(NOW) / turn.every for one in others)


EVERY = st.sampled_from([300.0, 2400.0, 38400.0, 69120.0])


@given(st.floats(0, DAY), st.floats(0, DAY), EVERY, EVERY)
def test_a_look_at_one_side_leaves_time_for_the_next(both: float, look: float, every: float, following: float) -> None:
    if not must_read_both(both, look, every, following, DAY):
        assert both + following * max(1.0, look / every) < DAY


def test_edits_are_found_three_times_sooner_than_one_after_another_and_nobody_is_left_out() -> None:
    records, days, budget = 1500, 10, 3.0
    edits = sweep.history(records, days)
    plain, ours = (
        sweep.simulate(name, records, edits, days, budget) for name in ("round-robin", "square root of the age (syncd)")
    )
    assert min(len(plain.active), len(plain.quiet)) > 10
    assert plain.delay(0.5) >= 3 * ours.delay(0.5)
    assert max(plain.longest, ours.longest) <= DAY
    assert ours.calls <= budget

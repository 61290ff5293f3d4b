"""One field, every case there is: all values, pasts, policies, directions and times, held against sync.md §5."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product

from mappers.normal import TEXT
from mappers.spec import Can, Canonical, Direction, Field, Policy, Side
from syncd.merge import ByHand, Equal, Nothing, Stage, Unsettled, Values, Verdict, Write, merge

VALUES: tuple[Canonical, ...] = (None, "x", "y", "z")
NEWER: tuple[Side | None, ...] = (None, Side.ESPO, Side.ADVOWARE)


@dataclass(frozen=True, slots=True)
class Case:
    """One question to the merge."""

    field: Field
    stage: Stage
    values: Values
    newer: Side | None

    @property
    def verdict(self) -> Verdict:
        return merge(self.field, self.values, self.stage, self.newer)


FIELDS = {
    (policy, direction, can): Field("f", "f", "f", TEXT, can=can, direction=direction, policy=policy)
    for policy, direction, can in product(Policy, Direction, Can)
}


def every_case() -> Iterator[Case]:
    """Each side has a base value of its own, as in a field that one side stores in another form."""
    for espo, advoware, base_espo, base_advoware in product(VALUES, repeat=4):
        values = Values(espo, advoware, base_espo, base_advoware)
        for field, stage, newer in product(FIELDS.values(), Stage, NEWER):
            yield Case(field, stage, values, newer)


CASES = tuple(every_case())


def changed(case: Case) -> tuple[bool, bool]:
    values = case.values
    return values.espo != values.base_espo, values.advoware != values.base_advoware


def travels(case: Case, target: Side) -> Verdict:
    """The other side's value on its way to `target`, as far as direction and interface let it."""
    value = case.values.now(target.other)
    one_way = {Side.ESPO: Direction.TO_ADVOWARE, Side.ADVOWARE: Direction.TO_ESPOCRM}
    if case.field.direction is one_way[target]:
        return Nothing()
    by_hand = case.field.can is Can.CREATE_ONLY or (case.field.can is Can.REPLACE and value is None)
    if target is Side.ADVOWARE and by_hand:
        return ByHand(value)
    return Write(target, value)


def without_loss(verdict: Verdict) -> Verdict:
    return replace(verdict, loses=False) if isinstance(verdict, Write) else verdict


def test_there_are_as_many_cases_as_the_model_has() -> None:
    assert len(CASES) == 4**4 * 4 * 4 * 3 * 3 * 3


def test_a_field_that_is_off_is_left_alone() -> None:
    assert all(case.verdict == Nothing() for case in CASES if case.field.direction is Direction.OFF)


def test_row_same_same_does_nothing() -> None:
    for case in CASES:
        if case.stage is Stage.KNOWN and changed(case) == (False, False):
            assert case.verdict in (Nothing(), Equal()), case


def test_row_changed_in_espocrm_alone_is_written_to_advoware_whatever_the_policy() -> None:
    rows = [c for c in CASES if c.stage is Stage.KNOWN and changed(c) == (True, False)]
    for case in rows:
        if case.values.espo != case.values.advoware and case.field.direction is not Direction.OFF:
            assert case.verdict == travels(case, Side.ADVOWARE), case


def test_row_changed_in_advoware_alone_is_written_to_espocrm_whatever_the_policy() -> None:
    rows = [c for c in CASES if c.stage is Stage.KNOWN and changed(c) == (False, True)]
    for case in rows:
        if case.values.espo != case.values.advoware and case.field.direction is not Direction.OFF:
            assert case.verdict == travels(case, Side.ESPO), case


def test_row_changed_to_the_same_moves_only_the_base() -> None:
    for case in CASES:
        if case.values.espo == case.values.advoware and case.field.direction is not Direction.OFF:
            assert case.verdict == Equal(), case


def test_row_changed_on_both_is_decided_by_the_policy() -> None:
    for case in CASES:
        if case.stage is not Stage.KNOWN or changed(case) != (True, True):
            continue
        if case.values.espo == case.values.advoware or case.field.direction is not Direction.BOTH:
            continue
        match case.field.policy:
            case Policy.MANUAL:
                assert case.verdict == Unsettled(), case
            case Policy.ESPOCRM:
                assert without_loss(case.verdict) == travels(case, Side.ADVOWARE), case
            case Policy.ADVOWARE:
                assert without_loss(case.verdict) == travels(case, Side.ESPO), case
            case Policy.NEWEST:
                target = Side.ESPO if case.newer is Side.ADVOWARE else Side.ADVOWARE
                assert without_loss(case.verdict) == travels(case, target), case


def test_the_source_of_a_one_way_field_wins_even_against_the_policy() -> None:
    for case in CASES:
        if case.stage is Stage.KNOWN and changed(case) == (True, True) and case.values.espo != case.values.advoware:
            if case.field.direction is Direction.TO_ADVOWARE:
                assert without_loss(case.verdict) == travels(case, Side.ADVOWARE), case
            if case.field.direction is Direction.TO_ESPOCRM:
                assert without_loss(case.verdict) == travels(case, Side.ESPO), case


def test_a_first_sync_fills_blanks_and_never_empties_a_field() -> None:
    for case in CASES:
        values = case.values
        if case.stage is Stage.KNOWN or case.field.direction is Direction.OFF or values.espo == values.advoware:
            continue
        if values.espo is None:
            assert case.verdict == travels(case, Side.ESPO), case
        elif values.advoware is None:
            assert case.verdict == travels(case, Side.ADVOWARE), case


def test_a_first_sync_of_two_values_goes_by_time_then_by_policy_and_under_manual_never_by_time() -> None:
    for case in CASES:
        values = case.values
        if case.stage is not Stage.FIRST or None in (values.espo, values.advoware) or values.espo == values.advoware:
            continue
        if case.field.direction is not Direction.BOTH:
            continue
        if case.field.policy is Policy.MANUAL:
            assert case.verdict == Unsettled(), case
            continue
        by_policy = Side.ADVOWARE if case.field.policy is Policy.ADVOWARE else Side.ESPO
        winner = case.newer or by_policy
        assert without_loss(case.verdict) == travels(case, winner.other), case


def test_a_newly_mapped_field_never_replaces_a_value() -> None:
    for case in CASES:
        values = case.values
        if case.stage is not Stage.FILL or case.field.direction is Direction.OFF:
            continue
        if None not in (values.espo, values.advoware) and values.espo != values.advoware:
            assert case.verdict == Unsettled(), case


def test_a_write_carries_the_other_sides_value_and_is_never_a_no_op() -> None:
    for case in CASES:
        if isinstance(case.verdict, Write):
            assert case.verdict.value == case.values.now(case.verdict.target.other), case
            assert case.verdict.value != case.values.now(case.verdict.target), case


def test_nothing_travels_against_the_direction_or_past_the_interface() -> None:
    for case in CASES:
        match case.verdict:
            case Write(target, value):
                assert case.field.direction.allows(target), case
                replaced = case.field.can is Can.REPLACE and value is not None
                assert target is Side.ESPO or case.field.can is Can.UPDATE or replaced, case
            case ByHand(value):
                emptied = case.field.can is Can.REPLACE and value is None
                assert case.field.can is Can.CREATE_ONLY or emptied, case
                assert case.field.direction.allows(Side.ADVOWARE), case
            case _:
                pass


def test_a_write_says_that_it_loses_exactly_where_both_sides_hold_input_of_their_own() -> None:
    for case in CASES:
        if isinstance(case.verdict, Write):
            if case.stage is Stage.KNOWN:
                assert case.verdict.loses == (changed(case) == (True, True)), case
            else:
                assert case.verdict.loses == (case.values.now(case.verdict.target) is not None), case


def test_a_value_that_only_one_side_changed_is_never_decided_by_time_or_policy() -> None:
    seen: dict[tuple[object, ...], Verdict] = {}
    for case in CASES:
        if case.stage is Stage.KNOWN and changed(case) != (True, True):
            same = (case.values, case.field.direction, case.field.can)
            assert seen.setdefault(same, case.verdict) == case.verdict, case


def test_only_equality_counts_and_not_what_the_values_are() -> None:
    """Thus the patterns of the truth table stand for all values there are."""
    renamed = {None: None, "x": "z", "y": "x", "z": "y"}

    def rename(verdict: Verdict) -> Verdict:
        match verdict:
            case Write() | ByHand():
                return replace(verdict, value=renamed[verdict.value])
            case _:
                return verdict

    for case in CASES:
        v = case.values
        other = Values(renamed[v.espo], renamed[v.advoware], renamed[v.base_espo], renamed[v.base_advoware])
        assert merge(case.field, other, case.stage, case.newer) == rename(case.verdict), case


def test_both_sides_are_treated_alike() -> None:
    """Seen in a mirror, a field that travels both ways is decided the same, but for what breaks a tie."""
    mirrored = {Policy.ESPOCRM: Policy.ADVOWARE, Policy.ADVOWARE: Policy.ESPOCRM, Policy.MANUAL: Policy.MANUAL}
    for case in CASES:
        if case.field.direction is not Direction.BOTH or case.field.can is not Can.UPDATE:
            continue
        if case.field.policy is Policy.NEWEST:
            if case.newer is None:
                continue
            policy = Policy.NEWEST
        else:
            policy = mirrored[case.field.policy]
        v = case.values
        swapped = Values(v.advoware, v.espo, v.base_advoware, v.base_espo)
        newer = case.newer.other if case.newer else None
        seen = merge(FIELDS[policy, Direction.BOTH, Can.UPDATE], swapped, case.stage, newer)
        match case.verdict:
            case Write(target, value, loses):
                assert seen == Write(target.other, value, loses), case
            case verdict:
                assert seen == verdict, case

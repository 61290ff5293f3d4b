"""Merging one field of two sides against their base. Pure; knows nothing of records, links or time.

"Changed" is judged against a side's own base value, so a side that stores a value in a lossy form
never looks changed by that. Every verdict that replaces a person's value says what it replaces.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from mappers.spec import Can, Canonical, Direction, Field, Policy, Side


class Stage(StrEnum):
    """What is known of the past of a field."""

    KNOWN = "known"  # there is a base
    FIRST = "first"  # first sync of a confirmed pair: nobody knows who changed what
    FILL = "fill"  # newly mapped in a pair that is already kept: fills blanks only


@dataclass(frozen=True, slots=True)
class Values:
    """Canonical values of one field: now, and when the sides last agreed (each side's own)."""

    espo: Canonical
    advoware: Canonical
    base_espo: Canonical = None
    base_advoware: Canonical = None

    def now(self, side: Side) -> Canonical:
        return self.espo if side is Side.ESPO else self.advoware

    def changed(self, side: Side) -> bool:
        base = self.base_espo if side is Side.ESPO else self.base_advoware
        return self.now(side) != base


@dataclass(frozen=True, slots=True)
class Nothing:
    """Neither side moved, or what moved may not travel."""


@dataclass(frozen=True, slots=True)
class Equal:
    """Both sides mean the same now: only the base moves."""


@dataclass(frozen=True, slots=True)
class Write:
    """Set the target to `value`. `loses` is True where a person's own value is replaced by that."""

    target: Side
    value: Canonical
    loses: bool = False


@dataclass(frozen=True, slots=True)
class Unsettled:
    """Both values must stay until a person chooses."""


@dataclass(frozen=True, slots=True)
class ByHand:
    """The target's API cannot make this change; a person can."""

    value: Canonical


Verdict = Nothing | Equal | Write | Unsettled | ByHand


def merge(field: Field, values: Values, stage: Stage, newer: Side | None) -> Verdict:
    """Decide one field.

    `newer` is the side with the later time stamp where both are known and far enough apart,
    else None.
    """
    if field.direction is Direction.OFF:
        return Nothing()
    if values.espo == values.advoware:
        return Equal()
    match stage:
        case Stage.KNOWN:
            return _against_base(field, values, newer)
        case Stage.FILL | Stage.FIRST:
            blank = _blank_side(values)
            if blank is not None:
                return _write(field, blank, values, loses=False)
            if stage is Stage.FILL:
                return Unsettled()
            return _contest(
                field,
                values,
                None if field.policy is Policy.MANUAL else newer or _winner(field.policy, newer),
            )


def _against_base(field: Field, values: Values, newer: Side | None) -> Verdict:
    espo, advoware = values.changed(Side.ESPO), values.changed(Side.ADVOWARE)
    if espo and advoware:
        return _contest(field, values, _winner(field.policy, newer))
    if espo:
        return _write(field, Side.ADVOWARE, values, loses=False)
    if advoware:
        return _write(field, Side.ESPO, values, loses=False)
    return Nothing()


def _contest(field: Field, values: Values, winner: Side | None) -> Verdict:
    """Both sides hold a value of their own. A one-way field's source always wins."""
    match field.direction:
        case Direction.TO_ADVOWARE:
            winner = Side.ESPO
        case Direction.TO_ESPOCRM:
            winner = Side.ADVOWARE
        case _:
            pass
    if winner is None:
        return Unsettled()
    return _write(field, winner.other, values, loses=True)


def _winner(policy: Policy, newer: Side | None) -> Side | None:
    match policy:
        case Policy.MANUAL:
            return None
        case Policy.ADVOWARE:
            return Side.ADVOWARE
        case Policy.NEWEST:
            return newer or Side.ESPO
        case Policy.ESPOCRM:
            return Side.ESPO


def _write(field: Field, target: Side, values: Values, *, loses: bool) -> Verdict:
    if not field.direction.allows(target):
        return Nothing()
    value = values.now(target.other)
    if target is Side.ADVOWARE and is_by_hand(field, value):
        return ByHand(value)
    return Write(target, value, loses)


def is_by_hand(field: Field, value: Canonical) -> bool:
    """Whether only a person can give the field this value in Advoware; to have none is nothing to create."""
    return field.can is Can.CREATE_ONLY or (field.can is Can.REPLACE and value is None)


def _blank_side(values: Values) -> Side | None:
    if values.espo is None:
        return Side.ESPO
    if values.advoware is None:
        return Side.ADVOWARE
    return None

"""Judging what a side shows after we wrote to it. Pure.

An answer of 200 proves nothing: a value counts as written only when it is read back as the same
value, or as a rewrite the target is known to make. The old value means refused; anything else was
typed by a person meanwhile.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from enum import StrEnum

from mappers.spec import Canonical, Entity, Side, Unmappable
from syncd.model import FieldWrite, Present


class Verdict(StrEnum):
    CONFIRMED = "confirmed"
    REWRITTEN = "rewritten"  # the target's own form of our value
    REFUSED = "refused"
    EDITED = "edited"  # a person's value


@dataclass(frozen=True, slots=True)
class Judged:
    """The verdict on one write, and the canonical value seen afterwards."""

    write: FieldWrite
    verdict: Verdict
    seen: Canonical


def judge(
    entity: Entity, side: Side, writes: tuple[FieldWrite, ...], after: Present, ours: str | None
) -> tuple[Judged, ...]:
    """Judge every write by the record read back; `ours` is our own user on that side."""
    by_us = ours is not None and after.version.changed_by == ours
    judged = []
    for write in writes:
        field = entity.field(write.field)
        try:
            seen = field.parse(side, after.body)
        except Unmappable:
            judged.append(Judged(write, Verdict.EDITED, None))
            continue
        try:
            before = field.codec.parse(side, write.before)
        except Unmappable:
            before = None
        judged.append(Judged(write, _verdict(write.after, before, seen, by_us), seen))
    return tuple(judged)


def _verdict(wanted: Canonical, before: Canonical, seen: Canonical, by_us: bool) -> Verdict:
    if seen == wanted:
        return Verdict.CONFIRMED
    if seen == before:
        return Verdict.REFUSED
    if by_us and _is_rewrite(wanted, seen):
        return Verdict.REWRITTEN
    return Verdict.EDITED


def _is_rewrite(wanted: Canonical, seen: Canonical) -> bool:
    """Cut at some length, or other blanks: what systems are known to do to texts."""
    if wanted is None or seen is None:
        return False
    if wanted.startswith(seen):
        return True
    return _squeezed(wanted) == _squeezed(seen)


def _squeezed(value: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", value).split())

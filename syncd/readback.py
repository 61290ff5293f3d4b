"""Judging what a side shows after we wrote to it. Pure.

An answer of 200 proves nothing: a value counts as written only when it is read back as the same
value, or as a rewrite the target is known to make. The old value means refused; anything else was
typed by a person meanwhile.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, replace
from enum import StrEnum

from mappers.spec import Canonical, Entity, Side, Unmappable
from syncd.model import FieldWrite, Memory, Present, Version


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
    entity: Entity, side: Side, writes: tuple[FieldWrite, ...], after: Present, ours: str | None,
    read: Version | None = None,
) -> tuple[Judged, ...]:  # fmt: skip
    """Judge every write by the record read back; `ours` is our own user on that side, `read` what was written over.

    The old value proves a refusal only where our write is the last one, or none at all: a record that somebody else
    saved since it was read, and that shows nothing of our write, may be an answer older than it.
    """
    by_us = ours is not None and after.version.changed_by == ours
    is_older = not by_us and ours is not None and read is not None and after.version != read
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
        verdict = _verdict(write.after, before, seen, by_us)
        judged.append(Judged(write, Verdict.EDITED if is_older and verdict is Verdict.REFUSED else verdict, seen))
    return tuple(judged)


def written_over(memory: Memory, side: Side, before: Version, ours: str | None) -> Memory:
    """After our own write, the record bears our name and time; who saved it last before us is still to be known."""
    known = memory.written_over.get(side)
    if known is not None and ours is not None and before.changed_by == ours:
        return memory
    return replace(memory, written_over={**memory.written_over, side: before})


def _verdict(wanted: Canonical, before: Canonical, seen: Canonical, by_us: bool) -> Verdict:
    if seen == wanted:
        return Verdict.CONFIRMED
    if seen == before:
        return Verdict.REFUSED
    if by_us and is_rewrite(wanted, seen):
        return Verdict.REWRITTEN
    return Verdict.EDITED


def is_rewrite(wanted: Canonical, seen: Canonical) -> bool:
    """Cut at some length, or other blanks: what systems are known to do to texts."""
    if wanted is None or seen is None:
        return False
    if wanted.startswith(seen):
        return True
    return _squeezed(wanted) == _squeezed(seen)


def _squeezed(value: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", value).split())

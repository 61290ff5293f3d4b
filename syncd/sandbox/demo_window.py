"""Edits typed between a client's read and its write of the same value: the two windows nobody can close.

By what the witness saw at the moment of the write, not by what is missing afterwards. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence

from syncd.sandbox.demo_diary import FIELDS, SIDES, Did, Number, Typed, meaning
from syncd.sandbox.reachability import meaning as number_meaning
from syncd.sandbox.reachability import user_text
from syncd.sandbox.sandbox import ADVOWARE, ESPO
from syncd.sandbox.witness import Change, Wrote


def overwrites(one: Typed, wrote: Sequence[Wrote], betnr: str | None) -> list[Wrote]:
    """The writes that destroyed what a person did, before the writer could have read it."""
    where = (ESPO, one.record) if one.side == ESPO else (ADVOWARE, str(betnr))
    later = (write for write in wrote if write.where == where and write.at >= one.at)
    return [write for write in later if any(_destroys(change, one) for change in write.over)]


def _destroys(change: Change, one: Typed) -> bool:
    if not isinstance(one, Number):
        name = FIELDS[one.field][SIDES.index(one.side)]
        return change.name == name and meaning(one.field, change.before) == one.value
    return _espo(change, one) if one.side == ESPO else _advoware(change, one)


def _espo(change: Change, one: Number) -> bool:
    """A whole list was sent: a new line is gone again, one taken out is back, or it is another one's type or place."""
    data, found, raw = change.name.partition("Data:")
    if not found or data not in ("phoneNumber", "emailAddress"):
        return False
    value = number_meaning(raw)
    if one.did in (Did.RETYPED, Did.PREFERRED):
        return value == one.value and change.before is not None
    gone_again = change.before is not None and change.after is None and value == one.value
    back_again = change.before is None and change.after is not None and value == one.before != one.value
    return gone_again or back_again


def _advoware(change: Change, one: Number) -> bool:
    """The whole entry was sent."""
    if one.did is Did.NOTED:
        return change.name == f"kommunikation:{one.entry}:bemerkung" and user_text(change.before) == one.text
    return change.name == f"kommunikation:{one.entry}:tlf" and number_meaning(change.before) == one.value

"""Sending changed fields alone to Advoware: what must still be there afterwards, and what has vanished. Pure.

Nobody knows from documents whether Advoware keeps fields that are missing from a PUT. Where the firm
says that it does, each such PUT is journalled with all it did not send, so that an Advoware that blanks
them is noticed even by the next job, and everything can be written back.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from mappers.spec import Entity, Raw, Side, Unmappable
from syncd.model import FieldWrite, Intent, IntentState

BESIDE = "not_sent"  # in the journal: what stood beside the fields that were sent
_STAMPS = ("rowId", "geaendertAm", "geaendertVon", "angelegtAm", "angelegtVon")


@dataclass(frozen=True, slots=True)
class Trust:
    """What is known of Advoware: `keeps` False: it was seen to blank. `proven` are fields it was seen to keep."""

    keeps: bool | None = None
    proven: frozenset[str] = frozenset()


def beside(entity: Entity, writes: Sequence[FieldWrite], body: Mapping[str, Raw]) -> dict[str, Raw]:
    """Every plain value of an Advoware record that a PUT of `writes` alone must leave as it is."""
    sent = {entity.field(write.field).advoware for write in writes}
    left_out = {entity.advoware_id, *_STAMPS, *sent}
    return {
        name: raw
        for name, raw in body.items()
        if name not in left_out and isinstance(raw, str | int | float) and not _is_blank(raw)
    }


def with_beside(writes: tuple[FieldWrite, ...], values: Mapping[str, Raw]) -> tuple[FieldWrite, ...]:
    """The writes as they are journalled."""
    first, *others = writes
    return (replace(first, sent={BESIDE: dict(values)}), *others)


def journalled(intent: Intent) -> Mapping[str, Raw]:
    """What stood beside a PUT that may or may not have been applied; nothing where it was a whole object."""
    if intent.side is not Side.ADVOWARE or intent.verb != "update" or intent.state is not IntentState.IN_DOUBT:
        return {}
    found: Any = next((write.sent.get(BESIDE) for write in intent.writes if write.sent is not None), None)
    return found or {}


def vanished(entity: Entity, before: Mapping[str, Raw], body: Mapping[str, Raw], trust: Trust) -> dict[str, Raw]:
    """What Advoware has blanked of the values that stood beside a PUT; nothing where a person may have emptied it.

    A field it was once seen to keep is a person's doing, unless not a single one was kept.
    """
    mapped = {field.advoware: field.name for field in entity.fields if field.advoware in before}
    gone = {name for attribute, name in mapped.items() if _is_gone(entity, name, body, attribute)}
    kept = set(mapped.values()) - gone
    if not gone or (kept and gone <= trust.proven):
        return {}
    return {name: raw for name, raw in before.items() if _is_blank(body.get(name))}


def kept(entity: Entity, before: Mapping[str, Raw], body: Mapping[str, Raw]) -> set[str]:
    """Fields that were not sent and are still there."""
    return {
        field.name
        for field in entity.fields
        if field.advoware in before and not _is_gone(entity, field.name, body, field.advoware)
    }


def names_of(entity: Entity, attributes: Collection[str]) -> list[str]:
    """Our names of Advoware's attributes, where they are mapped."""
    return [field.name for field in entity.fields if field.advoware in attributes]


def _is_gone(entity: Entity, name: str, body: Mapping[str, Raw], attribute: str) -> bool:
    try:
        return entity.field(name).parse(Side.ADVOWARE, body) is None
    except Unmappable:
        return _is_blank(body.get(attribute))


def _is_blank(raw: Raw) -> bool:
    return raw is None or (isinstance(raw, str) and not raw.strip())

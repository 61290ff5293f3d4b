"""Whose record it is, for lists and for looking it up: the name as people read it, and as they may type it. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from mappers.spec import Entity, Field, Raw, Role, Side, Unmappable

LONGEST = 200
NAMES_KNOWN = 2048
_GERMAN = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "\x00": " "})


def named(entity: Entity, body: Mapping[str, Raw]) -> dict[str, Any]:
    """The columns of a pair by which people find the record that EspoCRM shows."""
    parts = _parts(entity, Side.ESPO, body)
    return {"title": _joined(parts), "sought": folded(" ".join(parts))[:LONGEST]}


def titled(entity: Entity, side: Side, body: Mapping[str, Raw]) -> str:
    """What people call a record by what a side shows of it."""
    return _joined(_parts(entity, side, body)) or entity.label


def _joined(parts: Iterable[str]) -> str:
    return ", ".join(part for part in parts if part)[:LONGEST]


def _parts(entity: Entity, side: Side, body: Mapping[str, Raw]) -> list[str]:
    if entity.child is not None:
        return [_shown(entity.field(name), side, body) for name in entity.child.title]
    told = (entity.of_role(Role.NAME), entity.of_role(Role.FIRST_NAME))
    return ["" if field is None else _shown(field, side, body) for field in told]


@lru_cache(maxsize=NAMES_KNOWN)
def folded(text: str) -> str:
    """As it is looked for: small letters, ä as ae and ß as ss, no accents, single blanks."""
    small = unicodedata.normalize("NFC", text).casefold().translate(_GERMAN)
    plain = unicodedata.normalize("NFKD", small)
    return " ".join("".join(letter for letter in plain if not unicodedata.combining(letter)).split())


def _shown(field: Field, side: Side, body: Mapping[str, Raw]) -> str:
    try:
        value = field.parse(side, body)
    except Unmappable:
        return ""
    if value is None or value.isprintable():
        return (value or "").strip()
    return "".join(letter if letter.isprintable() else " " for letter in value).strip()

"""Whose record it is, for lists and for looking it up: the name as people read it, and as they may type it. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from typing import Any

from mappers.spec import Entity, Raw, Role, Side, Unmappable

LONGEST = 200
_GERMAN = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "\x00": " "})


def named(entity: Entity, body: Mapping[str, Raw]) -> dict[str, Any]:
    """The columns of a pair by which people find the record that EspoCRM shows."""
    family, first = (_of(entity, role, body) for role in (Role.NAME, Role.FIRST_NAME))
    title = ", ".join(part for part in (family, first) if part)[:LONGEST]
    return {"title": title, "sought": folded(f"{family} {first}")[:LONGEST]}


def folded(text: str) -> str:
    """As it is looked for: small letters, ä as ae and ß as ss, no accents, single blanks."""
    small = unicodedata.normalize("NFC", text).casefold().translate(_GERMAN)
    plain = unicodedata.normalize("NFKD", small)
    return " ".join("".join(letter for letter in plain if not unicodedata.combining(letter)).split())


def _of(entity: Entity, role: Role, body: Mapping[str, Raw]) -> str:
    for field in entity.fields:
        if field.role is role:
            try:
                value = field.parse(Side.ESPO, body)
            except Unmappable:
                return ""
            return "".join(letter if letter.isprintable() else " " for letter in value or "").strip()
    return ""

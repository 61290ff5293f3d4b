"""What `syncd doctor` looks at for child lists: EspoCRM's fields and types, and the list in Advoware's answer. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mappers.spec import Direction, Entity, EntryList
from syncd.findings import Finding, fail, ok

SETUP = "make or correct it in EspoCRM's entity manager"
FINGERPRINT = 16  # hex digits

# EspoCRM's fields that hold a list of values come with its entity types Person and Company; nobody can add them.
_CHANNEL_TYPES = {"phoneNumber": "phone", "emailAddress": "email"}
_KINDS = range(1, 13)


def synced(entity: Entity) -> list[EntryList]:
    """The lists that travel at all."""
    return [entries for entries in entity.lists if entries.direction is not Direction.OFF]


def needed(entity: Entity, defined: Mapping[str, Any]) -> list[Finding]:
    """EspoCRM has what the entity's lists need."""
    return [finding for entries in synced(entity) for finding in _list(entity, entries, defined)]


def answered(entity: Entity, body: Mapping[str, Any]) -> list[Finding]:
    """Advoware's answer has the lists."""
    return [
        fail(
            f"assumption {entries.name}",
            f"an answer has no list {entries.advoware}",
            f"see whether our Advoware user may read it; until then {entries.label} is left alone on both sides",
        )
        for entries in synced(entity)
        if entries.read_advoware(body, {}) is None
    ]


def unseen(entity: Entity, formula: str) -> list[str]:
    """Attributes a status formula must look at and does not: a save of one entry shows only in some of them."""
    names = [one for entries in synced(entity) for pair in entries.channels.items() for one in pair]
    return [one for one in names if f"'{one}'" not in formula]


def _list(entity: Entity, entries: EntryList, defined: Mapping[str, Any]) -> list[Finding]:
    """EspoCRM has the list's fields, takes its types, and can show the fingerprint."""
    wrong = []
    without = f'or set direction = "off" for {entries.name} in syncd.toml'
    for attribute in entries.channels.values():
        wanted = _CHANNEL_TYPES[attribute]
        found = defined.get(attribute)
        if not isinstance(found, Mapping):
            todo = f"make {entity.espo_type} of type Person or Company, which have it; {without}"
            wrong.append(fail(f"field {attribute}", "does not exist", todo))
        elif found.get("type") != wanted:
            todo = f"it must be of type {wanted}, as in entities of type Person and Company; {without}"
            wrong.append(fail(f"field {attribute}", f"is of type {found.get('type')}", todo))
        elif wanted == "phone":
            wrong += _types(entries, attribute, found.get("typeList"))
    hashed = defined.get(entries.shown_in)
    if not isinstance(hashed, Mapping):
        wrong.append(fail(f"field {entries.shown_in}", "does not exist", f"{SETUP}: varchar of length 16"))
    elif hashed.get("type") not in ("varchar", "text"):
        todo = "it must be varchar of length 16"
        wrong.append(fail(f"field {entries.shown_in}", f"is of type {hashed.get('type')}", todo))
    elif isinstance(hashed.get("maxLength"), int) and hashed["maxLength"] < FINGERPRINT:
        todo = f"make it {FINGERPRINT} long: EspoCRM refuses what is longer"
        wrong.append(fail(f"field {entries.shown_in}", f"holds {hashed['maxLength']} characters", todo))
    return wrong or [ok(f"{entries.name} of {entity.espo_type}", f"{' and '.join(entries.channels)} as needed")]


def _types(entries: EntryList, attribute: str, allowed: object) -> list[Finding]:
    """EspoCRM takes every type a number may have; where nothing is said, those it comes with."""
    if not isinstance(allowed, list):
        return []
    needed = dict.fromkeys(known for kind in _KINDS if (known := entries.type_of(kind)) is not None)
    lacking = [one for one in needed if one not in allowed]
    if not lacking:
        return []
    todo = "add them to the field's types: EspoCRM refuses a whole list for one type it does not know"
    return [fail(f"types of {attribute}", f"lack {', '.join(lacking)}", todo)]

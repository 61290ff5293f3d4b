"""Names of fields and their values as people read them. Pure; knows no page."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from typing import Any

from mappers.normal import YES
from mappers.shape import Kind
from mappers.spec import Entity, Field
from syncd.listed import raw_words
from syncd.ui.show import Show
from syncd.ui.words import WORDS

Entities = Mapping[str, Entity]


def entity_of(entities: Entities, key: str) -> Entity | None:
    """The entity of a record's key; None for one that is no longer kept the same."""
    return entities.get(key.partition("/")[0])


def kind(show: Show, entity: Entity | None, many: bool = False) -> str:
    """What people call records of an entity."""
    if entity is None or entity.made is None:
        return entity.name if entity is not None else ""
    words = entity.made.many if many else entity.made.one
    return words.of(show.language)


def field(show: Show, entity: Entity | None, name: str) -> str:
    """What people call a field, or a list's entries; the link between two records has no field's name."""
    of_child, _, number = name.partition(":")
    child = next((one for one in (entity.children if entity is not None else ()) if one.name == of_child), None)
    if child is not None:
        return f"{kind(show, child)} {number}".rstrip()
    mapped = _mapped(entity, name)
    of_espo = mapped.espo if mapped is not None and ":" not in name else name.partition(":")[0]
    known = f"field.{of_espo or 'link'}"
    if known in WORDS:
        return show.t(known)
    if mapped is None or mapped.shape is None:
        return name
    return mapped.shape.words.of(show.language)


def value(show: Show, entity: Entity | None, name: str, told: Any) -> str:
    """A value, canonical or as a side keeps it; empty where there is none. An entry of a list in a few words."""
    if entity is not None:
        told = raw_words(entity, name, told)
    if is_box(entity, name) and (told is None or told in (YES, True, False)):
        return show.t("record.yes" if told else "record.no")
    if told is None or told == "":
        return ""
    mapped = _mapped(entity, name)
    if mapped is not None and mapped.shape is not None and mapped.shape.kind is Kind.DAY:
        return _day(show, str(told))
    return told if isinstance(told, str) else json.dumps(told, ensure_ascii=False)


def is_day(entity: Entity | None, name: str) -> bool:
    """Whether a field holds a date."""
    mapped = _mapped(entity, name)
    return mapped is not None and mapped.shape is not None and mapped.shape.kind is Kind.DAY


def is_box(entity: Entity | None, name: str) -> bool:
    """Whether a field is ticked or not."""
    mapped = _mapped(entity, name)
    return mapped is not None and mapped.shape is not None and mapped.shape.kind is Kind.YES_NO


def _day(show: Show, told: str) -> str:
    try:
        day = date.fromisoformat(told[:10])
    except ValueError:
        return told
    return f"{day:%d.%m.%Y}" if show.language == "de" else told[:10]


def _mapped(entity: Entity | None, name: str) -> Field | None:
    try:
        return entity.field(name) if entity is not None and name else None
    except KeyError:
        return None


def person(show: Show, who: str | None) -> str:
    """Who asked for something: `page:NAME`, `terminal:NAME` or `api`, as people say it."""
    way, _, name = (who or "").partition(":")
    if way == "api" or (way == "page" and not name):
        return show.t("person.api")
    return show.t("person.terminal", who=name) if way == "terminal" else name or show.t("person.unknown")


def group(show: Show, entities: Entities, name: str) -> str:
    """What people call a field of whatever entity has it; `link` is the question who belongs to whom."""
    if name == "link":
        return field(show, None, "")
    found = next((one for one in entities.values() if _mapped(one, name) is not None), None)
    return field(show, found, name)

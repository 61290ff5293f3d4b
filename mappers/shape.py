"""How EspoCRM keeps what is ours: the type and length of a field, and what people read. Data only.

`syncd setup espocrm` makes entities from it and `syncd.setup` knows how; names are the entity's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """EspoCRM's types of fields, as far as we make any."""

    LINE = "varchar"
    TEXT = "text"
    DAY = "date"
    TIME = "datetime"
    NUMBER = "int"
    CHOICE = "enum"
    YES_NO = "bool"


# Types a firm may have given its own field; a value of ours fits in as well.
FITTING: Mapping[Kind, tuple[str, ...]] = {
    Kind.LINE: ("varchar", "text", "enum", "personName", "url"),
    Kind.TEXT: ("text", "wysiwyg"),
    Kind.DAY: ("date",),
    Kind.TIME: ("datetime", "datetimeOptional"),
    Kind.NUMBER: ("int",),
    Kind.CHOICE: ("enum",),
    Kind.YES_NO: ("bool",),
}


@dataclass(frozen=True, slots=True)
class Words:
    """What people read, by language."""

    de: str
    en: str

    def of(self, language: str) -> str:
        """In this language: German for any kind of German (`de`, `de_DE`), else English."""
        return self.de if language.startswith("de") else self.en


@dataclass(frozen=True, slots=True)
class Shape:
    """A field of EspoCRM. `length` in characters, of a line only."""

    words: Words
    kind: Kind = Kind.LINE
    length: int | None = None


def line(de: str, en: str, length: int) -> Shape:
    """A line of text."""
    return Shape(Words(de, en), length=length)


@dataclass(frozen=True, slots=True)
class Parent:
    """The record an entity's records belong to: `entity` by our name, `link` there and `foreign` here."""

    entity: str
    link: str
    foreign: str


@dataclass(frozen=True, slots=True)
class Made:
    """How an entity is made in EspoCRM. `number`: the field that holds Advoware's number, if people see it."""

    base: str
    one: Words
    many: Words
    number: Shape | None = None
    parent: Parent | None = None


# The fields of the sync, by their names in `spec.StatusFields`; the status itself gets its options from the engine.
STATUS_SHAPES: Mapping[str, Shape] = {
    "status": Shape(Words("Abgleich", "Sync Status"), Kind.CHOICE),
    "last_sync": Shape(Words("Zuletzt abgeglichen", "Last Synced"), Kind.TIME),
    "error": Shape(Words("Hinweis zum Abgleich", "Sync Message"), Kind.TEXT),
    "retries": Shape(Words("Fehlversuche", "Failed Retries"), Kind.NUMBER),
    "next_retry": Shape(Words("Nächster Versuch", "Next Retry"), Kind.TIME),
    "auto_reset": Shape(Words("Neuer Anlauf ab", "Tried Anew From"), Kind.TIME),
    "row_id": Shape(Words("Advoware-Stand", "Advoware Row Id"), length=50),
}

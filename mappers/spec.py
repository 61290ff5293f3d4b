"""The vocabulary in which an entity is declared.

A declaration says which attribute of EspoCRM corresponds to which field of Advoware, and how each
side's raw JSON value turns into the one canonical value that all comparing is done on. Nothing
here knows how to fetch, store or decide anything.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from mappers.shape import Made, Shape, Words

Canonical = str | None
Raw = Any


class Side(StrEnum):
    """One of the two systems."""

    ESPO = "espocrm"
    ADVOWARE = "advoware"

    @property
    def other(self) -> Side:
        return Side.ADVOWARE if self is Side.ESPO else Side.ESPO


class Policy(StrEnum):
    """Who wins when both sides changed the same field to different values."""

    ESPOCRM = "espocrm"
    ADVOWARE = "advoware"
    NEWEST = "newest"
    MANUAL = "manual"


class Direction(StrEnum):
    """Which way a field may travel."""

    BOTH = "both"
    TO_ADVOWARE = "to_advoware"
    TO_ESPOCRM = "to_espocrm"
    OFF = "off"

    def allows(self, target: Side) -> bool:
        """Whether a value may be written to `target`."""
        if self is Direction.BOTH:
            return True
        return self is (Direction.TO_ESPOCRM if target is Side.ESPO else Direction.TO_ADVOWARE)


class Can(StrEnum):
    """What Advoware's API can do with a field; EspoCRM can always do both."""

    UPDATE = "update"
    CREATE_ONLY = "create_only"
    REPLACE = "replace"  # only by creating another record; what becomes of the old one is left to a person


class Role(StrEnum):
    """What a field says about whose record it is."""

    NAME = "name"
    FIRST_NAME = "first_name"
    BORN = "born"
    REGISTER = "register"


class Unmappable(ValueError):
    """A raw value that has no canonical form. The message names the rule, never the value."""


Parsed = Canonical | Unmappable  # what a raw value means, or why it means nothing


@dataclass(frozen=True, slots=True)
class Codec:
    """Both sides' way to the canonical value and back.

    Laws, tested for every field: `parse(render(c)) == c` wherever `render` accepts `c`, and
    `parse` may be many-to-one. A codec raises `Unmappable` instead of guessing.
    """

    name: str
    parse_espo: Callable[[Raw], Canonical]
    parse_advoware: Callable[[Raw], Canonical]
    render_espo: Callable[[Canonical], Raw]
    render_advoware: Callable[[Canonical], Raw]

    def parse(self, side: Side, raw: Raw) -> Canonical:
        return (self.parse_espo if side is Side.ESPO else self.parse_advoware)(raw)

    def render(self, side: Side, value: Canonical) -> Raw:
        return (self.render_espo if side is Side.ESPO else self.render_advoware)(value)


@dataclass(frozen=True, slots=True)
class Field:
    """One fact both systems keep. `role` marks the ones that say whose record it is.

    `rule`: the mapping a base was taken under; another one makes it a newly mapped field.
    `shape`: how EspoCRM's field is made; None for one that comes with the entity's base type.
    """

    name: str
    espo: str
    advoware: str
    codec: Codec
    can: Can = Can.UPDATE
    role: Role | None = None
    direction: Direction = Direction.BOTH
    policy: Policy = Policy.ESPOCRM
    shape: Shape | None = None
    rule: str = dataclasses.field(init=False)

    def __post_init__(self) -> None:
        rule = f"{self.espo}|{self.advoware}|{self.codec.name}|{self.direction}"
        object.__setattr__(self, "rule", rule)

    def attribute(self, side: Side) -> str:
        return self.espo if side is Side.ESPO else self.advoware

    def raw(self, side: Side, body: Mapping[str, Raw]) -> Raw:
        return body.get(self.attribute(side))

    def parse(self, side: Side, body: Mapping[str, Raw]) -> Canonical:
        """Canonical value of this field in a side's record; raises `Unmappable`."""
        return self.codec.parse(side, self.raw(side, body))


def _untouched(value: Raw) -> Canonical:
    return value if isinstance(value, str) else None


UNTOUCHED = Codec("untouched", _untouched, _untouched, _untouched, _untouched)


@dataclass(frozen=True, slots=True)
class StatusFields:
    """EspoCRM's attributes that show the state of the sync to people; "" for one an entity does not have."""

    status: str = "syncStatus"
    last_sync: str = "advowareLastSync"
    row_id: str = "advowareRowId"
    error: str = "syncErrorMessage"
    retries: str = "syncRetryCount"
    next_retry: str = "syncNextRetry"
    auto_reset: str = "syncAutoResetAt"


def folded(value: Canonical) -> Canonical:
    """For comparing names of people: ignores letter case and runs of blanks."""
    return None if value is None else " ".join(value.casefold().split())


@dataclass(frozen=True, slots=True)
class Person:
    """What a search for a counterpart compares; all values canonical, `None` where blank."""

    name: Canonical
    first_name: Canonical
    born: Canonical
    register: Canonical
    reachable_at: frozenset[str]


@dataclass(frozen=True, slots=True)
class Mark:
    """Our note at the start of an entry's remark: the value last agreed on, None for a slot; `kind` 0: unknown."""

    value: Canonical
    kind: int


@dataclass(frozen=True, slots=True)
class EspoEntry:
    """An entry of one of EspoCRM's lists, which have no ids. `channel` is the list's attribute."""

    channel: str
    form: str
    type: str | None
    main: bool
    raw: Mapping[str, Raw]


@dataclass(frozen=True, slots=True)
class AdvowareEntry:
    """An entry of a child list of Advoware. `sure`: its kind is known, not guessed. An emptied one has no value."""

    id: int
    channel: str
    value: Canonical
    form: Canonical  # what EspoCRM can keep of the value
    kind: int
    sure: bool
    main: bool
    mark: Mark | None
    text: str  # what people wrote as a remark
    raw: Mapping[str, Raw]

    @property
    def is_slot(self) -> bool:
        """Emptied by us, to be used again for a value of the same kind."""
        return self.value is None and self.mark is not None and self.mark.value is None


class Same:
    """An object that was read, as the key of a cache: this very one, which nobody changes, not one that equals it."""

    __slots__ = ("read",)

    def __init__(self, read: Any) -> None:
        self.read = read

    def __hash__(self) -> int:
        return id(self.read)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Same) and self.read is other.read


@dataclass(frozen=True, slots=True, eq=False)
class EntryList:
    """A child list of Advoware that EspoCRM keeps inside the record, in one list per channel.

    The functions are pure. `read_espo` leaves out a channel it cannot read, `read_advoware` is None
    where the list is not there; it takes the kinds remembered by id. `obstacle` says why EspoCRM
    cannot keep a value; `remark` puts a marker before people's text and is None where both do not fit,
    `split` takes them apart.
    """

    name: str
    label: str
    advoware: str
    path: str
    shown_in: str  # EspoCRM's attribute for the fingerprint
    shown_as: Words  # what people read there
    channels: Mapping[str, str]  # EspoCRM's list -> the attribute in which its errors name it
    main: str  # the attribute of EspoCRM's entries that marks the main one
    limit: int
    codec: Codec
    emptied: Raw
    read_espo: Callable[[Mapping[str, Raw]], Mapping[str, tuple[EspoEntry, ...]]]
    read_espo_entry: Callable[[Mapping[str, Raw]], EspoEntry]
    read_advoware: Callable[[Mapping[str, Raw], Mapping[int, int]], tuple[AdvowareEntry, ...] | None]
    fingerprint: Callable[[Mapping[str, Raw]], str]
    new_kind: Callable[[EspoEntry], int]
    type_of: Callable[[int], str | None]
    obstacle: Callable[[str, str], str | None]
    espo_raw: Callable[[str, str, str | None, bool], dict[str, Raw]]
    with_type: Callable[[Mapping[str, Raw], str | None], dict[str, Raw]]
    advoware_raw: Callable[[str, str, bool], dict[str, Raw]]
    advoware_kind: Callable[[int], dict[str, Raw]]
    espo_text: Callable[[AdvowareEntry], str]
    advoware_text: Callable[[EspoEntry], str]
    split: Callable[[Raw], tuple[Mark | None, str]]
    remark: Callable[[Mark, str], str | None]
    kind_name: Callable[[int], str] = str  # what people know a kind as
    direction: Direction = Direction.BOTH
    policy: Policy = Policy.ESPOCRM
    rule: str = dataclasses.field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "rule", f"{self.name}|{self.codec.name}|{self.direction}")

    def entry_name(self, tail: int | str) -> str:
        """The ledger's name of an entry."""
        return f"{self.name}:{tail}"

    def owns(self, field: str) -> bool:
        return field.startswith(f"{self.name}:")

    def id_of(self, field: str) -> int | None:
        """Advoware's id in the ledger's name of an entry; None for one that was never there."""
        tail = field.partition(":")[2]
        return int(tail) if tail.isdecimal() else None

    def as_field(self, name: str) -> Field:
        """One entry where fields are spoken of: decisions, values that are kept, sentences for people."""
        number = self.id_of(name)
        shown = self.label if number is None else f"{self.label} {number}"
        return Field(name, shown, shown, self.codec, direction=self.direction, policy=self.policy)


@dataclass(frozen=True, slots=True)
class Child:
    """How an entity's records belong to those of another, in whose object Advoware keeps them as a list.

    `alike`: names of fields by whose common values a record and a row are the same thing, the strongest group first;
    who is alike in all of the first is the same twice. `sign` puts EspoCRM's id into a row that is to be created,
    `signed_by` reads it. `place` tells people where in Advoware a row is found.
    """

    parent: str  # our name of the entity they belong to
    espo: str  # EspoCRM's attribute with the parent's id
    advoware: str  # the list in the parent's object
    path: str  # of that list, below the parent's path
    index: str | None  # the attribute by which a PUT names a row; None: rows cannot be changed
    alike: tuple[tuple[str, ...], ...]
    title: tuple[str, ...]  # fields that tell people which one it is
    words: Words
    place: Callable[[Mapping[str, Raw]], str]
    sign: Callable[[str, Mapping[str, Raw]], dict[str, Raw]] | None = None
    signed_by: Callable[[Mapping[str, Raw]], str | None] | None = None
    single: str | None = None  # a field that only one record of a parent may have in EspoCRM


@dataclass(frozen=True, slots=True, eq=False)
class Entity:
    """Everything the engine needs to know of one kind of record. `made`: None is not set up by us.

    `link` is "" where EspoCRM does not show Advoware's id. `child`: they belong to other records; `children` are the
    entities whose records belong to these.
    """

    name: str
    espo_type: str
    advoware_path: str
    link: str
    advoware_id: str
    fields: tuple[Field, ...]
    reachable_at: Callable[[Side, Mapping[str, Raw]], frozenset[str]]
    status: StatusFields = StatusFields()
    routes: tuple[str, ...] = ()
    lists: tuple[EntryList, ...] = ()
    made: Made | None = None
    child: Child | None = None
    children: tuple[Entity, ...] = ()
    by_name: Mapping[str, Field] = dataclasses.field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_name", {field.name: field for field in self.fields})

    def field(self, name: str) -> Field:
        """A mapped field, or an entry of a list by its name in the ledger; raises KeyError."""
        known = self.by_name.get(name)
        if known is not None:
            return known
        for entries in self.lists:
            if entries.owns(name):
                return entries.as_field(name)
        for one in self.children:
            kind, colon, number = name.partition(":")
            if kind == one.name and colon:
                return Field(name, f"{one.label} {number}", f"{one.label} {number}", UNTOUCHED)
        raise KeyError(name)

    def of_role(self, role: Role) -> Field | None:
        """The field that says this about whose record it is."""
        return next((field for field in self.fields if field.role is role), None)

    @property
    def label(self) -> str:
        """What people call one of its records."""
        return self.made.one.de if self.made is not None else self.name

    def parsed(self, side: Side, body: Mapping[str, Raw]) -> tuple[Parsed, ...]:
        """What a side's record says in each of `fields`."""
        of_espo, found = side is Side.ESPO, list[Parsed]()
        for field in self.fields:
            raw, codec = body.get(field.espo if of_espo else field.advoware), field.codec
            try:
                found.append((codec.parse_espo if of_espo else codec.parse_advoware)(raw))
            except Unmappable as error:
                found.append(error.with_traceback(None))
        return tuple(found)

    def canonical(self, side: Side, body: Mapping[str, Raw]) -> dict[str, Canonical]:
        """All mapped fields of a side's record; what cannot be mapped counts as blank."""
        values = zip(self.fields, self.parsed(side, body), strict=True)
        return {field.name: None if isinstance(value, Unmappable) else value for field, value in values}

    def for_espo(self, body: Mapping[str, Raw]) -> tuple[dict[str, Raw], dict[str, str]]:
        """What a new record in EspoCRM shows of one in Advoware, and by EspoCRM's field why something cannot be shown.

        A name belongs to every record, whichever way it travels later.
        """
        values: dict[str, Raw] = {}
        unfit: dict[str, str] = {}
        for field in self.fields:
            if not field.direction.allows(Side.ESPO) and field.role is not Role.NAME:
                continue
            try:
                value = field.parse(Side.ADVOWARE, body)
            except Unmappable as error:
                unfit[field.espo] = str(error)
                continue
            if value is not None:
                values[field.espo] = field.codec.render(Side.ESPO, value)
        return values, unfit

    def rows(self, body: Mapping[str, Raw]) -> tuple[Mapping[str, Raw], ...] | None:
        """A child's rows in its parent's object; None where they cannot be told."""
        listed = body.get(self.child.advoware) if self.child is not None else None
        if not isinstance(listed, list):
            return None
        return tuple(listed) if all(self.row_id(row) is not None for row in listed) else None

    def row_id(self, row: Raw) -> int | None:
        """Advoware's id of a row; None for what is none."""
        number = row.get(self.advoware_id) if isinstance(row, Mapping) else None
        return number if type(number) is int and number > 0 else None

    def path(self, advoware_id: int) -> str:
        """Advoware's path of one record, relative to the base URL."""
        return f"{self.advoware_path}/{advoware_id}"

    @property
    def identity_fields(self) -> tuple[Field, ...]:
        """Name, first name and birth date: where these differ, it may be somebody else."""
        return tuple(field for field in self.fields if field.role in (Role.NAME, Role.FIRST_NAME, Role.BORN))

    def person(self, side: Side, body: Mapping[str, Raw]) -> Person:
        """What identifies the person or company in a side's record; unmappable counts as blank."""
        facts: dict[Role, Canonical] = {}
        for field in self.fields:
            if field.role is not None:
                with suppress(Unmappable):
                    facts[field.role] = folded(field.parse(side, body))
        return Person(
            name=facts.get(Role.NAME),
            first_name=facts.get(Role.FIRST_NAME),
            born=facts.get(Role.BORN),
            register=facts.get(Role.REGISTER),
            reachable_at=self.reachable_at(side, body),
        )

    def with_fields(self, changes: Mapping[str, Mapping[str, Any]]) -> Entity:
        """The entity with attribute names, directions or policies of some fields overridden."""
        return replace(self, fields=tuple(replace(field, **changes.get(field.name, {})) for field in self.fields))

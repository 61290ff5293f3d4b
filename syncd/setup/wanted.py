"""What EspoCRM must have for an entity, derived from its declaration. Pure; knows no entity by name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from mappers.shape import FITTING, STATUS_SHAPES, Kind, Made, Parent, Shape, Words
from mappers.spec import Direction, Entity
from syncd.model import Status
from syncd.setup.words import STATES, STYLES

FINGERPRINT = 16  # hex digits
READ_AND_WRITE: Mapping[str, str] = {"create": "yes", "read": "all", "edit": "all", "delete": "no"}


@dataclass(frozen=True)
class WantedField:
    """One field. `options` with their words and colours; `ours`: the sync's own, so its length is up to us."""

    name: str
    shape: Shape
    ours: bool
    options: Mapping[str, Words] = field(default_factory=dict)
    styles: Mapping[str, str] = field(default_factory=dict)
    default: Any = None

    @property
    def fitting(self) -> tuple[str, ...]:
        """Types a field of this name may have already."""
        return FITTING[self.shape.kind]

    def definition(self) -> dict[str, Any]:
        """As EspoCRM's field manager takes it."""
        made: dict[str, Any] = {"name": self.name, "type": str(self.shape.kind)}
        if self.shape.kind is Kind.NUMBER:
            made |= {"min": 0, "disableFormatting": True}  # a number of Advoware is no amount: 104860, not 104.860
        if self.shape.length is not None:
            made["maxLength"] = self.shape.length
        if self.options:
            made |= {"options": list(self.options), "style": dict(self.styles), "displayAsLabel": True}
        if self.default is not None:
            made["default"] = self.default
        return made


@dataclass(frozen=True)
class WantedEntity:
    """One entity. `own` are the firm's business fields, `sync` those that show the state; `watched` sets `status`.

    `below`: entities whose records are listed below one of these, by EspoCRM's name, and how they hang on it.
    """

    name: str
    espo_type: str
    made: Made
    own: tuple[WantedField, ...]
    sync: tuple[WantedField, ...]
    status: str
    watched: tuple[str, ...]
    parent: Parent | None
    parent_type: str | None
    parent_words: Words | None
    below: tuple[tuple[str, Parent], ...] = ()

    @property
    def fields(self) -> tuple[WantedField, ...]:
        """All fields there must be."""
        return (*self.own, *self.sync)

    @property
    def stream(self) -> bool:
        """Whether people are told by notes on the record; a child's notes are on its parent."""
        return self.parent is None

    @property
    def rights(self) -> dict[str, str]:
        """What the role must allow."""
        return {**READ_AND_WRITE, **({"stream": "all"} if self.stream else {})}


def wanted(entities: Iterable[Entity]) -> tuple[WantedEntity, ...]:
    """Every entity that is set up by us, parents before their children."""
    known = {entity.name: entity for entity in entities}
    found = [_entity(entity, entity.made, known) for entity in known.values() if entity.made is not None]
    return tuple(sorted(found, key=lambda one: one.parent is not None))


def _entity(entity: Entity, made: Made, known: Mapping[str, Entity]) -> WantedEntity:
    parent = made.parent
    over = known.get(parent.entity) if parent is not None else None
    kin = [(one.espo_type, one.made.parent) for one in known.values() if one.made is not None]
    return WantedEntity(
        name=entity.name,
        espo_type=entity.espo_type,
        made=made,
        own=tuple(
            WantedField(one.espo, one.shape, ours=False)
            for one in entity.fields
            if one.shape is not None and one.direction is not Direction.OFF
        ),
        sync=_sync(entity, made),
        status=entity.status.status,
        watched=_watched(entity),
        parent=parent,
        parent_type=over.espo_type if over is not None else None,
        parent_words=over.made.one if over is not None and over.made is not None else None,
        below=tuple((name, link) for name, link in kin if link is not None and link.entity == entity.name),
    )


def _sync(entity: Entity, made: Made) -> tuple[WantedField, ...]:
    found = [] if made.number is None else [WantedField(entity.link, made.number, ours=True)]
    for name, shape in STATUS_SHAPES.items():
        attribute = getattr(entity.status, name)
        if not attribute:
            continue
        if name == "status":
            words = {str(one): STATES[one] for one in Status}
            styles = {str(one): STYLES[one] for one in Status}
            found.append(WantedField(attribute, shape, True, words, styles, str(Status.PENDING_SYNC)))
        else:
            found.append(WantedField(attribute, shape, ours=True))
    for entries in entity.lists:
        if entries.direction is not Direction.OFF:
            found.append(WantedField(entries.shown_in, Shape(entries.shown_as, length=FINGERPRINT), ours=True))
    return tuple(found)


def _watched(entity: Entity) -> tuple[str, ...]:
    """Attributes whose change by a person makes a record wait: of a list both of EspoCRM's forms (spec §9)."""
    fields = [one.espo for one in entity.fields if one.direction is not Direction.OFF]
    lists = [
        name
        for entries in entity.lists
        if entries.direction is not Direction.OFF
        for pair in entries.channels.items()
        for name in pair
    ]
    number = [entity.link] if entity.made is not None and entity.made.number is not None else []
    parent = [entity.child.espo] if entity.child is not None else []
    return (*fields, *number, *lists, *parent)

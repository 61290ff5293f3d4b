"""Records, memories and what is seen of them, for tests that ask the planner."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import UnionType
from typing import Any

from mappers.beteiligte import BETEILIGTE
from mappers.spec import Canonical, Entity, Raw, Side
from syncd.model import (
    Action,
    Base,
    FieldWrite,
    Found,
    Hold,
    HoldReason,
    Intent,
    IntentState,
    Key,
    Memory,
    PairState,
    PlanPolicy,
    Present,
    Settle,
    Trust,
    Update,
    Version,
)

ID = 104860
KEY = Key("beteiligte", "66b0c2a1f")
US_IN_ESPO, US_IN_ADVOWARE = "u-syncd", "SYNCD"
POLICY = PlanPolicy(US_IN_ESPO, US_IN_ADVOWARE, 2.0)
MORNING = 1_790_000_000.0
ESPO_READ = Version("2026-09-21 10:00:00", 7, MORNING, "anna")
ADVOWARE_READ = Version("R" * 40, None, MORNING, "AB")

ANNA: dict[str, Canonical] = {
    "name": "Müller",
    "vorname": "Anna",
    "rechtsform": "Frau",
    "anrede": "Frau",
    "geburtsdatum": "1980-02-29",
}


def raw(side: Side, record: Mapping[str, Canonical], entity: Entity = BETEILIGTE) -> dict[str, Raw]:
    """A record of canonical values in a side's own form."""
    return {field.attribute(side): field.codec.render(side, record.get(field.name)) for field in entity.fields}


def espo(
    record: Mapping[str, Canonical] = ANNA,
    *,
    version: Version = ESPO_READ,
    betnr: object = ID,
    status: str | None = "clean",
    entity: Entity = BETEILIGTE,
    **attributes: Any,
) -> Present:
    """An EspoCRM record as read."""
    body = {**raw(Side.ESPO, record, entity), entity.link: betnr, entity.status.status: status}
    return Present({**body, **attributes}, version)


def advoware(
    record: Mapping[str, Canonical] = ANNA,
    *,
    version: Version = ADVOWARE_READ,
    advoware_id: int = ID,
    entity: Entity = BETEILIGTE,
    **fields: Any,
) -> Present:
    """An Advoware record as read."""
    body = {**raw(Side.ADVOWARE, record, entity), entity.advoware_id: advoware_id, "rowId": version.token}
    return Present({**body, **fields}, version)


def agreed(record: Mapping[str, Canonical] = ANNA, entity: Entity = BETEILIGTE) -> dict[str, Base]:
    """The base of a pair that agreed on this record."""
    return {
        field.name: Base(
            field.codec.render(Side.ESPO, record.get(field.name)),
            field.codec.render(Side.ADVOWARE, record.get(field.name)),
            field.rule,
        )
        for field in entity.fields
    }


def linked(record: Mapping[str, Canonical] = ANNA, *, entity: Entity = BETEILIGTE, **changes: Any) -> Memory:
    """What is remembered of a pair that is kept the same."""
    values: dict[str, Any] = {
        "state": PairState.LINKED,
        "advoware_id": ID,
        "trust": Trust.CONFIRMED,
        "link_shown": True,
        "base": agreed(record, entity),
        "espo_version": ESPO_READ,
        "advoware_version": ADVOWARE_READ,
        **changes,
    }
    return Memory(KEY, **values)


def new(**changes: Any) -> Memory:
    """What is remembered of a record never seen before."""
    return Memory(KEY, **changes)


def found(record: Mapping[str, Canonical] = ANNA, advoware_id: int = ID, **facts: Any) -> Found:
    """A row of a search in Advoware."""
    fields = facts.pop("fields", {})
    return Found(advoware_id, {**raw(Side.ADVOWARE, record), "betNr": advoware_id, **fields}, **facts)


def lost_create(record: Mapping[str, Canonical] = ANNA, **changes: Any) -> Intent:
    """A POST whose answer never came."""
    writes = tuple(FieldWrite(name, None, value) for name, value in record.items() if value is not None)
    values: dict[str, Any] = {"sent_at": MORNING, "state": IntentState.IN_DOUBT, **changes}
    return Intent("i1", Side.ADVOWARE, "create", writes, **values)


def only(actions: Iterable[Action], kind: type[Any] | UnionType) -> list[Any]:
    return [action for action in actions if isinstance(action, kind)]


def updates(actions: Iterable[Action]) -> dict[tuple[Side, str], Canonical]:
    """Every field write of a plan."""
    return {(update.side, write.field): write.after for update in only(actions, Update) for write in update.writes}


def held(actions: Iterable[Action]) -> HoldReason | None:
    """Why a plan holds the record, None if it does not."""
    holds: list[Hold] = only(actions, Hold)
    return holds[0].reason if holds else None


def settled(actions: Iterable[Action]) -> Settle | None:
    ends: list[Settle] = only(actions, Settle)
    return ends[0] if ends else None

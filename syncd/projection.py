"""What EspoCRM shall show of the state of a pair: the attributes of one PATCH. Pure.

Only attributes that differ are sent, and time stamps only along with something else, because on
stream entities even an empty PATCH bumps `modifiedAt`.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from mappers.spec import Entity, Side
from syncd.messages import text
from syncd.model import RECORD, FieldWrite, Notice, Settle, Status
from syncd.status import NextTry, Outcome, may_write, outcome_of


def espo_text(at: float) -> str:
    """Epoch seconds as EspoCRM writes them."""
    return datetime.fromtimestamp(at, UTC).isoformat(" ", "seconds").removesuffix("+00:00")


def settled(
    entity: Entity, body: Mapping[str, Any], settle: Settle, advoware_id: int | None, language: str,
    retired: Container[int] = (),
) -> dict[str, Any]:  # fmt: skip
    """Attributes that show the end of a job. A number a person typed or took away is never put back."""
    names = entity.status
    wanted: dict[str, Any] = {
        names.status: str(may_write(outcome_of(settle.status), settle.status)),
        names.error: text(settle.notices, language),
        names.retries: 0,
        names.next_retry: None,
        names.auto_reset: None,
    }
    shown = body.get(entity.link)
    unshown = entity.link and (not shown or shown in retired)
    if unshown and advoware_id is not None and RECORD not in settle.open_fields:
        wanted[entity.link] = advoware_id
    return differing(body, wanted)


def rendered(entity: Entity, writes: Iterable[FieldWrite]) -> dict[str, Any]:
    """Attributes of field writes in EspoCRM's form."""
    return {
        entity.field(write.field).espo: entity.field(write.field).codec.render(Side.ESPO, write.after)
        for write in writes
    }


def stamped(
    entity: Entity, body: Mapping[str, Any], changes: Mapping[str, Any], tokens: Mapping[str, Any], now: float
) -> dict[str, Any]:
    """The changes with sync time and tokens added, which alone are never worth a write.

    The row id says that all was agreed then: a lost ledger is rebuilt on that.
    """
    if not changes:
        return {}
    names = entity.status
    agreed = {**body, **changes}.get(names.status) == Status.CLEAN
    shown = {name: token for name, token in tokens.items() if agreed or name != names.row_id}
    stamp = {names.last_sync: espo_text(now)} if names.last_sync else {}
    return {**changes, **differing(body, shown), **stamp}


def fingerprints(entity: Entity, advoware: Mapping[str, Any]) -> dict[str, Any]:
    """The attributes that show EspoCRM's users whether a child list of Advoware has changed."""
    lists = [entries for entries in entity.lists if entries.read_advoware(advoware, {}) is not None]
    return {entries.shown_in: entries.fingerprint(advoware) for entries in lists}


def failed(
    entity: Entity, body: Mapping[str, Any], following: NextTry, notice: Notice, now: float, language: str
) -> dict[str, Any]:
    """Attributes that show a failure and when it is tried again."""
    names = entity.status
    gave_up = following.status is Status.PERMANENTLY_FAILED
    outcome = Outcome.GAVE_UP if gave_up else Outcome.FAILED
    at = espo_text(now + following.wait)
    wanted = {
        names.status: str(may_write(outcome, following.status)),
        names.error: text([notice], language),
        names.retries: following.retries,
        names.next_retry: None if gave_up else at,
        names.auto_reset: at if gave_up else None,
    }
    return differing(body, wanted)


def differing(body: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
    """The wanted attributes a record does not show yet; null, zero-less and missing are one value.

    An attribute without a name is one the entity does not have.
    """
    return {name: value for name, value in wanted.items() if name and (body.get(name) or None) != (value or None)}

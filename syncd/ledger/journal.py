"""The journal of remote writes and the history of what they did. Knows nothing of how they are made."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, delete, func, select, update

from mappers.spec import Side
from syncd.ledger.schema import bases, deliveries, history, intents
from syncd.ledger.sql import Prepared, given, listed, one_of, run_many, upsert
from syncd.model import NOTHING, Base, Evidence, FieldWrite, Intent, IntentState

UNSETTLED = (IntentState.OPEN, IntentState.IN_DOUBT)

_KEY = given("of_key")
_ANNOUNCE = intents.insert()
_CONCLUDE = Prepared(update(intents).where(intents.c.id == given("intent_id")))
_ORPHAN = Prepared(update(intents).where(intents.c.key == _KEY, intents.c.state == IntentState.OPEN))
_UNSETTLED = (
    select(intents).where(intents.c.key == _KEY, one_of(intents.c.state, UNSETTLED)).order_by(intents.c.sent_at)
)
_CREATIONS = select(func.count()).where(intents.c.verb == "create", intents.c.sent_at >= given("since"))
_RECORD = history.insert()
_FORGET = delete(bases).where(bases.c.key == _KEY, bases.c.field.in_(listed("fields")))
_HELD = select(bases.c.shared, bases.c.espo).where(bases.c.shared.in_(listed("values")), bases.c.key != _KEY)
_DELIVERED = (
    select(deliveries).where(deliveries.c.key == _KEY, deliveries.c.id > given("judged")).order_by(deliveries.c.id)
)


def name_key(values: Iterable[str | None]) -> str:
    """Equal for creates of equal name and first name; a hash, so that the index holds no names."""
    folded = "\x1f".join((value or "").casefold() for value in values)
    return hashlib.blake2b(folded.encode(), digest_size=16).hexdigest()


def announce(
    conn: Connection, intent_id: str, key: str, fence: int, side: Side, verb: str, writes: Sequence[FieldWrite],
    now: float, name: str | None = None,
) -> None:  # fmt: skip
    """Journal a write before it is made. Raises IntegrityError if the target or the name is being written."""
    rows: list[dict[str, Any]] = [
        {"field": write.field, "before": write.before, "after": write.after}
        | ({} if write.sent is None else {"sent": dict(write.sent), "other": write.other})
        for write in writes
    ]
    announced = {
        "id": intent_id, "key": key, "fence": fence, "side": side, "verb": verb, "writes": rows, "sent_at": now,
        "state": IntentState.OPEN, "name_key": name,
    }  # fmt: skip
    run_many(conn, _ANNOUNCE, [announced])


def conclude(conn: Connection, intent_id: str, state: IntentState) -> None:
    """Say what became of a journalled write."""
    _CONCLUDE.run(conn, {"intent_id": intent_id, "state": state})


def orphan(conn: Connection, key: str) -> None:
    """A new job begins: what an earlier one left open may or may not have been applied."""
    _ORPHAN.run(conn, {"of_key": key, "state": IntentState.IN_DOUBT})


def settle_updates(conn: Connection, key: str, sent_before: float) -> None:
    """Updates sent so long ago that they cannot apply any more are no longer in doubt."""
    conn.execute(
        update(intents)
        .where(
            intents.c.key == key,
            intents.c.verb != "create",
            intents.c.state == IntentState.IN_DOUBT,
            intents.c.sent_at < sent_before,
        )
        .values(state=IntentState.VOID)
    )


def unsettled(conn: Connection, key: str) -> tuple[Intent, ...]:
    """Writes of which nobody knows whether they were applied, oldest first."""
    rows = conn.execute(_UNSETTLED, {"of_key": key})
    return tuple(read_intent(dict(row._mapping)) for row in rows)


def read_intent(row: Mapping[str, Any]) -> Intent:
    writes = tuple(
        FieldWrite(item["field"], item["before"], item["after"], item.get("sent"), item.get("other"))
        for item in row["writes"]
    )
    state = IntentState(row["state"])
    return Intent(
        row["id"],
        Side(row["side"]),
        row["verb"],
        writes,
        row["sent_at"],
        state,
        row["nones"],
    )


def not_found(conn: Connection, intent_id: str, nones: int) -> None:
    """A trusted search for what a create may have made found nothing."""
    conn.execute(update(intents).where(intents.c.id == intent_id).values(nones=nones))


def creations_since(conn: Connection, since: float) -> int:
    """How many creates were sent since then, whatever became of them."""
    return int(conn.execute(_CREATIONS, {"since": since}).scalar_one())


@dataclass(frozen=True, slots=True)
class Author:
    """Which job did it, the run that job was part of, if of any, and what set it going, as far as that is known."""

    job: str
    run: str | None = None
    cause: str | None = None


def record(
    conn: Connection, key: str, by: Author, why: str, now: float, side: Side | None = None,
    changes: Mapping[str, tuple[Any, Any]] | None = None, who: Mapping[str, str] = NOTHING,
) -> None:  # fmt: skip
    """Write history: one row per changed field `name -> (before, after)`, or one row for an event without fields.

    `who`: whose values these are, by field, where that is known.
    """
    if changes:
        rows = [
            {
                "at": now,
                "key": key,
                "job": by.job,
                "run": by.run,
                "side": side,
                "field": name,
                "before": before,
                "after": after,
                "why": why,
                "cause": by.cause,
                "who": who.get(name),
            }
            for name, (before, after) in changes.items()
        ]
        run_many(conn, _RECORD, rows)
    elif changes is None:
        event = {"at": now, "key": key, "job": by.job, "run": by.run, "side": side, "why": why, "cause": by.cause}
        run_many(conn, _RECORD, [event])


def put_bases(conn: Connection, key: str, agreed: Mapping[str, tuple[Any, Any, str]]) -> None:
    """Remember what both sides agree on: `field -> (espo raw, advoware raw, rule)`."""
    rows = [
        {"key": key, "field": name, "espo": espo, "advoware": advoware, "rule": rule}
        for name, (espo, advoware, rule) in agreed.items()
    ]
    upsert(conn, bases, rows)


def shows(conn: Connection, key: str, field: str) -> bool:
    """Whether EspoCRM had anything in a field when both sides last agreed."""
    return bool(conn.execute(select(bases.c.espo).where(bases.c.key == key, bases.c.field == field)).scalar())


def put_entries(conn: Connection, key: str, entries: Mapping[str, Base | None]) -> None:
    """Remember what both sides agree on in entries of child lists; None forgets one."""
    gone = [name for name, base in entries.items() if base is None]
    if gone:
        conn.execute(_FORGET, {"of_key": key, "fields": gone})
    rows = [
        {
            "key": key, "field": name, "espo": base.espo, "advoware": base.advoware, "rule": base.rule,
            "shared": base.shared,
        }
        for name, base in entries.items()
        if base is not None
    ]  # fmt: skip
    upsert(conn, bases, rows)


def held_elsewhere(conn: Connection, key: str, shared: Collection[str]) -> dict[str, Any]:
    """Which of these shared values other records hold: name -> EspoCRM's entry there."""
    return {row.shared: row.espo for row in conn.execute(_HELD, {"values": list(shared), "of_key": key})}


def evidence(conn: Connection, key: str, judged: int) -> Evidence | None:
    """What webhooks told of a record after delivery `judged`; None where none came."""
    rows = conn.execute(_DELIVERED, {"of_key": key, "judged": judged}).all()
    if not rows:
        return None
    entries = conn.execute(select(history).where(history.c.key == key, history.c.field.like("%:%"))).all()
    traces = tuple(raw for row in entries for raw in (row.before, row.after) if raw is not None)
    patched = max((row.at for row in entries if row.side == Side.ESPO), default=None)
    return Evidence(rows[-1].id, rows[0].at, tuple(row.body for row in rows), traces, patched)


def forget_bases(conn: Connection, key: str) -> None:
    """The pair has another counterpart: what it agreed on with the old one says nothing."""
    conn.execute(delete(bases).where(bases.c.key == key))


def of_record(conn: Connection, key: str, limit: int = 200) -> list[dict[str, Any]]:
    """History of a record, newest first."""
    rows = conn.execute(select(history).where(history.c.key == key).order_by(history.c.id.desc()).limit(limit))
    return [dict(row._mapping) for row in rows]

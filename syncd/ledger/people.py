"""What concerns people: disputes and their decisions, kept values, quarantined values, messages owed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, delete, func, select, update

from mappers.spec import Canonical, Side
from syncd.errands import DISMISSED, SHOWN
from syncd.ledger.schema import conflicts, messages, quarantine
from syncd.ledger.sql import given, listed, one_of, upsert
from syncd.model import Decision

OPEN, DECIDED, KEPT, SETTLED = "open", "decided", "kept", "settled"
WAITING = (OPEN, DECIDED)

_KEY = given("of_key")
_FIELDS = listed("fields")
_TOPICS = listed("topics")
_WAITING = (
    select(conflicts)
    .where(conflicts.c.key == _KEY, one_of(conflicts.c.state, WAITING), conflicts.c.field != "")
    .order_by(conflicts.c.opened_at)
)
_KEPT = (
    select(conflicts)
    .where(conflicts.c.key == _KEY, conflicts.c.field == given("of_field"), conflicts.c.state == KEPT)
    .order_by(conflicts.c.opened_at.desc())
)
_KEEP = conflicts.insert()
# What waits in other fields than these; of choices only those that were looked at, where there is a list of them.
_OTHERS = (conflicts.c.key == _KEY) & one_of(conflicts.c.state, WAITING) & conflicts.c.field.not_in(_FIELDS)
_JUDGED = _OTHERS & ((conflicts.c.state == OPEN) | (conflicts.c.field == "") | conflicts.c.id.in_(listed("decided")))
_FIELDS_OF_OTHERS, _FIELDS_OF_JUDGED = (select(conflicts.c.field).where(over) for over in (_OTHERS, _JUDGED))
_QUARANTINED = select(quarantine).where(quarantine.c.key == _KEY)
_CLEAR_QUARANTINE = delete(quarantine).where(quarantine.c.key == _KEY, quarantine.c.field.not_in(_FIELDS))
_TOLD = select(messages).where(
    messages.c.key == _KEY, messages.c.topic == given("of_topic"), one_of(messages.c.state, ("owed", "posted"))
)
_OF_TOPICS = (messages.c.key == _KEY) & messages.c.topic.in_(_TOPICS) & (messages.c.kind == "task")
_IN_ESPO = (messages.c.state == "posted") | ((messages.c.state == "owed") & messages.c.espo_id.is_not(None))
_CLOSE_POSTED = update(messages).where(_OF_TOPICS, _IN_ESPO)
_CLOSE_OWED = update(messages).where(_OF_TOPICS, messages.c.state == "owed", messages.c.espo_id.is_(None))
_OWED = (
    select(messages)
    .where(one_of(messages.c.state, ("owed", "closing")), messages.c.due_at <= given("now"))
    .order_by(messages.c.due_at)
    .limit(given("most"))
)


def waiting(conn: Connection, key: str) -> tuple[dict[str, str], dict[str, Decision]]:
    """What waits for a person at this record (field -> kind), and what people chose but is not carried out yet."""
    rows = conn.execute(_WAITING, {"of_key": key}).all()
    decided = {row.field: _decision(row.id, row.decision) for row in rows if row.state == DECIDED and row.decision}
    return {row.field: row.kind for row in rows}, decided


def _decision(conflict_id: str, stored: Mapping[str, Any]) -> Decision:
    return Decision(
        conflict_id, stored["value"], stored["saw_espo"], stored["saw_advoware"], stored.get("undoes"),
        stored.get("before"), stored.get("who"), bool(stored.get("here")),
    )  # fmt: skip


def raise_conflict(
    conn: Connection, conflict_id: str, key: str, field: str, kind: str, values: Mapping[str, Any]
) -> str:
    """Open a conflict, or bring the open one of this field and kind up to date; returns its id."""
    row = conn.execute(
        select(conflicts).where(
            conflicts.c.key == key,
            conflicts.c.field == field,
            conflicts.c.kind == kind,
            one_of(conflicts.c.state, WAITING),
        )
    ).first()
    if row is None:
        conn.execute(conflicts.insert().values(id=conflict_id, key=key, field=field, kind=kind, state=OPEN, **values))
        return conflict_id
    fresh = {name: value for name, value in values.items() if name != "opened_at"}
    changed = any(
        getattr(row, name) != value for name, value in fresh.items() if name in ("espo", "advoware", "candidates")
    )
    if changed:  # the person decided about other values than there are now
        conn.execute(update(conflicts).where(conflicts.c.id == row.id).values(state=OPEN, decision=None, **fresh))
    return str(row.id)


def keep(conn: Connection, conflict_id: str, key: str, field: str, values: Mapping[str, Any]) -> str:
    """Keep a value that lost; the same loss noted by a job that died is not noted twice."""
    row = conn.execute(_KEPT, {"of_key": key, "of_field": field}).first()
    if row is not None and (row.espo, row.advoware, row.base) == (
        values["espo"],
        values["advoware"],
        values["base"],
    ):
        return str(row.id)
    conn.execute(_KEEP, {"id": conflict_id, "key": key, "field": field, "state": KEPT, **values})
    return conflict_id


def settle(
    conn: Connection, key: str, open_fields: Iterable[str], now: float, decided: Iterable[str] | None = None
) -> list[str]:
    """Close what waited for a person in other than these fields; returns the fields closed.

    `decided`: the choices of values that were looked at; one that a person made meanwhile stays for the next job.
    None: all were.
    """
    of: dict[str, Any] = {"of_key": key, "fields": list(open_fields)}
    over, fields = _OTHERS, _FIELDS_OF_OTHERS
    if decided is not None:
        over, fields, of["decided"] = _JUDGED, _FIELDS_OF_JUDGED, list(decided)
    closed = list(conn.execute(fields, of).scalars())
    if closed:
        conn.execute(update(conflicts).where(over), {**of, "state": SETTLED, "settled_at": now})
    return closed


def settle_links(conn: Connection, key: str, but_kind: str, now: float) -> None:
    """Close what was asked about a record's link before; what waits in its fields stays."""
    over = (conflicts.c.key == key) & (conflicts.c.field == "") & (conflicts.c.kind != but_kind)
    conn.execute(
        update(conflicts).where(over & one_of(conflicts.c.state, WAITING)).values(state=SETTLED, settled_at=now)
    )


def decide(conn: Connection, conflict_id: str, decision: Mapping[str, Any]) -> str | None:
    """A person's choice; returns the record's key, None if there is no such conflict."""
    key = conn.execute(select(conflicts.c.key).where(conflicts.c.id == conflict_id)).scalar_one_or_none()
    if key is None:
        return None
    conn.execute(update(conflicts).where(conflicts.c.id == conflict_id).values(state=DECIDED, decision=dict(decision)))
    return str(key)


def get_conflict(conn: Connection, conflict_id: str) -> dict[str, Any] | None:
    """One conflict or kept value."""
    row = conn.execute(select(conflicts).where(conflicts.c.id == conflict_id)).one_or_none()
    return None if row is None else dict(row._mapping)


def list_conflicts(
    conn: Connection, states: Sequence[str] = WAITING, key: str | None = None, limit: int = 500
) -> list[dict[str, Any]]:
    """Conflicts in these states, oldest first."""
    query = select(conflicts).where(conflicts.c.state.in_(list(states)))
    if key is not None:
        query = query.where(conflicts.c.key == key)
    return [dict(row._mapping) for row in conn.execute(query.order_by(conflicts.c.opened_at).limit(limit))]


def count_waiting(conn: Connection) -> int:
    """How many conflicts wait for a person."""
    return int(conn.execute(select(func.count()).where(conflicts.c.state == OPEN)).scalar_one())


def quarantined(conn: Connection, key: str) -> dict[tuple[Side, str], Canonical]:
    """Canonical values a side refused: (side, field) -> value."""
    rows = conn.execute(_QUARANTINED, {"of_key": key})
    return {(Side(row.side), row.field): row.value for row in rows}


def set_quarantine(
    conn: Connection, key: str, side: Side, field: str, value: Canonical, reason: str, now: float
) -> None:
    """Remember that a side will not take this value."""
    row = {"key": key, "side": side, "field": field, "value": value, "reason": reason[:200], "at": now}
    upsert(conn, quarantine, [row])


def clear_quarantine(conn: Connection, key: str, open_fields: Iterable[str] = ()) -> None:
    """Forget the refusals of a record's other fields: the difference is gone, or a person wants another try."""
    conn.execute(_CLEAR_QUARANTINE, {"of_key": key, "fields": list(open_fields)})


def owe_message(
    conn: Connection, message_id: str, key: str, kind: str, topic: str, body: Mapping[str, Any], now: float
) -> None:
    """Owe people a Task or note; one that was owed or posted under the same topic with the same body is enough."""
    row = conn.execute(_TOLD, {"of_key": key, "of_topic": topic}).first()
    if row is not None:
        past = {name: row.body[name] for name in (SHOWN, DISMISSED) if name in row.body}
        if row.body != {**body, **past}:
            fresh = {**body, **past}
            conn.execute(update(messages).where(messages.c.id == row.id).values(body=fresh, state="owed", due_at=now))
        return
    conn.execute(
        messages.insert().values(
            id=message_id, key=key, kind=kind, topic=topic, body=dict(body), state="owed", due_at=now
        )
    )


def close_messages(conn: Connection, key: str, topics: Iterable[str], now: float) -> None:
    """What these messages told is over: a Task that was posted is to be completed, one only owed is dropped.

    So is one that was posted and whose newer words are still owed.
    """
    of = {"of_key": key, "topics": list(topics)}
    conn.execute(_CLOSE_POSTED, {**of, "state": "closing", "due_at": now})
    conn.execute(_CLOSE_OWED, {**of, "state": "closed"})


def owed_messages(conn: Connection, now: float, limit: int) -> list[dict[str, Any]]:
    """Messages to be posted or closed now."""
    return [dict(row._mapping) for row in conn.execute(_OWED, {"now": now, "most": limit})]


def take_message(conn: Connection, message_id: str, now: float, until: float) -> bool:
    """Take a message to deal with it until then; false if somebody else has, or it is not due any more."""
    free = (messages.c.id == message_id) & (messages.c.due_at <= now) & messages.c.state.in_(("owed", "closing"))
    return conn.execute(update(messages).where(free).values(due_at=until)).rowcount > 0


def give_back_message(conn: Connection, message_id: str, now: float) -> None:
    """It could not be dealt with, through no fault of its own."""
    conn.execute(update(messages).where(messages.c.id == message_id).values(due_at=now))


def message_done(
    conn: Connection, message_id: str, state: str, espo_id: str | None, body: Mapping[str, Any] | None = None
) -> None:
    """A message was posted or closed; `body`: with what is known now of the steps people were asked for."""
    values: dict[str, Any] = {"state": state, "espo_id": espo_id, "tries": 0}
    if body is not None:
        values["body"] = dict(body)
    conn.execute(update(messages).where(messages.c.id == message_id).values(**values))


def message_failed(conn: Connection, message_id: str, due_at: float) -> None:
    """Try again later."""
    conn.execute(update(messages).where(messages.c.id == message_id).values(due_at=due_at, tries=messages.c.tries + 1))

"""Pairs: who belongs to whom, who works on them, and what is remembered for the next plan.

The claim is the fence: it counts up with every job, and everything a job stores carries its number,
so that a job that lost its claim cannot store anything any more.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, and_, case, delete, func, not_, or_, select, update

from mappers.spec import Side
from syncd.guard import WENT_BACK_KINDS
from syncd.ledger import brakes, facts, journal, people
from syncd.ledger.call import brief
from syncd.ledger.noted import COLUMNS, EVERYTHING, Before, at_claim
from syncd.ledger.schema import bases, conflicts, history, imports, intents, pairs, quarantine, sightings, work
from syncd.ledger.sql import Prepared, given, insert_new, listed
from syncd.ledger.work import Cause, Task
from syncd.model import NOTHING, Base, Import, Key, LinkChoice, LinkDecision, Memory, PairState, Trust, Version

_KEY = given("of_key")
_KEYS = listed("keys")
_ROW = Prepared(select(pairs).where(pairs.c.key == _KEY))
_ROWS = select(pairs).where(pairs.c.key.in_(_KEYS))
_BASES = Prepared(
    select(bases.c.field, bases.c.espo, bases.c.advoware, bases.c.rule, bases.c.shared).where(bases.c.key == _KEY)
)
# A claim that ran out instead of being released belonged to a process that died over this record.
_OURS = and_(pairs.c.claimed_by == given("owner"), pairs.c.fence == given("left"))
_DIED = and_(pairs.c.claimed_by.is_not(None), not_(_OURS))
_CRASHES = case((_DIED, pairs.c.crashes + 1), else_=pairs.c.crashes)
_CLAIM = Prepared(
    update(pairs)
    .where(pairs.c.key == _KEY, or_(pairs.c.claimed_until < given("now"), _OURS))
    .values(fence=pairs.c.fence + 1, crashes=_CRASHES, claimed_until=given("until"), claimed_by=given("owner"))
)
# A parent is locked while a job works on one of its children; nobody can store anything under a lock.
_LOCK = Prepared(
    update(pairs)
    .where(pairs.c.key == _KEY, pairs.c.claimed_until < given("now"))
    .values(fence=pairs.c.fence + 1, claimed_until=given("until"), claimed_by=None)
)
_LOCKED = Prepared(
    update(pairs).where(pairs.c.key == _KEY, pairs.c.fence == given("of_fence"), pairs.c.claimed_by.is_(None))
)
_UPDATE_HELD = Prepared(
    update(pairs).where(pairs.c.key == _KEY, pairs.c.fence == given("of_fence"), pairs.c.claimed_by.is_not(None))
)
_UPDATE_FREE = Prepared(
    update(pairs).where(pairs.c.key == _KEY, pairs.c.fence == given("of_fence"), pairs.c.claimed_by.is_(None))
)
_FENCE = Prepared(select(pairs.c.fence).where(pairs.c.key == _KEY, pairs.c.claimed_by.is_not(None)).with_for_update())
_FENCE_OF = Prepared(select(pairs.c.fence).where(pairs.c.key == _KEY))
_HOLDERS = select(pairs.c.advoware_id, pairs.c.key).where(
    pairs.c.entity == given("entity"),
    pairs.c.state == PairState.LINKED,
    pairs.c.advoware_id.in_(listed("ids")),
    pairs.c.key != given("but"),
)
_RETIRED = Prepared(select(imports.c.advoware_id).where(imports.c.key == _KEY, imports.c.state == Import.RETIRED))
_CHECKED = Prepared(select(func.count()).where(pairs.c.checked_at >= given("since"), pairs.c.entity == given("entity")))


class FenceLost(Exception):
    """Another job holds the record now; nothing this job wanted to store was stored."""


@dataclass(frozen=True, slots=True)
class Lock:
    """Keeps everybody from a record while one of its children is worked on."""

    key: str
    fence: int


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to work on a record until `until` (epoch seconds), with all that is remembered of it."""

    key: str
    fence: int
    until: float
    memory: Memory
    task: Task | None
    row: Mapping[str, Any]
    pauses: Mapping[str, str]
    lock: Lock | None = None


@dataclass(frozen=True, slots=True)
class Idle:
    """A record nobody works on, as it was left, and the look that is due."""

    row: Mapping[str, Any]
    task: Task


@brief
def idle(conn: Connection, key: str, now: float) -> Idle | None:
    """What a late look compares with; None where more is to be done than that, or where a job has to find out."""
    there = at_claim(conn, key)
    if there is None:
        return None
    row, noted, task = there
    left_alone = row["claimed_by"] is None and row["claimed_until"] < now
    if task is None or task.cause is not Cause.LATE or not left_alone or noted.intents or noted.pauses:
        return None
    return Idle(row, task)


@brief
def claim(
    conn: Connection, key: str, owner: str, now: float, until: float, left: int | None = None,
    parent: str | None = None,
) -> Claim | None:  # fmt: skip
    """Take the record, and lock its `parent`, if nobody works on either; None if somebody does.

    `left`: fence of a claim of the same owner whose job could not store its end; it is over, and was no death.
    """
    last = -1 if left is None else left
    lock = None if parent is None else _lock(conn, parent, now, until)
    if parent is not None and lock is None:
        return None
    wish = {"of_key": key, "now": now, "until": until, "owner": owner, "left": last}
    if _CLAIM.run(conn, wish) == 0:
        insert_new(conn, pairs, [{"key": key, "entity": key.partition("/")[0]}])
        if _CLAIM.run(conn, wish) == 0:
            unlock(conn, lock)
            return None
    there = at_claim(conn, key)
    assert there is not None  # it has just been claimed
    row, noted, task = there
    if noted.intents:
        journal.orphan(conn, key)
    if row["parent"] != parent and parent is not None:
        change(conn, key, {"parent": parent})
        row["parent"] = parent
    memory = remember(conn, row, noted)
    if noted.deliveries and task is not None and task.cause is Cause.EVENT:
        memory = replace(memory, evidence=journal.evidence(conn, key, row["judged_delivery"]))
    pauses = facts.list_pauses(conn) if noted.pauses else NOTHING
    return Claim(key, row["fence"], until, memory, task, row, pauses, lock)


def _lock(conn: Connection, key: str, now: float, until: float) -> Lock | None:
    """Lock a record; None while somebody works on it."""
    if _LOCK.run(conn, {"of_key": key, "now": now, "until": until}) == 0:
        return None
    return Lock(key, _FENCE_OF.rows(conn, {"of_key": key})[0][0])


def unlock(conn: Connection, lock: Lock | None) -> None:
    """End a lock; one that has run out is somebody else's by now."""
    if lock is not None:
        _keep(conn, lock, 0.0)


def _keep(conn: Connection, lock: Lock, until: float) -> bool:
    """Let a lock end then; false if it is lost."""
    return _LOCKED.run(conn, {"of_key": lock.key, "of_fence": lock.fence, "claimed_until": until}) > 0


def remember(conn: Connection, row: Mapping[str, Any], noted: Before = EVERYTHING) -> Memory:
    """All the ledger knows of a pair, as the planner takes it."""
    key = row["key"]
    known = {name: Base(*agreed) for name, *agreed in _BASES.rows(conn, {"of_key": key})}
    waiting, decided = people.waiting(conn, key) if noted.conflicts else ({}, {})
    back = brakes.held_by(conn, WENT_BACK_KINDS, key) if noted.guarded else set()
    return Memory(
        key=Key.parse(key),
        state=PairState(row["state"]),
        admitted=row["admitted_by"] is not None,
        advoware_id=row["advoware_id"],
        trust=Trust(row["trust"]),
        link_shown=bool(row["link_shown"]),
        base=known or NOTHING,
        base_at_start=known,
        espo_version=Version(**row["espo_version"]),
        advoware_version=Version(**row["advoware_version"]),
        went_back=tuple(side for kind, side in WENT_BACK_KINDS.items() if kind in back),
        intents=journal.unsettled(conn, key) if noted.intents else (),
        decisions=decided,
        waiting=waiting,
        link_decision=_link_decision(row["link_decision"]),
        quarantine=people.quarantined(conn, key) if noted.quarantine else {},
        misses=row["misses"],
        espo_deletion_confirmed=bool(row["deletion_confirmed"]),
        believe=Side(row["believe"]) if row["believe"] else None,
        allow_new_fields=bool(row["allow_new_fields"]),
        retries=row["retries"],
        parent=row["parent"],
        retired=_retired(conn, key) if row["parent"] is not None else frozenset(),
        seen_there=row["advoware_digest"],
    )


def _retired(conn: Connection, key: str) -> frozenset[int]:
    return frozenset(number for (number,) in _RETIRED.rows(conn, {"of_key": key}))


def _link_decision(stored: Mapping[str, Any] | None) -> LinkDecision | None:
    if not stored:
        return None
    return LinkDecision(LinkChoice(stored["choice"]), stored.get("advoware_id"), stored.get("at"))


def get(conn: Connection, key: str) -> dict[str, Any] | None:
    """One pair's row."""
    row = _ROW.first(conn, {"of_key": key})
    return None if row is None else dict(zip(COLUMNS, row, strict=True))


def get_many(conn: Connection, keys: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Rows of these pairs that exist, by key."""
    rows = conn.execute(_ROWS, {"keys": list(keys)})
    return {row.key: dict(row._mapping) for row in rows}


def check_fence(conn: Connection, key: str, fence: int) -> None:
    """Refuse to go on for a job that is not the record's last."""
    held = _FENCE.first(conn, {"of_key": key})
    if held is None or held[0] != fence:
        raise FenceLost(key)


@brief
def renew(conn: Connection, key: str, fence: int, until: float, lock: Lock | None = None) -> bool:
    """Keep the claim longer, and the lock of its parent; false if either is lost."""
    if lock is not None and not _keep(conn, lock, until):
        return False
    return _UPDATE_HELD.run(conn, {"of_key": key, "of_fence": fence, "claimed_until": until}) > 0


def release(conn: Connection, key: str, fence: int, values: Mapping[str, Any] = NOTHING) -> None:
    """End the claim and store what the job learned; raises `FenceLost` if it is not the last."""
    free = {"claimed_until": 0.0, "claimed_by": None, "crashes": 0}
    if _UPDATE_HELD.run(conn, {"of_key": key, "of_fence": fence, **free, **values}) == 0:
        raise FenceLost(key)


def amend(conn: Connection, key: str, fence: int, values: Mapping[str, Any]) -> None:
    """Store what was seen of a record without a claim; raises `FenceLost` if a job has begun since."""
    if _UPDATE_FREE.run(conn, {"of_key": key, "of_fence": fence, **values}) == 0:
        raise FenceLost(key)


def change(conn: Connection, key: str, values: Mapping[str, Any]) -> bool:
    """Set columns of a pair outside a job (a person's command, discovery); false if there is no such pair."""
    return conn.execute(update(pairs).where(pairs.c.key == key).values(**values)).rowcount > 0


def admit(conn: Connection, keys: Iterable[str], how: str, parents: Mapping[str, str | None] = NOTHING) -> None:
    """Let records take part; those that do already keep the reason of that day. `parents`: whose new ones are."""
    rows = [
        {"key": key, "entity": key.partition("/")[0], "admitted_by": how, "parent": parents.get(key)} for key in keys
    ]
    insert_new(conn, pairs, rows)
    conn.execute(
        update(pairs)
        .where(pairs.c.key.in_([row["key"] for row in rows]), pairs.c.admitted_by.is_(None))
        .values(admitted_by=how)
    )


def forget_stranger(conn: Connection, key: str, fence: int) -> None:
    """Remove the row a claim made for a record that does not take part."""
    conn.execute(delete(pairs).where(pairs.c.key == key, pairs.c.fence == fence, pairs.c.admitted_by.is_(None)))


def brood(conn: Connection, parent: str) -> list[dict[str, Any]]:
    """The pairs whose records belong to this one, and what is known of them in short."""
    names = ("key", "entity", "state", "status", "advoware_id", "advoware_digest")
    query = select(*(pairs.c[name] for name in names)).where(pairs.c.parent == parent)
    return [dict(row._mapping) for row in conn.execute(query)]


def was_last_child(conn: Connection, parent: str, key: str, now: float) -> bool:
    """Whether a record has something left to do that waited for its children, and this was the last of them."""
    waits = select(pairs.c.key).where(
        pairs.c.key == parent,
        pairs.c.state == PairState.LINKED,
        pairs.c.advoware_digest.is_(None),
    )
    others = (
        select(work.c.key)
        .join(pairs, pairs.c.key == work.c.key)
        .where(pairs.c.parent == parent, pairs.c.key != key)
        .where(work.c.due_at <= now, work.c.held.is_(None))
    )
    return conn.execute(waits).first() is not None and conn.execute(others.limit(1)).first() is None


def excluded(conn: Connection, keys: Iterable[str]) -> set[str]:
    """Which of these records are left alone."""
    query = select(pairs.c.key).where(pairs.c.key.in_(list(keys)), pairs.c.state == PairState.EXCLUDED)
    return set(conn.execute(query).scalars())


def holders(conn: Connection, entity: str, advoware_ids: Iterable[int], but: str = "") -> dict[int, str]:
    """Which living pairs other than `but` hold these Advoware ids: id -> key."""
    rows = conn.execute(_HOLDERS, {"entity": entity, "ids": list(advoware_ids), "but": but})
    return {row.advoware_id: row.key for row in rows}


def by_advoware_id(conn: Connection, entity: str, advoware_id: int) -> str | None:
    """Key of the pair with this Advoware id, a living one first."""
    rows = conn.execute(
        select(pairs.c.key)
        .where(pairs.c.entity == entity, pairs.c.advoware_id == advoware_id)
        .order_by(case((pairs.c.state == PairState.LINKED, 0), else_=1), pairs.c.key)
    )
    return rows.scalars().first()


def some_linked(conn: Connection, entity: str, limit: int) -> list[int]:
    """Advoware ids to prove the search with: those nobody has missed there, the most recently looked at first."""
    rows = conn.execute(
        select(pairs.c.advoware_id)
        .where(pairs.c.entity == entity, pairs.c.state == PairState.LINKED)
        .order_by(pairs.c.misses, pairs.c.checked_at.desc().nulls_last())
        .limit(limit)
    )
    return list(rows.scalars())


def forget_looks(conn: Connection, now: float) -> None:
    """A dry run is over: what was only staged is looked at anew, both sides."""
    at_once = case((pairs.c.next_check_at.is_not(None), now), else_=None)
    conn.execute(
        update(pairs).values(
            seen_token=None, settled_token=None, espo_digest=None, advoware_digest=None, next_check_at=at_once
        )
    )


def of_entity(conn: Connection, entity: str) -> dict[str, tuple[str, str | None]]:
    """State and vanished mark of every pair that takes part: espo id -> (state, status)."""
    query = select(pairs.c.key, pairs.c.state, pairs.c.status).where(
        pairs.c.entity == entity, pairs.c.admitted_by.is_not(None)
    )
    return {row.key.partition("/")[2]: (row.state, row.status) for row in conn.execute(query)}


def keys_with_status(conn: Connection, entity: str, status: str) -> list[str]:
    """Keys of all pairs that show this status."""
    of = pairs.c.entity == entity, pairs.c.status == status, pairs.c.admitted_by.is_not(None)
    query = select(pairs.c.key).where(*of).order_by(pairs.c.key)
    return list(conn.execute(query).scalars())


def status_counts(conn: Connection) -> dict[str, int]:
    """How many pairs show which status."""
    query = (
        select(pairs.c.status, func.count().label("n")).where(pairs.c.admitted_by.is_not(None)).group_by(pairs.c.status)
    )
    return {row.status or "new": row.n for row in conn.execute(query)}


def checked_since(conn: Connection, entity: str, since: float) -> int:
    """How many pairs of an entity were looked at since then."""
    return int(_CHECKED.rows(conn, {"entity": entity, "since": since})[0][0])


def everything(conn: Connection, key: str) -> dict[str, Any]:
    """All that is stored about a record."""
    row = get(conn, key)
    tables = {"bases": bases, "intents": intents, "history": history, "conflicts": conflicts}
    tables |= {"quarantine": quarantine, "sightings": sightings}
    parts = {
        name: [dict(item._mapping) for item in conn.execute(select(table).where(table.c.key == key))]
        for name, table in tables.items()
    }
    return {"pair": row, **parts}


def highest(conn: Connection, entity: str) -> int | None:
    """The highest Advoware id any pair ever had."""
    found: int | None = conn.execute(select(func.max(pairs.c.advoware_id)).where(pairs.c.entity == entity)).scalar_one()
    return found

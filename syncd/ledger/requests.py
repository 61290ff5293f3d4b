"""What people may ask for, as transactions: what is wanted and the work that carries it out in one commit.

Nothing is done to a record here; a job does it, with all its checks. Knows neither HTTP nor terminals.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from mappers.spec import Entity, Side
from syncd.lanes import Lane
from syncd.ledger import asked, brakes, facts, journal, pairs, people, privacy, steps, work
from syncd.ledger.choices import NotKnown, Refusal, resolve_field, resolve_link
from syncd.ledger.questions import fingerprint
from syncd.ledger.work import Cause, Due
from syncd.model import PairState, Status, Trust

ASKED = "asked"  # `admitted_by` of records a person let in
_FAILED = (Status.FAILED, Status.PERMANENTLY_FAILED)
_BY_GUARD = "guard "


@dataclass(frozen=True, slots=True)
class Asked:
    """What was taken in: the records to be worked on now, and a line to show."""

    keys: tuple[str, ...]
    text: str


@dataclass(frozen=True, slots=True)
class Resolved:
    """What came of a choice for many conflicts: by conflict the record to be worked on, or why it was refused."""

    taken: Mapping[str, str]
    refused: Mapping[str, str]

    @property
    def keys(self) -> tuple[str, ...]:
        """The records to be worked on."""
        return tuple(dict.fromkeys(self.taken.values()))

    def told(self) -> dict[str, Any]:
        """As JSON."""
        refused = [{"id": conflict_id, "why": why} for conflict_id, why in self.refused.items()]
        text = f"{len(self.taken)} decided, {len(refused)} refused"
        return {"text": text, "taken": list(self.taken), "refused": refused, "keys": list(self.keys)}


def retry(conn: Connection, keys: Iterable[str], now: float, who: str | None = None) -> Asked:
    """Try these records again, now, as if they had never failed; refused values too."""
    wanted = tuple(dict.fromkeys(keys))
    for key in wanted:
        _check_known(conn, key)
        people.clear_quarantine(conn, key)
    look(conn, wanted, now)
    asked.note(conn, now, who, "retry", keys=wanted)
    return Asked(wanted, f"{len(wanted)} to be tried again")


def sync(conn: Connection, keys: Iterable[str], now: float, who: str | None = None) -> Asked:
    """Let these records take part, if they do not yet, and look at them now."""
    wanted = tuple(dict.fromkeys(keys))
    for key in wanted:
        _check_not_excluded(pairs.get(conn, key), key)
    pairs.admit(conn, wanted, ASKED)
    look(conn, wanted, now)
    asked.note(conn, now, who, "sync", keys=wanted)
    return Asked(wanted, f"{len(wanted)} to be synced")


def look(conn: Connection, keys: Iterable[str], now: float, lane: Lane = Lane.LIVE, run: str | None = None) -> None:
    """Put records to work; those that failed start anew, since a person stands behind it."""
    due = []
    for key, row in pairs.get_many(conn, keys).items():
        failed = row["status"] in _FAILED
        if failed:
            pairs.change(conn, key, {"retries": 0, "next_try_at": None})
        due.append(Due(key, lane, Cause.RESET if failed else Cause.EVENT, now, run))
    work.put(conn, due, now)


def exclude(conn: Connection, key: str, now: float, who: str | None = None) -> Asked:
    """Take a record out of the sync; nothing is changed on either side."""
    row = pairs.get(conn, key)
    if row is not None and row["claimed_until"] > now:
        raise Refusal(f"{key} is being worked on; try again in a minute")
    if any(intent.verb == "create" for intent in journal.unsettled(conn, key)):
        raise Refusal(f"{key}: it is not certain yet whether it was created in Advoware; try again later")
    pairs.admit(conn, [key], ASKED)
    out = {"state": PairState.EXCLUDED, "status": None, "next_check_at": None, "next_try_at": None, "owed": None}
    pairs.change(conn, key, out)
    work.drop(conn, key)
    asked.note(conn, now, who, "exclude", keys=[key])
    return Asked((), f"{key} is excluded")


def include(conn: Connection, key: str, now: float, who: str | None = None) -> Asked:
    """Let an excluded record take part again; who belongs to it is checked anew."""
    row = pairs.get(conn, key)
    if row is None or row["state"] != PairState.EXCLUDED:
        raise Refusal(f"{key} is not excluded")
    pairs.change(conn, key, {"state": PairState.NEW, "trust": Trust.UNCONFIRMED})
    privacy.forget_stubs(conn, key)
    look(conn, [key], now)
    asked.note(conn, now, who, "include", keys=[key])
    return Asked((key,), f"{key} takes part again")


# --- conflicts --------------------------------------------------------------------------------


def resolve(
    conn: Connection, entities: Mapping[str, Entity], conflict_id: str, take: str, now: float, who: str | None = None,
    seen: str | None = None,
) -> Asked:  # fmt: skip
    """Carry out a person's choice.

    `take` for a field: `espocrm`, `advoware`, or the value itself (`value:TEXT` where it could be taken for
    one of these; empty clears the field or takes the entry of a list away). For a link: `create`, `link N`, or
    `link` where there is one candidate. `seen`: what the person saw (`questions.fingerprint`); refused if it differs.
    """
    row = people.get_conflict(conn, conflict_id)
    if row is None:
        raise NotKnown(f"there is no conflict {conflict_id}")
    if row["state"] == people.SETTLED:
        raise Refusal(f"conflict {conflict_id} is settled already")
    if seen is not None and seen != fingerprint(row):
        raise Refusal(f"conflict {conflict_id} has changed since it was shown: look at it again")
    _check_known(conn, row["key"])
    if row["field"]:
        entity = entities.get(row["key"].partition("/")[0])
        resolve_field(conn, entity, row, take, who)
    else:
        resolve_link(conn, row, take.strip(), now, who)
    asked.note(conn, now, who, "resolve", conflict_id, [row["key"]])
    work.put(conn, [Due(row["key"], Lane.LIVE, Cause.EVENT, now)], now)
    return Asked((row["key"],), f"conflict {conflict_id} is decided")


def resolve_many(
    conn: Connection, entities: Mapping[str, Entity], ids: Iterable[str], take: str, now: float, who: str | None = None,
    seen: Mapping[str, str] | None = None,
) -> Resolved:  # fmt: skip
    """The same choice in many conflicts; one that cannot be carried out stops none of the others."""
    taken: dict[str, str] = {}
    refused: dict[str, str] = {}
    for conflict_id in dict.fromkeys(ids):
        try:
            with conn.begin_nested():
                asked_for = resolve(conn, entities, conflict_id, take, now, who, (seen or {}).get(conflict_id))
        except Refusal as why:
            refused[conflict_id] = str(why)
        else:
            taken[conflict_id] = asked_for.keys[0]
    return Resolved(taken, refused)


# --- brakes -----------------------------------------------------------------------------------


def pause(conn: Connection, scope: str, why: str, now: float, who: str | None = None) -> Asked:
    """Stop writing: `all`, `entity:<name>` or `side:<side>`."""
    if facts.list_pauses(conn).get(scope, "").startswith(_BY_GUARD):
        raise Refusal(f"{scope} is stopped by a guard already")
    facts.set_pause(conn, scope, why[:200], now)
    asked.note(conn, now, who, "pause", scope)
    return Asked((), f"{scope} is paused")


def resume(conn: Connection, scope: str, now: float, who: str | None = None) -> Asked:
    """End a pause and let what waited for it go on."""
    why = facts.list_pauses(conn).get(scope)
    if why is None:
        raise Refusal(f"{scope} is not paused")
    if why.startswith(_BY_GUARD):
        raise Refusal(f"{scope} was stopped by {why.partition(':')[0]}: look at it and allow it (`syncd guard`)")
    facts.end_pause(conn, scope)
    released = work.release(conn, f"pause:{scope}", now)
    asked.note(conn, now, who, "resume", scope)
    return Asked((), f"{scope} goes on, {released} waiting")


def allow(
    conn: Connection, guard_id: str, right: Side | None, now: float, who: str | None = None, seen: int | None = None
) -> Asked:
    """Let exactly what a guard holds through; after a restored backup `right` says which side is to be believed.

    `seen`: how many records the person was shown; refused where it holds others by now.
    """
    stopped = stopped_by(conn, guard_id, seen)
    restored = stopped["kind"].startswith("went_back")
    if restored and right is None:
        raise Refusal(f"guard {guard_id}: say which side is right, espocrm or advoware")
    if not restored and right is not None:
        raise Refusal(f"guard {guard_id} is not about a restored backup: allow it without a side")
    paused = facts.list_pauses(conn)
    steps.allow_guard(conn, guard_id, right, now)
    asked.note(conn, now, who, "allow", guard_id, stopped["keys"])
    for scope in paused.keys() - facts.list_pauses(conn).keys():
        work.release(conn, f"pause:{scope}", now)
    return Asked(tuple(stopped["keys"]), f"guard {guard_id}: {len(stopped['keys'])} let through")


def stopped_by(conn: Connection, guard_id: str, seen: int | None) -> dict[str, Any]:
    """The guard that has stopped something, with its records; raises `Refusal` where it holds others than were seen."""
    stopped = next((item for item in brakes.listing(conn) if item["id"] == guard_id), None)
    if stopped is None:
        raise NotKnown(f"there is no stopped guard {guard_id}")
    if seen is not None and seen != len(stopped["keys"]):
        raise Refusal(f"guard {guard_id} holds {len(stopped['keys'])} records by now: look at it again")
    return stopped


# --- parts ------------------------------------------------------------------------------------


def _check_known(conn: Connection, key: str) -> None:
    row = pairs.get(conn, key)
    if row is None:
        raise NotKnown(f"nothing is known of {key}; `syncd sync` lets it take part")
    _check_not_excluded(row, key)


def _check_not_excluded(row: Mapping[str, Any] | None, key: str) -> None:
    if row is not None and row["state"] == PairState.EXCLUDED:
        raise Refusal(f"{key} is excluded from the sync")

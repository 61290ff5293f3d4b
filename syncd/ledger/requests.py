"""What people may ask for, as transactions: what is wanted and the work that carries it out in one commit.

Nothing is done to a record here; a job does it, with all its checks. Knows neither HTTP nor terminals.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from mappers.spec import Can, Canonical, Entity, Field, Side, Unmappable
from syncd.lanes import Lane
from syncd.ledger import brakes, facts, journal, pairs, people, steps, work
from syncd.ledger.schema import bases
from syncd.ledger.work import Cause, Due
from syncd.model import HoldReason, LinkChoice, PairState, Status, Trust

ASKED = "asked"  # `admitted_by` of records a person let in
VALUE = "value:"
_LINK = re.compile(r"link(?:[ :]+(\d{1,9}))?\Z")
_FAILED = (Status.FAILED, Status.PERMANENTLY_FAILED)
_BY_GUARD = "guard "

# Conflicts about who belongs to whom, and what a person may answer. The others need a correction in EspoCRM.
_MAY_CREATE = (HoldReason.CANDIDATES, HoldReason.SEARCH_UNTRUSTED, HoldReason.LINK_CLEARED)
_MAY_LINK = (*_MAY_CREATE, HoldReason.LINK_DOUBTFUL)
_INSTEAD = {
    HoldReason.RIVAL: "remove the number from one of the two records in EspoCRM",
    HoldReason.LINK_INVALID: "correct the number in EspoCRM",
    HoldReason.UNNAMED: "enter a name in EspoCRM",
    HoldReason.WENT_BACK: "see `syncd guard` and allow it with the side that is right",
    HoldReason.LINK_DOUBTFUL: "confirm it with `link`, or correct the number in EspoCRM",
}


class Refusal(Exception):
    """What was asked cannot be done; the text says why and what to do, in one line without values of records."""


class NotKnown(Refusal):
    """What was named does not exist here."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What was taken in: the records to be worked on now, and a line to show."""

    keys: tuple[str, ...]
    text: str


def retry(conn: Connection, keys: Iterable[str], now: float) -> Asked:
    """Try these records again, now, as if they had never failed; refused values too."""
    wanted = tuple(dict.fromkeys(keys))
    for key in wanted:
        _check_known(conn, key)
        people.clear_quarantine(conn, key)
    _look(conn, wanted, now)
    return Asked(wanted, f"{len(wanted)} to be tried again")


def sync(conn: Connection, keys: Iterable[str], now: float) -> Asked:
    """Let these records take part, if they do not yet, and look at them now."""
    wanted = tuple(dict.fromkeys(keys))
    for key in wanted:
        _check_not_excluded(pairs.get(conn, key), key)
    pairs.admit(conn, wanted, ASKED)
    _look(conn, wanted, now)
    return Asked(wanted, f"{len(wanted)} to be synced")


def _look(conn: Connection, keys: Iterable[str], now: float) -> None:
    """Put records to work; those that failed start anew, since a person stands behind it."""
    due = []
    for key, row in pairs.get_many(conn, keys).items():
        failed = row["status"] in _FAILED
        if failed:
            pairs.change(conn, key, {"retries": 0, "next_try_at": None})
        due.append(Due(key, Lane.LIVE, Cause.RESET if failed else Cause.EVENT, now))
    work.put(conn, due, now)


def exclude(conn: Connection, key: str, now: float) -> Asked:
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
    return Asked((), f"{key} is excluded")


def include(conn: Connection, key: str, now: float) -> Asked:
    """Let an excluded record take part again; who belongs to it is checked anew."""
    row = pairs.get(conn, key)
    if row is None or row["state"] != PairState.EXCLUDED:
        raise Refusal(f"{key} is not excluded")
    pairs.change(conn, key, {"state": PairState.NEW, "trust": Trust.UNCONFIRMED})
    _look(conn, [key], now)
    return Asked((key,), f"{key} takes part again")


# --- conflicts --------------------------------------------------------------------------------


def resolve(conn: Connection, entities: Mapping[str, Entity], conflict_id: str, take: str, now: float) -> Asked:
    """Carry out a person's choice.

    `take` for a field: `espocrm`, `advoware`, or the value itself (`value:TEXT` where it could be taken for
    one of these; empty clears the field). For a link: `create`, `link N`, or `link` where there is one candidate.
    """
    row = people.get_conflict(conn, conflict_id)
    if row is None:
        raise NotKnown(f"there is no conflict {conflict_id}")
    if row["state"] == people.SETTLED:
        raise Refusal(f"conflict {conflict_id} is settled already")
    _check_known(conn, row["key"])
    if row["field"]:
        entity = entities.get(row["key"].partition("/")[0])
        _resolve_field(conn, entity, row, take)
    else:
        _resolve_link(conn, row, take.strip(), now)
    work.put(conn, [Due(row["key"], Lane.LIVE, Cause.EVENT, now)], now)
    return Asked((row["key"],), f"conflict {conflict_id} is decided")


def _resolve_field(conn: Connection, entity: Entity | None, row: Mapping[str, Any], take: str) -> None:
    mapped = next((item for item in entity.fields if item.name == row["field"]), None) if entity else None
    if mapped is None:
        raise Refusal(f"{row['field']} is no longer a mapped field")
    refused = next((side for side in Side if row["kind"] == _refused_by(side)), None)
    if refused is not None and take == refused.other:
        people.clear_quarantine(conn, row["key"])  # the same value once more: what refused it may have changed
        return
    saw = _seen(conn, mapped, row, refused)
    value = _chosen(mapped, row, take, saw)
    for side, seen in saw.items():
        if seen != value:
            _check_writable(mapped, side)
    if all(seen == value for seen in saw.values()):
        raise Refusal(f"conflict {row['id']}: both sides have this value already")
    decision = {"value": value, "saw_espo": saw[Side.ESPO], "saw_advoware": saw[Side.ADVOWARE]}
    people.decide(conn, row["id"], decision)


def _seen(conn: Connection, mapped: Field, row: Mapping[str, Any], refused: Side | None) -> dict[Side, Canonical]:
    """The canonical values a decision is about: what both sides show as long as nobody edits them again."""
    shown: dict[Side, Canonical] = {Side.ESPO: row["espo"], Side.ADVOWARE: row["advoware"]}
    if row["state"] == people.KEPT:
        # The loser is gone from both sides: they show what they agreed on since, at first the winner.
        won = shown[Side(row["winner"])]
        agreed = _agreed(conn, mapped, row["key"])
        return agreed if agreed is not None else dict.fromkeys(Side, won)
    if refused is not None:
        # The side that refused still has what both agreed on; the conflict tells only of the refused value.
        agreed = _agreed(conn, mapped, row["key"])
        if agreed is None:
            raise Refusal(f"{row['field']} was never in sync: correct it in {refused.other}")
        return {**shown, refused: agreed[refused]}
    return shown


def _agreed(conn: Connection, mapped: Field, key: str) -> dict[Side, Canonical] | None:
    base = conn.execute(select(bases).where(bases.c.key == key, bases.c.field == mapped.name)).one_or_none()
    if base is None:
        return None
    try:
        return {
            Side.ESPO: mapped.codec.parse(Side.ESPO, base.espo),
            Side.ADVOWARE: mapped.codec.parse(Side.ADVOWARE, base.advoware),
        }
    except Unmappable:
        return None


def _chosen(mapped: Field, row: Mapping[str, Any], take: str, saw: Mapping[Side, Canonical]) -> Canonical:
    if take in tuple(Side):
        kept: Canonical = row["espo"] if take == Side.ESPO else row["advoware"]
        return kept if row["state"] == people.KEPT else saw[Side(take)]
    try:
        return mapped.codec.parse(Side.ESPO, take.removeprefix(VALUE))
    except Unmappable as error:
        raise Refusal(f"this is no value for {mapped.name}: {error}") from None


def _check_writable(mapped: Field, side: Side) -> None:
    if not mapped.direction.allows(side):
        raise Refusal(f"{mapped.name} is not written to {side} here (see its direction in syncd.toml)")
    if side is Side.ADVOWARE and mapped.can is Can.CREATE_ONLY:
        raise Refusal(f"Advoware's interface cannot change {mapped.name}: type it there, or take advoware")


def _refused_by(side: Side) -> str:
    return "refused_espo" if side is Side.ESPO else "refused_advoware"


def _resolve_link(conn: Connection, row: Mapping[str, Any], take: str, now: float) -> None:
    reason = row["kind"]
    if take == LinkChoice.CREATE:
        if reason not in _MAY_CREATE:
            raise Refusal(f"conflict {row['id']}: nothing can be created for it; {_instead(reason)}")
        decision: dict[str, Any] = {"choice": LinkChoice.CREATE, "at": now}
    else:
        decision = {"choice": LinkChoice.LINK, "advoware_id": _linked_to(conn, row, take), "at": now}
    pairs.change(conn, row["key"], {"link_decision": decision})
    people.decide(conn, row["id"], decision)


def _linked_to(conn: Connection, row: Mapping[str, Any], take: str) -> int:
    candidates = [int(number) for number in row["candidates"] or ()]
    found = _LINK.match(take)
    if found is None:
        raise Refusal("choose `create`, `link NUMBER` or, with one candidate, `link`")
    if row["kind"] not in _MAY_LINK:
        raise Refusal(f"conflict {row['id']}: it cannot be linked; {_instead(row['kind'])}")
    if found[1] is None and len(candidates) != 1:
        raise Refusal(f"conflict {row['id']}: say which one, `link NUMBER`")
    number = int(found[1]) if found[1] is not None else candidates[0]
    if number <= 0:
        raise Refusal("an Advoware number is greater than 0")
    if row["kind"] == HoldReason.LINK_DOUBTFUL and number not in candidates:
        raise Refusal(f"conflict {row['id']}: the record names another number; correct it in EspoCRM")
    key = str(row["key"])
    rival = pairs.holders(conn, key.partition("/")[0], [number], key).get(number)
    if rival is not None:
        raise Refusal(f"{number} already belongs to {rival}")
    return number


def _instead(reason: str) -> str:
    return _INSTEAD.get(HoldReason(reason), "correct the record") if reason in tuple(HoldReason) else "correct it"


# --- brakes -----------------------------------------------------------------------------------


def pause(conn: Connection, scope: str, why: str, now: float) -> Asked:
    """Stop writing: `all`, `entity:<name>` or `side:<side>`."""
    if facts.list_pauses(conn).get(scope, "").startswith(_BY_GUARD):
        raise Refusal(f"{scope} is stopped by a guard already")
    facts.set_pause(conn, scope, why[:200], now)
    return Asked((), f"{scope} is paused")


def resume(conn: Connection, scope: str, now: float) -> Asked:
    """End a pause and let what waited for it go on."""
    why = facts.list_pauses(conn).get(scope)
    if why is None:
        raise Refusal(f"{scope} is not paused")
    if why.startswith(_BY_GUARD):
        raise Refusal(f"{scope} was stopped by {why.partition(':')[0]}: look at it and allow it (`syncd guard`)")
    facts.end_pause(conn, scope)
    released = work.release(conn, f"pause:{scope}", now)
    return Asked((), f"{scope} goes on, {released} waiting")


def allow(conn: Connection, guard_id: str, right: Side | None, now: float) -> Asked:
    """Let exactly what a guard holds through; after a restored backup `right` says which side is to be believed."""
    stopped = next((item for item in brakes.listing(conn) if item["id"] == guard_id), None)
    if stopped is None:
        raise NotKnown(f"there is no stopped guard {guard_id}")
    restored = stopped["kind"].startswith("went_back")
    if restored and right is None:
        raise Refusal(f"guard {guard_id}: say which side is right, espocrm or advoware")
    if not restored and right is not None:
        raise Refusal(f"guard {guard_id} is not about a restored backup: allow it without a side")
    paused = facts.list_pauses(conn)
    steps.allow_guard(conn, guard_id, right, now)
    for scope in paused.keys() - facts.list_pauses(conn).keys():
        work.release(conn, f"pause:{scope}", now)
    return Asked(tuple(stopped["keys"]), f"guard {guard_id}: {len(stopped['keys'])} let through")


# --- parts ------------------------------------------------------------------------------------


def _check_known(conn: Connection, key: str) -> None:
    row = pairs.get(conn, key)
    if row is None:
        raise NotKnown(f"nothing is known of {key}; `syncd sync` lets it take part")
    _check_not_excluded(row, key)


def _check_not_excluded(row: Mapping[str, Any] | None, key: str) -> None:
    if row is not None and row["state"] == PairState.EXCLUDED:
        raise Refusal(f"{key} is excluded from the sync")

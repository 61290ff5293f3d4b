"""What a person chooses in a conflict, checked against what can be carried out, and remembered as a decision.

Nothing is done to a record here; a job does it, as long as both sides still show what the person saw.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, select

from mappers.spec import Can, Canonical, Entity, EntryList, Field, Side, Unmappable
from syncd.entries import TWIN_STAYS
from syncd.evidence import LOST_ENTRY
from syncd.ledger import pairs, people
from syncd.ledger.schema import bases
from syncd.model import BY_HAND, HoldReason, LinkChoice

VALUE = "value:"
_LINK = re.compile(r"link(?:[ :]+(\d{1,9}))?\Z")

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


CREATE, LINK, VALUES = "create", "link", "value"  # answers besides the names of the sides


class Refusal(Exception):
    """What was asked cannot be done; the text says why and what to do, in one line without values of records."""


class NotKnown(Refusal):
    """What was named does not exist here."""


def answers(entity: Entity | None, row: Mapping[str, Any]) -> tuple[str, ...]:
    """What a person may answer: `espocrm`, `advoware`, `value` (another one), `link`, `create`; nothing: see `instead`.

    Of a kept value the side that has lost. More may be refused when it is tried.
    """
    if row["state"] == people.SETTLED:
        return ()
    if not row["field"]:
        may = ((LINK, _MAY_LINK), (CREATE, _MAY_CREATE))
        return tuple(answer for answer, reasons in may if row["kind"] in reasons)
    mapped = _mapped(entity, row["field"])
    if mapped is None:
        return ()
    if row["state"] == people.KEPT:
        return tuple(side for side in Side if side != row["winner"])
    refused = next((side for side in Side if row["kind"] == _refused_by(side)), None)
    by_hand = row["kind"] == BY_HAND and ":" in row["field"]
    takes = [side for side in Side if side.other == refused or by_hand or _writable(mapped, side.other)]
    if row["kind"] in (TWIN_STAYS, LOST_ENTRY, BY_HAND):
        return tuple(takes)
    return (*takes, *((VALUES,) if len(takes) == len(Side) else ()))


def _writable(mapped: Field, side: Side) -> bool:
    try:
        check_writable(mapped, side)
    except Refusal:
        return False
    return True


def resolve_field(
    conn: Connection, entity: Entity | None, row: Mapping[str, Any], take: str, who: str | None = None
) -> None:
    """A person's choice for a field, or an entry of a list; raises `Refusal` where it cannot be carried out."""
    mapped = _mapped(entity, row["field"])
    if entity is None or mapped is None:
        raise Refusal(f"{row['field']} is no longer a mapped field")
    entries = next((one for one in entity.lists if one.owns(mapped.name)), None)
    refused = next((side for side in Side if row["kind"] == _refused_by(side)), None)
    if refused is not None and take == refused.other:
        people.clear_quarantine(conn, row["key"])  # the same value once more: what refused it may have changed
        return
    saw = _seen(conn, mapped, row, refused)
    value = _chosen(mapped, row, take, saw)
    if entries is not None:
        if row["kind"] == BY_HAND and value is None:
            people.clear_quarantine(conn, row["key"])  # to be emptied, once more
            return
        _check_entry(conn, entries, row, value, saw)
    for side, seen in saw.items():
        if seen != value:
            check_writable(mapped, side)
    if all(seen == value for seen in saw.values()):
        raise Refusal(f"conflict {row['id']}: both sides have this value already")
    decision = {"value": value, "saw_espo": saw[Side.ESPO], "saw_advoware": saw[Side.ADVOWARE], "who": who}
    people.decide(conn, row["id"], decision)


def _mapped(entity: Entity | None, name: str) -> Field | None:
    try:
        return entity.field(name) if entity is not None else None
    except KeyError:
        return None


def _check_entry(
    conn: Connection, entries: EntryList, row: Mapping[str, Any], value: Canonical, saw: Mapping[Side, Canonical]
) -> None:
    """An entry on one side only, or nowhere, stays or goes; any other value must be one EspoCRM can keep."""
    if row["kind"] in (TWIN_STAYS, LOST_ENTRY) and value not in (*saw.values(), row["espo"], row["advoware"]):
        raise Refusal(f"conflict {row['id']}: choose espocrm or advoware; type another number in EspoCRM")
    base = conn.execute(select(bases).where(bases.c.key == row["key"], bases.c.field == row["field"])).one_or_none()
    if value is None or base is None or not isinstance(base.espo, Mapping):
        return
    obstacle = entries.obstacle(entries.read_espo_entry(base.espo).channel, value)
    if obstacle is not None:
        raise Refusal(f"this is no value for {row['field']}: {obstacle}")


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


def check_writable(mapped: Field, side: Side) -> None:
    """Whether a person may have it written there at all; raises `Refusal`."""
    if not mapped.direction.allows(side):
        raise Refusal(f"{mapped.name} is not written to {side} here (see its direction in syncd.toml)")
    if side is Side.ADVOWARE and mapped.can is Can.CREATE_ONLY:
        raise Refusal(f"Advoware's interface cannot change {mapped.name}: type it there, or take advoware")


def _refused_by(side: Side) -> str:
    return "refused_espo" if side is Side.ESPO else "refused_advoware"


def resolve_link(conn: Connection, row: Mapping[str, Any], take: str, now: float, who: str | None = None) -> None:
    """A person's choice of a counterpart; raises `Refusal` where it cannot be carried out."""
    reason = row["kind"]
    if take == LinkChoice.CREATE:
        if reason not in _MAY_CREATE:
            raise Refusal(f"conflict {row['id']}: nothing can be created for it; {_instead(reason)}")
        decision: dict[str, Any] = {"choice": LinkChoice.CREATE, "at": now}
    else:
        decision = {"choice": LinkChoice.LINK, "advoware_id": _linked_to(conn, row, take), "at": now}
    pairs.change(conn, row["key"], {"link_decision": decision})
    people.decide(conn, row["id"], decision | {"who": who})


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

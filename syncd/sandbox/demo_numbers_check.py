"""The judge of phones and e-mails in the demonstration: each act of a person against what both systems show in the end.

Reads the diary, both dumps, the ledger's conflicts and history, and the call log; shares no code with the engine. Pure.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from syncd.sandbox import reachability
from syncd.sandbox.demo_diary import SIDES, Did, Number, other, shows, values
from syncd.sandbox.reachability import LISTS, TYPES, living, meaning, user_text
from syncd.sandbox.sandbox import ADVOWARE, ESPO

if TYPE_CHECKING:
    from syncd.sandbox.demo_check import End

COLUMNS = {ESPO: "espo", ADVOWARE: "advoware"}
FIELD = "kommunikation:"
"""In the ledger an entry is `kommunikation:<Advoware id>` or `kommunikation:new:<hash>`."""
WAITING = ("open", "decided")
WINDOW_SECONDS = 1.0  # a GET older than this before a PUT is no unavoidable window
ENTRY = re.compile(r"/Beteiligte/(\d+)(?:/Kommunikationen/(\d+))?$")

Pair = Mapping[str, Mapping[str, Any]]
OVERTAKES = (Did.CHANGED, Did.REMOVED)


def acts(end: End, record: str) -> list[Number]:
    """What people did to the numbers of a record, in order."""
    return end.numbers.get(record, [])


def told(end: End, record: str) -> frozenset[str]:
    """Meanings a person has been told of: they may be missing on one side."""
    rows = [row for row in _rows(end, record) if row["state"] in WAITING]
    found = {meaning(row[column]) for row in rows for column in COLUMNS.values()}
    return frozenset(value for value in found if value is not None)


def differing(end: End, record: str, pair: Pair) -> list[str]:
    """What differs between the numbers of a pair, or is no healthy state of them."""
    lines = reachability.differences(pair[ESPO], pair[ADVOWARE], told(end, record))
    return [f"{record} {line}" for line in lines]


def one_sided(end: End, record: str, pair: Pair) -> int:
    """How many numbers only one side has, and a person knows."""
    return len((values(ESPO, pair[ESPO]) ^ values(ADVOWARE, pair[ADVOWARE])) & told(end, record))


def arrived(end: End, one: Number) -> bool:
    """What this person did holds on both sides, a person undid it knowingly, or the ledger has it."""
    if any(_overtaken(one, later) for later in acts(end, one.record) if later.number > one.number):
        return True
    pair = end.pair(one.record)
    if pair is None:
        return False
    match one.did:
        case Did.NOTED:
            return _text_stands(end, one, pair[ADVOWARE])
        case Did.RETYPED:
            return not shows(one, ESPO, pair[ESPO]) or _has_type(end, one, pair)
        case Did.PREFERRED:
            return not shows(one, ESPO, pair[ESPO]) or _is_first(one, pair)
        case Did.REMOVED:
            return _left(end, one, pair)
        case _:
            there = all(shows(one, side, pair[side]) for side in SIDES) and _left(end, one, pair)
            return (there and _has_type(end, one, pair)) or _kept(end, one, pair)


def in_window(end: End, one: Number) -> bool:
    """Typed into an entry between the daemon's read and its PUT of that entry: nothing can prevent that loss."""
    betnr = str((end.after[ESPO]["CBeteiligte"].get(one.record) or {}).get("betnr"))
    read: float | None = None
    for call in end.calls if one.entry is not None else ():
        named = ENTRY.search(call.path) if call.system == ADVOWARE else None
        if named is None or named[1] != betnr:
            continue
        if call.method == "GET":
            if call.at > one.at:
                return False
            read = call.at
        elif call.method == "PUT" and named[2] == str(one.entry) and call.at > one.at:
            return read is not None and call.at - read <= WINDOW_SECONDS
    return False


def doubled(end: End) -> Iterator[str]:
    """Entries nobody asked for twice."""
    for record in end.records:
        pair = end.pair(record)
        if pair is None:
            continue
        done, betnr = acts(end, record), str(pair[ADVOWARE]["betNr"])
        known = {one["id"] for one in end.before[ADVOWARE].get(betnr, {}).get("kommunikation", ())}
        known |= {one.entry for one in done}
        made = [one["id"] for one in pair[ADVOWARE]["kommunikation"] if one["id"] not in known]
        asked = sum(one.side == ESPO and one.did is not Did.REMOVED for one in done)
        if len(made) > asked:
            yield f"{record} has {len(made)} new entries in Advoware, {asked} were asked for"
        allowed = Counter(one.value for one in done if one.side == ADVOWARE and one.did is Did.ADDED)
        allowed.update(reachability.advoware_values(end.before[ADVOWARE].get(betnr, {})))
        for value, times in Counter(reachability.advoware_values(pair[ADVOWARE])).items():
            if times > max(1, allowed[value]):
                yield f"{record} {value} is {times} times in Advoware"


def _rows(end: End, record: str) -> list[Mapping[str, Any]]:
    return [row for row in end.rows.get(record, ()) if str(row["field"]).startswith(FIELD)]


def _overtaken(one: Number, later: Number) -> bool:
    """Somebody who saw it did something else with it."""
    match one.did:
        case Did.NOTED:
            return later.entry == one.entry and later.did in (Did.NOTED, Did.REMOVED)
        case Did.REMOVED:
            return False
        case Did.PREFERRED if later.did is Did.PREFERRED:
            return ("@" in str(one.value)) == ("@" in str(later.value))
        case Did.RETYPED if later.did is Did.RETYPED:
            return later.value == one.value
        case _:
            return later.did in OVERTAKES and later.before == one.value


def _left(end: End, one: Number, pair: Pair) -> bool:
    """The value before is gone from both sides, unless somebody else wants it."""
    if one.before is None or one.before == one.value:
        return True
    if any(another.value == one.before and another.number != one.number for another in acts(end, one.record)):
        return True
    return not any(one.before in values(side, pair[side]) for side in SIDES)


def _has_type(end: End, one: Number, pair: Pair) -> bool:
    """Both sides show the type a person chose in EspoCRM; of a number found in Advoware kommKz stays what it is."""
    retyped = any(another.did is Did.RETYPED and another.value == one.value for another in acts(end, one.record))
    if one.kind is None or (retyped and one.did is not Did.RETYPED):
        return True
    types = {meaning(line["phoneNumber"]): line["type"] for line in pair[ESPO]["phoneNumberData"]}
    kinds = [entry["kommKz"] for entry in living(pair[ADVOWARE]) if meaning(entry["tlf"]) == one.value]
    stored = one.did is Did.CHANGED or any(TYPES.get(kind) == one.kind for kind in kinds)
    return stored and types.get(one.value) == one.kind


def _is_first(one: Number, pair: Pair) -> bool:
    lines = (line for data, name in LISTS.items() for line in pair[ESPO][data] if meaning(line[name]) == one.value)
    return any(line["primary"] for line in lines)


def _text_stands(end: End, one: Number, beteiligter: Mapping[str, Any]) -> bool:
    """The text is where it was typed or with that number; or the entry is another number's and the history has it."""
    for entry in beteiligter["kommunikation"]:
        if (entry["id"] == one.entry or meaning(entry["tlf"]) == one.value) and user_text(
            entry["bemerkung"]
        ) == one.text:
            return True
    gone = any(later.before == one.value and later.did in OVERTAKES for later in acts(end, one.record))
    return gone and text_in_history(end, one.record, one.text)


def text_in_history(end: End, record: str, text: str) -> bool:
    """Whether the ledger has kept a text of people."""
    return any(user_text(body.get("bemerkung")) == text for body in _history(end, record))


def _kept(end: End, one: Number, pair: Pair) -> bool:
    """The ledger has the value as one that lost, or waits for a person who finds it where it was typed."""
    rows = [row for row in _rows(end, one.record) if meaning(row[COLUMNS[one.side]]) == one.value]
    if any(row["state"] not in WAITING for row in rows) or (rows and shows(one, one.side, pair[one.side])):
        return True
    return _contested(end, one) and _in_history(end, one)


def _contested(end: End, one: Number) -> bool:
    """People of both sides changed the same number."""
    rivals = (rival for rival in acts(end, one.record) if rival.side == other(one.side))
    return one.before is not None and any(rival.before == one.before and rival.did in OVERTAKES for rival in rivals)


def _in_history(end: End, one: Number) -> bool:
    said = (body.get(name) for body in _history(end, one.record) for name in ("tlf", *LISTS.values()))
    return any(meaning(value) == one.value for value in said)


def _history(end: End, record: str) -> Iterator[Mapping[str, Any]]:
    """Raw entries as they were and became, of all history about numbers of this record; a bare value counts as one."""
    for row in end.history:
        if record_of(row) == record and str(row["field"]).startswith(FIELD):
            for body in (row["before"], row["after"]):
                if body is not None:
                    yield body if isinstance(body, Mapping) else {"tlf": body}


def record_of(row: Mapping[str, Any]) -> str:
    """The EspoCRM id in a row of the ledger."""
    return str(row["key"]).partition("/")[2]

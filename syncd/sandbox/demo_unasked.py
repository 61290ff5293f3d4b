"""What was written though nobody typed it: every attribute of both systems against how it was, and the call log.

Raw values are compared: also another spelling of an untouched value is an unasked write. Pure.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Set
from typing import TYPE_CHECKING, Any

from syncd.sandbox import demo_children_check as child_check
from syncd.sandbox import demo_numbers_unasked as number_unasked
from syncd.sandbox.advoware_model import COPIES
from syncd.sandbox.demo_diary import FIELDS, SIDES, meaning
from syncd.sandbox.sandbox import ADVOWARE, ESPO

if TYPE_CHECKING:
    from syncd.sandbox.calllog import Call
    from syncd.sandbox.demo_check import End

BOOKKEEPING = {
    ESPO: frozenset(
        (
            "syncStatus",
            "advowareLastSync",
            "advowareRowId",
            "kommunikationHash",
            "syncErrorMessage",
            "syncRetryCount",
            "syncNextRetry",
            "syncAutoResetAt",
            "modifiedAt",
            "modifiedById",
            "modifiedByName",
            "streamUpdatedAt",
            "versionNumber",
            "name",
            "deleted",
        )
    ),
    ADVOWARE: frozenset(("rowId", "geaendertAm", "geaendertVon")),
}
"""Attributes that say who saved when, and those the daemon keeps its books in; `name` follows from two others."""
NUMBERS = {
    ESPO: frozenset(
        (
            "phoneNumberData",
            "phoneNumber",
            "phoneNumberIsOptedOut",
            "phoneNumberIsInvalid",
            "emailAddressData",
            "emailAddress",
            "emailAddressIsOptedOut",
            "emailAddressIsInvalid",
        )
    ),
    ADVOWARE: frozenset(("kommunikation", *COPIES)),
}
"""The lists of phones and e-mails and what each system derives from them; where people edited them they are judged
entry by entry (demo_numbers_unasked)."""
CHILDREN = frozenset(
    ("adressen", "bankkverbindungen", "strasse", "plz", "ort", "land", "anschrift", "postfach")
)  # fmt: skip
"""the lists of addresses and accounts and what Advoware derives from them; where people edited them they are judged
row by row (demo_children_check)"""
ALLOWED_POSTS = (
    "/Beteiligte", "/Kommunikationen", "/Adressen", "/Bankverbindungen", "/CAdressen", "/CBankverbindungen", "/Task",
    "/Note", "/Token",
)  # fmt: skip
RECORD = re.compile(r"/(?:CBeteiligte|Beteiligte)/([0-9a-f]+)(?:/|$)")

Entered = Mapping[tuple[str, str], set[str | None]]


def find(end: End) -> list[str]:
    """One line for each."""
    return [*_espo(end), *_advoware(end), *number_unasked.find(end), *child_check.unasked(end), *_calls(end)]


def _entered(end: End) -> Entered:
    """What people wanted by record and field."""
    found: dict[tuple[str, str], set[str | None]] = defaultdict(set)
    for one in end.typed:
        found[one.record, one.field].add(one.value)
    return found


def _espo(end: End) -> Iterator[str]:
    entered = _entered(end)
    for record, old in end.start.items():
        now = end.after[ESPO]["CBeteiligte"].get(record)
        if now is None:
            yield f"EspoCRM record {record} is gone"
            continue
        fresh = {"betnr"} if old["betnr"] is None else set()
        elsewhere = NUMBERS[ESPO] if record in end.numbers else frozenset()
        yield from _attributes(ESPO, record, f"EspoCRM {record}", old, now, entered, fresh | elsewhere)


def _advoware(end: End) -> Iterator[str]:
    entered = _entered(end)
    records = {int(row["betnr"]): record for record, row in end.start.items() if row["betnr"]}
    homes = {one.parent for one in end.children}
    for betnr, old in ((int(number), one) for number, one in end.before[ADVOWARE].items()):
        now = end.beteiligte.get(betnr)
        record = records.get(betnr, "")
        if now is not None:
            elsewhere = NUMBERS[ADVOWARE] if record in end.numbers else frozenset()
            elsewhere |= CHILDREN if record in homes else frozenset()
            yield from _attributes(ADVOWARE, record, f"Advoware {betnr}", old, now, entered, elsewhere)
        elif betnr not in end.vanished:
            yield f"Advoware {betnr} is gone"


def _attributes(
    side: str,
    record: str,
    label: str,
    old: Mapping[str, Any],
    now: Mapping[str, Any],
    entered: Entered,
    passed_over: Set[str],
) -> Iterator[str]:
    names = {pair[SIDES.index(side)]: name for name, pair in FIELDS.items()}
    for attribute in sorted({*old, *now} - BOOKKEEPING[side] - passed_over):
        was, is_now = old.get(attribute), now.get(attribute)
        if was == is_now:
            continue
        name = names.get(attribute, "")
        if meaning(name, is_now) not in entered.get((record, name), set()):
            yield f"{label} {attribute}: {was!r} became {is_now!r}"


def _calls(end: End) -> Iterator[str]:
    """Writes to records nobody touched, and writes of a kind nobody needs."""
    touched = {one.record for one in end.typed} | {one.parent for one in end.children} | end.deleted | set(end.born)
    named = _with_numbers(end, touched) | {str(betnr) for betnr in end.vanished}
    for record, row in end.after[ESPO]["CBeteiligte"].items():
        if row["betnr"] in end.vanished:
            named.add(record)
    numbers = _with_numbers(end, set(end.numbers))
    for call in end.calls:
        found = RECORD.search(call.path)
        if call.method == "GET" or call.path.endswith("/Token"):
            continue
        if found is not None and found[1] not in named:
            yield f"{call.method} {call.path} ({', '.join(call.names)}): nobody touched it"
        elif call.method == "DELETE" or (call.method == "POST" and not call.path.endswith(ALLOWED_POSTS)):
            yield f"{call.method} {call.path}"
        elif found is not None and found[1] not in numbers and _writes_numbers(call):
            yield f"{call.method} {call.path} ({', '.join(call.names)}): nobody touched a number"


def _with_numbers(end: End, records: Set[str]) -> set[str]:
    """The records by both names a path may call them."""
    rows = end.after[ESPO]["CBeteiligte"]
    return {*records, *(str(rows[record]["betnr"]) for record in records if record in rows)}


def _writes_numbers(call: Call) -> bool:
    return "/Kommunikationen" in call.path or (call.system == ESPO and not NUMBERS[ESPO].isdisjoint(call.names))

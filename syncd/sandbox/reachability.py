"""How a person can be reached, compared between the two systems: phones, faxes and e-mails of one pair (sync.md §7).

What a reader of both screens would complain about, and whether our markers still mean something. Reads raw records as
`people.espo.see` and `people.advoware.see` show them. Judges the engine, so it shares no code with it. Pure.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import phonenumbers

LISTS = {"phoneNumberData": "phoneNumber", "emailAddressData": "emailAddress"}
"""list of an EspoCRM record -> what its entries call their value"""
NOT_SYNCED = (5, 11, 12)  # Internet, EPost, beA
TYPES = {1: "Office", 2: "Fax", 7: "Fax", 3: "Mobile", 9: "Mobile", 6: "Home", 10: "Other"}
"""EspoCRM's type of a phone by kommKz; 4 and 8 are e-mail."""
REGION = "DE"
MARK = re.compile(r"\[ESPOCRM:([A-Za-z0-9+/=]*):(\d{1,2})\] ?")
SLOT = re.compile(r"\[ESPOCRM-SLOT:(\d{1,2})\] ?")
OURS = "[ESPOCRM"


@dataclass(frozen=True)
class Marker:
    """What stands at the start of a bemerkung. `value` None is a slot; a value nobody can decode is ""."""

    value: str | None
    kind: int
    text: str


def meaning(text: Any) -> str | None:
    """A number or address as EspoCRM can keep it: what two spellings of the same have in common; blank is None."""
    plain = "" if text is None else str(text).strip()
    if not plain:
        return None
    if "@" in plain:
        return plain.lower()
    try:
        number = phonenumbers.parse(plain, REGION)
    except phonenumbers.NumberParseException:
        return plain
    if not phonenumbers.is_possible_number(number):
        return plain
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def readable(value: str | None) -> bool:
    """Whether a meaning is a number or an address, and not just text."""
    return value is not None and ("@" in value or value.startswith("+"))


def marker(bemerkung: Any) -> Marker | None:
    """Our marker at the very start, or None; the one blank behind it is part of it."""
    text = str(bemerkung or "")
    if slot := SLOT.match(text):
        return Marker(None, int(slot[1]), text[slot.end() :])
    if mark := MARK.match(text):
        return Marker(_decoded(mark[1]), int(mark[2]), text[mark.end() :])
    return None


def user_text(bemerkung: Any) -> str:
    """What people wrote: all that stands behind our marker, or the whole text."""
    found = marker(bemerkung)
    return str(bemerkung or "") if found is None else found.text


def espo_values(record: Mapping[str, Any]) -> list[str]:
    """Meanings of all phones and e-mails of an EspoCRM record."""
    values = (meaning(one[name]) for data, name in LISTS.items() for one in record.get(data) or ())
    return [value for value in values if value is not None]


def living(beteiligter: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Entries of a synced kind that say something."""
    entries = beteiligter.get("kommunikation") or ()
    return [one for one in entries if one["kommKz"] not in NOT_SYNCED and meaning(one["tlf"]) is not None]


def advoware_values(beteiligter: Mapping[str, Any]) -> list[str]:
    """Meanings of all living entries of a Beteiligter."""
    return [str(meaning(one["tlf"])) for one in living(beteiligter)]


def differences(
    record: Mapping[str, Any], beteiligter: Mapping[str, Any], excused: frozenset[str] | set[str] = frozenset()
) -> list[str]:
    """One line for everything that must not be; a meaning in `excused` may be missing on one side."""
    return [
        *_one_sided(record, beteiligter, frozenset(excused)),
        *_espo_lists(record),
        *_made_twice(beteiligter),
        *(line for one in beteiligter.get("kommunikation") or () for line in _marked_wrongly(one, excused)),
    ]


def _one_sided(record: Mapping[str, Any], beteiligter: Mapping[str, Any], excused: frozenset[str]) -> Iterator[str]:
    espo, advoware = set(espo_values(record)), set(advoware_values(beteiligter))
    for value in sorted(espo - advoware - excused):
        yield f"{value} is in EspoCRM only"
    for value in sorted(advoware - espo - excused):
        yield f"{value} is in Advoware only"


def _espo_lists(record: Mapping[str, Any]) -> Iterator[str]:
    for data, name in LISTS.items():
        entries = record.get(data) or ()
        counted = Counter(meaning(one[name]) for one in entries)
        yield from (f"{value} is {times} times in EspoCRM" for value, times in counted.items() if times > 1)
        primaries = sum(bool(one.get("primary")) for one in entries)
        if entries and primaries != 1:
            yield f"{primaries} of {len(entries)} entries of {data} are primary"


def _made_twice(beteiligter: Mapping[str, Any]) -> Iterator[str]:
    """People may type one number twice; two entries of a kind that name the same origin were made by us."""
    made: Counter[tuple[str | None, int]] = Counter()
    for one in living(beteiligter):
        mark = marker(one["bemerkung"])
        if mark is not None and mark.value and meaning(mark.value) == meaning(one["tlf"]):
            made[meaning(mark.value), one["kommKz"]] += 1
    for (value, kind), times in made.items():
        if times > 1:
            yield f"{value} (kommKz {kind}) is {times} times in Advoware with our marker"


def _marked_wrongly(one: Mapping[str, Any], excused: frozenset[str] | set[str]) -> Iterator[str]:
    text, who = str(one["bemerkung"] or ""), f"entry {one['id']}"
    if not text.startswith(OURS):
        return
    mark, value = marker(text), meaning(one["tlf"])
    if mark is None:
        yield f"{who} has a marker that cannot be read: {text!r}"
        return
    if mark.kind not in (0, one["kommKz"]):
        yield f"{who} of kommKz {one['kommKz']} is marked as {mark.kind}"
    if mark.value == "":
        yield f"{who} has a marker whose value cannot be decoded: {text!r}"
    elif mark.value is None:
        yield from _slot(one, value, excused)
    elif value is not None and value not in excused and meaning(mark.value) != value:
        yield f"{who} is marked as {mark.value!r} and says {one['tlf']!r}"


def _slot(one: Mapping[str, Any], value: str | None, excused: frozenset[str] | set[str]) -> Iterator[str]:
    if value is None:
        if one.get("online"):
            yield f"entry {one['id']} is a free slot and still online"
    elif value not in excused:
        yield f"entry {one['id']} is marked as a free slot and says {one['tlf']!r}"


def _decoded(text: str) -> str:
    try:
        return base64.b64decode(text, validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        return ""

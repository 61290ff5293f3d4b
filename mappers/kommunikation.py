"""Phones, faxes and e-mails: EspoCRM's two lists and Advoware's Kommunikationen. Pure.

How a number or address is compared, which kind (kommKz) an entry has although Advoware reads it
back as 0, and the marker by which an entry is known again when everything else is lost. Which
entry belongs to which, and what is written, is the planner's.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeGuard

import phonenumbers
from email_validator import EmailNotValidError, validate_email

from mappers.normal import DEFAULT_REGION, NUMBERS_KNOWN, same, text
from mappers.shape import Words
from mappers.spec import AdvowareEntry, Canonical, Codec, EntryList, EspoEntry, Mark, Same, Unmappable

# --- Assumed, not confirmed by the vendor: one edit here corrects it
EMPTY_TLF = ""  # what an emptied entry gets as tlf
BEMERKUNG_MAX = 255  # characters
COPIES = {
    "telGesch": 1,
    "faxGesch": 2,
    "mobil": 3,
    "emailGesch": 4,
    "internet": 5,
    "telPrivat": 6,
    "faxPrivat": 7,
    "autoTelefon": 9,
    "ePost": 11,
    "bea": 12,
}  # read-only copy of a Beteiligter -> the kommKz it is made from; `email` may be of 4 or 8 and proves nothing

PHONES, MAILS = "phoneNumberData", "emailAddressData"
VALUES = {PHONES: "phoneNumber", MAILS: "emailAddress"}
MAIL_KINDS = frozenset((4, 8))
OTHER_KINDS = frozenset((5, 11, 12))  # Internet, EPost and beA are not kept the same
TYPES = {1: "Office", 2: "Fax", 7: "Fax", 3: "Mobile", 9: "Mobile", 6: "Home", 10: "Other"}
KIND_NAMES = {
    1: "TelGesch",
    2: "FaxGesch",
    3: "Mobil",
    4: "MailGesch",
    5: "Internet",
    6: "TelPrivat",
    7: "FaxPrivat",
    8: "MailPrivat",
    9: "AutoTelefon",
    10: "Sonstige",
    11: "EPost",
    12: "beA",
}
NEW_KINDS = {"Office": 1, "Fax": 2, "Mobile": 3, "Home": 6, "Other": 10}
NEW_MAIL = 4
# What is kept at hand of what was read: one job asks half a dozen times for the entries of the same two records.
BODIES_KNOWN, LISTS_KNOWN, REMARKS_KNOWN = 256, 512, 2048
LIMIT = 10  # entries EspoCRM keeps in a list

_MARK = re.compile(r"\s*\[ESPOCRM(?::([A-Za-z0-9+/=]+)|-SLOT):(\d{1,2})\] ?", re.ASCII)
_EXTENSION = re.compile(r"(?:;ext=|\s*(?:\bext\.?|\bx|#)\s*)\d{1,9}\Z", re.IGNORECASE)
LONGEST_NUMBER = 250  # as `phonenumbers` has it
NO_AREA_CODE = "+490"  # no German number goes on with a zero: an area code was typed and nothing else
_E164 = re.compile(r"(\+\d+);ext=\d+")
_INTERNATIONAL = re.compile(r"[\s(]*[+0]")


# --- values -----------------------------------------------------------------------------------


def value(raw: Any) -> Canonical:
    """A number as E.164 with `;ext=`, an address in lower case; what is neither stays trimmed text."""
    given = text(raw)
    if given is None:
        return None
    if "@" in given:
        return given.lower()
    return _phone(given) or given


def form(raw: Any) -> Canonical:
    """What EspoCRM can keep of a value: a number without its extension."""
    return _without_extension(value(raw))


def _without_extension(canonical: Canonical) -> Canonical:
    if canonical is None or ";" not in canonical:
        return canonical
    found = _E164.fullmatch(canonical)
    return found[1] if found is not None else canonical


@lru_cache(maxsize=NUMBERS_KNOWN)
def _phone(given: str) -> str | None:
    """E.164 of a German or international number; None for one without area code, which could be anybody's."""
    number = given.removeprefix("tel:")
    if len(number) > LONGEST_NUMBER:
        return None  # nobody's number, and looking for its extension would take longer the longer it is
    if not _INTERNATIONAL.match(number) or any(sign.isalpha() for sign in _EXTENSION.sub("", number)):
        return None  # letters would be read as the keys of a telephone
    try:
        parsed = phonenumbers.parse(number, DEFAULT_REGION)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(parsed) or not parsed.national_number:
        return None
    e164 = str(phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164))
    canonical = f"{e164};ext={parsed.extension}" if parsed.extension else e164
    # A zero too many behind the country code is taken off one at a time: what is left is parsed until it stays.
    if canonical != given:
        return _phone(canonical)
    return None if canonical.startswith(NO_AREA_CODE) else canonical


def _is_mobile(canonical: str) -> bool:
    if not canonical.startswith("+49") or _phone(canonical) is None:
        return False
    parsed = phonenumbers.parse(canonical, DEFAULT_REGION)
    return bool(phonenumbers.number_type(parsed) == phonenumbers.PhoneNumberType.MOBILE)


def obstacle(channel: str, value_form: str) -> str | None:
    """Why EspoCRM cannot keep a value, None where it can as far as is known."""
    if channel == PHONES:
        return None if _phone(value_form) == value_form else "not a telephone number"
    try:
        validate_email(value_form, check_deliverability=False, allow_smtputf8=False, globally_deliverable=False)
    except EmailNotValidError:
        return "not an e-mail address"
    return None if value_form.isascii() else "not an e-mail address"


def _one(raw: Any) -> Canonical:
    """The form of a value where it stands alone: as text, or as an entry of either side."""
    if isinstance(raw, Mapping):
        raw = next((raw[name] for name in ("phoneNumber", "emailAddress", "tlf") if name in raw), None)
    return form(raw)


# --- EspoCRM ----------------------------------------------------------------------------------


def read_espo(body: Mapping[str, Any]) -> Mapping[str, tuple[EspoEntry, ...]]:
    """Both lists; one that is missing from the record (rights, another entity) is left out, not empty."""
    found = {}
    for channel in (PHONES, MAILS):
        rows = body.get(channel, False)
        entries = _listed(channel, Same(rows)) if isinstance(rows, list) else () if rows is None else None
        if entries is not None:
            found[channel] = entries
    return found


@lru_cache(maxsize=LISTS_KNOWN)
def _listed(channel: str, same: Same) -> tuple[EspoEntry, ...] | None:
    """The entries of one list; None where it cannot be read."""
    rows = same.read
    if not all(isinstance(row, dict) for row in rows):
        return None
    try:
        return _distinct([row for row in rows if row.get(VALUES[channel]) not in (None, "")])
    except Unmappable:
        return None


def read_espo_entry(row: Mapping[str, Any]) -> EspoEntry:
    """One entry; raises `Unmappable` for an empty one."""
    channel = MAILS if "emailAddress" in row else PHONES
    canonical = form(row.get(VALUES[channel]))
    if canonical is None:
        raise Unmappable("an empty entry")
    kind = None if channel == MAILS else str(row.get("type") or "Mobile")
    return EspoEntry(channel, canonical, kind, bool(row.get("primary")), row)


def _distinct(rows: list[Mapping[str, Any]]) -> tuple[EspoEntry, ...]:
    """One entry a value; of several primary ones the first."""
    found: dict[str, EspoEntry] = {}
    main = False
    for row in rows:
        entry = read_espo_entry(row)
        if entry.form in found:
            continue
        if entry.main and main:
            entry = EspoEntry(entry.channel, entry.form, entry.type, False, row)
        main = main or entry.main
        found[entry.form] = entry
    return tuple(found.values())


def espo_raw(channel: str, given: str, kind: str | None, main: bool) -> dict[str, Any]:
    """A new entry, complete: what is missing would be reset for every record that shares the value."""
    flags = {"primary": main, "optOut": False, "invalid": False}
    if channel == MAILS:
        return {"emailAddress": given, **flags}
    return {"phoneNumber": given, "type": kind or "Other", **flags}


def with_type(row: Mapping[str, Any], kind: str | None) -> dict[str, Any]:
    """An entry of EspoCRM with another type; e-mails have none."""
    return {**row, "type": kind} if "type" in row and kind is not None else dict(row)


def espo_text(entry: AdvowareEntry) -> str:
    """An e-mail as it was typed, a number as EspoCRM takes it."""
    if entry.channel == MAILS:
        return text(entry.raw.get("tlf")) or ""
    return entry.form or ""


# --- Advoware ---------------------------------------------------------------------------------


def read_advoware(body: Mapping[str, Any], remembered: Mapping[int, int]) -> tuple[AdvowareEntry, ...] | None:
    """The entries of synced kinds by id, emptied ones included; None where the list is not there or not readable.

    `remembered`: id -> kommKz known from before, for entries whose marker a person took away.
    """
    if body.get("kommunikation") is None and remembered:
        return None
    rows = _told(Same(body))
    if rows is None:
        return None
    untold = [number for number, one in rows.items() if not one.kind and remembered.get(number)]
    return _entries(Same(body), frozenset((number, remembered[number]) for number in untold))


@dataclass(frozen=True, slots=True)
class _Row:
    """A row of Advoware's list, and the kind it tells by itself; 0: none."""

    raw: Mapping[str, Any]
    value: Canonical
    mark: Mark | None
    text: str
    kind: int


@lru_cache(maxsize=BODIES_KNOWN)
def _told(same: Same) -> Mapping[int, _Row] | None:
    """The rows by id; None where the list is not there or not readable."""
    rows = same.read.get("kommunikation")
    if rows is None and "kommunikation" in same.read:
        rows = []
    if not isinstance(rows, list):
        return None
    found = {}
    for row in rows:
        if not isinstance(row, dict) or (number := _id(row)) is None:
            continue
        mark, remark = split(row.get("bemerkung"))
        try:
            found[number] = _Row(row, value(row.get("tlf")), mark, remark, _told_kind(row, mark))
        except Unmappable:
            return None
    return found


@lru_cache(maxsize=BODIES_KNOWN)
def _entries(same: Same, remembered: frozenset[tuple[int, int]]) -> tuple[AdvowareEntry, ...]:
    """The entries; `remembered` are ids of rows that do not tell their kind, and that kind."""
    rows = _told(same) or {}
    known = {number: row.kind for number, row in rows.items()}
    known |= {number: kind for number, kind in remembered if _is_kind(kind)}
    shown = {} if all(known.values()) else _shown_kinds(same.read, rows, known)
    found = []
    for number in sorted(rows):
        row = rows[number]
        kind, sure = shown.get(number) or (known[number], True)
        if kind in OTHER_KINDS:
            continue
        raw = {name: row.raw.get(name) for name in ("tlf", "bemerkung", "online")} | {"kommKz": kind if sure else 0}
        entry = AdvowareEntry(
            id=number,
            channel=MAILS if kind in MAIL_KINDS else PHONES,
            value=row.value,
            form=_without_extension(row.value),
            kind=kind,
            sure=sure,
            main=bool(raw["online"]),
            mark=row.mark,
            text=row.text,
            raw=raw,
        )
        found.append(entry)
    return tuple(found)


def _id(row: Mapping[str, Any]) -> int | None:
    number = row.get("id")
    return number if type(number) is int and 0 <= number < 2**63 else None


def _told_kind(row: Mapping[str, Any], mark: Mark | None) -> int:
    """kommKz as read or from the marker; 0 where neither tells."""
    read = row.get("kommKz")
    if _is_kind(read):
        return read
    return mark.kind if mark is not None and _is_kind(mark.kind) else 0


def _is_kind(number: object) -> TypeGuard[int]:
    return isinstance(number, int) and 1 <= number <= 12


def _shown_kinds(
    body: Mapping[str, Any], rows: Mapping[int, _Row], known: Mapping[int, int]
) -> dict[int, tuple[int, bool]]:
    """Of rows whose kind is not known what Advoware's convenience copies show, and whether that is sure."""
    copies = _copies(body)
    for number, kind in known.items():
        copies[rows[number].value].discard(kind)  # that copy is made from this entry
    unknown = {number: rows[number].value for number, kind in known.items() if not kind}
    times = Counter(unknown.values())
    return {number: _shown_kind(one, copies[one], times[one]) for number, one in unknown.items()}


def _shown_kind(canonical: Canonical, kinds: set[int], times: int) -> tuple[int, bool]:
    """kommKz by Advoware's convenience copies, where just one can be meant, else a guess; and whether it is known."""
    if kinds:
        return min(kinds), len(kinds) == 1 and times == 1
    if canonical is not None and "@" in canonical:
        return NEW_MAIL, False
    return (3 if canonical is not None and _is_mobile(canonical) else 1), False


def _copies(body: Mapping[str, Any]) -> defaultdict[Canonical, set[int]]:
    """Canonical value -> the kinds of which Advoware shows it as a convenience copy."""
    found: defaultdict[Canonical, set[int]] = defaultdict(set)
    for name, kind in COPIES.items():
        try:
            canonical = value(body.get(name))
        except Unmappable:
            continue
        if canonical is not None:
            found[canonical].add(kind)
    return found


def advoware_raw(tlf: str, remark: str, main: bool) -> dict[str, Any]:
    """The three attributes Advoware's PUT can change."""
    return {"tlf": tlf, "bemerkung": remark, "online": main}


def advoware_kind(kind: int) -> dict[str, Any]:
    """What a POST says besides: the kind, which nothing can change later."""
    return {"kommKz": kind}


def advoware_text(entry: EspoEntry) -> str:
    """A number or address as EspoCRM writes it."""
    return text(entry.raw.get(VALUES[entry.channel])) or ""


def new_kind(entry: EspoEntry) -> int:
    """kommKz of an entry that is new from EspoCRM."""
    return NEW_MAIL if entry.channel == MAILS else NEW_KINDS.get(entry.type or "", 10)


def fingerprint(body: Mapping[str, Any]) -> str:
    """`kommunikationHash`: first 16 hex digits of MD5 over the sorted rowIds of the entries that are kept the same."""
    rows = _told(Same(body)) or {}
    kept = [rows[entry.id].raw for entry in read_advoware(body, {}) or () if entry.value is not None]
    joined = "".join(sorted(str(row.get("rowId") or "") for row in kept))
    return hashlib.md5(joined.encode(), usedforsecurity=False).hexdigest()[:16]


# --- the marker -------------------------------------------------------------------------------


def split(remark: Any) -> tuple[Mark | None, str]:
    """Our marker at the start of a remark, and what people wrote; foreign and broken markers are people's text."""
    return _split(remark) if isinstance(remark, str) else (None, "")


@lru_cache(maxsize=REMARKS_KNOWN)
def _split(whole: str) -> tuple[Mark | None, str]:
    found = _MARK.match(whole)
    if found is None:
        return None, whole
    encoded, kind = found[1], int(found[2])
    try:
        marked = base64.b64decode(encoded, validate=True).decode() if encoded is not None else None
    except (binascii.Error, UnicodeDecodeError):
        return None, whole
    return Mark(marked, kind), whole[found.end() :]


def remark(mark: Mark, user_text: str) -> str | None:
    """Marker and people's text as one remark, None where Advoware could not keep it whole."""
    if mark.value is None:
        written = f"[ESPOCRM-SLOT:{mark.kind}]"
    else:
        written = f"[ESPOCRM:{base64.b64encode(mark.value.encode()).decode()}:{mark.kind}]"
    whole = f"{written} {user_text}" if user_text else written
    return whole if len(whole) <= BEMERKUNG_MAX else None


KOMMUNIKATION = EntryList(
    name="kommunikation",
    label="Kommunikation",
    advoware="kommunikation",
    path="Kommunikationen",
    shown_in="kommunikationHash",
    shown_as=Words("Prüfsumme Kommunikation", "Kommunikation Checksum"),
    channels=VALUES,
    main="primary",
    limit=LIMIT,
    codec=Codec("reach", _one, _one, same, same),
    emptied=EMPTY_TLF,
    read_espo=read_espo,
    read_espo_entry=read_espo_entry,
    read_advoware=read_advoware,
    fingerprint=fingerprint,
    new_kind=new_kind,
    type_of=TYPES.get,
    obstacle=obstacle,
    espo_raw=espo_raw,
    with_type=with_type,
    advoware_raw=advoware_raw,
    advoware_kind=advoware_kind,
    espo_text=espo_text,
    advoware_text=advoware_text,
    split=split,
    remark=remark,
    kind_name=lambda kind: KIND_NAMES.get(kind, str(kind)),
)

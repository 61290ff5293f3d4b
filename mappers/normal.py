"""Normalisers: from what people and APIs write to the one form that is compared.

Canonical values are text or None. Blank, null and missing are one value. Unicode is compared
composed (NFC) with lines ending in LF, because the same name typed on two keyboards is the same
name; neither difference is ever written back by itself, as the planner writes only fields whose
canonical value changed.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import date
from functools import lru_cache
from typing import Any

import phonenumbers
from stdnum import bic as bic_numbers
from stdnum import iban as iban_numbers
from stdnum.exceptions import ValidationError

from mappers.spec import Canonical, Codec, Unmappable

BLANKS = " \t\r\n\v\f\u00a0\u2007\u202f\u200b\ufeff"
_MIDNIGHT = re.compile(r"(\d{4}-\d{2}-\d{2})(?:[T ]00:00(?::00(?:\.0+)?)?(?:Z|[+-]\d{2}:\d{2})?)?\Z")
_MAIL = re.compile(r"[^@\s]+@[^@\s]+")
_EMPTY_DATES = frozenset({"0001-01-01", "1899-12-30"})
DEFAULT_REGION = "DE"
NUMBERS_KNOWN = 20_000  # whose canonical form is kept at hand: checking is slow, and the same ones come again and again
# Characters; composing takes time by the square of the length. No mapped field is nearly as long.
LONGEST = 10_000
# NUL is refused by PostgreSQL, half a surrogate pair by every encoding.
_UNKEEPABLE = re.compile("[\x00\ud800-\udfff]")


def text(raw: Any) -> Canonical:
    """Composed, LF line ends, no blanks at the ends; blank is None. Numbers count as their text.

    Raises `Unmappable` for what is no text, and for text no store could keep.
    """
    if raw is None:
        return None
    if isinstance(raw, str):
        given = raw
    elif isinstance(raw, int | float) and not isinstance(raw, bool):
        given = str(raw)
    else:
        raise Unmappable("expected text")
    if len(given) > LONGEST:
        raise Unmappable("longer than any field")
    if given.isascii():
        if "\0" in given:
            raise Unmappable("a character that cannot be kept")
    else:
        if _UNKEEPABLE.search(given):
            raise Unmappable("a character that cannot be kept")
        given = unicodedata.normalize("NFC", given)
    if "\r" in given:
        given = given.replace("\r\n", "\n").replace("\r", "\n")
    return given.strip(BLANKS) or None


def day(raw: Any) -> Canonical:
    """A calendar day `YYYY-MM-DD`; a date-time counts only at midnight and is never shifted to a zone."""
    value = text(raw)
    if value is None:
        return None
    found = _MIDNIGHT.fullmatch(value)
    if found is None:
        raise Unmappable("expected a date")
    if found[1] in _EMPTY_DATES:
        return None
    try:
        return date.fromisoformat(found[1]).isoformat()
    except ValueError:
        raise Unmappable("no such day") from None


def midnight(value: Canonical) -> str | None:
    """Advoware's form of a day: the date at midnight."""
    return None if value is None else f"{value}T00:00:00"


def same(value: Canonical) -> Canonical:
    return value


def blank_for_none(value: Canonical) -> str:
    """Advoware's form of a text: an emptied field is an empty string."""
    return value or ""


def synonyms(
    preferred: Mapping[str, str], also: Mapping[str, str]
) -> tuple[Callable[[Any], Canonical], Callable[[Canonical], Canonical]]:
    """Parse and render of an enum whose options have other names on one side; other texts pass.

    `preferred` maps that side's option to the canonical word and back, `also` only to it.
    """
    forward = {**also, **preferred}
    back = {canonical: option for option, canonical in preferred.items()}

    def parse(raw: Any) -> Canonical:
        value = text(raw)
        return forward.get(value, value) if value is not None else None

    def render(value: Canonical) -> Canonical:
        return back.get(value, value) if value is not None else None

    return parse, render


YES = "yes"


def yes(raw: Any) -> Canonical:
    """A box that is ticked, or None; a system may keep it as a number or word."""
    if raw in (True, 1, "1", "true", "True", YES):
        return YES
    if raw in (None, False, 0, "", "0", "false", "False"):
        return None
    raise Unmappable("expected yes or no")


def ticked(value: Canonical) -> bool:
    """A box as both systems keep it."""
    return value is not None


def _number_of(check: Callable[[str], str], rule: str) -> Callable[[Any], Canonical]:
    @lru_cache(maxsize=NUMBERS_KNOWN)
    def checked(value: str) -> str | None:
        try:
            return str(check(value))
        except ValidationError:
            return None

    def parse(raw: Any) -> Canonical:
        value = text(raw)
        if value is None:
            return None
        number = checked(value)
        if number is None:
            raise Unmappable(rule)
        return number

    return parse


iban = _number_of(iban_numbers.validate, "not a valid IBAN")
bic = _number_of(bic_numbers.validate, "not a valid BIC")

TEXT = Codec("text", text, text, same, blank_for_none)
TICK = Codec("tick", yes, yes, ticked, ticked)
IBAN = Codec("iban", iban, iban, same, blank_for_none)
BIC = Codec("bic", bic, bic, same, blank_for_none)
DAY = Codec("day", day, day, same, midnight)


def phone_or_mail(raw: Any) -> Canonical:
    """A way to reach somebody, comparable across systems: E.164 or lower-cased e-mail, else None.

    What can reach nobody (`0000`, `@`) is None too: two people may well share it.
    """
    value = text(raw)
    if value is None:
        return None
    if "@" in value:
        return value.casefold() if _MAIL.fullmatch(value) else None
    try:
        number = phonenumbers.parse(value, DEFAULT_REGION)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))

"""What EspoCRM makes of one sent value: silent normalising, then the 400s (espocrm.md §3.2, §9). Pure."""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any

import phonenumbers

from syncd.sandbox.espocrm_errors import invalid
from syncd.sandbox.espocrm_schema import FieldDef

PHP_BLANKS = " \t\n\r\0\x0b"
BAD_NAME_CHARACTERS = re.compile(r"[<>=]")
STAMP = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d(:\d\d)?")
ISO_STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)")
ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
EMAIL = re.compile(rf"{ATOM}(\.{ATOM})*@([A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?\.)+[A-Za-z0-9-]{{2,}}")
INT32 = 2**31
DEFAULT_VARCHAR = 255


def stamp(epoch: float) -> str:
    """UTC text with one-second resolution, as EspoCRM stores times."""
    return _stamp(int(epoch))


@lru_cache(maxsize=65536)
def _stamp(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%d %H:%M:%S")


@lru_cache(maxsize=65536)
def fold(text: str) -> str:
    """The text as the database's collation compares it: without case and accents."""
    plain = unicodedata.normalize("NFKD", text)
    return "".join(one for one in plain if not unicodedata.combining(one)).casefold()


@lru_cache(maxsize=65536)
def phone(text: str) -> str | None:
    """E.164 without extension, or None where EspoCRM refuses the number."""
    if not text.startswith("+"):
        return None
    try:
        number = phonenumbers.parse(text, None)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def email_allowed(text: str) -> bool:
    """Whether the address passes; a trailing blank, umlauts and quoted local parts do not."""
    return len(text) <= 254 and EMAIL.fullmatch(text) is not None


def clean(entity: str, field: FieldDef, value: Any) -> Any:
    """The value as it will be stored, or EspoError 400 naming the first broken rule."""
    match field.type:
        case "varchar":
            return _varchar(entity, field, value)
        case "text":
            return _text(entity, field, value)
        case "int":
            return _int(entity, field, value)
        case "float":
            return _float(entity, field, value)
        case "bool":
            return value is True or value in (1, "1", "true")
        case "enum":
            return _enum(entity, field, value)
        case "date":
            return _date(entity, field, value)
        case "datetime":
            return _datetime(entity, field, value)
        case "array" | "multiEnum" | "linkMultiple":
            return _array(entity, field, value)
        case "link":
            return value if isinstance(value, str) and value else None
        case _:
            return value


def _varchar(entity: str, field: FieldDef, value: Any) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise invalid(entity, field.name, "valid")
    text = value.strip(PHP_BLANKS)
    if len(text) > (field.max_length or DEFAULT_VARCHAR):
        raise invalid(entity, field.name, "maxLength")
    if field.pattern and BAD_NAME_CHARACTERS.search(text):
        raise invalid(entity, field.name, "pattern")
    return text or None


def _text(entity: str, field: FieldDef, value: Any) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise invalid(entity, field.name, "valid")
    if field.max_length and len(value) > field.max_length:
        raise invalid(entity, field.name, "maxLength")
    return value or None


def _int(entity: str, field: FieldDef, value: Any) -> int | None:
    if value is None:
        return None
    if value == "":
        return 0
    try:
        number = int(float(value)) if isinstance(value, str | float) else int(value)
    except (TypeError, ValueError, OverflowError):
        raise invalid(entity, field.name, "valid") from None
    if not -INT32 <= number < INT32:
        raise invalid(entity, field.name, "rangeInternal")
    if field.minimum is not None and number < field.minimum:
        raise invalid(entity, field.name, "min")
    return number


def _float(entity: str, field: FieldDef, value: Any) -> float | None:
    if value is None:
        return None
    try:
        return float(value)
    except (TypeError, ValueError):
        raise invalid(entity, field.name, "valid") from None


def _enum(entity: str, field: FieldDef, value: Any) -> str | None:
    if value is None and "" in field.options:
        return None
    if not isinstance(value, str) or value not in field.options:
        raise invalid(entity, field.name, "valid")
    return value


def _date(entity: str, field: FieldDef, value: Any) -> str | None:
    if value is None:
        return None
    try:
        if not isinstance(value, str) or not re.fullmatch(r"\d{4}-\d\d-\d\d", value):
            raise ValueError
        return date.fromisoformat(value).isoformat()
    except ValueError:
        raise invalid(entity, field.name, "valid") from None


def _datetime(entity: str, field: FieldDef, value: Any) -> str | None:
    if value is None:
        return None
    try:
        return parse_stamp(value)
    except (TypeError, ValueError):
        raise invalid(entity, field.name, "valid") from None


def parse_stamp(value: str) -> str:
    """UTC text of an accepted date-time; fractions, T without zone and a bare date raise ValueError."""
    if STAMP.fullmatch(value):
        return datetime.fromisoformat(value).strftime("%Y-%m-%d %H:%M:%S")
    if ISO_STAMP.fullmatch(value):
        moment = datetime.fromisoformat(value.replace("Z", "+00:00"))
        return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
    raise ValueError(value)


def _array(entity: str, field: FieldDef, value: Any) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise invalid(entity, field.name, "valid")
    if field.type == "multiEnum" and field.options and set(value) - set(field.options):
        raise invalid(entity, field.name, "valid")
    return value

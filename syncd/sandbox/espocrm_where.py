"""EspoCRM's filter language as predicates over rows (espocrm.md §4, §9). Pure; refuses like the original."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

from syncd.sandbox.espocrm_errors import EspoError
from syncd.sandbox.espocrm_table import Row
from syncd.sandbox.espocrm_values import fold, parse_stamp, stamp

Test: TypeAlias = Callable[[Row], bool]


@dataclass(frozen=True)
class Columns:
    """How to read the filtered entity: its attributes, their types, one value, all values of a channel."""

    known: frozenset[str]
    types: Mapping[str, str]
    read: Callable[[Row, str], Any]
    every: Callable[[Row, str], list[str]]
    now: Callable[[], float]


def compile_where(columns: Columns, items: tuple[Any, ...]) -> Test:
    """All items must hold; EspoError 400 for what EspoCRM refuses."""
    tests = [_item(columns, one) for one in items]
    return lambda row: all(test(row) for test in tests)


def _item(columns: Columns, item: Any) -> Test:
    if not isinstance(item, Mapping) or not isinstance(item.get("type"), str):
        raise EspoError(400, "Bad where item.")
    kind, value = item["type"], item.get("value")
    if kind in ("and", "or"):
        tests = [_item(columns, one) for one in _several(value)]
        if kind == "and":
            return lambda row: all(test(row) for test in tests)
        return lambda row: not tests or any(test(row) for test in tests)
    if kind == "expression":
        raise EspoError(500, "")
    if kind == "textFilter":
        return _text_filter(columns, str(value or ""))
    if kind not in COMPARE and kind not in SPECIAL:
        raise EspoError(400, f"Unknown where item type '{kind}'.")
    attribute = item.get("attribute")
    if not isinstance(attribute, str) or not attribute:
        raise EspoError(400, "Bad where item.")
    if ":" in attribute or "(" in attribute:
        raise EspoError(400, "Complex expressions are forbidden in where.")
    if attribute not in columns.known:
        raise EspoError(400, f"Not existing attribute '{attribute}' in where.")
    if kind in SPECIAL:
        return SPECIAL[kind](columns, attribute, item)
    target = _moment(columns, attribute, item) if kind in ORDERING else value
    return COMPARE[kind](columns, attribute, target)


def _several(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def comparable(column_type: str | None, value: Any) -> Any:
    """A value as the database compares it: texts folded, numbers as numbers."""
    if isinstance(value, bool):
        return value
    if column_type in ("int", "float") and value is not None:
        try:
            return float(value)
        except (TypeError, ValueError):
            return 0.0
    if column_type == "bool" and value is not None:
        return value in (True, 1, "1", "true")
    return fold(value) if isinstance(value, str) else value


def _moment(columns: Columns, attribute: str, item: Mapping[str, Any]) -> Any:
    """UTC text of a date-time given as UTC, ISO with zone, or local with `timeZone`."""
    value = item.get("value")
    if columns.types.get(attribute) != "datetime" or not isinstance(value, str):
        return value
    if item.get("dateTime") and item.get("timeZone") and "T" not in value:
        local = datetime.fromisoformat(value).replace(tzinfo=ZoneInfo(item["timeZone"]))
        return local.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
    try:
        return parse_stamp(value)
    except ValueError:
        return value


def _equals(columns: Columns, attribute: str, value: Any) -> Test:
    if value is None:
        return lambda row: columns.read(row, attribute) is None
    wanted = comparable(columns.types.get(attribute), value)
    if attribute in ("emailAddress", "phoneNumber"):
        return lambda row: any(fold(one) == wanted for one in columns.every(row, attribute))
    kind = columns.types.get(attribute)
    return lambda row: comparable(kind, columns.read(row, attribute)) == wanted


def _not_equals(columns: Columns, attribute: str, value: Any) -> Test:
    equal = _equals(columns, attribute, value)
    return lambda row: columns.read(row, attribute) is not None and not equal(row)


def _in(columns: Columns, attribute: str, value: Any) -> Test:
    kind = columns.types.get(attribute)
    wanted = {comparable(kind, one) for one in _several(value)}
    if attribute in ("emailAddress", "phoneNumber"):
        return lambda row: any(fold(one) in wanted for one in columns.every(row, attribute))
    return lambda row: comparable(kind, columns.read(row, attribute)) in wanted - {None}


def _not_in(columns: Columns, attribute: str, value: Any) -> Test:
    inside = _in(columns, attribute, value)
    return lambda row: columns.read(row, attribute) is not None and not inside(row)


def _ordered(holds: Callable[[Any, Any], bool]) -> Callable[[Columns, str, Any], Test]:
    def build(columns: Columns, attribute: str, value: Any) -> Test:
        kind = columns.types.get(attribute)
        wanted = comparable(kind, value)

        def test(row: Row) -> bool:
            have = columns.read(row, attribute)
            return have is not None and wanted is not None and holds(comparable(kind, have), wanted)

        return test

    return build


def _text(holds: Callable[[str, str], bool]) -> Callable[[Columns, str, Any], Test]:
    def build(columns: Columns, attribute: str, value: Any) -> Test:
        wanted = fold(str(value))

        def test(row: Row) -> bool:
            have = columns.read(row, attribute)
            return have is not None and holds(fold(str(have)), wanted)

        return test

    return build


def _array_any_of(columns: Columns, attribute: str, item: Mapping[str, Any]) -> Test:
    wanted = set(_several(item.get("value")))
    return lambda row: bool(wanted.intersection(columns.read(row, attribute) or ()))


def _between(columns: Columns, attribute: str, item: Mapping[str, Any]) -> Test:
    low, high = _several(item.get("value"))[:2] or (None, None)
    above = COMPARE["greaterThanOrEquals"](columns, attribute, low)
    below = COMPARE["lessThanOrEquals"](columns, attribute, high)
    return lambda row: above(row) and below(row)


def _last_days(columns: Columns, attribute: str, item: Mapping[str, Any]) -> Test:
    now = datetime.fromtimestamp(columns.now(), UTC)
    since = stamp((now - timedelta(days=int(item.get("value") or 0))).timestamp())
    until = stamp(columns.now())

    def test(row: Row) -> bool:
        have = columns.read(row, attribute)
        return have is not None and since[: len(have)] <= have <= until

    return test


def _text_filter(columns: Columns, text: str) -> Test:
    wanted = fold(text)

    def test(row: Row) -> bool:
        named = fold(str(columns.read(row, "name") or ""))
        addresses = columns.every(row, "emailAddress") + columns.every(row, "phoneNumber")
        return (
            named.startswith(wanted) or f" {wanted}" in named or any(fold(one).startswith(wanted) for one in addresses)
        )

    return test


ORDERING = frozenset(
    (
        "equals",
        "notEquals",
        "greaterThan",
        "greaterThanOrEquals",
        "lessThan",
        "lessThanOrEquals",
        "after",
        "before",
        "on",
    )
)
COMPARE: dict[str, Callable[[Columns, str, Any], Test]] = {
    "equals": _equals,
    "on": _equals,
    "notEquals": _not_equals,
    "in": _in,
    "notIn": _not_in,
    "isNull": lambda columns, attribute, _: _equals(columns, attribute, None),
    "isNotNull": lambda columns, attribute, _: lambda row: columns.read(row, attribute) is not None,
    "isTrue": lambda columns, attribute, _: lambda row: columns.read(row, attribute) is True,
    "isFalse": lambda columns, attribute, _: lambda row: columns.read(row, attribute) is not True,
    "greaterThan": _ordered(lambda have, wanted: bool(have > wanted)),
    "after": _ordered(lambda have, wanted: bool(have > wanted)),
    "greaterThanOrEquals": _ordered(lambda have, wanted: bool(have >= wanted)),
    "lessThan": _ordered(lambda have, wanted: bool(have < wanted)),
    "before": _ordered(lambda have, wanted: bool(have < wanted)),
    "lessThanOrEquals": _ordered(lambda have, wanted: bool(have <= wanted)),
    "startsWith": _text(lambda have, wanted: have.startswith(wanted)),
    "endsWith": _text(lambda have, wanted: have.endswith(wanted)),
    "contains": _text(lambda have, wanted: wanted in have),
}
SPECIAL: dict[str, Callable[[Columns, str, Mapping[str, Any]], Test]] = {
    "arrayAnyOf": _array_any_of,
    "between": _between,
    "lastXDays": _last_days,
}

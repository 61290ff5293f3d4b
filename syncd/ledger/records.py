"""Finding records among very many: by name, number or id, by status, in an order, page by page. Only reads.

A page begins after the last row of the one before, by the values it is sorted by, so that the last of a thousand pages
takes no longer than the first.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import ColumnElement, Connection, Select, and_, or_, select, tuple_

from syncd.ledger.choices import Refusal
from syncd.ledger.schema import pairs
from syncd.titles import folded

COLUMNS = (
    "key", "entity", "title", "state", "status", "advoware_id", "trust", "retries", "next_try_at", "error", "last_sync",
    "changed_at", "checked_at", "next_check_at",
)  # fmt: skip
NEW = "new"  # shown as the status of a record that has none yet
MOST_DIGITS = 9
Sort = Literal["id", "name", "number", "changed"]
SORTS: tuple[Sort, ...] = ("id", "name", "number", "changed")

_PART = pairs.c.admitted_by.is_not(None)
_SHOWN = [pairs.c[name] for name in COLUMNS]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to look for. `keys`: what the text would be as an id; `statuses` empty: any; `after`: `next` of a page."""

    text: str = ""
    keys: Sequence[str] = ()
    entity: str | None = None
    statuses: Sequence[str] = ()
    sort: Sort = "id"
    after: str = ""
    limit: int = 200


@dataclass(frozen=True, slots=True)
class Page:
    """Rows of `COLUMNS`; `next` begins the page after, None where this was the last."""

    rows: list[dict[str, Any]]
    next: str | None


def find(conn: Connection, wanted: Wanted) -> Page:
    """One page. Raises `Refusal` for an `after` that is none."""
    exact = _exact(conn, wanted)
    if exact:
        return Page(exact, None)
    rows = _page(conn, wanted)
    if len(rows) <= wanted.limit:
        return Page(rows, None)
    rows = rows[: wanted.limit]
    return Page(rows, _cursor(wanted.sort, rows[-1], sought=_sought(conn, rows[-1]["key"])))


def _exact(conn: Connection, wanted: Wanted) -> list[dict[str, Any]]:
    """What the text names: one record by its id, or those of a number; nobody pages through these."""
    number = _number(wanted.text)
    if wanted.after or not (wanted.keys or number is not None):
        return []
    of: list[ColumnElement[bool]] = [pairs.c.key.in_(list(wanted.keys))] if wanted.keys else []
    if number is not None:
        of.append(pairs.c.advoware_id == number)
    query = select(*_SHOWN).where(_PART, or_(*of), *_filters(wanted)).order_by(pairs.c.key).limit(wanted.limit)
    return [dict(row._mapping) for row in conn.execute(query)]


def _number(text: str) -> int | None:
    digits = text.strip().rpartition(":")[2].strip()
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= MOST_DIGITS else None


def _page(conn: Connection, wanted: Wanted) -> list[dict[str, Any]]:
    """The rows of a page, and one more where there is one."""
    rows: list[dict[str, Any]] = []
    for query in _queries(wanted):
        rows += [dict(row._mapping) for row in conn.execute(query.limit(wanted.limit + 1 - len(rows)))]
        if len(rows) > wanted.limit:
            break
    return rows


def _queries(wanted: Wanted) -> list[Select[Any]]:
    """What to ask one after the other. Those without a number come last, in an order of their own."""
    of = and_(_PART, *_filters(wanted), *(pairs.c.sought.contains(word, autoescape=True) for word in _words(wanted)))
    base, after = select(*_SHOWN).where(of), _read(wanted)
    key = pairs.c.key
    match wanted.sort:
        case "id":
            later = [key > after[0]] if after else []
            return [base.where(*later).order_by(key)]
        case "name":
            later = [tuple_(pairs.c.sought, key) > tuple_(*after)] if after else []
            return [base.where(*later).order_by(pairs.c.sought, key)]
        case "changed":
            later = [tuple_(pairs.c.changed_at, key) < tuple_(*after)] if after else []
            return [base.where(*later).order_by(pairs.c.changed_at.desc(), key.desc())]
        case "number":
            number = pairs.c.advoware_id
            without = base.where(number.is_(None)).order_by(key)
            if after and after[0] is None:
                return [without.where(key > after[1])]
            later = [tuple_(number, key) > tuple_(*after)] if after else []
            return [base.where(number.is_not(None), *later).order_by(number, key), without]


def _filters(wanted: Wanted) -> list[ColumnElement[bool]]:
    of: list[ColumnElement[bool]] = []
    if wanted.entity is not None:
        of.append(pairs.c.entity == wanted.entity)
    named = [status for status in wanted.statuses if status != NEW]
    among = [pairs.c.status == named[0]] if len(named) == 1 else [pairs.c.status.in_(named)] if named else []
    if NEW in wanted.statuses:
        among.append(pairs.c.status.is_(None))
    return [*of, or_(*among)] if among else of


def _words(wanted: Wanted) -> list[str]:
    return folded(wanted.text).replace(",", " ").split()


def _sought(conn: Connection, key: str) -> str:
    return str(conn.execute(select(pairs.c.sought).where(pairs.c.key == key)).scalar_one())


def _cursor(sort: Sort, row: dict[str, Any], sought: str) -> str:
    """Where the next page begins. Of the order by id the id itself, as it always was."""
    match sort:
        case "id":
            return str(row["key"])
        case "name":
            return json.dumps([sought, row["key"]])
        case "changed":
            return json.dumps([row["changed_at"], row["key"]])
        case "number":
            return json.dumps([row["advoware_id"], row["key"]])


def _read(wanted: Wanted) -> list[Any]:
    """What `_cursor` has written; nothing for a first page."""
    if not wanted.after:
        return []
    if wanted.sort == "id":
        return [wanted.after]
    kinds: dict[str, tuple[type, ...]] = {"name": (str,), "changed": (float, int), "number": (int, type(None))}
    try:
        value, key = json.loads(wanted.after)
    except (ValueError, TypeError):
        raise Refusal("`after` is the `next` of the page before, with the same order") from None
    if not isinstance(key, str) or isinstance(value, bool) or not isinstance(value, kinds[wanted.sort]):
        raise Refusal("`after` is the `next` of the page before, with the same order")
    return [value, key]

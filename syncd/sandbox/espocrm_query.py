"""Lists of the stand-in EspoCRM: filter, order, page (espocrm.md §4), fast enough for 100,000 rows.

An index narrows the candidates where the filter allows it; the predicate of espocrm_where always decides.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeVar

from syncd.sandbox import espocrm_render as render
from syncd.sandbox.espocrm_channels import EMAIL
from syncd.sandbox.espocrm_errors import EspoError
from syncd.sandbox.espocrm_params import ListParams
from syncd.sandbox.espocrm_table import EQUAL, SORTED, Row, Table
from syncd.sandbox.espocrm_users import Who
from syncd.sandbox.espocrm_where import Columns, Test, comparable, compile_where
from syncd.sandbox.espocrm_world import EspoWorld

T = TypeVar("T")
LOWER_BOUNDS = ("after", "greaterThan", "greaterThanOrEquals", "equals")


def list_rows(world: EspoWorld, who: Who, entity: str, params: ListParams, count: bool) -> dict[str, Any]:
    """`{"total", "list"}`; without counting total is -1 (more follow) or -2 (last page)."""
    definition = world.entity(entity)
    world.door.allow(who, entity, "read")
    columns = _columns(world, entity)
    test = compile_where(columns, params.where)
    order_by = params.order_by or "createdAt"
    descending = params.descending if params.order_by else True
    if order_by not in columns.known:
        raise EspoError(400, f"Order by non-existing field '{order_by}'.")
    table = world.tables[entity]
    rows = _ordered(world, entity, columns, params.where, order_by, descending)
    visible = _matching(table, rows, test, _sight(world, who), no_filter=not params.where)
    if count and not params.where and not world.door.hidden:
        page, _ = _page(visible, params.offset, params.max_size)
        total = len(table.ids)
    elif count:
        found = list(visible)
        total = len(found)
        page = found[params.offset : params.offset + params.max_size]
    else:
        page, more = _page(visible, params.offset, params.max_size)
        total = -1 if more else -2
    select = params.select
    if select is not None:
        always = ("id", "createdById", *(("assignedUserId",) if "assignedUser" in definition.fields else ()))
        select = select | {*always, order_by}
    return {"total": total, "list": [render.list_row(world, entity, row, select) for row in page]}


def related(world: EspoWorld, who: Who, parent: Row, entity: str, column: str, params: ListParams) -> dict[str, Any]:
    """The children of a record, as `GET <entity>/<id>/<link>` lists them."""
    mine = {"type": "equals", "attribute": column, "value": parent.id}
    narrowed = ListParams(
        (mine, *params.where),
        params.select,
        params.max_size,
        params.offset,
        params.order_by,
        params.descending,
    )
    return list_rows(world, who, entity, narrowed, count=True)


def _columns(world: EspoWorld, entity: str) -> Columns:
    definition = world.schema[entity]
    types = {one.attribute: one.type for one in definition.fields.values()}
    types |= {
        "createdAt": "datetime",
        "modifiedAt": "datetime",
        "streamUpdatedAt": "datetime",
        "versionNumber": "int",
    }

    def read(row: Row, attribute: str) -> Any:
        if attribute == "id":
            return row.id
        if attribute == "emailAddress":
            return world.emails.primary_text(row.emails)
        if attribute == "phoneNumber":
            return world.phones.primary_text(row.phones)
        if attribute == "versionNumber":
            return row.version
        return row.deleted if attribute == "deleted" else row.values.get(attribute)

    def every(row: Row, attribute: str) -> list[str]:
        book, links = (world.emails, row.emails) if attribute == EMAIL else (world.phones, row.phones)
        return [book.shared[key].text for key in links.keys]

    return Columns(render.attributes(world, entity), types, read, every, world.now)


def _sight(world: EspoWorld, who: Who) -> Callable[[str], bool] | None:
    if who.kind != "api" or not world.door.hidden:
        return None
    return lambda record_id: record_id not in world.door.hidden


def _matching(
    table: Table, ids: Iterable[str], test: Test, sees: Callable[[str], bool] | None, no_filter: bool
) -> Iterator[Row]:
    rows = table.rows
    for record_id in ids:
        if sees is not None and not sees(record_id):
            continue
        row = rows[record_id]
        if no_filter or test(row):
            yield row


def _page(rows: Iterator[Row], offset: int, size: int) -> tuple[list[Row], bool]:
    page: list[Row] = []
    for number, row in enumerate(rows):
        if number < offset:
            continue
        if len(page) == size:
            return page, True
        page.append(row)
    return page, False


def _ordered(
    world: EspoWorld, entity: str, columns: Columns, where: tuple[Any, ...], order_by: str, descending: bool
) -> Iterable[str]:
    """Candidate ids in order; `id` breaks ties in the same direction."""
    table = world.tables[entity]
    few = _candidates(table, where)
    if few is None and order_by == "id":
        start = bisect_left(table.ids, _bound(where, "id") or "") if not descending else 0
        return reversed(table.ids) if descending else _from(table.ids, start)
    if few is None and order_by in SORTED:
        pairs = table.sorted[order_by]
        start = bisect_left(pairs, (_bound(where, order_by) or "", ""))
        picked: Iterable[tuple[str, str]] = _down_to(pairs, start) if descending else _from(pairs, start)
        return (record_id for _, record_id in picked)
    key = _sort_key(world, entity, columns, order_by)
    ids = table.ids if few is None else few
    return sorted(ids, key=lambda one: (key(table.rows[one]), one), reverse=descending)


def _from(items: list[T], start: int) -> Iterator[T]:
    return (items[at] for at in range(start, len(items)))


def _down_to(items: list[T], start: int) -> Iterator[T]:
    return (items[at] for at in range(len(items) - 1, start - 1, -1))


def _sort_key(world: EspoWorld, entity: str, columns: Columns, order_by: str) -> Callable[[Row], tuple[Any, ...]]:
    options: dict[str, int] = {}
    for one in world.schema[entity].fields.values():
        if one.attribute == order_by and one.type == "enum":
            options = {option: number for number, option in enumerate(one.options)}
    kind = columns.types.get(order_by)

    def key(row: Row) -> tuple[Any, ...]:
        value = columns.read(row, order_by)
        if value is None:
            return (0,)
        return (1, options.get(value, len(options)) if options else comparable(kind, value))

    return key


def _candidates(table: Table, where: tuple[Any, ...]) -> set[str] | None:
    """The ids an index leaves over, or None where no index helps."""
    best: set[str] | None = None
    for item in where:
        if not isinstance(item, Mapping) or item.get("type") not in ("equals", "in"):
            continue
        attribute, value = item.get("attribute"), item.get("value")
        values = value if item["type"] == "in" and isinstance(value, list) else [value]
        found: set[str]
        if attribute == "id":
            found = {one for one in values if isinstance(one, str) and table.living(one)}
        elif attribute in EQUAL and all(_exact(attribute, one) for one in values):
            known = table.equal[attribute]
            found = set().union(*(known.get(one, ()) for one in values))
        else:
            continue
        if best is None or len(found) < len(best):
            best = found
    return best


def _exact(attribute: str, value: Any) -> bool:
    """Whether the index finds what the collation would: ids, statuses and true integers."""
    if attribute in ("betnr", "advowareKontoId"):
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, str) and attribute in (
        "syncStatus",
        "beteiligterId",
        "parentId",
        "advowareRowId",
    )


def _bound(where: tuple[Any, ...], attribute: str) -> str | None:
    """The lowest value of the attribute the filter lets through, if it says so at the top level."""
    for item in where:
        if not isinstance(item, Mapping):
            continue
        if item.get("attribute") == attribute and item.get("type") in LOWER_BOUNDS:
            value = item.get("value")
            return value if isinstance(value, str) and "T" not in value and not item.get("timeZone") else None
        if item.get("type") == "or" and isinstance(item.get("value"), list) and item["value"]:
            bounds = [_bound(_branch(one), attribute) for one in item["value"]]
            if all(bound is not None for bound in bounds):
                return min(bound for bound in bounds if bound is not None)
    return None


def _branch(item: Any) -> tuple[Any, ...]:
    if isinstance(item, Mapping) and item.get("type") == "and" and isinstance(item.get("value"), list):
        return tuple(item["value"])
    return (item,)

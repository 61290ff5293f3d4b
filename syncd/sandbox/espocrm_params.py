"""The two ways to ask EspoCRM for a list, with their traps (espocrm.md §4): `searchParams`, PHP brackets."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from syncd.sandbox.espocrm_errors import EspoError

MAX_SIZE = 200
BRACKET = re.compile(r"\[([^\]]*)\]")


@dataclass(frozen=True)
class ListParams:
    """What a list request asks for. `descending` is the order as it will be applied."""

    where: tuple[Any, ...]
    select: frozenset[str] | None
    max_size: int
    offset: int
    order_by: str | None
    descending: bool


def parse(query: Iterable[tuple[str, str]]) -> ListParams:
    """The list request of a query string; EspoError 400 or 403 with EspoCRM's texts."""
    tree = _tree(query)
    if "searchParams" in tree:
        return _from_search_params(tree["searchParams"])
    where = tree.get("where", tree.get("whereGroup"))
    select = tree.get("select")
    return _checked(
        where=_as_list(where) if isinstance(where, dict) else [],
        select=[one.strip() for one in select.split(",")] if isinstance(select, str) and select else None,
        max_size=_number(tree.get("maxSize"), MAX_SIZE),
        offset=_number(tree.get("offset"), 0),
        order_by=tree.get("orderBy"),
        order=tree.get("order"),
    )


def _from_search_params(text: Any) -> ListParams:
    try:
        sent = json.loads(text)
    except (TypeError, ValueError):
        raise EspoError(400, "Invalid search params JSON.") from None
    if not isinstance(sent, dict):
        raise EspoError(400, "Invalid search params JSON.")
    select = sent.get("select")
    if select is not None and not isinstance(select, list):
        raise EspoError(400, "select should be array.")
    for name in ("maxSize", "offset"):
        if sent.get(name) is not None and (not isinstance(sent[name], int) or isinstance(sent[name], bool)):
            raise EspoError(400, f"{name} should be integer.")
    if sent.get("order") not in (None, "asc", "desc"):
        raise EspoError(400, "order should be 'asc' or 'desc'.")
    where = sent.get("where")
    if where is not None and not isinstance(where, list):
        raise EspoError(400, "where should be array.")
    max_size = sent.get("maxSize")
    return _checked(
        where=where or [],
        select=select,
        max_size=MAX_SIZE if max_size is None else max_size,
        offset=sent.get("offset") or 0,
        order_by=sent.get("orderBy"),
        order=sent.get("order"),
    )


def _checked(
    where: list[Any], select: list[str] | None, max_size: int, offset: int, order_by: Any, order: Any
) -> ListParams:
    if max_size > MAX_SIZE:
        raise EspoError(403, f"Max size should not exceed {MAX_SIZE}. Use offset and limit.")
    return ListParams(
        where=tuple(where),
        select=None if select is None else frozenset(select),
        max_size=max_size,
        offset=offset,
        order_by=order_by if isinstance(order_by, str) and order_by else None,
        descending=str(order).lower() in ("desc", "true"),
    )


def _number(value: Any, default: int) -> int:
    try:
        return int(value)
    except (TypeError, ValueError):
        return default


def _tree(query: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """PHP's reading of `a[0][b]=c`; `[]` appends."""
    tree: dict[str, Any] = {}
    for name, value in query:
        root, *_ = name.split("[", 1)
        path = [root, *BRACKET.findall(name)]
        at = tree
        for step in path[:-1]:
            inner = at.get(_step(at, step))
            if not isinstance(inner, dict):
                inner = {}
                at[_step(at, step)] = inner
            at = inner
        at[_step(at, path[-1])] = value
    return tree


def _step(at: dict[str, Any], step: str) -> str:
    return step or str(len(at))


def _as_list(value: Any) -> Any:
    """Nested dicts with number keys become lists, as `where` needs them."""
    if not isinstance(value, dict):
        return value
    if all(key.isdigit() for key in value):
        return [_as_list(value[key]) for key in sorted(value, key=int)]
    return {key: _as_list(inner) for key, inner in value.items()}

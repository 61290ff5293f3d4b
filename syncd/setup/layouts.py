"""EspoCRM's layouts with what we want to be seen in them: always appended, nothing of the firm's moved. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from mappers.shape import Kind
from syncd.setup.wanted import WantedEntity
from syncd.setup.words import OWN_PANEL, SYNC_PANEL

Layout = list[Any]


def shown_in(layout: Iterable[Any]) -> set[str]:
    """Names of all fields a detail layout shows, whatever form its panels have."""
    names: set[str] = set()
    for panel in layout:
        if not isinstance(panel, Mapping):
            continue
        lines = [line for key in ("rows", "columns") for line in panel.get(key) or () if isinstance(line, list)]
        names |= {cell["name"] for line in lines for cell in line if isinstance(cell, Mapping) and "name" in cell}
    return names


def detail(have: Sequence[Any], entity: WantedEntity) -> tuple[Layout, list[str]]:
    """The detail layout with the fields that are nowhere in it appended, and their names."""
    seen = shown_in(have)
    layout = [*have]
    added = []
    parent = [] if entity.parent is None else [entity.parent.foreign]
    texts = {one.name for one in entity.fields if one.shape.kind is Kind.TEXT}
    for label, names in (
        (OWN_PANEL, [*parent, *(one.name for one in entity.own)]),
        (SYNC_PANEL, [one.name for one in entity.sync]),
    ):
        lacking = [name for name in names if name not in seen]
        if lacking:
            layout = _appended(layout, label, lacking, texts)
            added += lacking
    return layout, added


def panels(have: Sequence[Any], links: Iterable[str]) -> tuple[Layout, list[str]]:
    """The layout of lists below a record with those of these links appended, and which these were."""
    seen = {cell.get("name") if isinstance(cell, Mapping) else cell for cell in have}
    lacking = [link for link in links if link not in seen]
    return [*have, *lacking], lacking


def listing(have: Sequence[Any], status: str) -> tuple[Layout, list[str]]:
    """The list layout with the status as its last column, and what was added."""
    seen = {cell.get("name") for cell in have if isinstance(cell, Mapping)}
    return ([*have], []) if status in seen else ([*have, {"name": status}], [status])


def _appended(layout: Layout, label: str, names: Iterable[str], texts: Collection[str]) -> Layout:
    rows = _rows(names, texts)
    for place, panel in enumerate(layout):
        if isinstance(panel, Mapping) and panel.get("label") == label and isinstance(panel.get("rows"), list):
            grown = {**panel, "rows": [*panel["rows"], *rows]}
            return [*layout[:place], grown, *layout[place + 1 :]]
    return [*layout, {"label": label, "rows": rows, "style": "default"}]


def _rows(names: Iterable[str], texts: Collection[str]) -> list[list[Any]]:
    """Two in a row, a text over the whole width."""
    rows: list[list[Any]] = []
    waiting: list[Any] = []
    for name in names:
        if name in texts:
            rows.append([{"name": name, "fullWidth": True}])
            continue
        waiting.append({"name": name})
        if len(waiting) == 2:
            rows.append(waiting)
            waiting = []
    if waiting:
        rows.append([waiting[0], False])
    return rows

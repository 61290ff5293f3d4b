"""One record as people want to see it: field by field what both sides agreed on, what waits, what was refused. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mappers.spec import Entity, Field, Raw, Side, Unmappable
from syncd.listed import raw_words, remembered

WAITING = ("open", "decided")


def told(entity: Entity, key: str, found: Mapping[str, Any], now: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """`found`: what the ledger knows (`inspect.record`); `now`: both sides as just read, by side and field.

    `fields` in the order of the mapping; `entries` of the lists as last agreed; `link` is what is asked about who
    belongs to whom. Values are canonical.
    """
    return {
        "key": key,
        "entity": entity.name,
        "title": (found["pair"] or {}).get("title") or "",
        "fields": fields(entity, found, now or {}),
        "entries": remembered(entity, key, found),
        "link": [one for one in found["conflicts"] if one["field"] == "" and one["state"] in WAITING],
    }


def fields(entity: Entity, found: Mapping[str, Any], now: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Every mapped field, with what is known of it."""
    base = {row["field"]: row for row in found["base"]}
    waiting = _first(one for one in found["conflicts"] if one["state"] in WAITING)
    kept = _first(one for one in found["conflicts"] if one["state"] == "kept")
    changed = _first(one for one in found["history"] if one["field"])
    refused: dict[str, dict[str, Any]] = {}
    for row in found["quarantine"]:
        refused.setdefault(row["field"], {})[row["side"]] = {name: row[name] for name in ("value", "reason", "at")}
    return [
        {
            "field": field.name,
            "label": _label(field),
            "espocrm_name": field.espo,
            "advoware_name": field.advoware,
            "direction": str(field.direction),
            "policy": str(field.policy),
            "base": _base(field, base.get(field.name)),
            "now": {side: _of_side(now.get(side), field.name) for side in map(str, Side)} if now else None,
            "waiting": waiting.get(field.name),
            "kept": kept.get(field.name),
            "refused": refused.get(field.name, {}),
            "changed": changed.get(field.name),
        }
        for field in entity.fields
    ]


def in_words(entity: Entity, happened: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """A timeline, or rows of the history, whose raw values are put in words: `before_words`, `after_words`."""
    told = []
    for one in happened:
        name, more = one.get("field"), {}
        if name and "before" in one:
            more = {f"{when}_words": raw_words(entity, name, one[when]) for when in ("before", "after")}
        told.append({**one, **more})
    return told


def _first(rows: Iterable[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """The first row of each field: the latest, as the ledger lists them."""
    found: dict[str, Mapping[str, Any]] = {}
    for row in rows:
        found.setdefault(row["field"], row)
    return found


def _label(field: Field) -> dict[str, str]:
    words = field.shape.words if field.shape is not None else None
    return {"de": words.de, "en": words.en} if words is not None else {"de": field.espo, "en": field.espo}


def _base(field: Field, row: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if row is None:
        return None
    return {
        str(side): _canonical(field, side, row[name]) for side, name in zip(Side, ("espo", "advoware"), strict=True)
    }


def _canonical(field: Field, side: Side, raw: Raw) -> Raw:
    try:
        return field.codec.parse(side, raw)
    except Unmappable:
        return raw


def _of_side(shown: object, name: str) -> Any:
    return shown.get(name) if isinstance(shown, Mapping) else None

"""What only a person can do in Advoware, said exactly: where to go there, and what to type. Pure.

Goes into Tasks, which belong to the record in EspoCRM like the values they name, and nowhere else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from mappers.shape import Kind
from mappers.spec import Canonical, Entity, Field, Raw, Side
from syncd.model import Ask
from syncd.titles import titled

SHOWN, DISMISSED = "shown", "dismissed"  # steps the Task shows, and those a person has not wanted, with their values
Steps = dict[str, dict[str, Any]]  # by field: `to` and `line`


def steps(entity: Entity, number: int | None, row: Mapping[str, Raw], asks: Iterable[Ask], language: str) -> Steps:
    """One line per field that must be typed in Advoware; `number` is the Beteiligter's, `row` what Advoware shows."""
    where = place(entity, number, row, language)
    return {
        ask.field: {"to": ask.value, "line": f"{where}: {_change(entity.field(ask.field), ask, language)}"}
        for ask in asks
    }


def lines(body: Mapping[str, Any]) -> list[str]:
    """The steps a message asks for, but those a person has not wanted."""
    refused = body.get(DISMISSED, {})
    return [step["line"] for name, step in body.get("steps", {}).items() if name not in refused or
            refused[name] != step["to"]]  # fmt: skip


def left(body: Mapping[str, Any]) -> bool:
    """Whether a message asks for anything that a person has not refused yet."""
    return bool(lines(body))


def shown(body: Mapping[str, Any]) -> dict[str, Any]:
    """The message once its Task shows its steps; without any it stays as it is."""
    if not body.get("steps"):
        return dict(body)
    return {**body, SHOWN: {name: step["to"] for name, step in body["steps"].items()}}


def dismissed(body: Mapping[str, Any]) -> dict[str, Any]:
    """The message once a person has closed its Task: what it showed is not wanted, until it is to be another value."""
    refused = {**body.get(DISMISSED, {}), **body.get(SHOWN, {})}
    steps = body.get("steps", {})
    return {**body, DISMISSED: {name: to for name, to in refused.items() if name in steps and steps[name]["to"] == to}}


def retired(entity: Entity, number: int | None, row: Mapping[str, Raw], language: str) -> str:
    """What to do with a row that is no record's counterpart any more."""
    where, what = place(entity, number, row, language), titled(entity, Side.ADVOWARE, row)
    if language == "de":
        return f"{where}: {what} löschen oder als erledigt kennzeichnen; in EspoCRM gilt dafür etwas anderes."
    return f"{where}: remove {what} or mark it as no longer valid; EspoCRM has something else in its place."


def deleted(entity: Entity, number: int | None, title: str, language: str) -> str:
    """What to do about a row whose record was deleted in EspoCRM."""
    assert entity.child is not None
    where = f"In Advoware: Beteiligter {number or '?'} → {entity.child.words.of(language)}"
    if language == "de":
        return f"In EspoCRM gelöscht. {where}: {title} löschen, wenn es dort auch nicht mehr gelten soll."
    return f"Deleted in EspoCRM. {where}: remove {title} if it shall not be valid there any more."


def place(entity: Entity, number: int | None, row: Mapping[str, Raw], language: str) -> str:
    """Where in Advoware a person finds it."""
    assert entity.child is not None
    who = f"Beteiligter {number or '?'}"
    return f"In Advoware: {who} → {entity.child.words.of(language)} → {entity.child.place(row)}"


def _change(field: Field, ask: Ask, language: str) -> str:
    name = field.espo if field.shape is None else field.shape.words.of(language)
    before, after = _shown(field, ask.present, language), _shown(field, ask.value, language)
    if language == "de":
        return f"{name} von {before} auf {after} ändern"
    return f"change {name} from {before} to {after}"


def _shown(field: Field, value: Canonical, language: str) -> str:
    yes, no, blank = ("ja", "nein", "leer") if language == "de" else ("yes", "no", "blank")
    if field.shape is not None and field.shape.kind is Kind.YES_NO:
        return no if value is None else yes
    return blank if value is None else f"„{value}“"

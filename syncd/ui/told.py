"""A record's values, and what happened to it, in the words of people. Pure; knows no page."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mappers.normal import YES, ticked
from mappers.spec import Entity, Raw
from syncd.ui import labels
from syncd.ui.show import Show
from syncd.ui.words import WORDS

_DAY = re.compile(r"(\d{4})-(\d\d)-(\d\d)(?:[T ]00:00:00(?:\.0+)?)?\Z")


@dataclass(frozen=True, slots=True)
class Told:
    """One thing that happened. `change` is the id of a change of a value, None of anything else.

    `values` are named values: what there was and what came of it, or what each side says.
    """

    at: float
    kind: str
    tone: str
    title: str
    values: Sequence[tuple[str, str]] = ()
    notes: Sequence[str] = ()
    change: int | None = None
    question: str | None = None


def value(show: Show, raw: Raw) -> str:
    """A value as text, a day as people write it; empty where there is none."""
    if raw is None:
        return ""
    if isinstance(raw, bool):
        return show.t("record.yes" if raw else "record.no")
    if not isinstance(raw, str):
        return json.dumps(raw, ensure_ascii=False)
    day = _DAY.match(raw)
    return f"{day[3]}.{day[2]}.{day[1]}" if day and show.language == "de" else day[0][:10] if day else raw


def of(show: Show, entity: Entity, name: str, told: Raw) -> str:
    """A canonical value of a field as text; of a box whether it is ticked."""
    return value(show, ticked(told) if labels.is_box(entity, name) and told in (None, YES) else told)


def label(show: Show, entity: Entity, name: str) -> str:
    """A field as people know it; of an entry of a list also its number."""
    entries = next((one for one in entity.lists if one.owns(name)), None)
    if entries is not None:
        return show.t("record.entry", id=str(entries.id_of(name) or "")).strip()
    return labels.field(show, entity, name)


def who(show: Show, name: str | None) -> str:
    """Who asked, or whose value it was: `page:anna`, `terminal:root`, `api`, `espocrm:ID`, `advoware:AB`."""
    if name is None:
        return ""
    where, _, called = name.partition(":")
    return show.t(f"who.{where}", who=called) if f"who.{where}" in WORDS else name


def among(show: Show, name: str, **values: object) -> str:
    """The text for a name of the engine's, `section.name`; the name itself where there is none."""
    return show.t(name, **values) if name in WORDS else name.partition(".")[2]


def refusal(show: Show, reason: str) -> str:
    """Why a side did not take a value; empty where it says nothing."""
    return among(show, f"refusal.{reason}") if reason else ""


def happened(show: Show, entity: Entity, one: Mapping[str, Any]) -> Told:
    """One line of `inspect.timeline`."""
    make = {
        "change": _change, "event": _event, "conflict": _conflict, "kept": _conflict, "settled": _settled,
        "asked": _asked, "refused": _refused, "webhook": _webhook,
    }[one["kind"]]  # fmt: skip
    return make(show, entity, one)


def _change(show: Show, entity: Entity, one: Mapping[str, Any]) -> Told:
    side = show.t(f"side.{one['side']}")
    values = [
        ("told.before", value(show, one["before_words"])),
        ("told.after", value(show, one["after_words"])),
    ]
    notes = [_why(show, one["why"]), _by(show, one), among(show, f"cause.{one['cause']}") if one["cause"] else ""]
    title = show.t("told.change", field=label(show, entity, one["field"]), side=side)
    return Told(one["at"], "change", "calm", title, values, _said(notes), one["id"])


def _why(show: Show, why: str) -> str:
    what, _, change_id = why.partition(":")
    return among(show, f"why.{what}", id=change_id) if what != "sync" else ""


def _by(show: Show, one: Mapping[str, Any]) -> str:
    return show.t("told.by", who=who(show, one["who"])) if one.get("who") else ""


def _event(show: Show, entity: Entity, one: Mapping[str, Any]) -> Told:
    what, _, detail = one["why"].partition(":")
    title = among(show, f"event.{what}", detail=detail)
    return Told(one["at"], "event", "warn" if what == "failed" else "calm", title)


def _conflict(show: Show, entity: Entity, one: Mapping[str, Any]) -> Told:
    values = [
        (f"side.{side}", of(show, entity, one["field"], one[name]))
        for side, name in (("espocrm", "espo"), ("advoware", "advoware"))
    ]
    if not one["field"]:
        candidates = ", ".join(map(str, one["candidates"] or ()))
        notes = [show.t("told.candidates", which=candidates)] if candidates else []
        return Told(one["at"], "conflict", "bad", among(show, f"waits.{one['why']}"), (), notes, None, one["id"])
    field = label(show, entity, one["field"])
    if one["winner"] is not None:
        title = show.t("told.kept", field=field, side=show.t(f"side.{one['winner']}"))
        return Told(one["at"], "kept", "calm", title, values, (), None, one["id"])
    title = show.t("told.conflict", field=field, why=among(show, f"waits.{one['why']}"))
    return Told(one["at"], "conflict", "bad", title, values, (), None, one["id"])


def _settled(show: Show, entity: Entity, one: Mapping[str, Any]) -> Told:
    about = label(show, entity, one["field"]) if one["field"] else show.t("told.link")
    title = show.t("told.decided" if one["decided"] else "told.settled", about=about)
    return Told(one["at"], "settled", "good", title, (), _said([_by(show, one)]))


def _asked(show: Show, entity: Entity, one: Mapping[str, Any]) -> Told:
    title = show.t("told.asked", what=among(show, f"asked.{one['what']}"))
    return Told(one["at"], "asked", "calm", title, (), _said([_by(show, one)]))


def _refused(show: Show, entity: Entity, one: Mapping[str, Any]) -> Told:
    title = show.t("told.refused", side=show.t(f"side.{one['side']}"), field=label(show, entity, one["field"]))
    values = [("told.value", of(show, entity, one["field"], one["value"]))]
    return Told(one["at"], "refused", "warn", title, values, _said([refusal(show, one["reason"])]))


def _webhook(show: Show, entity: Entity, one: Mapping[str, Any]) -> Told:
    named = {field.espo: field.name for field in entity.fields}
    fields = [label(show, entity, named[name]) for name in one["attributes"] if name in named]
    title = show.t("told.webhook", what=among(show, f"delivery.{one['event']}"))
    return Told(one["at"], "webhook", "calm", title, (), [", ".join(fields)] if fields else ())


def _said(notes: Sequence[str]) -> list[str]:
    return [note for note in notes if note]

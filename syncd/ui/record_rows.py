"""What is known of one record as rows for its page: fields, what waits, what a plan would do. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mappers.spec import Entity, Side
from syncd.listed import raw_words
from syncd.sides import Answer, Sides
from syncd.ui import told
from syncd.ui.show import Show

SILENT_PLAN = ("ignore", "agree")  # kinds of actions that write nothing anybody would see


@dataclass(frozen=True, slots=True)
class Cell:
    """A side's value of a field; `shown` whether it was asked and has said one, `differs` from what was agreed on."""

    text: str = ""
    shown: bool = False
    differs: bool = False
    unreadable: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """A field: what the sides show now, what they last agreed on, and what there is to say about it."""

    label: str
    cells: Mapping[str, Cell]
    base: Sequence[tuple[str, str]]
    tags: Sequence[tuple[str, str]]

    @property
    def same(self) -> bool:
        """Whether both sides show one value, and it is what they agreed on, if they ever did."""
        cells = [*self.cells.values()]
        agreed = {text for _, text in self.base} or {cell.text for cell in cells}
        return (
            all(cell.shown and not cell.unreadable for cell in cells) and len(agreed | {one.text for one in cells}) == 1
        )


@dataclass(frozen=True, slots=True)
class Waits:
    """One thing that waits, and why. `question` is the conflict to decide, None where there is nothing to decide."""

    tone: str
    text: str
    values: Sequence[tuple[str, str]] = ()
    question: str | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """One step of a plan: what would be done, and the values it would change: name, before, after."""

    text: str
    writes: Sequence[tuple[str, str, str]] = ()
    notes: Sequence[str] = ()


# --- fields -----------------------------------------------------------------------------------


def field_rows(show: Show, entity: Entity, fields: Iterable[Mapping[str, Any]], now: Sides | None) -> list[Row]:
    """Every mapped field."""
    return [_row(show, entity, one, now) for one in fields]


def _row(show: Show, entity: Entity, one: Mapping[str, Any], now: Sides | None) -> Row:
    base = one["base"]
    cells = {
        str(side): _cell(show, entity, one["field"], None if base is None else base[side], now, side) for side in Side
    }
    return Row(
        told.label(show, entity, one["field"]),
        cells,
        _base(show, entity, one["field"], base),
        _tags(show, one, cells, now),
    )


def _cell(show: Show, entity: Entity, name: str, base: Any, now: Sides | None, side: Side) -> Cell:
    if now is None or now.of(side).answer is not Answer.SHOWN:
        return Cell()
    shown = now.of(side)
    value = shown.fields.get(name)
    return Cell(told.of(show, entity, name, value), True, value != base, shown.unreadable.get(name, ""))


def _base(show: Show, entity: Entity, name: str, base: Mapping[str, Any] | None) -> list[tuple[str, str]]:
    """What both sides had; once where it was the same."""
    if base is None:
        return []
    texts = {side: told.of(show, entity, name, value) for side, value in base.items()}
    return [("", next(iter(texts.values())))] if len(set(texts.values())) == 1 else [*texts.items()]


def _tags(show: Show, one: Mapping[str, Any], cells: Mapping[str, Cell], now: Sides | None) -> list[tuple[str, str]]:
    tags = []
    if one["waiting"] is not None:
        tags.append(("bad", show.t("record.field_waits")))
    tags += [("warn", show.t("record.field_refused", side=show.t(f"side.{side}"))) for side in one["refused"]]
    if not tags and all(cell.shown for cell in cells.values()) and len({cell.text for cell in cells.values()}) > 1:
        tags.append(("warn", show.t("record.field_differs")))
    if one["direction"] != "both":
        tags.append(("calm", show.t(f"direction.{one['direction']}")))
    return tags


# --- what waits -------------------------------------------------------------------------------


def waits(show: Show, entity: Entity, found: Mapping[str, Any]) -> list[Waits]:
    """What waits, for whom and why, the most urgent first."""
    return [*_questions(show, entity, found), *_refused(show, entity, found), *_by_itself(show, found)]


def _questions(show: Show, entity: Entity, found: Mapping[str, Any]) -> Iterable[Waits]:
    for one in found["conflicts"]:
        if one["state"] == "decided":
            about = told.label(show, entity, one["field"]) if one["field"] else show.t("told.link")
            yield Waits("calm", show.t("record.being_done", about=about))
        elif one["state"] == "open":
            why = told.among(show, f"waits.{one['kind']}")
            if not one["field"]:
                yield Waits("bad", why, (), one["id"])
                continue
            values = [(f"side.{side}", told.of(show, entity, one["field"], one[_column(side)])) for side in Side]
            text = show.t("told.conflict", field=told.label(show, entity, one["field"]), why=why)
            yield Waits("bad", text, values, one["id"])


def _column(side: Side) -> str:
    return "espo" if side is Side.ESPO else "advoware"


def _refused(show: Show, entity: Entity, found: Mapping[str, Any]) -> Iterable[Waits]:
    for one in found["quarantine"]:
        side = show.t(f"side.{one['side']}")
        text = show.t("told.refused", side=side, field=told.label(show, entity, one["field"]))
        values = [("told.value", told.of(show, entity, one["field"], one["value"]))]
        reason = told.refusal(show, one["reason"])
        yield Waits("warn", f"{text} ({reason})" if reason else text, values)


def _by_itself(show: Show, found: Mapping[str, Any]) -> Iterable[Waits]:
    pair, work = found["pair"] or {}, found["work"]
    for _ in found["intents"]:
        yield Waits("warn", show.t("record.in_doubt"))
    if work is not None:
        yield _work(show, work)
    if pair.get("next_try_at"):
        yield Waits("calm", show.t("record.next_try", when=show.when(pair["next_try_at"]), n=pair["retries"]))
    if any(one["state"] in ("owed", "closing") for one in found["messages"]):
        yield Waits("calm", show.t("record.message_owed"))


def _work(show: Show, work: Mapping[str, Any]) -> Waits:
    if work["held"]:
        kind, _, name = work["held"].partition(":")
        return Waits("warn", told.among(show, f"held.{kind.partition(' ')[0]}", which=name))
    cause = told.among(show, f"cause.{work['cause']}")
    if work["due_at"] > show.now:
        return Waits("calm", show.t("record.due_later", cause=cause, when=show.when(work["due_at"])))
    return Waits("calm", show.t("record.due_now", cause=cause))


# --- a plan -----------------------------------------------------------------------------------


def lines(show: Show, entity: Entity, actions: Iterable[Mapping[str, Any]]) -> list[Line]:
    """A plan as steps people understand."""
    return [_line(show, entity, one) for one in actions]


def _line(show: Show, entity: Entity, one: Mapping[str, Any]) -> Line:
    do = one["do"]
    match do:
        case "create":
            return Line(show.t("plan.create"), _writes(show, entity, one["writes"]))
        case "update":
            text = show.t("plan.update", side=show.t(f"side.{one['side']}"))
            entries = [_entry(show, entity, entry) for entry in one["entries"]]
            return Line(text, [*_writes(show, entity, one["writes"]), *entries])
        case "write_entry":
            return Line(show.t("plan.update", side=show.t("side.advoware")), [_entry(show, entity, one["entry"])])
        case "keep" | "dispute":
            values = [
                (show.t(f"side.{side}"), "", told.of(show, entity, one["field"], one[_column(side)])) for side in Side
            ]
            return Line(show.t(f"plan.{do}", field=told.label(show, entity, one["field"])), values)
        case "ask":
            value = [(told.label(show, entity, one["field"]), "", told.of(show, entity, one["field"], one["value"]))]
            return Line(show.t("plan.ask"), value)
        case "quarantine":
            value = [(told.label(show, entity, one["field"]), "", told.of(show, entity, one["field"], one["value"]))]
            return Line(show.t("plan.quarantine", side=show.t(f"side.{one['side']}")), value)
        case "link":
            return Line(show.t("plan.link", number=str(one["advoware_id"])))
        case "settle":
            return Line(show.t("plan.settle", status=show.status(one["status"])), (), one["notices"])
        case "hold":
            return Line(show.t("plan.hold"), (), [one["notice"]])
        case "bear" | "retire":
            return Line(show.t(f"plan.{do}", what=one["words"]))
        case "agree":
            return Line(show.t("plan.agree"))
        case _:
            return Line(told.among(show, f"plan.{do}"))


def _writes(show: Show, entity: Entity, writes: Iterable[Mapping[str, Any]]) -> list[tuple[str, str, str]]:
    return [
        (
            told.label(show, entity, one["field"]),
            told.of(show, entity, one["field"], raw_words(entity, one["field"], one["before"])),
            told.of(show, entity, one["field"], one["after"]),
        )
        for one in writes
    ]


def _entry(show: Show, entity: Entity, entry: Mapping[str, Any]) -> tuple[str, str, str]:
    """An entry of a list: what it says, and what it will."""
    before = told.value(show, raw_words(entity, entry["name"], entry["before"]))
    return told.label(show, entity, entry["name"]), before, told.value(show, entry["after"])

"""`syncd timeline` and `syncd requests`: what happened to a record, and what people asked for."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from syncd.cli import output
from syncd.cli.desk import at_desk
from syncd.cli.output import Code, UsageError, say, table, value, when
from syncd.cli.spreadsheet import new_file

if TYPE_CHECKING:
    from syncd.commands import Desk

Limit = Annotated[int, typer.Option(min=1, max=1000, help="Rows at most.")]


def add(app: typer.Typer) -> None:
    """Register the commands of this module."""
    app.command()(timeline)
    app.command()(requests)


def timeline(
    key: output.Key,
    limit: Limit = 200,
    csv: Annotated[Path | None, typer.Option(help="Write the whole history of values to this new file.")] = None,
    as_json: output.AsJson = False,
) -> int:
    """What happened to a record, the latest first: changes, conflicts, requests of people, refusals, webhooks.

    Example: `syncd timeline betnr:1234 --csv history.csv`
    """
    from syncd import inspect

    if csv is not None and as_json:
        raise UsageError("give --csv or --json")

    async def looking(desk: Desk) -> tuple[list[dict[str, Any]], str]:
        found_key = await desk.find(key)
        entity = desk.entities[found_key.partition("/")[0]]
        text = "" if csv is None else await inspect.history_csv(desk.ledger, entity, found_key)
        return await inspect.timeline(desk.ledger, entity, found_key, limit=limit), text

    found, text = at_desk(looking)
    if csv is not None:
        new_file(csv, text)
        say(f"written to {csv}")
    elif as_json:
        output.show_json(found)
    elif not found:
        say("nothing is known of it")
    else:
        table(("when", "what", "side", "field", "", "who", "cause"), (_row(one) for one in found))
    return Code.DONE


def _row(one: Mapping[str, Any]) -> tuple[object, ...]:
    return (
        when(one["at"]), one["kind"], one.get("side"), one.get("field"), _told(one), one.get("who"), one.get("cause"),
    )  # fmt: skip


def _told(one: Mapping[str, Any]) -> str:
    match one["kind"]:
        case "change":
            undone = f" ({one['why']})" if one["why"] != "sync" else ""
            return f"{value(one['before_words'])} → {value(one['after_words'])}{undone}, change {one['id']}"
        case "conflict" | "kept":
            return f"{one['why']}: espocrm {value(one['espo'])}, advoware {value(one['advoware'])}, {one['id']}"
        case "settled":
            return f"{one['why']}, {one['id']}"
        case "asked":
            return f"{one['what']} {one['about'] or ''}".rstrip()
        case "refused":
            return f"{value(one['value'])} ({one['reason']})"
        case "webhook":
            return f"{one['event']}: {', '.join(one['attributes'])}"
        case _:
            return str(one["why"])


def requests(limit: Limit = 50, as_json: output.AsJson = False) -> int:
    """What people asked for, the latest first: decisions, undo, retries, pauses, guards; who and when."""
    from syncd import inspect

    async def looking(desk: Desk) -> list[dict[str, Any]]:
        return await inspect.requests(desk.ledger, limit=limit)

    found = at_desk(looking)
    if as_json:
        output.show_json(found)
    elif not found:
        say("nobody has asked for anything yet")
    else:
        rows = ((when(one["at"]), one["who"] or "unknown", one["what"], one["about"], one["key"]) for one in found)
        table(("when", "who", "what", "about", "record"), rows)
    return Code.DONE

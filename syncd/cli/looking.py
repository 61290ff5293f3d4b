"""`syncd status`, `activity`, `records`, `show`: what is known, read-only."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Annotated, Any

import typer

from mappers.spec import Entity
from syncd.cli import output
from syncd.cli.output import Code, ago, say, table, value, when

RUN_GONE = 30.0  # seconds without a sign of life


def add(app: typer.Typer) -> None:
    """Register the commands of this module."""
    app.command()(status)
    app.command()(show)
    app.command()(activity)
    app.command()(records)


def status(as_json: output.AsJson = False) -> int:
    """How everything stands: counts, queue, oldest waiting, both systems, last sweep.

    Asks neither system. Exit code 1 if something failed or waits for a person, 3 if Redis cannot be used.
    """
    from syncd.overview import overview
    from syncd.runtime import existing_ledger

    settings = output.ledger_settings()

    async def looking() -> Mapping[str, Any]:
        async with existing_ledger(settings) as ledger:
            return await overview(settings, ledger)

    found = output.work(looking())
    if as_json:
        output.show_json(found)
    else:
        _print(found)
    if not found["redis"]["up"]:
        raise output.Unreachable(found["redis"]["reason"])
    return Code.OPEN if found["open"] else Code.DONE


def _print(found: Mapping[str, Any]) -> None:
    now = found["now"]
    table(("status", "records"), sorted(found["pairs"].items()))
    say()
    waiting = ", ".join(f"{count} {lane}" for lane, count in found["waiting"].items()) or "nothing"
    oldest = "" if found["oldest_since"] is None else f", the oldest since {ago(found['oldest_since'], now)}"
    say(f"waiting    {waiting}{oldest}; {found['held']} held")
    if found["oldest_edit_since"] is not None:
        say(f"edits      the oldest that waits came {ago(found['oldest_edit_since'], now)}")
    for side, circuit in found["peers"].items():
        used = f"{found['calls_per_minute'][side]:g} of {found['budgets'][side]} calls a minute"
        say(f"{side:<10} {_circuit(circuit)}; {used}")
    for side, told in found["delays"].items():
        if told["count"]:
            within = f"half within {told['p50']:.1f} s, 95 % within {told['p95']:.1f} s"
            say(f"delay      to {side}, {told['count']} edits of the last hour: {within}")
    say(f"webhooks   {_webhooks(found['webhooks'], now)}")
    say(f"last poll  {ago(found['polled_at'], now)} · sweep {ago(found['swept_at'], now)}")
    say(f"full pass  {ago(found['full_pass_at'], now)} · a daemon was alive {ago(found['alive_at'], now)}")
    if found["conflicts"]:
        say(f"conflicts  {found['conflicts']} wait for a person: `syncd conflicts`")
    if found["messages_owed"]:
        say(f"messages   {found['messages_owed']} Tasks and notes not yet posted")
    for run in found["runs"]:
        gone = run["state"] == "running" and now - (run["alive_at"] or run["started_at"]) > RUN_GONE
        state = "stopped" if gone else run["state"]
        say(f"run        {run['id']} {run['kind']} {state}: {run['done']} of {run['total']}")
    for guard in found["guards"]:
        say(f"guard      {guard['id']} {guard['kind']} stopped {when(guard['opened_at'])}: `syncd guard show`")
    for alarm in found["alarms"]:
        say(f"alarm      {alarm['cause']} since {when(alarm['since'])}: {alarm['text']}")
    for scope, why in found["pauses"].items():
        say(f"paused     {scope}: {why}")


def _webhooks(told: Mapping[str, Any], now: float) -> str:
    if not told["registered"] and told["last_delivery_at"] is None:
        return "none registered by syncd"
    heard = "no delivery kept" if told["last_delivery_at"] is None else f"last {ago(told['last_delivery_at'], now)}"
    if told["wrong"] is None:
        return f"{heard}, not looked at yet"
    return f"{heard}; {', '.join(told['wrong']) or 'all in order'}"


def _circuit(circuit: Mapping[str, Any]) -> str:
    match circuit["state"]:
        case "closed":
            return "answers"
        case "barred":
            return "refuses our login"
        case "open":
            return f"away, asked again in {circuit['seconds']:.0f} s"
        case other:
            return str(other)


def activity(
    hours: Annotated[float, typer.Option(min=0.1, max=744, help="How far to look back.")] = 24.0,
    as_json: output.AsJson = False,
) -> int:
    """What was done over the last hours, part by part: jobs, failures, calls, delays of people's edits.

    Example: `syncd activity --hours 168`
    """
    from syncd import inspect
    from syncd.clock import SystemClock
    from syncd.runtime import existing_ledger

    settings = output.ledger_settings()

    async def looking() -> Mapping[str, Any]:
        async with existing_ledger(settings) as ledger:
            return await inspect.activity(ledger, SystemClock().now(), hours)

    found = output.work(looking())
    if as_json:
        output.show_json(found)
        return Code.DONE
    kinds = ("done", "failed", "held", "postponed")
    sides = ("espocrm", "advoware")
    table(
        ("from", *kinds, *(f"calls {side}" for side in sides), *(f"delay to {side}" for side in sides)),
        (
            (
                when(one["at"]), *(one[kind] for kind in kinds), *(one["calls"][side] for side in sides),
                *(_delay(one["delays"][side]) for side in sides),
            )
            for one in found["points"]
            if any(one[kind] for kind in kinds) or any(one["calls"].values())
        ),
    )  # fmt: skip
    return Code.DONE


def _delay(told: Mapping[str, Any]) -> str:
    return f"{told['p50']:.1f} s / {told['p95']:.1f} s" if told["count"] else ""


def records(
    text: Annotated[str, typer.Argument(help="A name or part of it, a number, an EspoCRM id; all without.")] = "",
    status: Annotated[str, typer.Option(help="Only with this syncStatus; several with commas.")] = "",
    sort: Annotated[str, typer.Option(help="id, name, number, or changed (the latest first).")] = "name",
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Rows of a page.")] = 50,
    after: Annotated[str, typer.Option(help="`next` of the page before.")] = "",
    as_json: output.AsJson = False,
) -> int:
    """Records that take part, by name, number or id. Exit code 1 where none was found.

    Example: `syncd records müller --status conflict,failed`
    """
    from syncd import inspect
    from syncd.app import entities
    from syncd.runtime import existing_ledger

    settings = output.ledger_settings()
    known = entities(settings, output.mapping(settings))
    if sort not in inspect.SORTS:
        raise output.UsageError(f"no such order; there is {', '.join(inspect.SORTS)}")
    statuses = [one for one in status.split(",") if one]

    async def looking() -> Mapping[str, Any]:
        async with existing_ledger(settings) as ledger:
            return await inspect.find(ledger, known, text, statuses, sort, after, limit)

    found = output.work(looking())
    if as_json:
        output.show_json(found)
    elif not found["records"]:
        say("no record found")
    else:
        table(
            ("name", "number", "status", "changed", "record"),
            (
                (one["title"], one["advoware_id"], one["status"] or "new", when(one["changed_at"] or None), one["key"])
                for one in found["records"]
            ),
        )
        if found["next"] is not None:
            say(f"\nmore with --after {shlex.quote(found['next'])}")
    return Code.DONE if found["records"] else Code.OPEN


def show(key: output.Key, as_json: output.AsJson = False) -> int:
    """One record: both sides, what they last agreed on, waiting fields, history.

    Phones, faxes and e-mails stand one by one, side by side, with what is known of each entry.
    Reads both systems where they can be read; exit code 3 where one does not answer.

    Example: `syncd show betnr:1234`
    """
    from services.errors import PeerError
    from syncd import inspect
    from syncd.commands import Desk, NotKnown
    from syncd.listed import remembered
    from syncd.rehearsal import both_sides
    from syncd.runtime import opened

    settings = output.settings()
    mapping = output.mapping(settings)
    trouble: list[PeerError] = []

    async def looking() -> tuple[Entity, dict[str, Any]]:
        async with opened(settings, mapping) as runtime:
            app = runtime.app
            found_key = await Desk(runtime.ledger, app.entities(), runtime.clock.now).find(key)
            found = await inspect.record(runtime.ledger, found_key)
            if found is None:
                raise NotKnown(f"nothing is known of {found_key}; `syncd plan` shows what would be done with it")
            linked = (found["pair"] or {}).get("advoware_id")
            entity = app.entities()[found_key.partition("/")[0]]
            now, entries = None, remembered(entity, found_key, found)
            try:
                shown = await both_sides(app.contexts[entity.name], found_key, linked)
                now, entries = shown.fields, shown.entries
            except PeerError as error:
                trouble.append(error)
            return entity, {"key": found_key, "now": now, "entries": entries, **found}

    entity, found = output.work(looking())
    if as_json:
        output.show_json(found)
    else:
        _print_record(entity, found, settings.syncd_language)
    if trouble:
        raise trouble[0]
    return Code.DONE


def _print_record(entity: Entity, found: Mapping[str, Any], language: str) -> None:
    from syncd.listed import columns, raw_words

    pair, waits = found["pair"] or {}, found["work"]
    say(f"{found['key']}  {pair.get('status') or 'new'}  Beteiligter {pair.get('advoware_id') or '–'}")
    say(f"  {pair.get('state')}, link {pair.get('trust')}, looked at {when(pair.get('checked_at')) or 'never'}")
    if pair.get("error"):
        say(f"  {pair['error']}")
    if waits:
        held = f", held by {waits['held']}" if waits["held"] else ""
        say(f"  waits: {waits['cause']}, due {when(waits['due_at'])}{held}")
    say()
    table(("field", "espocrm", "advoware", "last agreed: espocrm", "advoware"), _fields(found))
    if found["entries"]:
        say()
        rows = ((line.entry or line.list, *columns(line, language)) for line in found["entries"])
        table(("entry", "espocrm", "advoware", "known as", "remark", "waits"), rows)
    for one in found["conflicts"]:
        if one["state"] in ("open", "decided"):
            say(f"\nconflict {one['id']} {one['field'] or '(link)'} {one['kind']}: `syncd conflicts show {one['id']}`")
    for one in found["quarantine"]:
        say(f"\n{one['side']} does not take {one['field']}: {value(one['value'])} ({one['reason']})")
    if found["history"]:
        say()
        values = {
            o["id"]: [value(raw_words(entity, o["field"] or "", o[name])) for name in ("before", "after")]
            for o in found["history"]
        }
        table(
            ("change", "when", "side", "field", "before", "after", "why", "run or job"),
            (
                (o["id"], when(o["at"]), o["side"], o["field"], *values[o["id"]], o["why"], o["run"] or o["job"][:12])
                for o in found["history"]
            ),
        )
        say("\n`syncd undo CHANGE` takes a change back")


def _fields(found: Mapping[str, Any]) -> list[tuple[object, ...]]:
    now = found["now"] or {}
    base = {one["field"]: one for one in found["base"] if ":" not in one["field"]}  # entries have a table of their own
    sides = {side: now.get(side, "no answer") for side in ("espocrm", "advoware")}
    names = dict.fromkeys([*base, *(name for shown in sides.values() if isinstance(shown, Mapping) for name in shown)])
    return [
        (
            name,
            *(value(shown.get(name)) if isinstance(shown, Mapping) else f"({shown})" for shown in sides.values()),
            *(value(base[name][side]) if name in base else "–" for side in ("espo", "advoware")),
        )
        for name in names
    ]

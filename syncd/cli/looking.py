"""`syncd status`, `show`: what is known, read-only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import typer

from syncd.cli import output
from syncd.cli.output import Code, ago, say, table, when


def add(app: typer.Typer) -> None:
    """Register the commands of this module."""
    app.command()(status)


def status(as_json: output.AsJson = False) -> int:
    """How everything stands: counts, queue, oldest waiting, both systems, last sweep.

    Asks neither system. Exit code 1 if something failed or waits for a person, 3 if Redis does not answer.
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
        raise output.Unreachable("Redis does not answer, so queue and circuits are unknown: see REDIS_URL")
    return Code.OPEN if found["open"] else Code.DONE


def _print(found: Mapping[str, Any]) -> None:
    now = found["now"]
    table(("status", "records"), sorted(found["pairs"].items()))
    say()
    waiting = ", ".join(f"{count} {lane}" for lane, count in found["waiting"].items()) or "nothing"
    oldest = "" if found["oldest_since"] is None else f", the oldest since {ago(found['oldest_since'], now)}"
    say(f"waiting    {waiting}{oldest}; {found['held']} held")
    for side, circuit in found["peers"].items():
        say(f"{side:<10} {_circuit(circuit)}")
    say(f"last poll  {ago(found['polled_at'], now)} · sweep {ago(found['swept_at'], now)}")
    say(f"full pass  {ago(found['full_pass_at'], now)} · a daemon was alive {ago(found['alive_at'], now)}")
    if found["conflicts"]:
        say(f"conflicts  {found['conflicts']} wait for a person: `syncd conflicts`")
    if found["messages_owed"]:
        say(f"messages   {found['messages_owed']} Tasks and notes not yet posted")
    for guard in found["guards"]:
        say(f"guard      {guard['id']} {guard['kind']} stopped {when(guard['opened_at'])}: `syncd guard show`")
    for scope, why in found["pauses"].items():
        say(f"paused     {scope}: {why}")


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

"""`syncd alarms`: what somebody must look at, and whether they would hear of it."""

from __future__ import annotations

from typing import Any

import typer

from syncd.cli import output
from syncd.cli.output import Code, say, table, when

alarms = typer.Typer(help="What somebody must look at, and to whom it is told.", invoke_without_command=True)


def add(app: typer.Typer) -> None:
    """Register the commands of this module."""
    app.add_typer(alarms, name="alarms")


@alarms.callback()
def _alarms(context: typer.Context) -> int | None:
    return None if context.invoked_subcommand else list_alarms()


@alarms.command("list")
def list_alarms(as_json: output.AsJson = False) -> int:
    """What is raised now, and what was over lately. Exit code 1 if something is raised.

    `told` is when it was told: to the log and, with SYNCD_ALARM_URL, to whoever is behind that.
    """
    from syncd import inspect
    from syncd.runtime import existing_ledger

    settings = output.ledger_settings()

    async def looking() -> list[dict[str, Any]]:
        async with existing_ledger(settings) as ledger:
            return await inspect.alarms(ledger)

    found = output.work(looking())
    if as_json:
        output.show_json(found)
    else:
        if not found:
            say("no alarms")
        columns = ("alarm", "state", "since", "over", "told", "text")
        table(columns, ((o["cause"], o["state"], *_times(o), o["text"]) for o in found))
    return Code.OPEN if any(one["state"] == "raised" for one in found) else Code.DONE


def _times(alarm: dict[str, Any]) -> tuple[str, str, str]:
    told = f"not yet, {alarm['tries']} tries" if alarm["waits_to_be_told"] else when(alarm["told_at"])
    return when(alarm["since"]), when(alarm["over_at"]), told


@alarms.command("test")
def test_alarm() -> int:
    """Send a test alarm to SYNCD_ALARM_URL and tell the answer in one line. Nothing is remembered of it."""
    from syncd.alarm_post import post_trial
    from syncd.clock import SystemClock

    sent = output.work(post_trial(output.ledger_settings(), SystemClock().now()))
    if not sent.delivered:
        raise output.Unreachable(f"the test alarm was not taken ({sent.answer}): see SYNCD_ALARM_URL")
    say(f"the test alarm was taken ({sent.answer})")
    return Code.DONE

"""`syncd backfill`: a stock of records, at low priority."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from syncd.cli import output
from syncd.cli.contact import Entity, Yes
from syncd.cli.output import Code, UsageError, say, table

if TYPE_CHECKING:
    from syncd.feeding import Followed


def add(app: typer.Typer) -> None:
    """Register the commands of this module."""
    app.command()(backfill)


def backfill(
    entity: Entity = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the one that was paused or killed.")] = False,
    pause: Annotated[bool, typer.Option("--pause", help="Pause the one that runs, wherever it does.")] = False,
    yes: Yes = False,
) -> int:
    """Let all records take part, at low priority: live edits come first, guards stay in force.

    Counts first, and asks. A running daemon shares the work. Ctrl-C or SIGTERM pauses it; `--resume` goes on, also
    after a crash. Look at `syncd match --report` before. Exit code 1 if it is paused, or a record needs a person.

    Example: `syncd backfill --yes`
    """
    from syncd import backfill as engine
    from syncd.cli.progress import run_bar
    from syncd.cli.stopping import wish_to_stop
    from syncd.runtime import opened

    if resume and pause:
        raise UsageError("give --resume or --pause, not both")
    settings = output.settings()
    mapping = output.mapping(settings)

    async def filling() -> int:
        async with opened(settings, mapping) as runtime:
            app = runtime.app
            if pause:
                await app.look()
                say(f"backfill {await engine.stop(app, app.context(entity))} is paused; --resume goes on")
                return Code.DONE
            await app.open()
            context = app.context(entity)
            if resume:
                run_id = await engine.take_up(app, context)
            else:
                found = await engine.survey(context)
                say(f"{found.records} records, {found.taking_part} of them take part already")
                if not found.new:
                    return Code.DONE
                asked(f"let the other {found.new} take part and sync them?", yes)
                run_id = await engine.begin(app, context, found)
            with wish_to_stop() as stopping, run_bar("backfill") as told:
                came_out = await engine.fill(app, context, run_id, stopping, told)
            return finished(run_id, came_out)

    return output.work(filling())


def asked(question: str, yes: bool) -> None:
    """Ask before something big; raises what ends the command where the answer is no, or nobody can answer."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise UsageError(f"{question} Nobody is there to answer: --yes does it")
    if not typer.confirm(question):
        say("nothing was done")
        raise typer.Exit(Code.DONE)


def finished(run_id: str, came_out: Followed) -> int:
    """Tell how a run came out; returns the exit code."""
    standing = came_out.standing
    table(("status", "records"), sorted(standing.statuses.items()))
    for held, count in sorted(standing.held.items()):
        say(f"{count} held by {held}")
    if standing.failed:
        say(f"{standing.failed} failed and are tried again by themselves")
    state = "done" if came_out.stopped is None else f"paused ({came_out.stopped})"
    say(f"run {run_id} {state}: {standing.done} of {standing.total}; to take it back: `syncd undo --run {run_id}`")
    if came_out.stopped is not None:
        say("`syncd backfill --resume` goes on" if "cursor" in standing.detail else "a daemon or `syncd run` goes on")
    settled = set(standing.statuses) <= {"clean"} and not standing.held
    return Code.DONE if came_out.stopped is None and settled else Code.OPEN

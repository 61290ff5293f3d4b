"""`syncd backfill` and `import`: a stock of records let in, and Beteiligte brought to EspoCRM."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from syncd.cli import output
from syncd.cli.output import Code, UsageError, say, table

if TYPE_CHECKING:
    from syncd.feeding import Followed
    from syncd.import_run import Outcome

MANY = 20  # numbers from which on a person is asked


def add(app: typer.Typer) -> None:
    """Register the commands of this module."""
    app.command()(backfill)
    app.command(name="import")(import_)


def backfill(
    entity: output.OneEntity = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the one that was paused or killed.")] = False,
    pause: Annotated[bool, typer.Option("--pause", help="Pause the one that runs, wherever it does.")] = False,
    yes: output.Yes = False,
) -> int:
    """Let all records take part, at low priority: live edits come first, guards stay in force.

    Counts first, and asks. Addresses and accounts come by themselves with their Beteiligter. A running daemon shares
    the work. Ctrl-C or SIGTERM pauses it; `--resume` goes on, also after a crash. Look at `syncd match --report`
    before. Exit code 1 if it is paused, or a record needs a person.

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


def import_(
    betnr: Annotated[
        list[int] | None, typer.Option("--betnr", min=1, help="Number of a Beteiligter; may be given several times.")
    ] = None,
    file: Annotated[
        Path | None, typer.Option("--file", metavar="FILE", help="One number a line, or CSV with a column betnr.")
    ] = None,
    anyway: Annotated[
        bool, typer.Option("--anyway", help="Also where EspoCRM has somebody who may be the same.")
    ] = False,
    yes: output.Yes = False,
    entity: output.OneEntity = None,
    as_json: output.AsJson = False,
) -> int:
    """Bring Beteiligte into EspoCRM that it does not have, with their phones and e-mails. Each exactly once.

    Their addresses and accounts follow by themselves.

    Passed over with a word: linked already, the number is there, somebody alike is there, not in Advoware, no name.
    The records get the team `SYNCD_IMPORT_TEAM`. Stopped or killed, the same command goes on. With `SYNCD_DRY_RUN`
    it only tells. Exit code 1 if a number needs a person.

    Examples: `syncd import --betnr 104860` · `syncd import --file numbers.csv --yes`
    """
    from syncd.cli.progress import bar
    from syncd.cli.stopping import wish_to_stop
    from syncd.import_run import import_all
    from syncd.importing import team_id
    from syncd.runtime import opened

    settings = output.settings()
    mapping = output.mapping(settings)
    if betnr is None and file is None:
        raise UsageError("give --betnr or --file")

    async def importing() -> Outcome:
        async with opened(settings, mapping) as runtime:
            app = runtime.app
            await app.open()
            context = app.context(entity)
            wanted = list(dict.fromkeys([*(betnr or ()), *(_read(file, context.entity.link) if file else ())]))
            if not wanted:
                raise UsageError(f"{file}: there is no number in it")
            team = await team_id(context, settings.syncd_import_team)
            if len(wanted) > MANY and not settings.syncd_dry_run:
                asked(f"import {len(wanted)} Beteiligte into EspoCRM?", yes)
            with wish_to_stop() as stopping, bar("importing") as progress:
                return await import_all(app, context, wanted, team, anyway, stopping, progress)

    return _imported(output.work(importing()), as_json)


def _imported(found: Outcome, as_json: bool) -> int:
    from syncd.importing import SETTLED

    after = {one.key.partition("/")[2]: one for one in found.done}
    rows = []
    for one in found.imported:
        done = after.get(one.espo_id or "")
        record = one.espo_id or " ".join(one.candidates)
        rows.append((one.number, one.fate, record, done.status if done else "", (done and done.text) or one.why))
    if as_json:
        columns = ("betnr", "fate", "record", "status", "why")
        left = {"run": found.run_id, "left": found.left}
        output.show_json({**left, "numbers": [dict(zip(columns, row, strict=True)) for row in rows]})
    else:
        table(("betnr", "", "record", "status", "why"), rows)
        if found.left:
            say(f"{found.left} not begun: the same command goes on")
        if found.run_id is None:
            say("dry run: nothing was written")
        elif found.done:
            say(f"run {found.run_id}: {len(found.done)} brought to EspoCRM")
    settled = all(one.fate in SETTLED for one in found.imported) and not any(one.open for one in found.done)
    return Code.DONE if settled and not found.left else Code.OPEN


def _read(file: Path, column: str) -> list[int]:
    from syncd.numbers import NotNumbers, read_numbers

    try:
        return read_numbers(file.read_text("utf-8-sig"), column)
    except OSError as error:
        raise UsageError(f"{file} cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise UsageError(f"{file} is no text in UTF-8: save it as CSV") from None
    except NotNumbers as wrong:
        raise UsageError(f"{file}, {wrong}") from None


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

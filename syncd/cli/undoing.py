"""`syncd undo` and `syncd runs`: what was set going, what it has changed, and taking it back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from syncd.cli import output
from syncd.cli.desk import at_desk
from syncd.cli.output import Code, UsageError, say, table, value, when

if TYPE_CHECKING:
    from mappers.spec import Entity
    from syncd.commands import Change, Desk, Undone

runs = typer.Typer(help="What was set going for many records, and what it has changed.", invoke_without_command=True)

DryRun = Annotated[bool, typer.Option("--dry-run", help="Only list what would be taken back, and what could not.")]


def add(app: typer.Typer) -> None:
    """Register the commands of this module."""
    app.command()(undo)
    app.add_typer(runs, name="runs")


def undo(
    change: Annotated[int | None, typer.Argument(metavar="[CHANGE_ID]", help="As `syncd show` lists it.")] = None,
    run: Annotated[str | None, typer.Option(help="All a run did (`syncd runs`), or a job, by its id.")] = None,
    dry_run: DryRun = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask, however many they are.")] = False,
    as_json: output.AsJson = False,
) -> int:
    """Take a change back: both sides get the value from before. The daemon does it, or the next `syncd run`.

    It is planned and checked as any other write, and can itself be taken back. What was changed again since, or cannot
    be written, is refused and told; of a run, all else is taken back. Exit code 1 if something was refused.

    Examples: `syncd undo 4711` · `syncd undo --run 3f2a9c1e7b60 --dry-run`
    """
    from syncd.commands import FEW

    if (change is None) == (run is None):
        raise UsageError("give a CHANGE_ID or --run")

    async def looking(desk: Desk) -> tuple[list[Change], Undone]:
        wanted = await (desk.changes(run) if run is not None else desk.change(change or 0))
        return wanted, await desk.judge(wanted)

    wanted, judged = at_desk(looking)
    if not dry_run and judged.taken:
        if len(wanted) > FEW and not yes:
            _ask(judged, as_json=as_json)

        async def undoing(desk: Desk) -> Undone:
            return await desk.undo(wanted, {"of": run or str(change)})

        judged = at_desk(undoing)
    _tell(judged, as_json=as_json)
    return Code.OPEN if judged.refused else Code.DONE


def _ask(judged: Undone, *, as_json: bool) -> None:
    """A mass of changes is taken back only by somebody who has seen how many they are."""
    records = len({change.key for change in judged.taken})
    counts = f"{len(judged.taken)} changes of {records} records, {len(judged.refused)} refused"
    if as_json:
        raise UsageError(f"{counts}: give --yes")
    typer.confirm(f"Take back {counts}?", abort=True)


def _tell(judged: Undone, *, as_json: bool) -> None:
    if as_json:
        output.show_json(judged.told())
        return
    rows: list[tuple[object, ...]] = [
        (change.id, change.key, change.field, "would be taken back" if judged.run is None else "will be taken back")
        for change in judged.taken
    ]
    rows += [(one.change.id, one.change.key, one.change.field, one.refused) for one in judged.refused]
    table(("change", "record", "field", ""), rows)
    if not rows:
        say("nothing was changed by it")
    elif judged.run is not None:
        say(f"\nrun {judged.run}: {len(judged.taken)} to be taken back, {len(judged.refused)} refused")
        say(f"`syncd runs show {judged.run}` tells how far it is")


# --- runs -------------------------------------------------------------------------------------


@runs.callback()
def _runs(context: typer.Context) -> int | None:
    return None if context.invoked_subcommand else list_runs()


@runs.command("list")
def list_runs(
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Rows at most.")] = 50, as_json: output.AsJson = False
) -> int:
    """What was set going, the latest first: its kind, how far it is, and how many values it has written."""
    from syncd import inspect

    async def looking(desk: Desk) -> list[dict[str, Any]]:
        return await inspect.runs(desk.ledger, limit)

    found = at_desk(looking)
    if as_json:
        output.show_json(found)
        return Code.DONE
    if not found:
        say("nothing was set going yet")
    columns = ("id", "kind", "state", "started", "ended", "waiting", "changes", "detail")
    table(columns, (_row(one) for one in found))
    return Code.DONE


def _row(one: Mapping[str, Any]) -> Sequence[object]:
    return (
        one["id"], one["kind"], one["state"], when(one["started_at"]), when(one["ended_at"]), one["waiting"],
        one["changes"], _detail(one["detail"]),
    )  # fmt: skip


def _detail(detail: Mapping[str, Any]) -> str:
    told = {name: part for name, part in detail.items() if name not in ("alive_at", "cursor")}
    return ", ".join(f"{name} {part}" for name, part in told.items() if isinstance(part, str | int | float))


@runs.command("show")
def show_run(
    run: Annotated[str, typer.Argument(metavar="ID", help="Of a run, or of a job (the first letters do).")],
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Rows at most.")] = 1000,
    as_json: output.AsJson = False,
) -> int:
    """One run: how far it is, and every value it has written.

    Example: `syncd runs show 3f2a9c1e7b60`
    """
    from syncd import inspect

    async def looking(desk: Desk) -> tuple[Mapping[str, Entity], dict[str, Any]]:
        return desk.entities, await inspect.run(desk.ledger, run, limit)

    entities, found = at_desk(looking)
    if as_json:
        output.show_json(found)
        return Code.DONE
    about = found["run"]
    if about is not None:
        since = f"since {when(about['started_at'])}"
        say(f"{about['id']}  {about['kind']}  {about['state']}  {since}  {_detail(about['detail'])}")
        say(f"  {about['waiting']} records wait for it, {about['changes']} values written\n")
    show_changes(entities, found["history"])
    return Code.DONE


def show_changes(entities: Mapping[str, Entity], history: Sequence[Mapping[str, Any]]) -> None:
    """A table of what was done, with the ids by which it can be taken back."""
    from syncd.listed import raw_words

    def words(one: Mapping[str, Any], name: str) -> str:
        entity = entities.get(one["key"].partition("/")[0])
        return value(one[name] if entity is None else raw_words(entity, one["field"] or "", one[name]))

    table(
        ("id", "when", "record", "side", "field", "before", "after", "why"),
        (
            (
                one["id"], when(one["at"]), one["key"], one["side"], one["field"], words(one, "before"),
                words(one, "after"), one["why"],
            )
            for one in history
        ),
    )  # fmt: skip

"""`syncd conflicts`, `guard`, `pause`, `resume`, `exclude`, `include`: what a person decides."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from syncd.cli import output
from syncd.cli.desk import at_desk
from syncd.cli.output import Code, UsageError, say, table, value, when

if TYPE_CHECKING:
    from syncd.commands import Asked, Desk, Resolved

conflicts = typer.Typer(help="What waits for a person: values, links, refused values.", invoke_without_command=True)
guard = typer.Typer(help="Mass changes that were stopped: look at them, let them through.", invoke_without_command=True)

Entity = Annotated[str | None, typer.Option(help="Only this entity.")]
Side = Annotated[str | None, typer.Option(help="Only writing towards this side: espocrm or advoware.")]


def add(app: typer.Typer) -> None:
    """Register the commands of this module."""
    app.add_typer(conflicts, name="conflicts")
    app.add_typer(guard, name="guard")
    for command in (pause, resume, exclude, include):
        app.command()(command)


# --- conflicts --------------------------------------------------------------------------------


@conflicts.callback()
def _conflicts(context: typer.Context) -> int | None:
    return None if context.invoked_subcommand else list_conflicts()


@conflicts.command("list")
def list_conflicts(
    state: Annotated[str, typer.Option(help="waiting, kept (values that lost), settled or all.")] = "waiting",
    as_json: output.AsJson = False,
) -> int:
    """All that waits for a person. Exit code 1 if there is anything.

    Example: `syncd conflicts list --state kept`
    """
    from syncd import inspect

    states = {"waiting": inspect.WAITING, "kept": ("kept",), "settled": ("settled",), "all": inspect.CONFLICT_STATES}
    if state not in states:
        raise UsageError(f"no such state; there is {', '.join(states)}")

    async def looking(desk: Desk) -> list[dict[str, Any]]:
        return await inspect.conflicts(desk.ledger, states[state], None, inspect.MAX_PAGE)

    found = at_desk(looking)
    if as_json:
        output.show_json(found)
    elif not found:
        say("nothing waits for a person" if state == "waiting" else "none")
    else:
        columns = ("id", "record", "field", "kind", "espocrm", "advoware", "since", "state")
        table(columns, (_row(one) for one in found))
        say("\n`syncd conflicts show ID` tells more, `syncd conflicts resolve ID --take …` decides")
    return Code.OPEN if any(one["state"] == "open" for one in found) else Code.DONE


def _row(one: Mapping[str, Any]) -> tuple[object, ...]:
    shown = one["field"] or "(link)"
    return (
        one["id"], one["key"], shown, one["kind"], value(one["espo"]), value(one["advoware"]),
        when(one["opened_at"]), one["state"],
    )  # fmt: skip


@conflicts.command("show")
def show_conflict(
    conflict: Annotated[str, typer.Argument(metavar="ID")],
    as_json: output.AsJson = False,
) -> int:
    """One conflict: both values, who wrote them and when, and what may be chosen."""
    from syncd import inspect
    from syncd.commands import NotKnown

    async def looking(desk: Desk) -> dict[str, Any]:
        found = await inspect.conflict(desk.ledger, conflict)
        if found is None:
            raise NotKnown(f"there is no conflict {conflict}")
        return found

    found = at_desk(looking)
    if as_json:
        output.show_json(found)
        return Code.DONE
    say(f"{found['id']}  {found['key']}  {found['field'] or '(link)'}  {found['kind']}  {found['state']}")
    for side, by in (("espo", "espo_by"), ("advoware", "advoware_by")):
        name = "espocrm" if side == "espo" else side
        say(f"  {name:<9} {value(found[side])}   by {found[by] or 'unknown'} {when(found[side + '_at'])}")
    say(f"  before    {value(found['base'])}")
    if found["winner"]:
        say(f"  {found['winner']} won; the other value is kept")
    if found["candidates"]:
        say(f"  candidates in Advoware: {', '.join(map(str, found['candidates']))}")
        say(f"\nsyncd conflicts resolve {found['id']} --take 'link NUMBER' | create")
    else:
        say(f"\nsyncd conflicts resolve {found['id']} --take {_choices(found)}")
    return Code.DONE


def _choices(found: Mapping[str, Any]) -> str:
    if found["kind"] in ("twin_stays", "lost_entry"):
        return "espocrm | advoware"
    return f"espocrm | advoware | VALUE{' (empty: the entry goes)' if ':' in found['field'] else ''}"


@conflicts.command("resolve")
def resolve(
    ids: Annotated[list[str], typer.Argument(metavar="ID...")],
    take: Annotated[str, typer.Option(help="espocrm, advoware, a value; for a link: create, or 'link NUMBER'.")],
) -> int:
    """Decide, in one conflict or in many at once. The daemon carries it out, or the next `syncd run`.

    What cannot be decided so is told and stops none of the others; then the exit code is 1.

    A value that reads like a word above is given as `value:TEXT`; an empty one clears the field, or takes the phone,
    fax or e-mail away on both sides.

    Examples: `syncd conflicts resolve 3f2a --take advoware` · `… --take '+49 511 12345'` · `… --take 'link 104860'`
    """

    async def asking(desk: Desk) -> Asked | Resolved:
        return await desk.resolve(ids[0], take) if len(ids) == 1 else await desk.resolve_many(ids, take)

    from syncd.commands import Resolved

    done = at_desk(asking)
    if not isinstance(done, Resolved):
        say(done.text)
        return Code.DONE
    for conflict, why in done.refused.items():
        say(f"{conflict}: {why}")
    say(f"{len(done.taken)} decided, {len(done.refused)} refused")
    return Code.OPEN if done.refused else Code.DONE


# --- guard ------------------------------------------------------------------------------------


@guard.callback()
def _guard(context: typer.Context) -> int | None:
    return None if context.invoked_subcommand else show_guards()


@guard.command("show")
def show_guards(as_json: output.AsJson = False) -> int:
    """What was stopped, and the records it is about. Exit code 1 if there is anything."""
    from syncd import inspect

    async def looking(desk: Desk) -> list[dict[str, Any]]:
        return await inspect.guards(desk.ledger)

    found = at_desk(looking)
    if as_json:
        output.show_json(found)
    elif not found:
        say("nothing was stopped")
    else:
        for one in found:
            detail = ", ".join(f"{name} {part}" for name, part in one["detail"].items())
            say(f"{one['id']}  {one['kind']}  since {when(one['opened_at'])}  {len(one['keys'])} records  {detail}")
            say(f"  stopped: {one['stopped']}")
            say(f"  `syncd guard allow {one['id']}` {one['allowing']}")
            if one["discarding"] is not None:
                say(f"  `syncd guard discard {one['id']}` {one['discarding']}")
            for key in one["keys"]:
                say(f"  {key}")
    return Code.OPEN if found else Code.DONE


@guard.command("allow")
def allow(
    stopped: Annotated[str, typer.Argument(metavar="ID")],
    right: Annotated[str | None, typer.Option(help="After a restored backup: the side to believe.")] = None,
) -> int:
    """Let exactly the listed records through.

    Examples: `syncd guard allow 9c1e` · after a restored backup `syncd guard allow 9c1e --right espocrm`
    """

    async def asking(desk: Desk) -> Asked:
        return await desk.allow(stopped, right)

    say(at_desk(asking).text)
    return Code.DONE


@guard.command("discard")
def discard(stopped: Annotated[str, typer.Argument(metavar="ID")]) -> int:
    """Throw away what was stopped; `syncd guard show` says what that means.

    Example: `syncd guard discard 9c1e`
    """

    async def asking(desk: Desk) -> Asked:
        return await desk.discard(stopped)

    say(at_desk(asking).text)
    return Code.DONE


# --- pause ------------------------------------------------------------------------------------


def pause(
    entity: Entity = None,
    side: Side = None,
    why: Annotated[str, typer.Option(help="Shown to whoever looks.")] = "by a person",
) -> int:
    """Stop writing: everything, an entity, or towards one side. Looking goes on.

    Example: `syncd pause --side advoware --why "maintenance until noon"`
    """

    async def asking(desk: Desk) -> Asked:
        return await desk.pause(entity, side, why)

    say(at_desk(asking).text)
    return Code.DONE


def resume(entity: Entity = None, side: Side = None) -> int:
    """End a pause; what waited for it goes on.

    Example: `syncd resume --side advoware`
    """

    async def asking(desk: Desk) -> Asked:
        return await desk.resume(entity, side)

    say(at_desk(asking).text)
    return Code.DONE


# --- taking part ------------------------------------------------------------------------------


def exclude(keys: output.Keys) -> int:
    """Take records out of the sync. Nothing is changed on either side; `syncd erase` may follow.

    Example: `syncd exclude betnr:1234`
    """

    async def asking(desk: Desk) -> list[str]:
        return [(await desk.exclude(await desk.find(text))).text for text in keys]

    for line in at_desk(asking):
        say(line)
    return Code.DONE


def include(keys: output.Keys) -> int:
    """Let excluded records take part again; who belongs to them is checked anew.

    Example: `syncd include betnr:1234`
    """

    async def asking(desk: Desk) -> list[str]:
        return [(await desk.include(await desk.find(text))).text for text in keys]

    for line in at_desk(asking):
        say(line)
    return Code.DONE

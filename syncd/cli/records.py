"""`syncd plan`, `sync`, `retry`, `export`, `erase`: certain records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer

from syncd.cli import output
from syncd.cli.desk import at_terminal
from syncd.cli.output import Code, UsageError, say, table, value


def add(app: typer.Typer) -> None:
    """Register the commands of this module."""
    for command in (plan, sync, retry, export, erase):
        app.command()(command)


Status = Annotated[str | None, typer.Option("--status", help="All records that show this syncStatus.")]


def plan(keys: output.Keys, as_json: output.AsJson = False) -> int:
    """What would be done with records now. Reads both sides, writes nothing.

    Phones, faxes and e-mails are told one by one; after a write the rest is planned anew.
    Exit code 1 if something would wait for a person.

    Example: `syncd plan betnr:1234`
    """
    from syncd.app import entities
    from syncd.commands import Desk
    from syncd.rehearsal import Rehearsed, document, rehearse
    from syncd.runtime import opened

    settings = output.settings()
    mapping = output.mapping(settings)

    async def planning() -> list[Rehearsed]:
        async with opened(settings, mapping) as runtime:
            app = runtime.app
            await app.look()
            desk = Desk(runtime.ledger, app.entities(), runtime.clock.now)
            wanted = [await desk.find(text) for text in keys]
            return [await rehearse(app.contexts[key.partition("/")[0]], key) for key in wanted]

    plans = output.work(planning())
    known = entities(settings, mapping)
    documents = [document(known[one.entity], one, settings.syncd_language) for one in plans]
    if as_json:
        output.show_json(documents)
    else:
        for planned in documents:
            _print_plan(planned)
    return Code.OPEN if any(one.waits_for_person for one in plans) else Code.DONE


def _print_plan(document: Mapping[str, Any]) -> None:
    say(f"{document['key']}")
    if not document["takes_part"]:
        say("  does not take part yet; `syncd sync` would let it in")
    if document["busy"]:
        say("  a job is working on it right now")
    if [action["do"] for action in document["actions"]] in ([], ["settle"]):
        say("  nothing to write but, where it differs, the status")
    for action in document["actions"]:
        for line in plan_lines(action):
            say(f"  {line}")


def plan_lines(action: Mapping[str, Any]) -> Sequence[str]:
    """One action of a plan, for people."""
    match action["do"]:
        case "create":
            return ["create in Advoware:", *_writes(action)]
        case "update":
            more = ["  more entries of these lists follow"] if action["partial"] else []
            return [f"write to {action['side']}:", *_writes(action), *(f"  {said}" for said in action["words"]), *more]
        case "write_entry":
            return [f"write to advoware, {action['list']}: {action['words']}"]
        case "wait":
            said = "no answer came when these were added, and nothing is sent until it is certain"
            return [f"{said}: {', '.join(action['entries'])}"]
        case "link":
            return [f"link with no. {action['advoware_id']} in Advoware ({action['trust']})"]
        case "agree":
            gone = [name for name, base in action["entries"].items() if base is None]
            same = [*action["fields"], *(name for name in action["entries"] if name not in gone)]
            agreed = [f"both sides agree: {', '.join(same)}"] if same or not gone else []
            return [*agreed, *([f"gone from both sides: {', '.join(gone)}"] if gone else [])]
        case "keep":
            both = f"espocrm {value(action['espo'])} · advoware {value(action['advoware'])}"
            return [f"changed on both sides, {action['winner']} wins, the other is kept: {action['field']}: {both}"]
        case "dispute":
            both = f"espocrm {value(action['espo'])} · advoware {value(action['advoware'])}"
            return [f"a person must choose: {action['field']}: {both}"]
        case "ask":
            return [f"a person must type into Advoware: {action['field']}: {value(action['value'])}"]
        case "quarantine":
            return [f"not sent to {action['side']} ({action['reason']}): {action['field']}: {value(action['value'])}"]
        case "hold":
            return [f"held ({action['reason']}): {action['notice']}"]
        case "settle":
            return [f"status {action['status']}", *(f"  {notice}" for notice in action["notices"])]
        case "bear":
            return [f"create in EspoCRM: {action['words']}"]
        case "retire":
            return [f"no longer the same as {action['words']} in Advoware: a person is asked to remove that there"]
        case "ignore":
            return ["nothing: it does not take part"]
        case "vanished":
            return ["EspoCRM does not have it: believed after a complete listing"]
        case "bury":
            return ["deleted in EspoCRM: remembered as such, nothing is deleted in Advoware"]
        case "missed":
            return ["not found in Advoware: looked at again before it is believed"]
        case other:
            return [str(other)]


def _writes(action: Mapping[str, Any]) -> list[str]:
    return [f"  {one['field']}: {value(one['before'])} → {value(one['after'])}" for one in action["writes"]]


def sync(
    keys: Annotated[list[str] | None, typer.Argument(metavar="[KEY]...", help="EspoCRM id, or betnr:1234.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="All records that take part.")] = False,
    status: Status = None,
    as_json: output.AsJson = False,
) -> int:
    """Sync records now, in this process. A record named here takes part from now on.

    A running daemon is no hindrance: each record is done by one of the two.
    Exit code 1 if a record failed or waits for a person.

    Examples: `syncd sync betnr:1234` · `syncd sync --status failed`
    """
    from syncd.cli.progress import bar
    from syncd.passes import Done, chosen, work_on
    from syncd.runtime import opened

    if sum((bool(keys), everything, status is not None)) != 1:
        raise UsageError("give KEYs, --all or --status")
    settings = output.settings()
    mapping = output.mapping(settings)

    async def syncing() -> tuple[list[Done], str | None]:
        async with opened(settings, mapping) as runtime:
            await runtime.app.open()
            wanted = await chosen(runtime.app, keys or (), status, at_terminal())
            async with runtime.app.as_run("sync") as run:
                with bar("syncing") as progress:
                    done = await work_on(runtime.app, wanted, progress)
            return done, run.told

    done, run = output.work(syncing())
    if as_json:
        output.show_json([one.told() for one in done])
    else:
        shown = done if keys else [one for one in done if one.open]
        table(
            ("record", "job", "status", "what to do"), ((d.key, d.ended or "daemon", d.status, d.text) for d in shown)
        )
        if not keys:
            say(f"{len(done)} records, {len(shown)} of them not clean")
        if run is not None:
            say(f"run {run}: `syncd runs show {run}` tells what was written")
    return Code.OPEN if any(one.open for one in done) else Code.DONE


def retry(
    keys: Annotated[list[str] | None, typer.Argument(metavar="[KEY]...", help="EspoCRM id, or betnr:1234.")] = None,
    status: Status = None,
) -> int:
    """Try records again now, as if they had never failed. The daemon does it, or the next `syncd run`.

    Example: `syncd retry --status permanently_failed`
    """
    from syncd.cli.desk import at_desk
    from syncd.commands import Asked, Desk

    if bool(keys) == (status is not None):
        raise UsageError("give KEYs or --status")

    async def asking(desk: Desk) -> Asked:
        if status is not None:
            return await desk.retry_status(status)
        return await desk.retry([await desk.find(text) for text in keys or ()])

    say(at_desk(asking).text)
    return Code.DONE


def export(key: output.Key) -> int:
    """All that is stored about a record, as JSON: for a person who asks what is known of him.

    Example: `syncd export betnr:1234 > answer.json`
    """
    from syncd import inspect
    from syncd.cli.desk import at_desk
    from syncd.commands import Desk, NotKnown

    async def looking(desk: Desk) -> dict[str, Any]:
        found_key = await desk.find(key)
        found = await inspect.export(desk.ledger, found_key)
        if not found:
            raise NotKnown(f"nothing is stored about {found_key}")
        return {"key": found_key, **found}

    output.show_json(at_desk(looking))
    return Code.DONE


def erase(key: output.Key) -> int:
    """Remove a record from ledger and history. Refused while it takes part: exclude or delete it first.

    Example: `syncd erase 691fbd9e243ebc357`
    """
    from syncd.cli.desk import at_desk
    from syncd.commands import Desk

    async def erasing(desk: Desk) -> str:
        found_key = await desk.find(key)
        return (await desk.erase(found_key)).told(found_key)

    say(at_desk(erasing))
    return Code.DONE

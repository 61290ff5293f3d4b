"""`syncd locks`, `queue`, `config`, `db`, `webhooks`, `demo`, `sandbox`: looking after the installation."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

import config
from syncd.cli import output
from syncd.cli.output import Code, UsageError, say, table, when

if TYPE_CHECKING:
    from syncd.commands import Desk
    from syncd.keeper import Keeper
    from syncd.runtime import Runtime

T = TypeVar("T")

locks = typer.Typer(help="Who works on which record.", invoke_without_command=True)
queue = typer.Typer(help="What waits to be worked on.", invoke_without_command=True)
configuration = typer.Typer(help="Settings: where each comes from, and whether they are usable.", no_args_is_help=True)
database = typer.Typer(help="The ledger.", no_args_is_help=True)
webhooks = typer.Typer(help="EspoCRM's webhooks towards this daemon.", invoke_without_command=True)

Limit = Annotated[int, typer.Option(min=1, max=10_000, help="Rows at most.")]


def add(app: typer.Typer) -> None:
    """Register the commands of this module."""
    app.add_typer(locks, name="locks")
    app.add_typer(queue, name="queue")
    app.add_typer(webhooks, name="webhooks")
    app.add_typer(configuration, name="config")
    app.add_typer(database, name="db")
    app.command()(demo)
    app.command()(sandbox)


def _with_redis(todo: Callable[[Keeper, Desk], Awaitable[T]]) -> T:
    """Run something over ledger and Redis; neither system is called."""
    from syncd.commands import Desk
    from syncd.keeper import Keeper
    from syncd.runtime import check_ledger_exists, opened

    settings = output.ledger_settings()
    check_ledger_exists(settings)
    mapping = output.mapping(settings)

    async def running() -> T:
        async with opened(settings, mapping) as runtime:
            keeper = Keeper(runtime.ledger, runtime.queue, runtime.clock.now)
            return await todo(keeper, Desk(runtime.ledger, runtime.app.entities(), runtime.clock.now))

    return output.work(running())


# --- locks ------------------------------------------------------------------------------------


@locks.callback()
def _locks(context: typer.Context) -> int | None:
    return None if context.invoked_subcommand else list_locks()


@locks.command("list")
def list_locks(as_json: output.AsJson = False) -> int:
    """Who works on what: leases in Redis and claims in the ledger, with host and process, and whether it is there.

    A worker renews them as long as it lives. What ran out belonged to a process that died, or is stuck.
    """

    async def looking(keeper: Keeper, _: Desk) -> dict[str, Any]:
        return await keeper.locks()

    found = _with_redis(looking)
    if as_json:
        output.show_json(found)
        return Code.DONE
    if not any(found.values()):
        say("nobody works on anything")
    rows = [
        ("lease", one["key"], one["owner"], when(one["since"]), when(one["ends_at"]), one["alive"])
        for one in found["leases"]
    ]
    rows += [
        ("claim", one["key"], one["claimed_by"], "", when(one["claimed_until"]), one["alive"])
        for one in found["claims"]
    ]
    table(("kind", "record", "host:process", "since", "until, unless renewed", "alive?"), rows)
    return Code.DONE


@locks.command("clear")
def clear_locks(
    key: Annotated[str | None, typer.Argument(metavar="[KEY]", help="EspoCRM id, or betnr:1234.")] = None,
    stale: Annotated[bool, typer.Option("--stale", help="All that have run out, of dead processes.")] = False,
) -> int:
    """End a lease, so that the record is taken again. The claim in the ledger ends by itself within its lease time.

    With --stale leases and claims that have run out: their records are looked at again at once.

    Examples: `syncd locks clear --stale` · `syncd locks clear betnr:1234`
    """
    if stale == (key is not None):
        raise UsageError("give KEY or --stale")

    async def clearing(keeper: Keeper, desk: Desk) -> str:
        return await keeper.end_stale() if key is None else await keeper.end(await desk.find(key))

    say(_with_redis(clearing))
    return Code.DONE


# --- queue ------------------------------------------------------------------------------------


@queue.callback()
def _queue(context: typer.Context) -> int | None:
    return None if context.invoked_subcommand else list_queue()


@queue.command("list")
def list_queue(limit: Limit = 100, as_json: output.AsJson = False) -> int:
    """Waiting work in the order in which it is taken: why, since when, who is at it; `held` by a pause or guard."""
    from syncd import inspect
    from syncd.cli.desk import at_desk

    async def looking(desk: Desk) -> list[dict[str, Any]]:
        return await inspect.waiting(desk.ledger, limit)

    found = at_desk(looking)
    if as_json:
        output.show_json(found)
        return Code.DONE
    if not found:
        say("nothing waits")
    columns = ("record", "lane", "cause", "since", "due", "held by", "run", "worked on by")
    rows = (
        (
            one["key"], one["lane"], one["cause"], when(one["since"]), when(one["due_at"]), one["held"], one["run"],
            one["claimed_by"],
        )
        for one in found
    )  # fmt: skip
    table(columns, rows)
    return Code.DONE


@queue.command("drop")
def drop(key: output.Key) -> int:
    """Forget that a record waits. The next poll or look round finds it again if the sides differ."""

    async def dropping(keeper: Keeper, desk: Desk) -> str:
        return await keeper.drop(await desk.find(key))

    say(_with_redis(dropping))
    return Code.DONE


# --- config, db -------------------------------------------------------------------------------


@configuration.command("show")
def show_config(as_json: output.AsJson = False) -> int:
    """Every setting, secrets masked, with where it comes from."""
    shown = config.describe(output.ledger_settings())
    if as_json:
        output.show_json({one.name: {"value": one.value, "origin": one.origin} for one in shown})
    else:
        table(("setting", "value", "from"), ((one.name, one.value, one.origin) for one in shown))
    return Code.DONE


@configuration.command("check")
def check_config() -> int:
    """Whether settings and syncd.toml can be used. Calls nobody; `syncd doctor` does."""
    found = output.mapping(output.settings())
    say(f"the settings can be used; {found.path or 'no syncd.toml: the defaults hold'}")
    return Code.DONE


@configuration.command("password")
def hash_password() -> int:
    """Ask for a password and print its hash, for SYNCD_UI_USERS. Neither is kept.

    Without a terminal the password is the first line of standard input.

    Example: a line of the file of users is `anna:decide:HASH`.
    """
    from syncd.commands import Refusal
    from syncd.ui.users import LONGEST_PASSWORD, SHORTEST_PASSWORD, hashed

    if sys.stdin.isatty():
        password = str(typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True))
    else:
        password = sys.stdin.readline().rstrip("\r\n")
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise Refusal(f"a password has {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters")
    say(hashed(password))
    return Code.DONE


@database.command("upgrade")
def upgrade_database() -> int:
    """Bring the ledger to this program's form. On PostgreSQL stop all daemons first."""
    from syncd.ledger.upgrade import upgrade
    from syncd.runtime import ledger_url, make_state_dir

    settings = output.ledger_settings()
    make_state_dir(settings)
    applied = upgrade(ledger_url(settings))
    say(f"applied: {', '.join(applied)}" if applied else "the ledger is up to date")
    return Code.DONE


# --- webhooks -------------------------------------------------------------------------------------


@webhooks.callback()
def _webhooks(context: typer.Context) -> int | None:
    return None if context.invoked_subcommand else list_webhooks()


def _with_espocrm(todo: Callable[[Runtime], Awaitable[T]]) -> T:
    from syncd.runtime import opened

    settings = output.settings()
    mapping = output.mapping(settings)

    async def running() -> T:
        async with opened(settings, mapping) as runtime:
            return await todo(runtime)

    return output.work(running())


@webhooks.command("list")
def list_webhooks(as_json: output.AsJson = False) -> int:
    """Every webhook of our user in EspoCRM."""
    from syncd.webhooks import Known, listed

    async def looking(runtime: Runtime) -> list[Known]:
        configured = runtime.app.settings.espocrm_webhook_secrets
        return await listed(runtime.app.espo, runtime.ledger, configured)

    found = _with_espocrm(looking)
    if as_json:
        output.show_json(found)
        return Code.DONE
    if not found:
        say("none; `syncd webhooks register` makes them")
    table(
        ("id", "event", "address", "active", "without own", "secret known"),
        ((o.id, o.event, o.url, *map(_yes, (o.active, o.skips_own, o.secret_known))) for o in found),
    )
    return Code.DONE


@webhooks.command("register")
def register_webhooks(
    url: Annotated[
        str | None,
        typer.Option(
            help="Address under which EspoCRM reaches this daemon, as https://sync.firm.example; else SYNCD_PUBLIC_URL."
        ),
    ] = None,
) -> int:
    """Make or mend the create, update and delete webhooks, and keep their secrets. May be repeated.

    Missing ones are made, moved ones get the address, doubles are removed, switched off ones switched on.

    Example: `syncd webhooks register --url https://sync.firm.example`
    """
    from syncd.webhooks import register

    async def registering(runtime: Runtime) -> list[str]:
        base = url or runtime.app.settings.public_url
        return await register(runtime.app.espo, runtime.ledger, runtime.app.entities().values(), base)

    if url is not None and not url.startswith(("http://", "https://")):
        raise UsageError("--url must begin with http:// or https://")
    for line in _with_espocrm(registering):
        say(line)
    return Code.DONE


@webhooks.command("check")
def check_webhooks(as_json: output.AsJson = False) -> int:
    """Whether each webhook is there once, active, checkable, and leads to SYNCD_PUBLIC_URL if that is set.

    Exit code 1 if one does not; `syncd webhooks register` mends it.
    """
    from syncd.webhooks import Verdict, judge, listed, wanted

    async def checking(runtime: Runtime) -> list[Verdict]:
        configured = runtime.app.settings.espocrm_webhook_secrets
        known = await listed(runtime.app.espo, runtime.ledger, configured)
        base = runtime.app.settings.syncd_public_url
        return judge(wanted(runtime.app.entities().values()), known, base)

    verdicts = _with_espocrm(checking)
    if as_json:
        output.show_json(verdicts)
    else:
        table(("event", "found"), ((one.event, one.wrong or "as it should be") for one in verdicts))
    return Code.OPEN if any(one.wrong for one in verdicts) else Code.DONE


def _yes(wanted: bool) -> str:
    return "yes" if wanted else "no"


# --- demo, sandbox ----------------------------------------------------------------------------


def demo(
    seconds: Annotated[float, typer.Option(min=5, help="How long people edit.")] = 60.0,
    records: Annotated[int, typer.Option(min=40, help="Linked records to begin with.")] = 200,
    seed: Annotated[int, typer.Option(help="Another number, another story.")] = 1,
    keep: Annotated[bool, typer.Option("--keep", help="Leave everything running at the end, to look around.")] = False,
) -> int:
    """Two stand-in systems, the real daemon, people who edit, and an honest check at the end. Needs no settings."""
    from syncd.sandbox.demo import Options, main

    return output.work(main(Options(keep=keep, seconds=seconds, records=records, seed=seed)))


def sandbox(
    espocrm_port: Annotated[int, typer.Option(min=0, max=65535, help="0 = any free one.")] = 0,
    advoware_port: Annotated[int, typer.Option(min=0, max=65535, help="0 = any free one.")] = 0,
    records: Annotated[int, typer.Option(min=0, help="Linked records to begin with.")] = 0,
    bare: Annotated[bool, typer.Option("--bare", help="An EspoCRM nobody has set up yet; without records.")] = False,
) -> int:
    """Only the stand-in servers of EspoCRM and Advoware, until Ctrl-C. The first line is JSON with their addresses."""
    from syncd.sandbox.server import main

    ports = [f"--espocrm-port={espocrm_port}", f"--advoware-port={advoware_port}", f"--seed-records={records}"]
    main([*ports, *(["--bare"] if bare else [])])
    return Code.DONE

"""`syncd setup`: makes in EspoCRM what the daemon needs. Parses, asks, prints."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

import config
from syncd.cli import output
from syncd.cli.output import Code, UsageError, say, table

if TYPE_CHECKING:
    from services.espocrm import Login
    from syncd.setup.run import Looked
    from syncd.setup.steps import Left

T = TypeVar("T")
_USER = re.compile(r"[A-Za-z0-9._@-]{1,50}")

setup = typer.Typer(help="Make what the daemon needs.", no_args_is_help=True)


def add(app: typer.Typer) -> None:
    """Register the commands of this module."""
    app.add_typer(setup, name="setup")


@setup.callback()
def _setup() -> None:
    """Keep `espocrm` a command of its own while it is the only one."""


@setup.command("espocrm")
def espocrm(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be done.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do it without asking.")] = False,
    user: Annotated[
        str | None, typer.Option(help="Name of the API user; else the one of ESPOCRM_API_KEY, else syncd.")
    ] = None,
    url: Annotated[
        str | None, typer.Option(help="Address under which EspoCRM reaches the daemon; else SYNCD_PUBLIC_URL.")
    ] = None,
    new_key: Annotated[
        bool, typer.Option("--new-key", help="Make a new key for the API user. The old one is void at once.")
    ] = False,
    key_file: Annotated[
        Path | None, typer.Option(help="Write a new key into this file instead of showing it. Never overwrites.")
    ] = None,
) -> int:
    """Make or complete in EspoCRM: entity, fields, labels, layouts, status formula, role, API user, webhooks.

    Shows first what will be done, and asks. What the firm has is kept; a second run finds nothing to do. An
    administrator's login is asked for, or taken from ESPOCRM_ADMIN_USER and ESPOCRM_ADMIN_PASSWORD; it is not kept.
    Of the settings only ESPOCRM_API_BASE_URL is needed. Exit code 1 if something is left for a person.

    Examples: `syncd setup espocrm --dry-run` · `syncd setup espocrm --url https://sync.firm.example`
    """
    from syncd.app import entities
    from syncd.setup.run import Options, Talk, run

    if url is not None and not url.startswith(("http://", "https://")):
        raise UsageError("--url must begin with http:// or https://")
    if user is not None and not _USER.fullmatch(user):
        raise UsageError("--user must be a name of letters, digits and . _ - @")
    settings = output.settings(required=("ESPOCRM_API_BASE_URL",))
    known = entities(settings, output.mapping(settings))
    options = Options(_login(settings), user, url, new_key)
    with _Asking(dry_run, yes, key_file) as asking:
        talk = Talk(asking.agreed, lambda step: say(f"done: {step.where}: {step.what}"), asking.keep_key)
        left = output.work(_told(run(settings, known, options, talk)))
    if asking.went_on:
        say("All is done." if not left else "All is done, but:")
        _show(left)
    return Code.OPEN if asking.declined or any(one.grade == "fail" for one in left) else Code.DONE


async def _told(todo: Coroutine[Any, Any, T]) -> T:
    """A step that could not be done, as a line for people."""
    from services.errors import Denied, Refused
    from syncd.commands import Refusal
    from syncd.setup.carry_out import Stopped

    try:
        return await todo
    except Stopped as stopped:
        line = f"stopped at {stopped}; what came before is done, run this again to go on"
        raise (Refusal if isinstance(stopped.error, Denied | Refused) else output.Unreachable)(line) from None


def _login(settings: config.Settings) -> Login:
    from services.espocrm import Login
    from syncd.commands import Refusal

    user, password = settings.espocrm_admin_user, settings.espocrm_admin_password.get_secret_value()
    if not (user and password) and not sys.stdin.isatty():
        raise Refusal("who logs in? set ESPOCRM_ADMIN_USER and ESPOCRM_ADMIN_PASSWORD, or run this on a terminal")
    user = user or typer.prompt("Administrator of EspoCRM")
    return Login(user, password or typer.prompt(f"Password of {user}", hide_input=True))


class _Asking:
    """Shows the plan and asks; keeps a fresh key as the administrator wants it kept."""

    def __init__(self, dry_run: bool, yes: bool, key_file: Path | None) -> None:
        self.went_on = False
        self.declined = False
        self._dry_run, self._yes, self._key_file = dry_run, yes, key_file
        self._reserved: int | None = None

    def __enter__(self) -> _Asking:
        return self

    def __exit__(self, *_: object) -> None:
        if self._reserved is not None and self._key_file is not None:
            os.close(self._reserved)
            self._key_file.unlink(missing_ok=True)  # no key came to be written into it

    def agreed(self, found: Looked) -> bool:
        """Whether to go on."""
        from syncd.commands import Refusal
        from syncd.setup.steps import MakeUser, NewKey

        steps = found.plan.steps
        say(f"EspoCRM {found.version}, API user {found.user}" + ("" if steps else ": nothing to do"))
        table(("where", "what", "now", "will be"), ((one.where, one.what, one.now, one.wanted) for one in steps))
        if not steps or self._dry_run:
            _show(found.plan.left)
        say("What no program can set in EspoCRM, to be done by hand (details: docs/ESPOCRM_SETUP.md):")
        for line in found.by_hand:
            say(f"  {line}")
        if not steps or self._dry_run:
            return False
        if not self._yes:
            if not sys.stdin.isatty():
                raise Refusal("not done: there is no terminal to ask on; say --yes, or --dry-run to see this only")
            if not typer.confirm(f"Do these {len(steps)} things?"):
                self.declined = True
                return False
        if any(isinstance(one.action, MakeUser | NewKey) for one in steps):
            self._reserve()
        self.went_on = True
        return True

    def _reserve(self) -> None:
        """Make sure the key can be written before there is one: EspoCRM tells it only once."""
        from syncd.commands import Refusal

        if self._key_file is None:
            return
        try:
            self._reserved = os.open(self._key_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            raise Refusal(f"{self._key_file} exists and is not overwritten: name another --key-file") from None
        except OSError as error:
            raise Refusal(f"{self._key_file} cannot be made ({error.strerror}): name another --key-file") from None

    def keep_key(self, key: str) -> None:
        """Write or show a fresh key."""
        if self._reserved is None:
            say("The key of the API user, shown this once; put this line into the settings:")
            say(f"ESPOCRM_API_KEY={key}")
            return
        with os.fdopen(self._reserved, "w") as file:
            file.write(f"{key}\n")
        self._reserved = None
        say(f"the key of the API user is in {self._key_file}; it is ESPOCRM_API_KEY, or a credential of that name")


def _show(findings: Sequence[Left]) -> None:
    columns = ("", "what", "found", "what to do")
    table(columns, ((one.grade.upper(), one.name, one.seen, one.todo) for one in findings))

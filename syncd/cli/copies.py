"""`syncd backup`, `restore`: copies of the ledger."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import config
from syncd.cli import output
from syncd.cli.output import Code, say, when

BY_SERVER = "the ledger is in PostgreSQL: use pg_dump and pg_restore, see docs/DEPLOYMENT.md"


def add(app: typer.Typer) -> None:
    """Register the commands of this module."""
    app.command()(backup)
    app.command()(restore)


def _file(settings: config.Settings) -> Path:
    from syncd.commands import Refusal
    from syncd.runtime import ledger_file

    file = ledger_file(settings)
    if file is None:
        raise Refusal(BY_SERVER)
    return file


def backup(file: Annotated[Path, typer.Argument(metavar="FILE", help="The new file.")]) -> int:
    """A copy of the ledger, taken while the daemon works. The file must not exist; only its owner may read it.

    Only for SQLite. A ledger in PostgreSQL is copied by `pg_dump`.

    Example: `syncd backup /var/lib/syncd/monday.db`
    """
    from syncd.ledger.backup import save
    from syncd.runtime import check_ledger_exists

    settings = output.ledger_settings()
    ledger = _file(settings)
    check_ledger_exists(settings)
    size = save(ledger, file)
    say(f"{file}: {size / 1024:.0f} kB")
    return Code.DONE


def restore(file: Annotated[Path, typer.Argument(metavar="FILE", help="What `syncd backup` has made.")]) -> int:
    """Put a copy of the ledger back. Stop the daemon first; the ledger that was there is kept beside it.

    Records synced since the copy was taken are recognised and held, until a person says which side is right:
    `syncd guard`. Nothing is written by this command in either system.

    Example: `syncd restore /var/lib/syncd/monday.db`
    """
    from syncd.app import identity
    from syncd.clock import SystemClock
    from syncd.ledger.backup import restore as put_back
    from syncd.runtime import make_state_dir

    settings = output.settings()
    ledger = _file(settings)
    make_state_dir(settings)
    done = put_back(file, ledger, identity(settings), SystemClock().now())
    say(f"{ledger}: {done.pairs} records, as of {when(done.of) or 'a time unknown'}")
    if done.kept is not None:
        say(f"the ledger that was there: {done.kept}")
    say("start the daemon now; records synced since then are held: `syncd guard`")
    return Code.DONE

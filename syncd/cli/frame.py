"""What surrounds every command: global options, and how failures are told. Knows each command only by its module."""

from __future__ import annotations

import asyncio
import io
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from syncd import __version__
from syncd.cli import (
    alarms,
    contact,
    copies,
    daemon,
    doctor,
    fill,
    looking,
    past,
    people,
    records,
    setup,
    undoing,
    upkeep,
)
from syncd.cli.output import OPTIONS, Code, UsageError, complain, quiet

EPILOG = "Settings come from the environment and .env; `syncd config show` lists them, `syncd doctor` checks them."

INTERRUPTED = 130  # typer answers Ctrl-C with it, as a shell would

app = typer.Typer(
    name="syncd",
    help="Keeps the Beteiligte of EspoCRM and Advoware the same, in both directions.",
    epilog=EPILOG,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)

for module in (daemon, records, looking, past, contact, fill, people, undoing, doctor, setup, upkeep, alarms, copies):
    module.add(app)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"syncd {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    debug: Annotated[bool, typer.Option("--debug", help="Log everything, and show the trace of a failure.")] = False,
    _version: Annotated[
        bool, typer.Option("--version", help="Show the version.", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    OPTIONS.debug = debug
    quiet()


def run(arguments: Sequence[str]) -> int:
    """Run one command; returns the exit code."""
    return run_as("syncd", app, arguments)


def _is_text(argument: str) -> bool:
    """False where bytes came that are none: Python hands them on as half surrogate pairs."""
    return not any("\ud800" <= letter <= "\udfff" for letter in argument)


def run_as(name: str, program: typer.Typer, arguments: Sequence[str]) -> int:
    """Run a program of this name, telling its failures as all our commands do; returns the exit code."""
    OPTIONS.debug = False
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a value may hold what no encoding can show
    try:
        if any(not _is_text(one) for one in arguments):
            raise UsageError("an argument is not UTF-8 text")
        code = int(program(args=list(arguments), prog_name=name, standalone_mode=False) or Code.DONE)
    except (KeyboardInterrupt, typer.Abort, asyncio.CancelledError):
        code = INTERRUPTED
    except BrokenPipeError:
        sys.stderr.close()  # the reader went away; the interpreter would complain while closing stdout
        return Code.DONE
    except Exception as error:
        if OPTIONS.debug:
            raise
        return complain(error)
    if code == INTERRUPTED:
        sys.stderr.write("error: interrupted; what was begun is finished by the next run\n")
    return code

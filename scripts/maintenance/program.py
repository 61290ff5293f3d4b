"""What surrounds every maintenance script: its options, settings, error lines and exit codes, as the command's are."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

import typer

import config
from syncd.cli import output
from syncd.cli.frame import run_as
from syncd.cli.output import OPTIONS, say
from syncd.private import private_from_now_on
from syncd.runtime import Runtime, check_ledger_current, opened

T = TypeVar("T")


def _debug(wanted: bool) -> None:
    OPTIONS.debug = wanted
    output.quiet()


Apply = Annotated[bool, typer.Option("--apply", help="Do it. Without, only tell what would be done.")]
Debug = Annotated[
    bool,
    typer.Option("--debug", callback=_debug, is_eager=True, help="Log everything, and show the trace of a failure."),
]


def main(script: Callable[..., int]) -> None:
    """Run a script with the arguments of this process, and end it with the exit code."""
    private_from_now_on()
    sys.exit(run(script, sys.argv[1:]))


def run(script: Callable[..., int], arguments: list[str]) -> int:
    """Run a script; returns the exit code."""
    program = typer.Typer(
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode="markdown",
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    program.command()(script)
    return run_as(f"python -m scripts.maintenance.{script.__name__}", program, arguments)


def with_redis(todo: Callable[[Runtime], Awaitable[T]]) -> T:
    """Run something over ledger and Redis; neither system is called."""
    return _over(output.ledger_settings(), todo)


def with_systems(todo: Callable[[Runtime], Awaitable[T]]) -> T:
    """Run something that may call both systems; refused where the ledger belongs to another installation."""

    async def looked(runtime: Runtime) -> T:
        await runtime.app.look()
        return await todo(runtime)

    return _over(output.settings(), looked)


def _over(settings: config.Settings, todo: Callable[[Runtime], Awaitable[T]]) -> T:
    check_ledger_current(settings)
    mapping = output.mapping(settings)

    async def running() -> T:
        async with opened(settings, mapping) as runtime:
            return await todo(runtime)

    return output.work(running())


def say_dry() -> None:
    """Tell that nothing was changed."""
    say("nothing was changed; --apply does it")

"""How commands read settings, print results and tell failures. Knows no command."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Coroutine, Iterable, Mapping, Sequence
from dataclasses import asdict, is_dataclass
from datetime import datetime
from enum import IntEnum
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

import typer

import config

if TYPE_CHECKING:
    from rich.console import Console

T = TypeVar("T")

OPTIONS = SimpleNamespace(debug=False)  # the global options of the one command this process runs

UsageError: type[Exception] = typer.BadParameter.__mro__[1]

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
Keys = Annotated[list[str], typer.Argument(metavar="KEY...", help="EspoCRM id, or betnr:1234.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
OneEntity = Annotated[str | None, typer.Option("--entity", help="Of which entity, where there are several.")]
Key = Annotated[str, typer.Argument(metavar="KEY", help="EspoCRM id, or betnr:1234.")]


class Code(IntEnum):
    """Exit codes."""

    DONE = 0
    OPEN = 1
    USAGE = 2
    UNREACHABLE = 3


class Unreachable(Exception):
    """Something needed does not answer; the text says what and what to do."""


# --- settings ---------------------------------------------------------------------------------


def settings(*, required: Iterable[str] = config.REQUIRED) -> config.Settings:
    """The settings of this command."""
    return config.load(required=tuple(required))


def ledger_settings() -> config.Settings:
    """Settings for commands that call neither system."""
    return settings(required=())


def mapping(found: config.Settings) -> config.Mapping:
    """The firm's syncd.toml."""
    from syncd.app import known_names

    return config.load_mapping(config.mapping_path(found), known_names())


def logs(form: Literal["json", "console"], level: str) -> None:
    """Log lines go to standard error."""
    from syncd.clock import SystemClock
    from syncd.logs import configure

    configure(form, "DEBUG" if OPTIONS.debug else level, now=SystemClock().now)


def quiet() -> None:
    """A command for people tells its failure in one line, and nothing else."""
    logs("console", "CRITICAL")


def full_logs(found: config.Settings) -> None:
    """What a service manager keeps."""
    logs(found.syncd_log_format, found.syncd_log_level)


def work(todo: Coroutine[Any, Any, T]) -> T:
    """Run a command's asynchronous part."""
    return asyncio.run(todo)


# --- results ----------------------------------------------------------------------------------


def say(text: str = "") -> None:
    """One line on standard output."""
    typer.echo(text)


def show_json(document: Any) -> None:
    """The one JSON document of a command."""
    typer.echo(json.dumps(document, ensure_ascii=False, indent=2, default=_plain))


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, set | frozenset):
        return sorted(value)
    return str(value)


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """A table on standard output; nothing where there are no rows."""
    from rich.table import Table
    from rich.text import Text

    shown = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        shown.add_column(column, overflow="fold")
    for row in rows:
        shown.add_row(*(Text("" if cell is None else str(cell)) for cell in row))
    if shown.row_count:
        console().print(shown)


def console() -> Console:
    """Where tables are printed. Wide enough for a pipe: a table cut to 80 columns is no use to grep."""
    from rich.console import Console

    here = Console(highlight=False)
    return here if here.is_terminal else Console(highlight=False, width=200)


def when(seconds: float | None) -> str:
    """Epoch seconds as local time, for people."""
    return "" if seconds is None else datetime.fromtimestamp(seconds).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def ago(seconds: float | None, now: float) -> str:
    """How long ago, for people."""
    if seconds is None:
        return "never"
    age = max(0.0, now - seconds)
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if age >= 2 * size:
            return f"{age / size:.0f} {unit} ago"
    return f"{age:.0f} s ago"


def value(shown: object) -> str:
    """A field's value, for people."""
    return "–" if shown in (None, "") else str(shown)


# --- failures ---------------------------------------------------------------------------------


def complain(error: BaseException) -> int:
    """Say on standard error what went wrong and what to do; returns the exit code."""
    code, lines = explain(error)
    for line in lines:
        sys.stderr.write(f"error: {line}\n")
    return code


def explain(error: BaseException) -> tuple[Code, Sequence[str]]:
    """Exit code and lines for what a command raised."""
    from services.errors import Credentials, Denied, PeerError
    from syncd.commands import Refusal
    from syncd.ledger.store import LedgerUnavailable
    from syncd.ledger.upgrade import WrongRevision
    from syncd.listener import CannotListen
    from syncd.redis_client import RedisUnavailable
    from syncd.redis_server import RedisServerError
    from syncd.runtime import NoLedger

    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    match error:
        case config.ConfigError():
            return Code.USAGE, error.lines
        case _ if isinstance(error, UsageError):
            return Code.USAGE, [f"{_one_line(getattr(error, 'format_message', error.__str__)())} (see --help)"]
        case Refusal() | WrongRevision() | CannotListen():
            return Code.USAGE, [_one_line(str(error))]
        case Credentials():
            return Code.USAGE, [
                f"{error.side} refuses our login ({error.reason}): correct its settings, see `syncd doctor`"
            ]
        case Denied():
            return Code.USAGE, [f"{error.side} does not allow it ({error.reason}): see `syncd doctor`"]
        case PeerError():
            return Code.UNREACHABLE, [f"{error.side}: {error.reason}; try again later, or see `syncd doctor`"]
        case LedgerUnavailable():
            return Code.UNREACHABLE, [f"the ledger cannot be used ({_one_line(str(error))}): {error.todo}"]
        case RedisUnavailable():
            return Code.UNREACHABLE, [_one_line(str(error))]
        case Unreachable() | NoLedger() | RedisServerError():
            return Code.UNREACHABLE, [_one_line(str(error))]
        case _:
            what = f"unexpected {type(error).__name__}{_place(error)}"
            return Code.UNREACHABLE, [f"{what}: this is a bug; --debug shows the trace"]


def _place(error: BaseException) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return "" if trace is None else f" in {Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}"


def _one_line(text: str) -> str:
    return " ".join(text.split())

"""What may stand in a log line: names of events, ids, counts; never what a record or a secret contains.

A line is built from a list of allowed fields, so that a value nobody thought of cannot slip
through. Exceptions are shown by type and place only: the text of an HTTP or SQL error carries
addresses and parameters. Knows no event by name.
"""

from __future__ import annotations

import logging
import re
import sys
import threading
from collections.abc import Callable, Mapping, MutableMapping
from contextlib import suppress
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path
from traceback import walk_tb
from types import TracebackType
from typing import Any, Literal, TextIO, cast

import structlog

Event = MutableMapping[str, Any]

MAX_TEXT = 200
MAX_FRAMES = 25
MAX_CHAIN = 5
HIDDEN = "***"

_EVENT = re.compile(r"[a-z0-9_]+(\.[a-z0-9_]+)*\Z")
_WORD = re.compile(r"[\w.:/+\[\]-]{1,80}\Z", re.ASCII)
_NAME = re.compile(r"\w{1,40}\Z", re.ASCII)
_ADDRESS = re.compile(rf"://|@|\?\S{{0,{MAX_TEXT}}}=")  # what comes later is cut off anyway


def _word(value: Any) -> Any:
    """An id, a number, a name from a list of ours; anything with blanks is none."""
    if isinstance(value, Enum):
        value = value.value
    if value is None or isinstance(value, bool | int | float):
        return value
    return value if isinstance(value, str) and _WORD.match(value) else HIDDEN


def _words(value: Any) -> Any:
    return [_word(item) for item in value] if isinstance(value, list | tuple | set | frozenset) else _word(value)


def _sentence(value: Any) -> Any:
    """A sentence of ours: the errors' own rule is that it holds no values; an address is left out all the same."""
    if not isinstance(value, str):
        return _word(value)
    return HIDDEN if _ADDRESS.search(value) else value[:MAX_TEXT]


# Every field a log line may have. A field that is not here is dropped, and its name noted under `dropped`.
FIELDS: Mapping[str, Callable[[Any], Any]] = {
    **dict.fromkeys(
        (
            "action", "applied", "at", "attempt", "cause", "chore", "code", "count", "deliveries", "due", "ended",
            "entity", "fence", "guard", "held", "ids", "job", "key", "kind", "known", "lane", "logger", "message",
            "missing", "outcome", "owner", "pairs", "port", "reference", "released", "retries", "revision", "route",
            "scope", "seconds", "side", "signal", "state", "status", "tasks", "topic", "trust", "verb", "version",
            "wait", "webhook", "workers",
        ),
        _word,
    ),
    **dict.fromkeys(("actions", "fields", "keys", "reasons", "revisions"), _words),
    **dict.fromkeys(("effect", "error", "reason"), _sentence),
}  # fmt: skip


def configure(
    form: Literal["json", "console"],
    level: str,
    *,
    now: Callable[[], float],
    stream: TextIO | None = None,
) -> None:
    """Send all log lines of the process, our own and the libraries', to `stream` (standard error).

    `now` gives epoch seconds. May be called again, as when the level changes. uvicorn must be run with
    `log_config=None`, or it undoes this.
    """
    out = stream if stream is not None else sys.stderr
    renderer: Any = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if form == "json"
        else structlog.dev.ConsoleRenderer(colors=out.isatty(), event_key="event", sort_keys=False)
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            only_allowed(now),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level.lower()),
        logger_factory=structlog.WriteLoggerFactory(file=cast(TextIO, _Patient(out))),
        cache_logger_on_first_use=False,
    )
    _route_libraries()
    sys.excepthook = _crashed
    threading.excepthook = _thread_crashed
    sys.unraisablehook = _unraisable


def only_allowed(now: Callable[[], float]) -> Callable[[Any, str, Event], Event]:
    """The processor that builds a line anew from what may be in it."""

    def rebuild(_logger: Any, _method: str, event: Event) -> Event:
        name = event.pop("event", "")
        line: Event = {
            "time": datetime.fromtimestamp(now(), UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": event.pop("level", "info"),
            "event": name if isinstance(name, str) and _EVENT.match(name) else HIDDEN,
        }
        error = _error_of(event.pop("exc_info", None))
        dropped = []
        for field, value in event.items():
            if field in FIELDS:
                line[field] = FIELDS[field](value)
            else:
                dropped.append(field if _NAME.match(field) else HIDDEN)
        if dropped:
            line["dropped"] = sorted(dropped)
        if error is not None:
            line["trace"] = trace(error)
        return line

    return rebuild


def trace(error: BaseException) -> list[str]:
    """What went wrong where, innermost last: types and places in the code, no text and no values."""
    lines: list[str] = []
    seen: BaseException | None = error
    chain: list[BaseException] = []
    while seen is not None and seen not in chain and len(chain) < MAX_CHAIN:
        chain.append(seen)
        seen = seen.__cause__ or (None if seen.__suppress_context__ else seen.__context__)
    for one in reversed(chain):
        frames = [_place(frame.f_code.co_filename, line, frame.f_code.co_name) for frame, line in _frames(one)]
        lines += [*frames[-MAX_FRAMES:], _type(one)]
        if isinstance(one, BaseExceptionGroup):
            lines += [f"+ {_type(part)}" for part in one.exceptions[:MAX_CHAIN]]
    return lines


def _frames(error: BaseException) -> list[tuple[Any, int]]:
    return list(walk_tb(error.__traceback__))


def _type(error: BaseException) -> str:
    kind = type(error)
    return f"{kind.__module__}.{kind.__qualname__}" if kind.__module__ != "builtins" else kind.__qualname__


def _place(file: str, line: int, function: str) -> str:
    parts = Path(file).parts
    start = parts.index("site-packages") + 1 if "site-packages" in parts else max(0, len(parts) - 3)
    return f"{'/'.join(parts[start:])}:{line} {function}"


def _error_of(info: Any) -> BaseException | None:
    if isinstance(info, BaseException):
        return info
    if isinstance(info, tuple):
        return info[1] if len(info) > 1 and isinstance(info[1], BaseException) else None
    return sys.exc_info()[1] if info else None


class _Patient:
    """A stream that may refuse lines, as on a full disk: they are lost, and whoever speaks goes on with his work."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        with suppress(OSError, ValueError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(OSError, ValueError):
            self._stream.flush()


class _Libraries(logging.Handler):
    """Takes in what libraries log. Their texts may hold anything, so only who spoke, and where, is passed on."""

    def emit(self, record: logging.LogRecord) -> None:
        level = "error" if record.levelno >= logging.ERROR else "warning"
        say = getattr(structlog.get_logger(), level)
        place = _place(record.pathname, record.lineno, record.funcName or "")
        say("library.message", logger=record.name, at=place.replace(" ", ":"), exc_info=record.exc_info or None)


def _route_libraries() -> None:
    """One handler for all of the standard library's loggers, and nothing below a warning."""
    logging.raiseExceptions = False  # a failing handler would print the arguments it was given
    logging.captureWarnings(True)
    root = logging.getLogger()
    root.handlers[:] = [_Libraries()]
    root.setLevel(logging.WARNING)
    for name in ("httpx", "httpcore", "uvicorn", "uvicorn.access", "uvicorn.error", "apscheduler", "sqlalchemy",
                 "alembic", "asyncio", "py.warnings"):  # fmt: skip
        logger = logging.getLogger(name)
        logger.handlers[:] = []
        logger.propagate = True
        logger.setLevel(logging.WARNING)
    # That a chore takes longer than its period is no news: its next turn comes.
    logging.getLogger("apscheduler").setLevel(logging.ERROR)


def _crashed(kind: type[BaseException], error: BaseException, at: TracebackType | None) -> None:
    """The last words of the process, without values."""
    if issubclass(kind, KeyboardInterrupt):
        return
    structlog.get_logger().critical("process.crashed", exc_info=(kind, error, at))


def _thread_crashed(args: threading.ExceptHookArgs) -> None:
    structlog.get_logger().critical("thread.crashed", exc_info=args.exc_value)


def _unraisable(args: sys.UnraisableHookArgs) -> None:
    """What went wrong where nobody can be told, as in a finalizer; Python would print its text."""
    structlog.get_logger().error("process.unraisable", exc_info=args.exc_value)

"""No person's data and no secret reaches a log line, whoever writes it and however it goes wrong."""

from __future__ import annotations

import ast
import asyncio
import errno
import io
import json
import logging
import re
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import httpx
import pytest
import structlog
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

import services
from services.errors import Retryable
from syncd import logs
from tests import plain_logs

MARK = "Geheimmandant"
SECRET = "s3cr3t-Mandantenpasswort"
_SPEAKS = re.compile(r"log\.(debug|info|warning|error|exception|critical)$|.*\bbound_contextvars$|say$")


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    root, hook = logging.getLogger(), sys.excepthook
    handlers, level, raising = root.handlers[:], root.level, logging.raiseExceptions
    yield
    plain_logs.restore()
    structlog.contextvars.clear_contextvars()
    root.handlers[:], logging.raiseExceptions, sys.excepthook = handlers, raising, hook
    root.setLevel(level)
    logging.captureWarnings(False)


def _logging(form: Literal["json", "console"] = "json", level: str = "DEBUG") -> io.StringIO:
    out = io.StringIO()
    logs.configure(form, level, now=lambda: 1_800_000_000.25, stream=out)
    return out


def _lines(out: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_a_line_says_what_happened_to_which_record() -> None:
    out = _logging()
    with structlog.contextvars.bound_contextvars(key="beteiligte/65f0a1b2c3d4e5f67", fence=3):
        structlog.get_logger().info("plan.made", actions=["Update", "Agree"])
    assert _lines(out) == [
        {
            "time": "2027-01-15T08:00:00.250Z",
            "level": "info",
            "event": "plan.made",
            "key": "beteiligte/65f0a1b2c3d4e5f67",
            "fence": 3,
            "actions": ["Update", "Agree"],
        }
    ]


@pytest.mark.parametrize("form", ["json", "console"])
def test_values_of_unknown_fields_and_texts_in_the_wrong_place_are_left_out(form: Literal["json", "console"]) -> None:
    out = _logging(form)
    log = structlog.get_logger()
    log.info(f"changed {MARK}", key="beteiligte/1")
    log.info("job.ended", name=MARK, body={"lastName": MARK}, **{f"field {MARK}": 1})
    log.info("job.ended", key=f"Herr {MARK}", topic={MARK: MARK}, actions=[f"an {MARK}"])
    log.info("job.failed", reason=f"GET https://crm.example/api?where={MARK}", error=f"{MARK}@example.org")
    log.info("job.ended", job=object(), fence=b"Geheimmandant")
    with structlog.contextvars.bound_contextvars(firstName=MARK):
        log.warning("job.ended")
    assert MARK not in out.getvalue()
    assert len(out.getvalue().splitlines()) == 6


def test_a_dropped_field_is_named() -> None:
    out = _logging()
    structlog.get_logger().info("job.ended", lastName=MARK)
    assert _lines(out)[0]["dropped"] == ["lastName"]


def test_a_reason_graded_at_the_edge_is_shown() -> None:
    out = _logging()
    structlog.get_logger().warning("job.failed", side="espocrm", reason="not a JSON answer (HTTP 500)")
    assert _lines(out)[0]["reason"] == "not a JSON answer (HTTP 500)"


def test_an_exception_shows_type_and_place_but_neither_text_nor_values() -> None:
    out = _logging()

    def fail(mandant: str) -> None:
        raise ValueError(f"cannot read {mandant}")

    try:
        try:
            fail(MARK)
        except ValueError as error:
            raise Retryable("espocrm", "garbage") from error
    except Retryable:
        structlog.get_logger().exception("job.bug", reference="abc123")
    line = _lines(out)[0]
    assert MARK not in out.getvalue()
    assert line["trace"][-1] == "services.errors.Retryable"
    assert "ValueError" in line["trace"]
    assert any("tests/doors/test_logs.py" in place and place.endswith(" fail") for place in line["trace"])


def test_errors_of_http_and_sql_libraries_lose_their_addresses_and_parameters() -> None:
    out = _logging()
    engine = create_engine("sqlite://")
    try:
        with engine.connect() as conn:
            conn.execute(text("SELECT * FROM nothing WHERE name = :name"), {"name": MARK})
    except OperationalError:
        structlog.get_logger().exception("job.bug")
    try:
        raise httpx.ConnectError(f"no route to https://{SECRET}@crm.example/?q={MARK}")
    except httpx.ConnectError:
        structlog.get_logger().exception("job.bug")
    assert [line["trace"][-1] for line in _lines(out)] == ["sqlalchemy.exc.OperationalError", "httpx.ConnectError"]
    assert MARK not in out.getvalue()
    assert SECRET not in out.getvalue()


async def test_what_libraries_log_is_passed_on_without_its_text() -> None:
    out = _logging()
    logging.getLogger("httpx").info("HTTP Request: GET https://crm.example/?name=%s", MARK)
    logging.getLogger("httpx").warning("slow: %s", MARK)
    logging.getLogger("uvicorn.error").error(f"broken {MARK}", exc_info=ValueError(MARK))
    logging.getLogger("sqlalchemy.pool").error("Job %s raised", MARK)
    logging.getLogger("some.library").warning("%d", MARK)
    asyncio.get_running_loop().call_exception_handler({"message": MARK, "exception": RuntimeError(MARK)})
    warnings.warn(MARK, stacklevel=1)
    lines = _lines(out)
    assert MARK not in out.getvalue()
    assert [line["logger"] for line in lines] == [
        "httpx", "uvicorn.error", "sqlalchemy.pool", "some.library", "asyncio", "py.warnings",
    ]  # fmt: skip
    assert {line["event"] for line in lines} == {"library.message"}
    assert all(line["at"] for line in lines)


async def test_httpx_requests_leave_no_trace(capsys: pytest.CaptureFixture[str]) -> None:
    out = _logging()
    transport = httpx.MockTransport(lambda request: httpx.Response(200))
    async with httpx.AsyncClient(transport=transport) as client:
        await client.get(f"https://crm.example/?name={MARK}", headers={"X-Api-Key": SECRET})
    captured = capsys.readouterr()
    assert MARK not in out.getvalue() + captured.out + captured.err


def test_the_process_dies_without_telling(capsys: pytest.CaptureFixture[str]) -> None:
    out = _logging()
    error = ValueError(MARK)
    sys.excepthook(ValueError, error, None)
    captured = capsys.readouterr()
    assert MARK not in out.getvalue() + captured.out + captured.err
    assert _lines(out)[0]["event"] == "process.crashed"


def test_the_level_may_change_while_running() -> None:
    log = structlog.get_logger()
    out = _logging(level="WARNING")
    log.info("job.ended")
    assert out.getvalue() == ""
    out = _logging(level="DEBUG")
    log.debug("plan.made")
    assert [line["event"] for line in _lines(out)] == ["plan.made"]


def test_long_texts_are_cut() -> None:
    out = _logging()
    structlog.get_logger().info("job.failed", reason="x" * 5000)
    assert len(_lines(out)[0]["reason"]) == logs.MAX_TEXT


def _logged(source: Path) -> Iterator[tuple[str, list[str]]]:
    """Every call of a logger in a source file: where it stands and what fields it names."""
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and _SPEAKS.match(ast.unparse(node.func)):
            yield f"{source}:{node.lineno}", [item.arg or "**" for item in node.keywords]


def test_every_field_the_program_logs_is_allowed() -> None:
    sources = [*Path(logs.__file__).parent.rglob("*.py"), *Path(services.__file__).parent.rglob("*.py")]
    calls = [call for source in sources if "sandbox" not in source.parts for call in _logged(source)]
    assert len(calls) > 10
    allowed = {*logs.FIELDS, "exc_info"}
    assert [(place, set(names) - allowed) for place, names in calls if not set(names) <= allowed] == []


def test_a_full_disk_costs_the_line_and_nothing_else() -> None:
    class Full(io.StringIO):
        full = True

        def write(self, text: str) -> int:
            if self.full:
                raise OSError(errno.ENOSPC, "No space left on device")
            return super().write(text)

        def flush(self) -> None:
            if self.full:
                raise OSError(errno.ENOSPC, "No space left on device")

    out = Full()
    logs.configure("json", "INFO", now=lambda: 0.0, stream=out)
    structlog.get_logger().info("daemon.ready")
    out.full = False
    structlog.get_logger().info("daemon.stopped")
    assert [line["event"] for line in _lines(out)] == ["daemon.stopped"]

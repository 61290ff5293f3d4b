"""`syncd alarms` at a terminal: what is raised, and whether somebody would hear of it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from syncd.alarms import Alarm, Change, State
from syncd.ledger import alarms as book
from syncd.ledger.engines import connect, sqlite_url
from syncd.ledger.store import Inline, Ledger
from syncd.ledger.upgrade import upgrade
from tests.cli.conftest import Cli, one_line

SECRET = "geheimer-weg"


@pytest.fixture
def door() -> Iterator[tuple[str, list[int]]]:
    """An address that answers with the status that is put there, 204 at first."""
    answers = [204]

    class Door(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(answers[-1])
            self.send_header("Location", "http://elsewhere.example/")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Door)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/{SECRET}", answers
    server.shutdown()
    server.server_close()


def test_a_test_alarm_says_in_one_line_what_became_of_it(
    cli: Cli, bare: pytest.MonkeyPatch, door: tuple[str, list[int]]
) -> None:
    url, answers = door
    bare.setenv("SYNCD_ALARM_URL", url)
    taken = cli("alarms", "test")
    assert (taken.code, taken.out) == (0, "the test alarm was taken (HTTP 204)\n")
    for status, words in ((403, "HTTP 403"), (302, "a redirect, which is not followed")):
        answers.append(status)
        line = one_line(cli("alarms", "test"), 3)
        assert words in line
        assert SECRET not in line


def test_without_an_address_it_says_which_setting_is_missing(cli: Cli, bare: pytest.MonkeyPatch) -> None:
    assert "SYNCD_ALARM_URL is not set" in one_line(cli("alarms", "test"), 2)


def test_what_is_raised_is_listed_before_what_is_over(cli: Cli, bare: pytest.MonkeyPatch, tmp_path: Path) -> None:
    over = Alarm("redis", "Redis does not answer", State.OVER, 1000.0, over_at=2000.0, told_at=2000.0)
    raised = Alarm("conflicts", "4 waiting for a person's decision", State.RAISED, 3000.0, tell_at=3000.0, tries=2)
    noticed = Alarm("outage:advoware", "away", State.NOTICED, 3000.0)
    _remember(tmp_path, over, noticed)
    assert _listed(cli) == (0, ["redis"])
    _remember(tmp_path, raised)
    assert _listed(cli) == (1, ["conflicts", "redis"])
    assert "not yet, 2 tries" in cli("alarms", "list").out
    assert [one["cause"] for one in cli("alarms", "list", "--json").json] == ["conflicts", "redis"]
    assert "conflicts since" in cli("status").out


def _remember(tmp_path: Path, *alarms: Alarm) -> None:
    (tmp_path / "state").mkdir(exist_ok=True)
    url = sqlite_url(tmp_path / "state" / "ledger.db")
    upgrade(url)
    ledger = Ledger(Inline(connect(url)))
    asyncio.run(ledger.write(book.apply, [Change(None, one) for one in alarms]))
    ledger.close()


def _listed(cli: Cli) -> tuple[int, list[str]]:
    result = cli("alarms")
    return result.code, [line.split()[0] for line in result.out.splitlines()[1:]]

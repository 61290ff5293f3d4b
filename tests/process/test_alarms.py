"""Alarms of real daemons reach whoever shall hear of them: once, however many daemons there are."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from tests.process.conftest import Daemon
from tests.systems import Systems, eventually

TOKEN = "geheim-token-der-adresse"


class Receiver:
    """A server of this test's own, behind SYNCD_ALARM_URL."""

    def __init__(self) -> None:
        heard = self.heard = list[dict[str, Any]]()

        class Door(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                heard.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(204 if self.path.endswith(TOKEN) else 403)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.server = HTTPServer(("127.0.0.1", 0), Door)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook?token={TOKEN}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def told(self, cause: str) -> list[str]:
        """What was told of a cause so far."""
        return [one["state"] for one in self.heard if one["alarm"] == cause]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.server.shutdown()
    made.server.server_close()


def test_two_daemons_tell_an_outage_and_a_conflict_once_and_once_that_they_are_over(
    daemon: Daemon, systems: Systems, receiver: Receiver
) -> None:
    espo_id, number = systems.seed("synced", 1)[0]
    daemon.settings = {**daemon.settings, "SYNCD_ALARM_URL": receiver.url, "SYNCD_OUTAGE_ALARM_MINUTES": "0.05"}
    other = Daemon(daemon.directory / "other", daemon.settings)
    other.directory.mkdir()
    try:
        daemon.start().wait_ready()
        other.start("--no-intake")
        eventually("the other is up", lambda: other.events("daemon.ready"))
        daemon.wait_known(espo_id)
        copy = systems.act("espocrm", "create", values={"lastName": "Kopie", "betnr": number})
        eventually("the copy is told", lambda: receiver.told("conflicts") == ["raised"])
        systems.control("down", {"advoware": True})
        eventually("the outage is told", lambda: receiver.told("outage:advoware") == ["raised"])
        raised = daemon.get("/metrics").text
        assert 'syncd_alarm{cause="outage:advoware"} 1.0' in raised
        assert 'syncd_alarm{cause="conflicts"} 1.0' in raised
        systems.control("down", {"advoware": False})
        eventually("its end is told", lambda: receiver.told("outage:advoware") == ["raised", "over"])
        person = systems.beteiligter(systems.seed("only_advoware", 1)[0])
        own = {"betnr": person["betNr"], "lastName": person["name"], "firstName": person["vorname"]}
        systems.act("espocrm", "edit", record_id=copy, values=own)
        eventually("the conflict is over", lambda: receiver.told("conflicts") == ["raised", "over"])
        assert other.end() == 0
    finally:
        if other.process is not None and other.process.poll() is None:
            other.process.kill()
            other.process.wait()
        other.http.close()
    assert daemon.end() == 0
    logged = daemon.log.read_text() + other.log.read_text()
    raisings = [line for line in logged.splitlines() if '"alarm.raised"' in line]
    for cause in ("conflicts", "outage:advoware"):
        assert len([line for line in raisings if f'"cause": "{cause}"' in line]) == 1
    assert TOKEN not in logged
    assert "Kopie" not in json.dumps(receiver.heard)

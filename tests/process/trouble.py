"""What must be seen of a daemon while a store misbehaves, and afterwards: the same for every store and trouble.

Several trials may share a daemon, one after the other; that it comes to rest is looked at once, when all are over.
"""

from __future__ import annotations

import base64
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest

from syncd.delivery import hex_proof
from syncd.ledger import engines
from tests.commands import Said, command
from tests.process.conftest import QUICK, Daemon
from tests.systems import Systems, eventually

SECRET = "a-secret-for-tests"
LATE_LOOKS = 20  # calls of EspoCRM, more than are made until the late check of the last write is over
WATCHED = {
    "ESPOCRM_WEBHOOK_SECRETS": f"hook1:{SECRET}",
    "SYNCD_OUTAGE_ALARM_MINUTES": "0.05",
}
_turns = count(1)


@dataclass
class Trial:
    """A running daemon and one pair it keeps the same; people go on typing while a store is in trouble."""

    daemon: Daemon
    systems: Systems
    espo_id: str
    number: int
    turn: int = field(default_factory=lambda: next(_turns))

    def begin(self, alarm: str) -> Trial:
        """Everything is green, the alarm of a test before is over, and the pair is known."""
        self._logged = 0
        self.daemon.wait_known(self.espo_id)
        self.daemon.wait_ready()
        eventually("what was before is over", lambda: self.alarm(alarm)[-1:] != ["alarm.raised"])
        self._logged = len(self.lines())
        return self

    @property
    def ledger(self) -> Path:
        """The file, where it is one."""
        return Path(self.daemon.settings["SYNCD_STATE_DIR"]) / "ledger.db"

    # --- what people do meanwhile ---------------------------------------------------------------

    def type_on_both_sides(self) -> None:
        """Another field on each side, and a new person."""
        self.systems.act("espocrm", "edit", record_id=self.espo_id, values={"lastName": f"Hier{self.turn}"})
        self.systems.act("advoware", "edit", betnr=self.number, values={"vorname": f"Dort{self.turn}"})
        self.new = self.systems.act("espocrm", "create", values={"lastName": f"Neu{self.turn}", "firstName": "Ida"})

    def webhook(self) -> int:
        """EspoCRM tells of the record; the status it is answered."""
        body = json.dumps([{"id": self.espo_id, "lastName": f"Hier{self.turn}"}]).encode()
        proof = base64.b64encode(b"hook1:" + hex_proof(SECRET.encode(), body)).decode()
        url = f"http://127.0.0.1:{self.daemon.port}/webhooks/espocrm/beteiligte/update"
        answer: httpx.Response = self.daemon.http.post(url, content=body, headers={"Signature": proof}, timeout=30)
        return answer.status_code

    # --- what is seen -----------------------------------------------------------------------------

    def reasons(self) -> list[str]:
        found: list[str] = self.daemon.get("/readyz").json()["reasons"]
        return found

    def await_red(self, words: str, alarm: str) -> None:
        """Readiness says these words, and the alarm of that cause is raised."""
        told = eventually(f"it says {words!r}", lambda: [one for one in self.reasons() if words in one] or None)
        assert len(told) == 1, told
        assert self.daemon.get("/readyz").status_code == 503
        assert self.daemon.get("/healthz").status_code == 200
        eventually(f"the alarm {alarm}", lambda: self.alarm(alarm) == ["alarm.raised"])

    def alarm(self, cause: str) -> list[str]:
        """What was told of an alarm since the trial began."""
        lines = [line for line in self.lines()[self._logged :] if line["event"].startswith("alarm.")]
        return [line["event"] for line in lines if line.get("cause") == cause]

    def lines(self) -> list[dict[str, Any]]:
        """The log so far."""
        return self.daemon.lines()

    def complaints(self) -> list[dict[str, Any]]:
        """Lines that ask somebody to look, since the trial began."""
        return [line for line in self.lines()[self._logged :] if line["level"] in ("warning", "error", "critical")]

    def complained_of(self, alarm: str, *others: str) -> None:
        """One line when it began and one when it was over, whatever else waited meanwhile; `others` once at most."""
        said = Counter(line["event"] for line in self.complaints() if line.get("cause", alarm) == alarm)
        assert said.pop("alarm.raised") == said.pop("alarm.over") == 1
        assert said <= Counter(others), said

    def command(self, *arguments: str, code: int = 3) -> str:
        """Run a command; its one line of complaint."""
        ended = self._run(arguments)
        lines = ended.err.splitlines()
        assert ended.code == code, ended
        assert len(lines) == 1, lines
        assert lines[0].startswith("error: ")
        return lines[0]

    def done(self, *arguments: str) -> None:
        """Run a command that must succeed."""
        ended = self._run(arguments)
        assert ended.code == 0, ended.err

    def _run(self, arguments: Sequence[str]) -> Said:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(engines, "BUSY_TIMEOUT_MS", 300)  # it would wait ten seconds for whoever holds a lock
            return command(self.daemon.settings, self.daemon.directory, *arguments)

    # --- afterwards ---------------------------------------------------------------------------------

    def await_recovery(self, alarm: str) -> None:
        """All has arrived, and the alarm is over."""
        self.await_arrival()
        eventually("the alarm is over", lambda: self.alarm(alarm) == ["alarm.raised", "alarm.over"])

    def await_arrival(self) -> None:
        """Green again, and everything typed has arrived once."""
        eventually("it is green", lambda: self.daemon.get("/readyz").status_code == 200)
        eventually("what was typed has arrived", self.arrived, 100)
        eventually("it is clean", lambda: self.systems.espo(self.espo_id)["syncStatus"] == "clean")
        assert [one["name"] for one in self.systems.beteiligte()].count(f"Neu{self.turn}") == 1
        traces = [line for line in self.lines() if "trace" in line]
        assert not traces, traces[0]

    def arrived(self) -> bool:
        """Whether both sides show what was typed on each, and the new person is there."""
        there, here = self.systems.beteiligter(self.number), self.systems.espo(self.espo_id)
        new = self.systems.espo(self.new)
        return bool(
            there["name"] == here["lastName"] == f"Hier{self.turn}"
            and there["vorname"] == here["firstName"] == f"Dort{self.turn}"
            and new["syncStatus"] == "clean"
        )


@contextmanager
def one_daemon(both: Systems, home: Path, **settings: str) -> Iterator[Daemon]:
    """A daemon that lives through all trials of a module, and comes to rest."""
    state = {"SYNCD_STATE_DIR": str(home / "state")}
    daemon = Daemon(home, {**both.settings, **QUICK, **WATCHED, **state, **settings}).start()
    try:
        yield daemon
        await_rest(both)
    finally:
        daemon.stop()


def await_rest(systems: Systems) -> None:
    """Nothing is written any more: several polls and looks round later as little as before."""
    written = eventually("it comes to rest", lambda: _rested(systems))
    begun = _looks(systems)
    eventually("it looks again and again", lambda: _looks(systems) > begun + 4)
    assert systems.writes() == written


def _rested(systems: Systems) -> int | None:
    """How much was written, once the late checks are over."""
    before, begun = systems.writes(), _looks(systems)
    eventually("it goes on", lambda: _looks(systems) > begun + LATE_LOOKS)
    return before if systems.writes() == before else None


def _looks(systems: Systems) -> int:
    looked: int = systems.control("log?counts=1", method="GET")["reads"]["espocrm"]
    return looked

"""Data that can be recognised wherever it turns up, and a world in which everything is made of it.

`Outlets` collects all that leaves the daemon by other ways than the two systems: log lines, metrics, health,
answers of the doors, error texts.
"""

from __future__ import annotations

import io
import json
import logging
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import structlog

import config
from services.alarm_sender import Sent
from syncd import logs
from syncd.alarm_watch import Watch
from syncd.alarms import Sender
from syncd.app import App, build
from syncd.context import Observers
from syncd.health import Health
from syncd.machine import Clocks, Machine
from syncd.metrics import Metrics
from syncd.sandbox import defaults
from syncd.teller import Teller
from tests import plain_logs
from tests.daemon import World
from tests.virtual import run

MARK = "geheim"
ESPO_KEY = "geheim-espocrm-schluessel"
PASSWORD = "geheim-kennwort"
ADVOWARE_KEY = "Z2VoZWltLWFkdm93YXJl"  # geheim-advoware
API_TOKEN = "geheim-api-token"
WEBHOOK, WEBHOOK_SECRET = "6b0016d5a83d8d17e", "geheimgeheimgeheimgeheimgeheimge"
NUMBER, NUMBER_SENT = "23125987", "+493023125987"

ESPO = {
    "firstName": "Geheimvorname",
    "lastName": "Geheimname",
    "geburtsdatum": "1911-11-07",
    "titel": "Geheimtitel",
    "zusatz": "Geheimzusatz",
    "briefanrede": "Sehr geehrte Frau Geheimname,",
    "rechtsform": "Frau",
    "salutationName": "Ms.",
    "emailAddressData": [{"emailAddress": "geheim.adresse@example.org", "primary": True}],
    "phoneNumberData": [{"phoneNumber": NUMBER_SENT, "type": "Mobile", "primary": True}],
}
ADVOWARE = {
    "vorname": "Geheimvorname",
    "name": "Geheimname",
    "geburtsdatum": "1911-11-07T00:00:00",
    "titel": "Geheimtitel",
    "zusatz": "Geheimzusatz",
    "bAnrede": "Sehr geehrte Frau Geheimname,",
    "rechtsform": "Frau",
    "anrede": "Frau",
    "kommunikation": [{"tlf": NUMBER_SENT, "kommKz": 3, "bemerkung": "Geheimbemerkung", "online": False}],
}
# What a system may say back when it refuses: everything it was sent.
ECHO = json.dumps(
    {"message": "Geheimname, geb. 1911-11-07", "errors": {"Geheimname ist falsch": ["Geheimtitel"]}, **ESPO}
)
MARKS = (MARK, "1911-11", "11.1911", NUMBER, ADVOWARE_KEY.lower())

SETTINGS = {
    "ESPOCRM_API_KEY": ESPO_KEY,
    "ADVOWARE_PASSWORD": PASSWORD,
    "ADVOWARE_API_KEY": ADVOWARE_KEY,
    "SYNCD_API_TOKEN": API_TOKEN,
    "ESPOCRM_WEBHOOK_SECRETS": f"{WEBHOOK}:{WEBHOOK_SECRET}",
    "SYNCD_POLL_SECONDS": "3",
    "SYNCD_SWEEP_MIN_SECONDS": "30",
    "SYNCD_SWEEP_MAX_SECONDS": "60",
    "SYNCD_ADVOWARE_CALLS_PER_MINUTE": "1200",
}


def found_in(text: str, tokens: tuple[str, ...] = ()) -> list[str]:
    """Lines in which a mark stands, or one of the tokens."""
    marks = (*MARKS, *tokens)
    return [line for line in text.splitlines() if any(mark in line.lower() for mark in marks)]


@contextmanager
def logged() -> Iterator[io.StringIO]:
    """The real set-up of logs, on everything, into a text; all as before afterwards."""
    root, hooks = logging.getLogger(), (sys.excepthook, threading.excepthook, sys.unraisablehook)
    handlers, level, raising = root.handlers[:], root.level, logging.raiseExceptions
    out = io.StringIO()
    logs.configure("json", "DEBUG", now=lambda: 1_800_000_000.0, stream=out)
    try:
        yield out
    finally:
        plain_logs.restore()
        structlog.contextvars.clear_contextvars()
        root.handlers[:], logging.raiseExceptions = handlers, raising
        sys.excepthook, threading.excepthook, sys.unraisablehook = hooks
        root.setLevel(level)
        logging.captureWarnings(False)


class Bugs(httpx.AsyncBaseTransport):
    """A fault of our own, deep inside: as many PUTs as are `due` raise what no one expects, values and all."""

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self.inner = inner
        self.due = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if self.due and request.method == "PUT":
            self.due -= 1
            raise KeyError(f"Geheimname {await request.aread()!r} {dict(request.headers)!r}")
        return await self.inner.handle_async_request(request)


class MarkedWorld(World):
    """Both systems hold marked people, and every secret is marked."""

    def __init__(self, directory: Path, out: io.StringIO) -> None:
        super().__init__(directory, seed=1, **SETTINGS)
        keys, desk = self.sandbox.espo.door.keys, self.sandbox.tokens
        keys[ESPO_KEY] = keys.pop(defaults.API_KEY)
        desk.password, desk.api_key = PASSWORD, ADVOWARE_KEY
        self.out = out
        self.metrics = Metrics()
        self.bugs: list[Bugs] = []
        self.bugs_due = 0
        self.told: list[str] = []

    def daemon(self, owner: str = "one") -> App:
        app = super().daemon(owner)
        assert app.parts.espo_transport is not None
        assert app.parts.advoware_transport is not None
        self.bugs = [Bugs(app.parts.espo_transport), Bugs(app.parts.advoware_transport)]
        for one in self.bugs:
            one.due = self.bugs_due
        metrics = self.metrics
        parts = replace(
            app.parts,
            observers=Observers(metrics.observe, metrics.job, metrics.window, metrics.delay),
            espo_transport=self.bugs[0],
            advoware_transport=self.bugs[1],
        )
        return build(self.settings, config.Mapping(), parts)

    def pair(self, day: int = 7) -> tuple[str, int]:
        """A marked person both systems have, with a birthday of his own."""
        people, born = self.sandbox.people, f"1911-11-{day:02d}"
        betnr = people.advoware.create({**ADVOWARE, "geburtsdatum": f"{born}T00:00:00"})
        return people.espo.create({**ESPO, "geburtsdatum": born, "betnr": betnr}, by="anna"), betnr

    async def lives(self, seconds: float) -> None:
        """A daemon runs for so long; what it says about itself at the end is kept."""
        app = self.daemon()
        assert await self.live(app, seconds, pace=2)
        parts = super().daemon("look-out").parts  # the daemon is dead, and its ledger's runner with it
        health = Health(parts.ledger, parts.queue, parts.shared.circuit.look, self.clock, 3.0)
        health.reasons = await health.look()
        self.told += [f"{reason.code} {reason.text}" for reason in health.reasons]
        machine = Machine(self.directory, Clocks(), lambda: None, measure=lambda _: 0)
        teller = Teller(Sender("crm.example", "0", "host"), self.metrics, self)
        await Watch(parts.ledger, health, machine, self.clock, teller, outage=0.0).at_everything()

    async def send(self, body: Mapping[str, Any]) -> Sent:
        """Whoever is told of alarms."""
        self.told.append(json.dumps(body))
        return Sent(delivered=True, answer="HTTP 204")

    def outlets(self) -> str:
        """Everything that came out so far, status fields included, which people see in EspoCRM."""
        errors = [str(one["syncErrorMessage"]) for one in self.sandbox.people.espo.all()]
        return "\n".join([self.out.getvalue(), self.metrics.render().decode(), *self.told, *errors])

    def leaks(self) -> list[str]:
        """Lines that came out although they hold a mark or a token."""
        return found_in(self.outlets(), tuple(self.sandbox.tokens.tokens))

    def events(self) -> set[Any]:
        """Names of the events logged."""
        return {json.loads(line)["event"] for line in self.out.getvalue().splitlines()}


def told(out: io.StringIO, path: Path, story: Callable[[MarkedWorld], Awaitable[None]]) -> None:
    """A story in a marked world, at whose end nothing may have come out."""

    async def whole() -> None:
        world = MarkedWorld(path, out)
        await story(world)
        assert "job.ended" in world.events()
        assert world.leaks() == []

    run(whole())

"""Stories about the two systems and the daemon between them: who typed what, and letting time pass.

Knows no expectation; a test says what must come of it.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

import httpx
from sqlalchemy import Connection

from mappers.beteiligte import BETEILIGTE
from mappers.spec import Entity
from syncd.app import ENTITIES, App
from syncd.commands import Desk
from syncd.context import Context
from syncd.intake import Intake, secrets_of
from syncd.ledger import people, views
from syncd.ledger.engines import connect
from syncd.ledger.store import Inline, Ledger
from syncd.sandbox import defaults
from syncd.sandbox.calllog import Call
from syncd.sandbox.faults import Kind, Rule
from tests.daemon import World
from tests.virtual import VirtualClock, run

P = ParamSpec("P")
T = TypeVar("T")

# Everything comes round quickly, so that a story of half a minute is long enough.
QUICK = {
    "SYNCD_POLL_SECONDS": "3",
    "SYNCD_SWEEP_MIN_SECONDS": "5",
    "SYNCD_SWEEP_MAX_SECONDS": "10",
    "SYNCD_ADVOWARE_CALLS_PER_MINUTE": "1200",
}
ROUND = 20.0  # seconds in which every poll, look round and late check has had its turn
POLL = 8.0  # seconds in which a poll, its job and the late check have had their turn

ESPO = {
    "firstName": "Ida",
    "lastName": "Neumann",
    "geburtsdatum": "1990-02-03",
    "titel": "Dr.",
    "zusatz": "c/o Weber",
    "briefanrede": "Sehr geehrte Frau Dr. Neumann,",
    "rechtsform": "Frau",
    "salutationName": "Ms.",
}
ADVOWARE = {
    "vorname": "Ida",
    "name": "Neumann",
    "geburtsdatum": "1990-02-03T00:00:00",
    "titel": "Dr.",
    "zusatz": "c/o Weber",
    "bAnrede": "Sehr geehrte Frau Dr. Neumann,",
    "rechtsform": "Frau",
    "anrede": "Frau",
}


class _World(World):
    """A world whose daemons may be set up differently than the environment can say."""

    def __init__(self, directory: Path, seed: int, settings: Mapping[str, str]) -> None:
        super().__init__(directory, seed=seed, **settings)
        self.entity: Callable[[Entity], Entity] = lambda entity: entity
        self.job_settings: dict[str, Any] = {}

    def daemon(self, owner: str = "one") -> App:
        app = super().daemon(owner)
        for name, context in app.contexts.items():
            app.contexts[name] = self._adapted(context)
        return app

    def _adapted(self, context: Context) -> Context:
        settings = replace(context.settings, **self.job_settings)
        return replace(context, entity=self.entity(context.entity), settings=settings)


class Story:
    """One world, and the few things people and time do in it."""

    def __init__(self, directory: Path, settings: Mapping[str, str]) -> None:
        self.world = _World(directory, 1, {**QUICK, **settings})
        self.sandbox = self.world.sandbox
        self.espo = self.sandbox.people.espo
        self.advoware = self.sandbox.people.advoware

    # --- time -------------------------------------------------------------------------------

    async def live(self, seconds: float) -> None:
        """A daemon runs for so long and is killed."""
        assert await self.world.live(self.world.daemon(), seconds + 0.5)

    async def settle(self) -> None:
        """A daemon runs until everything has had its turn."""
        await self.live(ROUND)

    async def without_daemon(self, seconds: float) -> None:
        """Nobody runs for so long."""
        await self.world.clock.sleep(seconds)

    def misdate_espocrm(self, seconds: float) -> None:
        """EspoCRM's clock is so far ahead from now on, in what it dates and in what it says."""
        clock = VirtualClock(self.world.clock.loop, seconds)
        for part in (self.sandbox.espo, self.sandbox.espo.door, self.sandbox.espo_app):
            part.now = clock.now

    # --- records ----------------------------------------------------------------------------

    async def pair(
        self, espo: Mapping[str, Any] | None = None, advoware: Mapping[str, Any] | None = None
    ) -> tuple[str, int]:
        """A person both systems know, kept the same; values say what differs from Ida Neumann."""
        [found] = await self.pairs([(espo or {}, advoware or {})])
        return found

    async def pairs(self, persons: Sequence[tuple[Mapping[str, Any], Mapping[str, Any]]]) -> list[tuple[str, int]]:
        """Several such persons, who must not be taken for one another: each gets a birthday of his own."""
        found = []
        for number, (espo, advoware) in enumerate(persons):
            day = f"1990-02-{number % 28 + 1:02d}"
            betnr = self.advoware.create({**ADVOWARE, "geburtsdatum": f"{day}T00:00:00", **advoware})
            record = {**ESPO, "geburtsdatum": day, **espo, "betnr": betnr}
            found.append((self.espo.create(record, by="anna"), betnr))
        await self.live(POLL)
        for espo_id, _ in found:
            assert self.status(espo_id) == "clean", self.espo.see(espo_id)["syncErrorMessage"]
        return found

    def status(self, espo_id: str) -> str:
        return str(self.espo.see(espo_id)["syncStatus"])

    def anna(self) -> str:
        """Her id, to assign records to her."""
        return str(self.sandbox.espo.clerks["anna"].id)

    def tasks(self) -> list[dict[str, Any]]:
        return self.espo.all("Task")

    def notes(self) -> list[dict[str, Any]]:
        return [note for note in self.espo.all("Note") if note["type"] == "Post"]

    # --- what was done ----------------------------------------------------------------------

    def forget_calls(self) -> None:
        self.sandbox.log.clear()

    def calls(self, *parts: str | int) -> list[Call]:
        """Calls whose path has one of these parts; all without."""
        wanted = [call for call in self.sandbox.log.calls if not call.route.endswith("/Token")]
        return [call for call in wanted if not parts or any(str(part) in call.path for part in parts)]

    def writes(self, *parts: str | int) -> list[tuple[str, str]]:
        """System and method of every write."""
        return [(call.system, call.method) for call in self.calls(*parts) if call.method != "GET"]

    def fault(self, kind: Kind, **what: Any) -> int:
        """Let a fault lie in wait for a request."""
        return self.sandbox.faults.add(Rule(kind, **what))

    # --- the ledger and what people ask for --------------------------------------------------

    def ledger(self) -> Ledger:
        return Ledger(Inline(connect(self.world.ledger_url)))

    async def read(self, function: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        return await self.ledger().read(function, *args, **kwargs)

    async def write(self, function: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        return await self.ledger().write(function, *args, **kwargs)

    @property
    def desk(self) -> Desk:
        """Where people ask."""
        return Desk(self.ledger(), {one.name: one for one in ENTITIES}, self.world.clock.now)

    async def conflicts(self, espo_id: str, *states: str) -> list[dict[str, Any]]:
        """What waits for a person about a record, or in other states."""
        return await self.read(people.list_conflicts, states or people.WAITING, key(espo_id))

    async def known(self, espo_id: str) -> dict[str, Any]:
        """All the ledger knows of a record."""
        found = await self.read(views.record, key(espo_id), 200)
        assert found is not None
        return found


async def registered(story: Story, *events: str) -> None:
    """EspoCRM tells the daemon's intake about these events, whenever its queue runs (`sandbox.webhooks.run`)."""
    headers = {"X-Api-Key": defaults.API_KEY}
    secrets = {}
    async with httpx.AsyncClient(
        transport=story.sandbox.transport(), base_url=defaults.ESPO_API_URL, headers=headers
    ) as api:
        for event in events:
            body = {"event": f"CBeteiligte.{event}", "url": f"http://daemon/{event}", "isActive": True, "skipOwn": True}
            webhook = (await api.post("/Webhook", json=body)).json()
            secrets[webhook["id"]] = webhook["secretKey"]
    queue = story.world.daemon().parts.queue
    intake = Intake(story.ledger(), secrets_of(secrets, story.ledger()), queue.add_all, story.world.clock.now)

    async def post(url: str, headers: Mapping[str, str], body: bytes) -> int:
        signed, known = await intake.known({name.lower(): value for name, value in headers.items()})
        await intake.take(BETEILIGTE, url.rpartition("/")[2], body, signed, known)
        return 200

    story.sandbox.webhooks.post = post


def key(espo_id: str) -> str:
    """The ledger's name of a record."""
    return f"{BETEILIGTE.name}/{espo_id}"


def told(**settings: str) -> Callable[[Callable[..., Awaitable[None]]], Callable[..., None]]:
    """Make a test of a story: its first parameter is a `Story` with these settings, on virtual time."""

    def decorate(test: Callable[..., Awaitable[None]]) -> Callable[..., None]:
        def runs(tmp_path: Path, **given: Any) -> None:
            async def main() -> None:
                await test(Story(tmp_path, settings), **given)

            run(main())

        parameters = [*inspect.signature(test).parameters.values()][1:]
        directory = inspect.Parameter("tmp_path", inspect.Parameter.POSITIONAL_OR_KEYWORD)
        runs.__signature__ = inspect.Signature([directory, *parameters])  # type: ignore[attr-defined]
        runs.__name__, runs.__qualname__, runs.__module__ = test.__name__, test.__qualname__, test.__module__
        runs.__doc__ = test.__doc__
        return runs

    return decorate

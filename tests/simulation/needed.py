"""What a story about a safeguard is: told with it, it ends well; told without it, in a complaint."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from tests.engine.story import Story

Told = Callable[[Story], Awaitable[None]]

OBJECT, BETEILIGTE, RECORD = "*/Beteiligte/*", "*/Beteiligte", "*/CBeteiligte/*"
OTTO = {"firstName": "Otto", "lastName": "Okänd", "geburtsdatum": "1971-05-06"}
IMPATIENT = {"ADVOWARE_API_TIMEOUT_SECONDS": "4", "SYNCD_RETRY_MINUTES": "0.1,0.1,0.1,0.1,0.1"}
SELDOM = {"SYNCD_SWEEP_MIN_SECONDS": "300", "SYNCD_SWEEP_MAX_SECONDS": "86400"}
STRICT = {"SYNCD_DELETE_GUARD_MIN": "3", "SYNCD_DELETE_GUARD_PERCENT": "5", "SYNCD_DELETE_GUARD_RUN": "20"}


@dataclass(frozen=True)
class Needed:
    """A story, the settings it is told with, and how the complaint begins where its safeguard is off."""

    told: Told
    complaint: str
    settings: dict[str, str]


STORIES: dict[str, Needed] = {}


def without(name: str, complaint: str, **settings: str) -> Callable[[Told], Told]:
    """Tells of a safeguard: where it is off the story ends in this complaint."""

    def add(told: Told) -> Told:
        STORIES[name] = Needed(told, complaint, settings)
        return told

    return add


def titles(story: Story, espo_id: str, betnr: int) -> tuple[str, str]:
    return story.espo.see(espo_id)["titel"], story.advoware.see(betnr)["titel"]


async def together(story: Story, seconds: float, *after: float) -> None:
    """Daemons live for so long, each of the others beginning so many seconds after the first."""
    world = story.world
    first = asyncio.create_task(world.live(world.daemon("one"), seconds))
    others = []
    for number, wait in enumerate(after, start=2):
        await story.without_daemon(wait)
        others.append(asyncio.create_task(world.live(world.daemon(f"number {number}"), seconds - sum(after))))
    await asyncio.gather(first, *others)

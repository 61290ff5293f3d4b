"""Every safeguard is needed: a small story ends well with it and badly without it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.engine.story import Story
from tests.simulation import needed_brakes, needed_people, needed_writing, switches, switches_records
from tests.simulation.needed import STORIES
from tests.simulation.safeguards import SAFEGUARDS, Safeguard
from tests.virtual import run

TOLD_IN = (needed_writing, needed_people, needed_brakes)  # importing them has filled STORIES
NAMES = [safeguard.name for safeguard in SAFEGUARDS]


def everything_that_is_switched() -> list[tuple[object, str]]:
    found = [
        names
        for value in (*vars(switches).values(), *vars(switches_records).values())
        if isinstance(value, tuple)
        for names in value
    ]
    return [(owner, name) for owner, name, _ in found]


def play(name: str, directory: Path) -> None:
    needed = STORIES[name]

    async def main() -> None:
        await needed.told(Story(directory, needed.settings))

    run(main())


def test_every_safeguard_has_its_story() -> None:
    assert sorted(STORIES) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_with_the_safeguard_the_story_ends_well(name: str, tmp_path: Path) -> None:
    play(name, tmp_path)


@pytest.mark.parametrize("safeguard", SAFEGUARDS, ids=NAMES)
def test_without_the_safeguard_a_person_complains(safeguard: Safeguard, tmp_path: Path) -> None:
    with safeguard.off(), pytest.raises(AssertionError, match=STORIES[safeguard.name].complaint):
        play(safeguard.name, tmp_path)


def test_a_switch_leaves_nothing_behind() -> None:
    before = [vars(owner)[name] for owner, name in everything_that_is_switched()]
    for safeguard in SAFEGUARDS:
        with safeguard.off():
            pass
    assert [vars(owner)[name] for owner, name in everything_that_is_switched()] == before

"""Thousands of random worlds: whatever people type and whatever breaks, nothing is lost, doubled or written unasked.

Each block plays some seeds of a profile; a world that ends badly is told as the shortest story that still does.
`python -m tests.simulation --help` plays single seeds and stories; `make soak` plays very many.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.simulation.__main__ import report
from tests.simulation.draw import draw
from tests.simulation.play import play
from tests.simulation.profiles import PROFILES
from tests.simulation.script import loaded

ROOT = Path(__file__).parents[2]
SEEDS = int(os.environ.get("SYNCD_TEST_SEEDS", "3"))  # of each profile
BLOCK = 3


@pytest.mark.parametrize("first", range(0, SEEDS, BLOCK))
@pytest.mark.parametrize("profile", PROFILES)
def test_worlds_end_well(profile: str, first: int) -> None:
    for seed in range(first, first + BLOCK):
        outcome = play(draw(profile, seed))
        assert not outcome.wrong, report(outcome)


def test_the_same_seed_is_the_same_world_to_the_byte() -> None:
    code = (
        "from tests.simulation.draw import draw; from tests.simulation.play import play;"
        "print(play(draw('everything', 3)).digest)"
    )
    digests = set()
    for hashes in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True, timeout=100,
            env={**os.environ, "PYTHONHASHSEED": hashes},
        )  # fmt: skip
        digests.add(done.stdout.split()[-1])
    assert len(digests) == 1


@pytest.mark.parametrize("profile", PROFILES)
def test_a_script_is_what_its_file_says(profile: str) -> None:
    script = draw(profile, 1)
    assert loaded(script.dumped()).dumped() == script.dumped()


def test_profiles_bring_about_what_they_are_for() -> None:
    done = {profile: {event.do for seed in range(60) for event in draw(profile, seed).events} for profile in PROFILES}
    for name, profile in PROFILES.items():
        wanted = {"fault" if kind.endswith("ambush") else kind for kind, weight in profile.weights.items() if weight}
        assert wanted <= done[name]

"""Run, replay and keep simulated worlds from the terminal: `python -m tests.simulation --help`."""

from __future__ import annotations

import argparse
import logging
import shlex
import sys
from dataclasses import replace
from pathlib import Path

import structlog

from tests.simulation import soak
from tests.simulation.draw import draw
from tests.simulation.play import Outcome, play
from tests.simulation.profiles import PROFILES
from tests.simulation.script import Script, kept
from tests.simulation.shrink import shrink
from tests.simulation.tell import kinds, story

FOUND = Path(".simulation")  # where stories that ended badly are put


def main() -> int:
    """Exit code: 0 nothing wrong, 1 something was, 2 wrong usage."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("run", help="play some seeds of a profile")
    one.add_argument("profile", choices=PROFILES)
    one.add_argument("seeds", help="a seed, or FROM-TO")
    again = commands.add_parser("replay", help="play a story again, and tell it")
    again.add_argument("story", type=Path, help="a story's file, or PROFILE/SEED")
    again.add_argument("--trace", action="store_true", help="every effect, too")
    again.add_argument("--log", action="store_true", help="what the daemons log, too")
    long = commands.add_parser("soak", help="many seeds of all profiles, on all cores; goes on where it was stopped")
    long.add_argument("--seeds", type=int, default=100_000)
    long.add_argument("--jobs", type=int, default=None)
    long.add_argument("--state", type=Path, default=FOUND / "soak.json")
    given = parser.parse_args()
    silence(logging.INFO if getattr(given, "log", False) else logging.CRITICAL)
    match given.command:
        case "run":
            return _run(given.profile, given.seeds)
        case "replay":
            return _replay(given.story, given.trace)
        case _:
            return soak.soak(given.seeds, given.jobs, given.state, report)


def silence(level: int = logging.CRITICAL) -> None:
    """Let the daemons' log through from this level on only."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(level))


def _run(profile: str, seeds: str) -> int:
    first, _, last = seeds.partition("-")
    bad = 0
    for seed in range(int(first), int(last or first) + 1):
        outcome = play(draw(profile, seed))
        figures = ", ".join(f"{value} {name}" for name, value in outcome.figures.items())
        print(f"{profile}/{seed}: {figures}" if not outcome.wrong else report(outcome), flush=True)
        bad += bool(outcome.wrong)
    return 1 if bad else 0


def _replay(path: Path, trace: bool) -> int:
    script = kept(path) if path.is_file() else _drawn(str(path))
    outcome = play(script)
    if trace:
        print("\n".join(outcome.trace))
    print(story(outcome.script, outcome.wrong))
    return 1 if outcome.wrong else 0


def _drawn(name: str) -> Script:
    profile, _, seed = name.partition("/")
    if profile not in PROFILES or not seed.isdigit():
        sys.exit(f"error: {name} is neither a file nor PROFILE/SEED; profiles are {', '.join(PROFILES)}")
    return draw(profile, int(seed))


def report(outcome: Outcome) -> str:
    """What went wrong, as the shortest story in which the same does, and the command that plays it."""
    known = kinds(outcome.wrong)
    small = shrink(outcome.script, lambda candidate: not known.isdisjoint(kinds(play(candidate).wrong)))
    wrong = play(small).wrong or outcome.wrong
    FOUND.mkdir(exist_ok=True)
    path = FOUND / f"{small.profile}-{small.seed}.json"
    path.write_text(replace(small, profile=small.profile).dumped(), encoding="utf-8")
    command = f"python -m tests.simulation replay {shlex.quote(str(path))}"
    return f"{story(small, wrong)}\nall of it: replay {small.profile}/{small.seed}\nagain: {command}"


if __name__ == "__main__":
    sys.exit(main())

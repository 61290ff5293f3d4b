"""Plays very many seeds on all cores. What was played is noted in a file, so a run that was stopped goes on."""

from __future__ import annotations

import json
import logging
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures import wait as wait_for
from concurrent.futures._base import FIRST_COMPLETED
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from tests.simulation.draw import draw
from tests.simulation.play import Outcome, play
from tests.simulation.profiles import PROFILES

AT_ONCE = 20  # seeds a worker plays between two answers
SAVE_EVERY = 5.0  # seconds
PROFILE_NAMES = tuple(PROFILES)
Found = tuple[int, Counter[str], list[tuple[str, int, str]]]


@dataclass
class Tally:
    """What was played so far. `done`: numbers of blocks; `bad`: profile/seed and the first thing wrong."""

    done: list[int] = field(default_factory=list)
    played: int = 0
    seconds: float = 0.0
    figures: Counter[str] = field(default_factory=Counter)
    bad: dict[str, str] = field(default_factory=dict)


def soak(seeds: int, jobs: int | None, state: Path, report: Callable[[Outcome], str], at_once: int = AT_ONCE) -> int:
    """Play so many seeds, spread over all profiles; prints progress and a summary. 0: nothing was wrong.

    `state` is the file that remembers what was played, in blocks of `at_once`.
    """
    tally = _loaded(state)
    blocks = [(block, at_once) for block in range(-(-seeds // at_once)) if block not in set(tally.done)]
    if tally.done:
        print(f"going on after {tally.played} worlds ({state})", flush=True)
    started, before = time.monotonic(), tally.seconds
    saved = 0.0
    with ProcessPoolExecutor(jobs or os.cpu_count()) as pool:
        try:
            for block, found in _in_turn(pool, blocks, 2 * (jobs or os.cpu_count() or 1)):
                _add(tally, block, found, report)
                tally.seconds = before + time.monotonic() - started
                if time.monotonic() - saved > SAVE_EVERY:
                    saved = time.monotonic()
                    _save(tally, state)
                    print(_line(tally, seeds), flush=True)
        except KeyboardInterrupt:
            pool.shutdown(wait=False, cancel_futures=True)
            print("stopped; the same command goes on from here", flush=True)
        finally:
            _save(tally, state)
    print(summary(tally), flush=True)
    return 1 if tally.bad else 0


def played(block: int, at_once: int) -> Found:
    """Play a block of seeds: how many, their figures, and which went wrong, each with its first violation."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    figures: Counter[str] = Counter()
    bad = []
    for number in range(block * at_once, (block + 1) * at_once):
        profile, seed = PROFILE_NAMES[number % len(PROFILE_NAMES)], number // len(PROFILE_NAMES)
        outcome = play(draw(profile, seed))
        figures += outcome.figures
        if outcome.wrong:
            bad.append((profile, seed, outcome.wrong[0]))
    return at_once, figures, bad


def _in_turn(pool: ProcessPoolExecutor, blocks: list[tuple[int, int]], ahead: int) -> Iterator[tuple[int, Found]]:
    waiting: dict[Future[Found], int] = {}
    rest = iter(blocks)
    while True:
        for block, at_once in rest:
            waiting[pool.submit(played, block, at_once)] = block
            if len(waiting) >= ahead:
                break
        if not waiting:
            return
        done, _ = wait_for(waiting, return_when=FIRST_COMPLETED)
        for future in done:
            yield waiting.pop(future), future.result()


def _add(tally: Tally, block: int, found: Found, report: Callable[[Outcome], str]) -> None:
    count, figures, bad = found
    tally.done.append(block)
    tally.played += count
    tally.figures += figures
    for profile, seed, first in bad:
        tally.bad[f"{profile}/{seed}"] = first
        print(report(play(draw(profile, seed))), flush=True)


def _line(tally: Tally, seeds: int) -> str:
    rate = tally.played / max(tally.seconds, 1.0)
    left = max(0, seeds - tally.played) / max(rate, 0.001)
    return f"{tally.played} of {seeds} worlds, {len(tally.bad)} bad, {rate:.1f} a second, {left / 60:.0f} min to go"


def summary(tally: Tally) -> str:
    """All figures, and which seeds went wrong."""
    days = tally.figures["seconds"] / 86400
    lines = [f"{tally.played} worlds, {days:.1f} days of virtual time, in {tally.seconds / 60:.0f} min"]
    lines += [f"  {value} {name}" for name, value in tally.figures.items() if name != "seconds"]
    lines += [f"  BAD {name}: {first}" for name, first in tally.bad.items()] or ["  nothing was wrong"]
    return "\n".join(lines)


def _loaded(state: Path) -> Tally:
    if not state.is_file():
        return Tally()
    data = json.loads(state.read_text(encoding="utf-8"))
    return Tally(**{**data, "figures": Counter(data["figures"])})


def _save(tally: Tally, state: Path) -> None:
    state.parent.mkdir(parents=True, exist_ok=True)
    fresh = state.with_suffix(".new")
    fresh.write_text(json.dumps(vars(tally)), encoding="utf-8")
    fresh.replace(state)

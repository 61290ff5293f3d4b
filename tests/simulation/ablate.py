"""Shows that every safeguard is needed: `python -m tests.simulation.ablate` looks for seeds that catch its absence.

For each safeguard, seed after seed of its trap is played with the safeguard switched off, until the oracle finds a
violation; with the safeguard on, the same seeds must be silent. What was found is kept in `ablations.json`, from which
the table in docs/PROOF.md is made and the tests know a seed for each.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections import Counter
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.simulation.__main__ import silence
from tests.simulation.mishaps import Mishaps
from tests.simulation.play import QUIET, Outcome, play
from tests.simulation.safeguards import SAFEGUARDS, Safeguard
from tests.simulation.traps import TRAPS, draw_trap
from tests.simulation.world import QUICK

FOUND = Path(__file__).with_name("ablations.json")
SEEDS = 60
_TIME = re.compile(r"^\d+\.\d{3} (?:[abc]\d+ )?")
_ID = re.compile(r"\b[0-9a-f]{17}\b")
_DEED = re.compile(r"Deed\(.*")


@dataclass(frozen=True)
class Found:
    """A seed without its safeguard: how many were played until then, and what the oracle said first."""

    seed: int
    tried: int
    broke: str


def wrong(safeguard: Safeguard, seed: int, *, off: bool) -> Sequence[str]:
    """What the oracle says of a seed of the safeguard's trap."""
    with safeguard.off() if off else nullcontext():
        outcome = play(draw_trap(safeguard.name, seed), Mishaps)
    return [*outcome.wrong, *restless(outcome)]


def restless(outcome: Outcome) -> list[str]:
    """Records that were read again and again in the quiet at the end."""
    soonest = float({**QUICK, **outcome.script.settings}["SYNCD_SWEEP_MIN_SECONDS"])
    begins = outcome.figures["seconds"] - QUIET
    lines = [line.split(" ") for line in outcome.trace]
    paths = [one[3] for one in lines if len(one) > 3 and one[2] == "GET" and float(one[0]) > begins]
    reads = Counter(path for path in paths if "/CBeteiligte/" in path)
    return [f"{path} was read {times} times in quiet" for path, times in reads.items() if times > 2 + QUIET / soonest]


def found() -> dict[str, Found]:
    """What is known, by safeguard."""
    kept = json.loads(FOUND.read_text(encoding="utf-8")) if FOUND.exists() else {}
    return {name: Found(**one) for name, one in kept.items()}


def keep(name: str, one: Found) -> None:
    """Remember what was found."""
    known = found() | {name: one}
    text = json.dumps({name: asdict(known[name]) for name in sorted(known)}, ensure_ascii=False, indent=1)
    FOUND.write_text(f"{text}\n", encoding="utf-8")


def search(safeguard: Safeguard, seeds: int) -> Found | None:
    """The first seed that catches it; None if none of so many does. Raises AssertionError where one is never silent."""
    for seed in range(seeds):
        complaints = wrong(safeguard, seed, off=True)
        with_it = wrong(safeguard, seed, off=False)
        if with_it:
            raise AssertionError(f"{safeguard.name}/{seed} ends badly with all safeguards: {with_it[0]}")
        if complaints:
            return Found(seed, seed + 1, _in_words(complaints[0]))
    return None


def _in_words(complaint: str) -> str:
    """A complaint without times, ids and names of processes."""
    plain = _DEED.sub("what a clerk took away or typed", _TIME.sub("", complaint))
    return _ID.sub("a record", plain).replace("a record: ", "")


def table() -> str:
    """All safeguards as Markdown."""
    known = found()
    rows = ["| safeguard | without it | seeds until caught | what broke |", "|---|---|---|---|"]
    for one in SAFEGUARDS:
        what = known.get(one.name)
        if what is None:
            rows.append(f"| {one.name} | {one.protects} | by its story | – |")
        else:
            rows.append(f"| {one.name} | {one.protects} | {what.tried} | {_cell(what.broke)} |")
    return "\n".join(rows)


def _cell(text: str) -> str:
    short = text if len(text) <= 120 else f"{text[:117]}…"
    return short.replace("|", "\\|")


def main() -> int:
    """Exit code 1 where a safeguard is not shown to be needed, or a world ends badly with all of them."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation.ablate", description=__doc__)
    parser.add_argument("names", nargs="*", help="safeguards; without any: all that have a trap")
    parser.add_argument("--seeds", type=int, default=SEEDS)
    given = parser.parse_args()
    silence()
    bad = 0
    for safeguard in SAFEGUARDS:
        if safeguard.name not in (given.names or TRAPS):
            continue
        try:
            one = search(safeguard, given.seeds)
        except AssertionError as error:
            print(error, flush=True)
            bad += 1
            continue
        if one is None:
            print(f"{safeguard.name}: not caught by {given.seeds} seeds", flush=True)
            bad += 1
            continue
        print(f"{safeguard.name}: seed {one.seed}: {one.broke}", flush=True)
        keep(safeguard.name, one)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())

"""Where the marks of a chart stand. Pure numbers in a field of 100 × 100; templates draw them and write the words."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

SIZE = 100.0
STEPS = (1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)  # of every decade
GAP = 0.25  # of the room a bar has


@dataclass(frozen=True)
class Bar:
    """A rectangle, with its upper left corner."""

    x: float
    y: float
    width: float
    height: float


def top_of(values: Iterable[float]) -> float:
    """The end of an axis: the next round number at or above all values; 1 where there are none."""
    highest = max((*values, 0.0))
    if highest <= 0:
        return 1.0
    decade = 10.0 ** math.floor(math.log10(highest))
    return next(step * decade for step in STEPS if step * decade >= highest * (1 - 1e-9))


def bars(values: Sequence[float], top: float, under: Sequence[float] = ()) -> list[Bar]:
    """A bar for each value, left to right, each on top of that of `under` where given."""
    room = SIZE / max(1, len(values))
    found = []
    for place, value in enumerate(values):
        height = _up(value, top)
        foot = SIZE - (_up(under[place], top) if under else 0.0)
        found.append(
            Bar(_round((place + GAP / 2) * room), _round(foot - height), _round((1 - GAP) * room), _round(height))
        )
    return found


def lines(values: Sequence[float | None], top: float) -> list[str]:
    """The `points` of one polyline for each stretch without a gap; a value alone is a short stroke."""
    room = SIZE / max(1, len(values))
    stretches: list[list[str]] = [[]]
    for place, value in enumerate(values):
        if value is None:
            stretches.append([])
            continue
        x, y = (place + 0.5) * room, SIZE - _up(value, top)
        alone = (place == 0 or values[place - 1] is None) and (place == len(values) - 1 or values[place + 1] is None)
        ends = (x - room / 4, x + room / 4) if alone else (x,)
        stretches[-1] += [f"{_round(one):g},{_round(y):g}" for one in ends]
    return [" ".join(points) for points in stretches if points]


def shares(counts: Sequence[int]) -> list[Bar]:
    """Parts of one bar that lies: as wide as their share, and never too narrow to be seen."""
    total = sum(counts)
    least = 0.6
    wide = [max(least, SIZE * count / total) if count else 0.0 for count in counts] if total else [0.0] * len(counts)
    scale = SIZE / max(SIZE, sum(wide))
    found, x = [], 0.0
    for one in wide:
        found.append(Bar(_round(x), 0.0, _round(one * scale), SIZE))
        x += one * scale
    return found


def _up(value: float, top: float) -> float:
    return SIZE * min(1.0, max(0.0, value / top))


def _round(value: float) -> float:
    return round(value, 3)

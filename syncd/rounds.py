"""How often a record is looked at in Advoware, and whose turn it is. Pure: knows no ledger and no clock.

Advoware tells nobody what changed, so each look is a call, and calls are granted. A record that changed lately is
likely to change again: its chance per hour falls about as one over its age. The delays of all together are shortest
when looks go with the square root of that chance (ADR 0031), so the time between two looks grows with the square root
of the age. Where the calls do not suffice, whoever waits for the most of its intervals is next: then all wait so many
times longer.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import sqrt

SOONER = 0.5  # of the square-root law: so much of what is granted is used before looks become rarer
LONGEST_PART = 0.8  # of the longest time promised: the rest is for waiting one's turn
PROMISED_PART = 0.75  # of the looks at most for those that would break the promise: active records go on being seen
SPARE = 1.1  # times what is expected the next look may take to come


@dataclass(frozen=True, slots=True)
class Turn:
    """A record whose look is due since `due_at` (epoch seconds), planned `every` seconds after the one before."""

    key: str
    every: float
    due_at: float

    def since(self, now: float) -> float:
        """Seconds since it was looked at, as it was planned."""
        return now - self.due_at + self.every


def interval(age: float, shortest: float, longest: float) -> float:
    """Seconds until the next look at a record that last changed `age` seconds ago.

    One of few values, `shortest` doubled again and again: so the next ones are found with one question for each.
    """
    top = max(shortest, longest * LONGEST_PART)
    wanted = SOONER * sqrt(shortest * max(age, 0.0))
    every = shortest
    while every * 2 <= wanted and every < top:
        every *= 2
    return min(every, top)


def chosen(waiting: Iterable[Turn], now: float, most: int, longest: float) -> list[Turn]:
    """Whose turn it is: those about to be seen too late, the latest first, then by how many intervals they wait."""
    late, others = list[Turn](), list[Turn]()
    for turn in waiting:
        (late if turn.since(now) >= longest * LONGEST_PART else others).append(turn)
    late.sort(key=lambda turn: -turn.since(now))
    first = late[: max(1, int(most * PROMISED_PART))]
    rest = others + late[len(first) :]
    rest.sort(key=lambda turn: -turn.since(now) / turn.every)
    return [*first, *rest][:most]


def must_read_both(since_both: float, since_look: float, every: float, following: float, longest: float) -> bool:
    """Whether both sides are read at this look, as the next one may come too late: all in seconds.

    `every` is the interval this look was planned with, `since_look` what has become of it, `following` the next one.
    """
    stretched = max(1.0, since_look / every) if every else 1.0
    return since_both + following * stretched * SPARE >= longest

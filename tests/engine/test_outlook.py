"""Whether a system is away is asked once for all workers, and again as long as one is."""

from __future__ import annotations

from services.ports import CircuitName, CircuitState
from syncd.worker import BELIEVED, Outlook


class Circuits:
    """Tells of each side what it is told to, and counts how often it is asked."""

    def __init__(self) -> None:
        self.seconds = {"espocrm": 0.0, "advoware": 0.0}
        self.asked = 0

    async def look(self, side: str) -> CircuitState:
        self.asked += 1
        return CircuitState(CircuitName.OPEN if self.seconds[side] else CircuitName.CLOSED, self.seconds[side])


async def test_that_all_is_well_is_believed_for_a_moment() -> None:
    circuits, times = Circuits(), iter([10.0, 10.0, 10.5, 10.0 + BELIEVED, 20.0])
    outlook = Outlook(circuits, lambda: next(times))
    assert [await outlook.away() for _ in range(3)] == [0.0, 0.0, 0.0]
    assert circuits.asked == 4, "at first, and when a moment had passed"


async def test_that_a_system_is_away_is_asked_again_each_time() -> None:
    circuits = Circuits()
    outlook = Outlook(circuits, lambda: 10.0)
    for seconds in (5.0, 3.0):
        circuits.seconds["advoware"] = seconds
        assert await outlook.away() == seconds
    circuits.seconds["advoware"] = 0.0
    assert await outlook.away() == 0.0

"""The simulation finds the absence of every safeguard: one known seed of each trap, with it and without it."""

from __future__ import annotations

import pytest

from tests.simulation.ablate import found, table, wrong
from tests.simulation.safeguards import SAFEGUARDS
from tests.simulation.traps import TRAPS, draw_trap

KNOWN = found()
BY_NAME = {safeguard.name: safeguard for safeguard in SAFEGUARDS}
NAMED_BY_THE_SPECIFICATION = (
    "journal", "fencing", "read-back", "re-check before write", "listing trust", "mass-delete guard", "create guard",
    "change guard", "link check", "late check", "own-write recognition", "token single-flight", "lease renewal",
    "base per confirmed field",
)  # fmt: skip


def test_a_seed_is_known_for_every_trap_and_for_all_that_must_have_one() -> None:
    assert KNOWN.keys() == TRAPS.keys()
    assert TRAPS.keys() <= BY_NAME.keys()
    assert KNOWN.keys() >= set(NAMED_BY_THE_SPECIFICATION)


def test_the_table_has_a_row_for_every_safeguard() -> None:
    rows = table().splitlines()[2:]
    assert [row.split(" | ")[0].removeprefix("| ") for row in rows] == list(BY_NAME)


@pytest.mark.parametrize("name", sorted(TRAPS))
def test_without_the_safeguard_the_oracle_complains(name: str) -> None:
    seed = KNOWN[name].seed
    assert wrong(BY_NAME[name], seed, off=True), draw_trap(name, seed)


@pytest.mark.parametrize(
    "name",
    [pytest.param(one, marks=() if one in NAMED_BY_THE_SPECIFICATION else pytest.mark.soak) for one in sorted(TRAPS)],
)
def test_with_the_safeguard_all_ends_well(name: str) -> None:
    assert not wrong(BY_NAME[name], KNOWN[name].seed, off=False)

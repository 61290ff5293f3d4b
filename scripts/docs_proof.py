"""Prints what switching off each safeguard has led to in simulated worlds."""

from __future__ import annotations

from tests.simulation.ablate import table


def safeguards() -> str:
    """One row for every safeguard."""
    return table()

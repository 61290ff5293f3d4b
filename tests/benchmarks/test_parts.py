"""Each part of the benchmark runs, and its tables have their place. What they say is not judged here."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest

from benchmarks import report
from benchmarks.__main__ import PARTS
from benchmarks.size import QUICK

LONG = ("counts", "throughput", "idle", "delay", "together", "profile")
ROW = re.compile(r"\| .+ \|\Z")


def tables(text: str) -> list[set[int]]:
    """How many cells the rows of each table have; one number where a table is whole."""
    parts = ([line for line in part.splitlines() if ROW.match(line)] for part in text.split("\n\n"))
    return [{line.count(" | ") for line in rows} for rows in parts if rows]


@pytest.mark.parametrize("part", [pytest.param(one, marks=pytest.mark.soak if one in LONG else ()) for one in PARTS])
def test_each_part_runs_and_tells_tables(part: str, tmp_path: Path) -> None:
    told = asyncio.run(PARTS[part](QUICK, tmp_path))
    assert tables(told)
    assert "nan" not in told


def test_the_page_has_a_place_for_every_part_and_its_tables_are_whole() -> None:
    blocks = report.blocks(report.PAGE.read_text(encoding="utf-8"))
    assert list(blocks) == list(PARTS)
    for name, text in blocks.items():
        assert tables(text), f"{name} was never measured"
        assert all(len(widths) == 1 for widths in tables(text)), name


def test_one_part_is_filled_in_without_touching_the_others() -> None:
    page = "a\n<!-- measured: x -->\nold\n<!-- end of x -->\nb\n<!-- measured: y -->\nstays\n<!-- end of y -->\n"
    filled = report.filled(page, {"x": "new"})
    assert report.blocks(filled) == {"x": "new\n", "y": "stays\n"}
    assert report.filled(filled, {"x": "old"}) == page


def test_a_part_without_a_place_is_an_error() -> None:
    with pytest.raises(KeyError):
        report.filled("nothing", {"x": "new"})

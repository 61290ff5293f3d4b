"""The truth table people read is the one the daemon runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.truth_table import END, START, block, page

DOCS = Path(__file__).parents[2] / "docs"
SHOWN_IN = sorted(path for path in DOCS.rglob("*.md") if START in path.read_text("utf-8"))


def test_the_page_is_what_the_script_prints() -> None:
    assert (DOCS / "truth_table.md").read_text("utf-8") == page(), "python -m scripts.truth_table > docs/truth_table.md"


@pytest.mark.parametrize("path", SHOWN_IN, ids=lambda path: str(path.name))
def test_every_page_that_shows_the_table_shows_it_as_it_is(path: Path) -> None:
    _, _, rest = path.read_text("utf-8").partition(START)
    inside, end, _ = rest.partition(END)
    assert end, f"{path.name}: {END} is missing"
    assert START + inside + END == block()

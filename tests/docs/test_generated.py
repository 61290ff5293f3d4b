"""What the docs take from the code is what the code says now."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.docs_update import PART, PARTS, ROOT, brought_up_to_date, pages


@pytest.mark.parametrize("path", pages(), ids=lambda path: str(path.relative_to(ROOT)))
def test_generated_parts_are_up_to_date(path: Path) -> None:
    page = path.read_text("utf-8")
    assert brought_up_to_date(page) == page, "run `python -m scripts.docs_update`"


def test_every_part_is_shown_somewhere() -> None:
    shown = {found["name"] for path in pages() for found in PART.finditer(path.read_text("utf-8"))}
    assert shown == set(PARTS)

"""Every link leads somewhere, and no page tells of the machine it was written on."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from scripts.docs_update import ROOT, pages

LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
CODE = re.compile(r"```.*?```|`[^`\n]*`", re.DOTALL)
HEADING = re.compile(r"^#{1,6} (.+)$", re.MULTILINE)
PATH = re.compile(r"(?<![\w.{}/:)>-])/([A-Za-z_][\w.-]*)/")
# First parts of paths that mean the same on every machine, or are ours in URLs.
ANYWHERE = {"etc", "opt", "var", "usr", "run", "bin", "dev", "proc", "api", "sync", "webhooks", "vmh", "ui"}

by_name = pytest.mark.parametrize("path", pages(), ids=lambda path: str(path.relative_to(ROOT)))


def anchors(text: str) -> set[str]:
    """The anchors a page offers, as GitHub makes them."""
    found: set[str] = set()
    for heading in HEADING.findall(re.sub(r"```.*?```", "", text, flags=re.DOTALL)):
        plain = re.sub(r"[`*]|\[([^\]]*)\]\([^)]*\)", r"\1", heading).strip().lower()
        anchor = re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")
        found.add(anchor)
    return found


@by_name
def test_links_lead_somewhere(path: Path) -> None:
    for target in LINK.findall(CODE.sub("", path.read_text("utf-8"))):
        if target.startswith(("http://", "https://")):
            continue
        name, _, anchor = target.partition("#")
        there = (path.parent / name).resolve() if name else path
        assert there.exists(), target
        assert there.is_relative_to(ROOT), target
        if anchor:
            assert anchor in anchors(there.read_text("utf-8")), target


@by_name
def test_every_page_is_reached_from_the_index(path: Path) -> None:
    seen, waiting = set[Path](), [ROOT / "docs/INDEX.md"]
    while waiting:
        page = waiting.pop()
        seen.add(page)
        for target in LINK.findall(page.read_text("utf-8")):
            there = (page.parent / target.partition("#")[0]).resolve()
            if there.suffix == ".md" and there.exists() and there not in seen:
                waiting.append(there)
    assert path.resolve() in seen


@by_name
def test_paths_are_those_of_any_machine(path: Path) -> None:
    firsts = set(PATH.findall(path.read_text("utf-8")))
    assert firsts <= ANYWHERE, sorted(firsts - ANYWHERE)


@by_name
def test_nothing_is_left_to_be_done(path: Path) -> None:
    assert not re.search(r"\b(TODO|FIXME|XXX|TBD)\b", path.read_text("utf-8"))


@by_name
def test_code_blocks_are_closed(path: Path) -> None:
    assert len(re.findall(r"^\s*```", path.read_text("utf-8"), re.MULTILINE)) % 2 == 0

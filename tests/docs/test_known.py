"""What the code knows by name, people can look up: a name that is not documented is a failing test."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import get_args

import pytest

import config
from mappers.spec import Side, StatusFields
from scripts.docs_commands import commands
from scripts.docs_security import api_routes
from scripts.docs_update import PART, ROOT, pages
from syncd import alarms, guard, health, messages, metrics
from syncd.app import ENTITIES
from syncd.endings import Ended
from syncd.entries import TWIN_STAYS
from syncd.evidence import LOST_ENTRY
from syncd.findings import Check
from syncd.lanes import Lane
from syncd.ledger.schema import metadata
from syncd.ledger.work import Cause
from syncd.listed import Known
from syncd.model import HoldReason, PairState, Status

SOURCES = ("syncd", "services")
LOGGED = re.compile(r"\b(?:log\.(?:debug|info|warning|error|exception|critical)|say)\(\s*\"([a-z0-9_.]+)\"")
REASON = re.compile(r"Reason\(f?\"([a-z_]+)(:\{side\})?\"")


@cache
def page(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


@cache
def known() -> tuple[tuple[str, str], ...]:
    """Pages and the names they must hold in code quotes."""
    return tuple(_known())


def _known() -> Iterator[tuple[str, str]]:
    for setting in config.FIELDS:
        yield "docs/CONFIGURATION.md", setting.name
    for toml in (config.EntityMapping, config.FieldMapping):
        for item in fields(toml):
            yield "docs/CONFIGURATION.md", item.name
    for choice in (*get_args(config.Direction), *get_args(config.Policy), *get_args(config.Create)):
        yield "docs/CONFIGURATION.md", choice
    for status in Status:
        yield "docs/BETEILIGTE_SYNC.md", status
        yield "README.md", status
    for item in fields(StatusFields):
        yield "docs/ENTITY_MAPPING.md", getattr(StatusFields(), item.name)
    for entity in ENTITIES:
        for field in entity.fields:
            yield "docs/ENTITY_MAPPING.md", field.name
        for entries in entity.lists:
            for name in (entries.name, entries.shown_in, *entries.channels):
                yield "docs/ENTITY_MAPPING.md", name
                yield "docs/KOMMUNIKATION_SYNC.md", name
            yield "docs/CONFIGURATION.md", entries.name
    for metric in metrics.METRICS:
        yield "docs/METRICS.md", metric.name
    for lane in Lane:
        yield "docs/METRICS.md", lane.name.lower()
    for ended in Ended:
        yield "docs/METRICS.md", ended
    for table in metadata.tables.values():
        for column in table.columns:
            yield "docs/LEDGER.md", column.name
    for word in (*PairState, *Cause):
        yield "docs/LEDGER.md", word
    for _, path, _ in api_routes():
        yield "docs/HTTP.md", path
    for alarm in alarms.KINDS:
        yield "docs/OPERATIONS.md", alarm.name
    for code in messages.CODES:
        yield "docs/TROUBLESHOOTING.md", code
    for check in Check:
        yield "docs/TROUBLESHOOTING.md", check
    for event in events():
        yield "docs/TROUBLESHOOTING.md", event
    for reason in reasons():
        yield "docs/TROUBLESHOOTING.md", reason
    for kind in (*conflict_kinds(), *guard_kinds()):
        yield "docs/BETEILIGTE_SYNC.md", kind
    for kind in (TWIN_STAYS, LOST_ENTRY):
        yield "docs/KOMMUNIKATION_SYNC.md", kind
    for known in Known:
        yield "docs/KOMMUNIKATION_SYNC.md", known


def events() -> set[str]:
    """Every event the daemon logs."""
    files = [path for folder in SOURCES for path in (ROOT / folder).rglob("*.py") if "sandbox" not in path.parts]
    return {name for path in files for name in LOGGED.findall(path.read_text("utf-8"))}


def reasons() -> set[str]:
    """Every reason for not being ready."""
    found = REASON.findall((ROOT / "syncd/health.py").read_text("utf-8"))
    return {f"{code}{part.format(side=side)}" for code, part in found for side in health.PEERS}


def conflict_kinds() -> set[str]:
    """What may wait for a person, and what is kept."""
    said = {"manual", "new_field", "by_hand", "refused_advoware", "refused_espo", "changed_on_both", "first_sync"}
    said |= {TWIN_STAYS, LOST_ENTRY}
    never_shown = {HoldReason.UNREADABLE, HoldReason.CREATE_IN_DOUBT}
    return said | {str(reason) for reason in HoldReason if reason not in never_shown}


def guard_kinds() -> set[str]:
    """What guards stop."""
    kinds = {guard.CREATE_KIND, guard.went_back_kind(None), guard.new_field_kind("FIELD")}
    for side in Side:
        kinds |= {guard.missing_kind(side), guard.change_kind(side, "FIELD"), guard.went_back_kind(side)}
    return kinds


@pytest.mark.parametrize("where", sorted({where for where, _ in known()}))
def test_every_name_is_documented(where: str) -> None:
    quoted = "\n".join(re.findall(r"`[^`\n]+`", page(where)))
    names = {name for place, name in known() if place == where}
    missing = [name for name in sorted(names) if not re.search(rf"(?<!\w){re.escape(name)}(?!\w)", quoted)]
    assert not missing, f"name it in code quotes in {where}"


def test_events_and_reasons_were_found_at_all() -> None:
    assert "job.bug" in events()
    assert {"redis", "barred:advoware"} <= reasons()


def test_every_command_has_a_section() -> None:
    text = page("docs/COMMANDS.md")
    missing = [name for name, _ in commands() if f"\n### {name}\n" not in text]
    assert not missing


def test_no_page_names_a_command_there_is_not() -> None:
    """In code quotes or at the start of a line of code."""
    there = {name for name, _ in commands()}
    there |= {name.rpartition(" ")[0] for name in there if name.count(" ") == 2}
    for path in pages():
        by_hand = PART.sub("", path.read_text("utf-8"))
        for words in re.findall(r"`(?:\.venv/bin/)?syncd((?: [a-z]+)+)", by_hand):
            named = f"syncd{words} "
            assert any(named.startswith(f"{one} ") for one in there), f"{path.name}: {named}"


def test_no_page_names_a_setting_there_is_not() -> None:
    there = {setting.name for setting in config.FIELDS}
    for path in pages():
        page = path.read_text("utf-8")
        named = set(re.findall(r"\b(?:SYNCD_(?!CONTRACT|FIRM\b)|ESPOCRM_(?!SETUP)|ADVOWARE_)[A-Z_]*[A-Z]\b", page))
        assert named <= there, path.name


@pytest.mark.parametrize("code", range(4))
def test_exit_codes_are_documented(code: int) -> None:
    assert f"| {code} |" in page("docs/TROUBLESHOOTING.md")
    assert f"| {code} |" in page("docs/COMMANDS.md")


def test_every_make_target_is_documented() -> None:
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    text = page("docs/DEVELOPMENT.md")
    assert not [name for name in targets if name != "help" and f"`make {name}`" not in text]


def test_every_decision_is_listed() -> None:
    listed = " ".join(page("docs/adr/README.md").split()) + " "
    for path in sorted(Path(ROOT / "docs/adr").glob("0*.md")):
        title = path.read_text("utf-8").splitlines()[0].removeprefix("# ")
        assert f"[{title[:4]}]({path.name}) {title[5:]} " in listed
        for part in ("## Context", "## Decision", "## Consequences"):
            assert f"\n{part}\n" in path.read_text("utf-8"), path.name

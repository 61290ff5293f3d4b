"""What docs/SECURITY.md claims is what a test proves, and the page names it."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from scripts.docs_security import api_routes, kept, needed, open_routes
from syncd.ledger import journal, pairs, privacy
from syncd.ledger.engines import sqlite_engine, sqlite_url
from syncd.ledger.schema import metadata
from syncd.ledger.store import open_ledger
from syncd.ledger.upgrade import upgrade
from syncd.model import PairState

ROOT = Path(__file__).parent.parent.parent
PAGE = (ROOT / "docs/SECURITY.md").read_text("utf-8")
NAMED = re.compile(r"`(tests/[\w/]+\.py)?::(test_\w+)`")


def named() -> list[tuple[str, str]]:
    """File and test; a name without a file is of the file named before it."""
    found, file = [], ""
    for given, test in NAMED.findall(PAGE):
        file = given or file
        found.append((file, test))
    return found


def test_the_page_names_tests_at_all() -> None:
    assert len(named()) > 30


@pytest.mark.parametrize(("file", "test"), named())
def test_every_test_the_page_names_is_there(file: str, test: str) -> None:
    tree = ast.parse((ROOT / file).read_text("utf-8"))
    there = {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    assert test in there


def test_every_row_of_the_threats_is_proven() -> None:
    part = PAGE[PAGE.index("## Who could do what") : PAGE.index("## What does not stop them")]
    rows = [line for line in part.splitlines() if line.startswith("| ")][1:]
    assert len(rows) > 10
    assert [row[:60] for row in rows if not NAMED.search(row)] == []


def test_what_a_route_needs_is_found_out_by_asking_it() -> None:
    needs = needed()
    assert set(needs) == {(verb, path) for verb, path, _ in api_routes()}
    assert {path for (_, path), what in needs.items() if what == "signature"} == {
        "/webhooks/espocrm/{entity}/{action}",
        "/vmh/webhook/beteiligte/{action}",
    }
    assert {path for (_, path), what in needs.items() if what == "–"} == {"/healthz", "/readyz", "/metrics", "/version"}
    assert open_routes().count("\n") == 3


def test_every_table_is_listed_with_its_life() -> None:
    for name in metadata.tables:
        assert f"| `{name}` |" in kept()


ADDRESSES = re.compile(r"\w+://([\w.\[\]-]*)")


def test_no_other_address_is_built_in() -> None:
    """Neither telemetry nor updates: the vendor's hosts are the only ones the program knows by itself."""
    hosts = set()
    for path in [
        ROOT / "config.py",
        *(p for part in ("syncd", "services", "mappers") for p in (ROOT / part).rglob("*.py")),
    ]:
        if "sandbox" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                hosts |= {host for host in ADDRESSES.findall(node.value) if "." in host.strip(".")}
    ours = {host for host in hosts if not host.endswith((".example", ".example.com", "127.0.0.1"))}
    assert ours <= {"www2.advo-net.net", "security.advo-net.net"}, ours


def contents(folder: Path) -> list[bytes]:
    """What stands in the files of a folder."""
    return [path.read_bytes() for path in folder.iterdir()]


async def test_what_is_erased_is_not_in_the_file_any_more(tmp_path: Path) -> None:
    """Whatever this SQLite was built with: deleted rows are overwritten, not only left out."""
    file, key = tmp_path / "ledger.db", "beteiligte/65f0a1b2c3d4e5f67"
    upgrade(sqlite_url(file))
    ledger = open_ledger(sqlite_url(file))
    await ledger.write(pairs.admit, [key], "linked")
    for n in range(50):
        await ledger.write(journal.put_bases, key, {f"f{n}": (f"Geheimname-{n}" * 40, "Geheimname", "rule")})
    await ledger.write(pairs.change, key, {"state": str(PairState.EXCLUDED)})
    ledger.close()
    assert b"Geheimname" in file.read_bytes()
    ledger = open_ledger(sqlite_url(file))
    assert (await ledger.write(privacy.erase, key, 1_800_000_000.0)).rows["bases"] == 50
    ledger.close()
    assert b"Geheimname" not in b"".join(contents(tmp_path))


def test_erasing_overwrites_by_our_own_will() -> None:
    engine = sqlite_engine("sqlite://")
    with engine.connect() as conn:
        assert conn.exec_driver_sql("PRAGMA secure_delete").scalar_one() == 1
    engine.dispose()

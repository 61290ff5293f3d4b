"""The maintenance scripts, on a real ledger and Redis between the stand-in servers: dry unless told."""

from __future__ import annotations

import asyncio
import csv
import re
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from scripts.maintenance import compare, ledger, locks, program, prune, syncing
from syncd.differences import Reason
from syncd.ledger import pairs, work
from syncd.ledger.engines import connect, sqlite_url
from syncd.ledger.schema import history, metadata
from syncd.ledger.schema import pairs as pairs_table
from syncd.ledger.store import Inline, Ledger
from tests.cli.conftest import Cli, Result, one_line
from tests.systems import ROOT, Systems

Script = Callable[..., Result]


@pytest.fixture
def script(cli: Cli, capsys: pytest.CaptureFixture[str]) -> Script:
    """Runs a script in this process, as `python -m scripts.maintenance.NAME …` would."""

    def call(main: Callable[..., int], *arguments: str) -> Result:
        capsys.readouterr()
        code = program.run(main, list(arguments))
        said = capsys.readouterr()
        return Result(code, said.out, said.err)

    return call


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Ledger]:
    opened = Ledger(Inline(connect(sqlite_url(tmp_path / "state" / "ledger.db"))))
    yield opened
    opened.close()


def now(ask: Any) -> Any:
    return asyncio.run(ask)


def dump(ledger: Ledger) -> list[Any]:
    return list(now(ledger.read(lambda conn: [conn.execute(select(one)).all() for one in metadata.sorted_tables])))


def key(espo_id: str) -> str:
    return f"beteiligte/{espo_id}"


def test_without_a_ledger_each_script_says_so_in_one_line(bare: pytest.MonkeyPatch, script: Script) -> None:
    for main in (locks.locks, ledger.ledger, prune.prune):
        assert "there is no ledger" in one_line(script(main), 3)


def test_nonsense_is_refused_in_one_line(synced: tuple[str, int], script: Script) -> None:
    assert "--days" in one_line(script(prune.prune, "--days", "0"), 2)
    assert "nowhere" in one_line(script(compare.compare, "--csv", "nowhere/c.csv"), 2)
    assert "no record with betnr 99" in one_line(script(compare.compare, "betnr:99"), 2)
    assert "--nonsense" in one_line(script(locks.locks, "--nonsense"), 2)


def test_what_was_edited_behind_the_daemon_is_told_and_nothing_is_written(
    settings: pytest.MonkeyPatch, synced: tuple[str, int], systems: Systems, script: Script, cli: Cli, kept: Ledger
) -> None:
    espo_id, number = synced
    settings.setattr("syncd.passes.SOON", 12.0)
    assert cli("sync", espo_id).code == 0, "until nothing waits"
    alike = script(compare.compare, espo_id)
    assert (alike.code, alike.out) == (0, "1 compared, 1 alike; differences: none\n")
    systems.act("espocrm", "edit", record_id=espo_id, values={"lastName": "Anderswo"})
    before, writes = dump(kept), systems.writes()
    told = script(compare.compare, f"betnr:{number}", "--again-after", "0", "--unexplained", "--csv", "c.csv")
    assert told.code == 1
    with open("c.csv", encoding="utf-8-sig", newline="") as file:
        [row] = csv.DictReader(file)
    assert (row["record"], row["number"], row["field"], row["reason"]) == (
        key(espo_id), str(number), "name", "unexplained",
    )  # fmt: skip
    assert row["espocrm"] == "", "values are told only when asked for"
    assert stat.S_IMODE(Path("c.csv").stat().st_mode) == 0o600
    [one] = script(compare.compare, espo_id, "--again-after", "0", "--values", "--json").json["differences"]
    assert one["espocrm"] == "Anderswo"
    assert (dump(kept), systems.writes()) == (before, writes)


def test_a_system_that_is_away_is_exit_code_3_after_what_was_compared(
    synced: tuple[str, int], systems: Systems, script: Script
) -> None:
    systems.control("down", {"advoware": True})
    told = script(compare.compare, synced[0], "--json")
    assert told.json["complete"] is False
    assert "advoware" in one_line(told, 3)


def test_a_record_stuck_in_syncing_is_put_to_work_when_asked_to(
    synced: tuple[str, int], systems: Systems, script: Script, cli: Cli, kept: Ledger
) -> None:
    espo_id, _ = synced
    systems.act("espocrm", "edit", record_id=espo_id, values={"syncStatus": "syncing"})
    before = dump(kept)
    dry = script(syncing.syncing)
    assert dry.code == 1
    assert key(espo_id) in dry.out
    assert "nothing was changed" in dry.out
    assert dump(kept) == before
    assert "put to work" in script(syncing.syncing, "--apply").out
    assert cli("sync", espo_id).code == 0
    assert systems.espo(espo_id)["syncStatus"] == "clean"
    assert key(espo_id) not in script(syncing.syncing).out


def test_a_record_that_takes_no_part_is_left_to_a_person(
    synced: tuple[str, int], systems: Systems, script: Script, cli: Cli
) -> None:
    espo_id, _ = synced
    assert cli("exclude", espo_id).code == 0
    systems.act("espocrm", "edit", record_id=espo_id, values={"syncStatus": "syncing"})
    told = script(syncing.syncing, "--apply")
    assert (told.code, "is excluded" in told.out) == (1, True)
    systems.act("espocrm", "edit", record_id=espo_id, values={"syncStatus": "dirty"})


def test_a_dead_claim_is_ended_when_asked_to(synced: tuple[str, int], script: Script, kept: Ledger) -> None:
    at = time.time() - 100
    now(kept.write(pairs.claim, key(synced[0]), "host:1:dead", at, at + 60))
    before = dump(kept)
    dry = script(locks.locks)
    assert "host:1:dead" in dry.out
    assert dump(kept) == before
    assert "0 leases and 1 claims ended" in script(locks.locks, "--apply").out
    assert "nobody holds" in script(locks.locks).out


def test_the_ledger_is_mended_when_asked_to_and_double_links_are_told(
    synced: tuple[str, int], systems: Systems, script: Script, kept: Ledger
) -> None:
    espo_id, number = synced
    assert "nothing is wrong" in script(ledger.ledger, "--offline").out
    now(kept.write(lambda conn: conn.execute(update(pairs_table).values(next_check_at=None))))
    now(kept.write(work.drop, key(espo_id)))
    before = dump(kept)
    dry = script(ledger.ledger, "--offline")
    assert (dry.code, "forgotten" in dry.out) == (1, True)
    assert dump(kept) == before
    assert script(ledger.ledger, "--offline", "--apply").code == 0
    assert "nothing is wrong" in script(ledger.ledger, "--offline").out
    [copy] = systems.seed("only_espocrm", 1)
    systems.act("espocrm", "edit", record_id=copy, values={"betnr": number})
    told = script(ledger.ledger, "--json")
    assert {one["key"] for one in told.json["findings"]} == {key(espo_id), key(copy)}
    assert told.code == 1


def test_pruning_shows_what_it_would_remove_first(synced: tuple[str, int], script: Script, kept: Ledger) -> None:
    now(kept.write(lambda conn: conn.execute(update(history).values(at=time.time() - 10 * 86400))))
    before = dump(kept)
    told = script(prune.prune, "--days", "5", "--json").json
    assert told["rows"]["history"] > 0
    assert dump(kept) == before
    assert script(prune.prune, "--days", "5", "--apply", "--json").json["rows"] == told["rows"]
    assert script(prune.prune, "--days", "5", "--json").json["rows"]["history"] == 0


def test_the_readme_tells_of_every_script_reason_and_defect() -> None:
    page = (ROOT / "scripts" / "README.md").read_text("utf-8")
    there = {path.stem for path in (ROOT / "scripts" / "maintenance").glob("*.py")} - {"__init__", "program"}
    assert there == set(re.findall(r"^\| `(\w+)` \|.+\|.+\|$", page.partition("## ")[0], re.MULTILINE))
    defects = set(re.findall(r"Finding\(\s*\"(\w+)\"", (ROOT / "syncd" / "ledger" / "check.py").read_text("utf-8")))
    assert "undone_decision" in defects
    assert not [name for name in (*Reason, *defects, "linked_twice") if f"`{name}`" not in page]

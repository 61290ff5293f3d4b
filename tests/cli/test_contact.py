"""First contact on the command line: match, backfill, import, staged."""

from __future__ import annotations

import csv
import stat
from pathlib import Path

import pytest

from syncd.csv_text import defused
from tests.cli.conftest import Cli, one_line
from tests.systems import Systems


def test_match_tells_writes_a_new_private_file_and_changes_nothing(
    synced: tuple[str, int], systems: Systems, cli: Cli, tmp_path: Path
) -> None:
    espo_id, number = systems.seed("unlinked", 1)[0]
    before, file = systems.writes(), tmp_path / "match.csv"
    told = cli("match", "--report", "--csv", str(file), "--json")
    rows = {row["key"]: row for row in told.json["rows"]}
    found = rows[f"beteiligte/{espo_id}"]
    assert (found["kind"], found["number"], "espo" in found) == ("certain", number, False)
    assert rows[f"beteiligte/{synced[0]}"]["kind"] == "linked"
    with file.open(encoding="utf-8-sig", newline="") as read:
        lines = {row["record"]: row for row in csv.DictReader(read)}
    assert (lines[espo_id]["kind"], lines[espo_id]["betnr"]) == ("certain", str(number))
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "is there already" in one_line(cli("match", "--csv", str(file)), 2)
    assert systems.writes() == before
    assert "certain" in cli("match", "--limit", "1").out


def test_linking_asks_and_then_links_and_backfill_has_nothing_left_of_it(
    synced: tuple[str, int], systems: Systems, cli: Cli
) -> None:
    espo_id, number = systems.seed("unlinked", 1)[0]
    assert "--yes" in cli("match", "--link-certain").err
    assert systems.espo(espo_id)["betnr"] is None
    assert "undo --run" in cli("match", "--link-certain", "--yes").out
    assert (systems.espo(espo_id)["syncStatus"], systems.espo(espo_id)["betnr"]) == ("clean", number)
    other, _ = systems.seed("unlinked", 1)[0]
    assert "--yes" in cli("backfill").err
    cli("backfill", "--yes")
    assert systems.espo(other)["syncStatus"] == "clean"


def test_import_brings_numbers_of_a_file_and_the_second_time_nothing(
    synced: tuple[str, int], systems: Systems, cli: Cli, tmp_path: Path
) -> None:
    numbers = systems.seed("only_advoware", 2)
    file = tmp_path / "numbers.csv"
    file.write_text(f"betnr;name\n{numbers[0]};x\n{numbers[1]};y\n", "utf-8")
    told = cli("import", "--file", str(file), "--json")
    assert [(row["betnr"], row["fate"], row["status"]) for row in told.json["numbers"]] == [
        (number, "created", "clean") for number in numbers
    ]
    again = cli("import", "--betnr", str(numbers[0]), "--betnr", "424242", "--json")
    assert ([row["fate"] for row in again.json["numbers"]], again.code) == (["already linked", "not in Advoware"], 1)


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("match", "--numbers", "abc"), "1-5000"),
        (("match", "--numbers", "1-999999999"), "at most"),
        (("match", "--link-certain", "--json"), "report alone"),
        (("backfill", "--pause"), "no backfill"),
        (("backfill", "--resume"), "no backfill"),
        (("backfill", "--resume", "--pause"), "not both"),
        (("import",), "--betnr or --file"),
        (("import", "--file", "/nowhere"), "cannot be read"),
    ],
)
def test_nonsense_is_refused_in_one_line(synced: object, cli: Cli, arguments: tuple[str, ...], word: str) -> None:
    assert word in one_line(cli(*arguments), 2)


def test_an_unknown_team_is_refused_before_anything_is_made(
    synced: object, settings: pytest.MonkeyPatch, cli: Cli
) -> None:
    settings.setenv("SYNCD_IMPORT_TEAM", "Niemand")
    assert "SYNCD_IMPORT_TEAM" in one_line(cli("import", "--betnr", "1"), 2)


def test_a_dry_run_is_told_by_staged(
    synced: tuple[str, int], settings: pytest.MonkeyPatch, systems: Systems, cli: Cli
) -> None:
    espo_id, number = synced
    systems.act("advoware", "edit", betnr=number, values={"titel": "Prof."})
    settings.setenv("SYNCD_DRY_RUN", "true")
    cli("sync", espo_id)
    told = cli("staged")
    assert "titel" in told.out
    assert cli("staged", "--json").json["fields"]["titel"] == {"to_espocrm": 1, "to_advoware": 0}
    assert systems.espo(espo_id)["titel"] != "Prof."


def test_a_system_that_is_away_at_the_start_is_told_at_once(synced: object, systems: Systems, cli: Cli) -> None:
    systems.control("down", {"espocrm": True})
    one_line(cli("match"), 3)


def test_a_cell_that_begins_like_a_formula_is_text() -> None:
    assert [defused(cell) for cell in ("=1+1", "+49", "-5", "@x", "\tx", "Müller", None, 7)] == [
        "'=1+1", "'+49", "'-5", "'@x", "'\tx", "Müller", "", "7",
    ]  # fmt: skip

"""What commands do, and that --json is one document."""

from __future__ import annotations

import io
import json
import os
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import config
from mappers.beteiligte import BETEILIGTE
from syncd.cli.records import _print_plan
from syncd.model import Agree, Base, Wait
from syncd.telling import told
from tests.cli.conftest import Cli, one_line
from tests.systems import Systems, environment


def test_plan_shows_what_sync_then_does(synced: tuple[str, int], systems: Systems, cli: Cli, tmp_path: Path) -> None:
    espo_id, number = synced
    systems.act("espocrm", "edit", record_id=espo_id, values={"lastName": "Umbenannt"})
    before = systems.writes(), _ledger(tmp_path)
    plan = cli("plan", f"betnr:{number}", "--json")
    assert plan.code == 0
    [document] = plan.json
    assert document["takes_part"]
    [update] = [action for action in document["actions"] if action["do"] == "update"]
    assert (update["side"], update["writes"][0]["after"]) == ("advoware", "Umbenannt")
    assert "Umbenannt" in cli("plan", espo_id).out
    assert (systems.writes(), _ledger(tmp_path)) == before

    done = cli("sync", espo_id, "--json")
    assert done.code == 0
    assert [(one["key"], one["status"]) for one in done.json] == [(f"beteiligte/{espo_id}", "clean")]
    assert systems.beteiligter(number)["name"] == "Umbenannt"
    assert [action["do"] for action in cli("plan", espo_id, "--json").json[0]["actions"]] == ["settle"]


def _ledger(directory: Path) -> list[object]:
    """Everything in the ledger but its heartbeat."""
    with sqlite3.connect(directory / "state" / "ledger.db") as ledger:
        tables = [row[0] for row in ledger.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return [(table, ledger.execute(f"SELECT * FROM {table}").fetchall()) for table in sorted(tables)]


def test_plan_of_a_record_that_does_not_take_part_says_so(settings: object, systems: Systems, cli: Cli) -> None:
    espo_id, _ = systems.seed("unlinked", 1)[0]
    document = cli("plan", espo_id, "--json").json[0]
    assert not document["takes_part"]
    assert document["actions"]
    assert "does not take part yet" in cli("plan", espo_id).out


def test_run_does_everything_once_and_then_nothing(settings: object, systems: Systems, cli: Cli) -> None:
    espo_id, number = systems.seed("synced", 1)[0]
    first = cli("run", "--json")
    assert first.json["statuses"]["clean"] >= 1
    systems.act("advoware", "edit", betnr=number, values={"titel": "Prof."})
    assert cli("sync", espo_id).code == 0
    assert systems.espo(espo_id)["titel"] == "Prof."
    writes = systems.writes()
    again = cli("run")
    assert "records:" in again.out
    assert systems.writes() == writes


def test_run_creates_what_is_new_in_espocrm(settings: object, systems: Systems, cli: Cli) -> None:
    systems.seed("synced", 1)
    cli("run")
    espo_id = systems.act("espocrm", "create", values={"firstName": "Nora", "lastName": "Neuling"})
    assert cli("run").code in (0, 1)
    record = systems.espo(espo_id)
    assert record["syncStatus"] == "clean"
    assert systems.beteiligter(record["betnr"])["name"] == "Neuling"


def test_sync_of_all_and_of_a_status(synced: tuple[str, int], cli: Cli) -> None:
    everything = cli("sync", "--all", "--json")
    assert everything.code == 0
    assert {one["status"] for one in everything.json} == {"clean"}
    assert cli("sync", "--status", "failed", "--json").json == []
    assert "records" in cli("sync", "--status", "clean").out


def test_sync_waits_for_the_late_look_after_its_write(
    settings: pytest.MonkeyPatch, synced: tuple[str, int], systems: Systems, cli: Cli
) -> None:
    settings.setattr("syncd.passes.SOON", 12.0)
    systems.act("advoware", "edit", betnr=synced[1], values={"titel": "Dr. h. c."})
    assert cli("sync", synced[0]).code == 0
    assert systems.espo(synced[0])["titel"] == "Dr. h. c."
    assert cli("queue", "list", "--json").json == []


def test_status_tells_counts_and_both_systems(synced: tuple[str, int], cli: Cli) -> None:
    shown = cli("status")
    assert shown.code == 0
    assert "clean" in shown.out
    document = cli("status", "--json").json
    assert document["pairs"] == {"clean": 3}, "one Beteiligter, his address and his account"
    assert set(document["peers"]) == {"espocrm", "advoware"}
    assert document["peers"]["espocrm"]["state"] == "closed"
    assert document["redis"]["up"] is True
    assert document["calls_per_minute"]["espocrm"] > 0
    assert "calls a minute" in shown.out
    assert cli("activity", "--json").json["points"][-1]["calls"]["advoware"] > 0
    assert "calls advoware" in cli("activity").out


def test_records_are_found_by_name_or_number(synced: tuple[str, int], systems: Systems, cli: Cli) -> None:
    espo_id, number = synced
    name = systems.espo(espo_id)["lastName"]
    for text in (name, str(number), espo_id):
        everything = cli("records", text, "--json").json["records"]
        [found] = [one for one in everything if one["key"].startswith("beteiligte/")]
        assert (found["key"], found["advoware_id"]) == (f"beteiligte/{espo_id}", number)
        assert name in found["title"]
        assert name in cli("records", text).out
    nobody = cli("records", "Niemand", "--status", "clean,conflict")
    assert (nobody.code, nobody.out) == (1, "no record found\n")
    assert "there is id, name, number, changed" in one_line(cli("records", "--sort", "colour"), 2)


def test_show_tells_both_sides_base_and_history(synced: tuple[str, int], systems: Systems, cli: Cli) -> None:
    espo_id, number = synced
    document = cli("show", f"betnr:{number}", "--json").json
    name = systems.espo(espo_id)["lastName"]
    assert document["now"]["espocrm"]["name"] == document["now"]["advoware"]["name"] == name
    assert document["pair"]["advoware_id"] == number
    assert document["base"]
    assert name in cli("show", espo_id).out


OFFICE, MOBILE = "+4951112345", "+491712345678"


def _phone(number: str, kind: str, *, primary: bool = False) -> dict[str, Any]:
    return {"phoneNumber": number, "type": kind, "primary": primary, "optOut": False, "invalid": False}


def _entries(systems: Systems, number: int) -> dict[int, dict[str, Any]]:
    return {one["kommKz"]: one for one in systems.beteiligter(number)["kommunikation"]}


@pytest.fixture
def numbered(synced: tuple[str, int], systems: Systems, cli: Cli) -> tuple[str, int]:
    """A pair with an office number, which is the main one, and a mobile; nothing else."""
    espo_id, number = synced
    values = {"phoneNumberData": [_phone(OFFICE, "Office", primary=True), _phone(MOBILE, "Mobile")]}
    systems.act("espocrm", "edit", record_id=espo_id, values={**values, "emailAddressData": []})
    assert cli("sync", espo_id).code == 0
    assert {OFFICE, MOBILE} <= {one["tlf"] for one in _entries(systems, number).values()}
    return espo_id, number


def test_show_lays_the_entries_of_both_sides_out(numbered: tuple[str, int], systems: Systems, cli: Cli) -> None:
    espo_id, number = numbered
    mobile = _entries(systems, number)[3]
    text = {"bemerkung": f"{mobile['bemerkung']} nur abends", "tlf": "0171/2345678"}
    systems.act("advoware", "edit_kommunikation", betnr=number, child_id=mobile["id"], values=text)
    document = cli("show", espo_id, "--json").json
    lines = {line["entry"]: line for line in document["entries"] if line["espocrm"] is not None}
    told = lines[f"kommunikation:{mobile['id']}"]
    assert told["known"] == "linked"
    assert told["espocrm"] == {"value": MOBILE, "kind": "Mobile", "main": False}
    assert told["advoware"] == {
        "value": "0171/2345678", "kind": "Mobil", "sure": True, "main": False, "marked": True, "remark": "nur abends",
    }  # fmt: skip
    assert {line["known"] for line in document["entries"]} <= {"linked", "slot"}
    shown = cli("show", espo_id).out
    [row] = [line for line in shown.splitlines() if f"kommunikation:{mobile['id']}" in line and "nur abends" in line]
    assert all(part in row for part in (f"{MOBILE} Mobile", "0171/2345678 Mobil", "verknüpft"))
    assert f"{OFFICE} Office (primary)" in shown
    assert "TelGesch (online)" in shown
    assert "{'" not in shown, "history tells entries in words"


def test_plan_tells_what_is_done_to_each_entry(numbered: tuple[str, int], systems: Systems, cli: Cli) -> None:
    espo_id, number = numbered
    office, mobile = (_entries(systems, number)[kind] for kind in (1, 3))
    values = {"phoneNumberData": [_phone("+49511999", "Office", primary=True), _phone("+495118", "Fax")]}
    systems.act("espocrm", "edit", record_id=espo_id, values=values)
    systems.act(
        "advoware", "add_kommunikation", betnr=number, values={"tlf": "0511/77", "kommKz": 6, "bemerkung": "Mutter"}
    )
    before = systems.writes()
    [document] = cli("plan", espo_id, "--json").json
    words = [action["words"] for action in document["actions"] if action["do"] == "write_entry"]
    assert f"{office['id']}: {OFFICE} TelGesch (online) becomes +49511999 and gets a marker" in words
    assert f"{mobile['id']}: {MOBILE} Mobil is emptied and becomes a slot" in words
    assert "add +495118 FaxGesch" in words
    [update] = [action for action in document["actions"] if action["do"] == "update"]
    assert update["words"] == ["phoneNumberData: add +4951177"]
    assert "unknown" in {line["known"] for line in document["entries"]}
    shown = cli("plan", espo_id).out
    assert f"write to advoware, kommunikation: {office['id']}:" in shown
    assert "phoneNumberData: add +4951177" in shown
    assert systems.writes() == before
    assert cli("sync", espo_id).code == 0
    assert [action["do"] for action in cli("plan", espo_id, "--json").json[0]["actions"]] == ["settle"]


def test_what_time_settles_and_what_both_sides_agree_on_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    base = Base({"phoneNumber": OFFICE}, {"tlf": OFFICE}, "rule")
    agreed = Agree(("titel",), {"kommunikation:501": base, "kommunikation:502": None})
    actions = told(BETEILIGTE, (agreed, Agree((), {"kommunikation:503": None}), Wait(("kommunikation:new:0a",))), "de")
    assert [action["do"] for action in actions] == ["agree", "agree", "wait"]
    _print_plan({"key": "beteiligte/a", "takes_part": True, "busy": False, "actions": actions})
    assert [line.strip() for line in capsys.readouterr().out.splitlines()[1:]] == [
        "both sides agree: titel, kommunikation:501",
        "gone from both sides: kommunikation:502",
        "gone from both sides: kommunikation:503",
        "no answer came when these were added, and nothing is sent until it is certain: kommunikation:new:0a",
    ]


def test_a_number_changed_on_both_sides_is_decided_at_the_terminal(
    numbered: tuple[str, int], systems: Systems, cli: Cli
) -> None:
    espo_id, number = numbered
    Path("syncd.toml").write_text("[entities.beteiligte.fields.kommunikation]\npolicy = 'manual'\n")
    office = _entries(systems, number)[1]
    values = {"phoneNumberData": [_phone("+49511222", "Office", primary=True), _phone(MOBILE, "Mobile")]}
    systems.act("espocrm", "edit", record_id=espo_id, values=values)
    systems.act("advoware", "edit_kommunikation", betnr=number, child_id=office["id"], values={"tlf": "0511 333"})
    assert cli("sync", espo_id).code == 1
    [conflict] = cli("conflicts", "list", "--json").json
    assert conflict["field"] == f"kommunikation:{office['id']}"
    assert (conflict["espo"], conflict["advoware"], conflict["base"]) == ("+49511222", "+49511333", OFFICE)
    assert "manual" in next(line for line in cli("show", espo_id).out.splitlines() if "0511 333" in line)
    assert "empty: the entry goes" in cli("conflicts", "show", conflict["id"]).out
    assert "no value for" in one_line(cli("conflicts", "resolve", conflict["id"], "--take", "Zentrale"), 2)
    assert "decided" in cli("conflicts", "resolve", conflict["id"], "--take", "0511 444").out
    assert cli("run").code == 0
    assert _entries(systems, number)[1]["tlf"] == "+49511444"
    assert "+49511444" in {one["phoneNumber"] for one in systems.espo(espo_id)["phoneNumberData"]}


def test_erase_leaves_no_number_in_the_ledger(
    numbered: tuple[str, int], systems: Systems, cli: Cli, tmp_path: Path
) -> None:
    espo_id, number = numbered
    systems.act("espocrm", "edit", record_id=espo_id, values={"phoneNumberData": [_phone("+49511555", "Office")]})
    assert cli("sync", espo_id).code == 0
    digits = ("51112345", "1712345678", "49511555")
    assert all(part in str(_ledger(tmp_path)) for part in digits)
    exported = cli("export", espo_id).out
    assert all(part in exported for part in digits)
    assert f'"field": "kommunikation:{_entries(systems, number)[1]["id"]}"' in exported
    assert cli("exclude", espo_id).code == 0
    assert cli("erase", espo_id).code == 0
    assert not any(part in str(_ledger(tmp_path)) for part in digits)


def test_a_conflict_is_listed_shown_and_decided(
    settings: pytest.MonkeyPatch, synced: tuple[str, int], systems: Systems, cli: Cli
) -> None:
    espo_id, number = synced
    Path("syncd.toml").write_text("[entities.beteiligte.fields.titel]\npolicy = 'manual'\n")
    assert cli("conflicts").code == 0
    systems.act("espocrm", "edit", record_id=espo_id, values={"titel": "Dr. iur."})
    systems.act("advoware", "edit", betnr=number, values={"titel": "Prof. em."})
    assert "titel" in cli("plan", espo_id).out
    assert cli("sync", espo_id).code == 1
    [conflict] = cli("conflicts", "list", "--json").json
    assert (conflict["field"], conflict["espo"], conflict["advoware"]) == ("titel", "Dr. iur.", "Prof. em.")
    assert cli("conflicts").code == 1
    assert cli("status").code == 1
    assert "Prof. em." in cli("conflicts", "show", conflict["id"]).out
    assert cli("conflicts", "show", conflict["id"], "--json").json["id"] == conflict["id"]
    assert "decided" in cli("conflicts", "resolve", conflict["id"], "--take", "advoware").out
    assert cli("run").code == 0
    assert systems.espo(espo_id)["titel"] == "Prof. em."
    assert cli("conflicts", "list").code == 0
    assert len(cli("conflicts", "list", "--state", "settled", "--json").json) == 1
    [asked, *_] = cli("requests", "--json").json
    assert (asked["what"], asked["about"], asked["who"].partition(":")[0]) == ("resolve", conflict["id"], "terminal")
    assert conflict["id"] in cli("requests").out
    kinds = [one["kind"] for one in cli("timeline", espo_id, "--json").json]
    assert kinds[:2] == ["settled", "change"]
    assert "Dr. iur. → Prof. em." in cli("timeline", f"betnr:{number}").out
    assert cli("timeline", espo_id, "--csv", "history.csv").code == 0
    assert Path("history.csv").read_text("utf-8-sig").startswith("at,id,side,field,before_words,after_words,")
    assert stat.S_IMODE(Path("history.csv").stat().st_mode) == 0o600
    assert "is there already" in one_line(cli("timeline", espo_id, "--csv", "history.csv"), 2)
    several = cli("conflicts", "resolve", conflict["id"], "nonesuch", "--take", "espocrm")
    assert (several.code, several.out.splitlines()[-1]) == (1, "0 decided, 2 refused")
    assert "there is no stopped guard nonesuch" in one_line(cli("guard", "discard", "nonesuch"), 2)


def test_a_run_is_listed_shown_and_taken_back(synced: tuple[str, int], systems: Systems, cli: Cli) -> None:
    espo_id, _ = synced
    before = systems.espo(espo_id)["titel"]
    systems.act("espocrm", "edit", record_id=espo_id, values={"titel": "Honorarkonsul"})
    assert "`syncd runs show " in cli("sync", espo_id).out
    [run] = cli("runs", "list", "--json").json
    assert (run["kind"], run["state"], run["changes"]) == ("sync", "done", 1)
    [change] = cli("runs", "show", run["id"], "--json").json["history"]
    for shown in (cli("runs", "show", run["id"]).out, cli("show", espo_id).out):
        assert "Honorarkonsul" in shown
        assert str(change["id"]) in shown
    planned = cli("undo", "--run", run["id"], "--dry-run", "--json").json
    assert (planned["run"], [one["change"] for one in planned["taken"]]) == (None, [change["id"]])
    assert "will be taken back" in cli("undo", str(change["id"])).out
    assert cli("run").code == 0
    assert systems.espo(espo_id)["titel"] == before
    again = cli("undo", str(change["id"]))
    assert (again.code, "have the value from before already" in again.out) == (1, True)
    assert "there is no change 99999" in one_line(cli("undo", "99999"), 2)
    assert "there is no run nonesuch" in one_line(cli("undo", "--run", "nonesuch"), 2)
    assert "give a CHANGE_ID or --run" in one_line(cli("undo"), 2)


def test_a_pause_holds_writes_and_resume_lets_them_go_on(synced: tuple[str, int], systems: Systems, cli: Cli) -> None:
    espo_id, number = synced
    assert "paused" in cli("pause", "--why", "a test").out
    systems.act("espocrm", "edit", record_id=espo_id, values={"zusatz": "c/o Pause"})
    assert cli("sync", espo_id).code == 1
    assert systems.beteiligter(number)["zusatz"] != "c/o Pause"
    assert "a test" in cli("status").out
    held = {one["key"]: one["held"] for one in cli("queue", "list", "--json").json}
    assert held[f"beteiligte/{espo_id}"] == "pause:all"
    assert "pause:all" in cli("queue").out
    cli("resume")
    assert cli("run").code == 0
    assert systems.beteiligter(number)["zusatz"] == "c/o Pause"


def test_retry_puts_a_record_to_work_and_drop_takes_it_off(synced: tuple[str, int], cli: Cli) -> None:
    espo_id, _ = synced
    assert cli("retry", espo_id).code == 0
    key = f"beteiligte/{espo_id}"
    assert key in [one["key"] for one in cli("queue", "list", "--json").json]
    assert "waits no longer" in cli("queue", "drop", espo_id).out
    assert "did not wait" in cli("queue", "drop", espo_id).out
    assert key not in [one["key"] for one in cli("queue", "list", "--json").json]
    assert "3 to be" in cli("retry", "--status", "clean").out, "and what belongs to it"


def test_locks_are_listed_and_cleared(synced: tuple[str, int], cli: Cli) -> None:
    assert cli("locks", "list", "--json").json == {"leases": [], "claims": []}
    assert "nobody works" in cli("locks").out
    assert "0 stale" in cli("locks", "clear", "--stale").out
    assert "nobody holds it" in cli("locks", "clear", synced[0]).out


def test_a_guard_is_shown_and_allowed(settings: pytest.MonkeyPatch, systems: Systems, cli: Cli) -> None:
    settings.setenv("SYNCD_CREATE_GUARD", "1")
    systems.seed("synced", 1)
    cli("run")
    assert cli("guard", "show").code == 0
    for number in range(3):
        values = {"firstName": "Gerd", "lastName": f"Wache{systems.writes()}-{number}"}
        systems.act("espocrm", "create", values=values)
    assert cli("run").code == 1
    [guard] = cli("guard", "show", "--json").json
    assert guard["keys"]
    assert guard["id"] in cli("guard").out
    assert "let through" in cli("guard", "allow", guard["id"]).out


def test_webhooks_are_registered_once_and_checked(synced: tuple[str, int], cli: Cli) -> None:
    url = ("--url", f"http://firm-{synced[1]}.example")
    assert cli("webhooks", "register", *url).out.count("registered") == 9
    assert cli("webhooks", "register", *url).out.count("was there") == 9
    mine = [one for one in cli("webhooks", "list", "--json").json if url[1] in one["url"]]
    assert len(mine) == 9
    assert all(one["active"] and one["skips_own"] and one["secret_known"] for one in mine)
    assert {one["event"] for one in cli("webhooks", "check", "--json").json} == {
        f"{entity}.{action}"
        for entity in ("CBeteiligte", "CAdressen", "CBankverbindungen")
        for action in ("create", "update", "delete")
    }


def test_export_is_all_that_is_stored_and_erase_removes_it(synced: tuple[str, int], systems: Systems, cli: Cli) -> None:
    espo_id, _ = synced
    document = json.loads(cli("export", espo_id).out)
    assert document["key"] == f"beteiligte/{espo_id}"
    assert document["bases"]
    assert "exclude it first" in one_line(cli("erase", espo_id), 2)
    assert "is excluded" in cli("exclude", espo_id).out
    assert "rows removed" in cli("erase", espo_id).out
    assert set(json.loads(cli("export", espo_id).out)) == {"key", "pairs"}
    assert "takes part again" in cli("include", espo_id).out
    assert cli("run").code == 0
    assert systems.espo(espo_id)["syncStatus"] == "clean"


def test_config_show_masks_secrets(settings: object, cli: Cli) -> None:
    shown = cli("config", "show")
    document = cli("config", "show", "--json").json
    assert document["ADVOWARE_PASSWORD"] == {"value": "********", "origin": "environment"}
    assert "sandbox-advoware-password" not in shown.out + json.dumps(document)
    assert cli("config", "check").code == 0


def test_a_password_is_hashed_so_that_the_settings_take_it(
    bare: object, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("Blumenwiese-1\n"))
    made = cli("config", "password").out.strip()
    settings = config.load({"SYNCD_UI_USERS": f"anna:decide:{made}"}, dotenv=None, required=())
    assert settings.syncd_ui_users.keys() == {"anna"}
    assert "Blumenwiese" not in made
    for wrong in ("short\n", "", "x" * 501):
        monkeypatch.setattr("sys.stdin", io.StringIO(wrong))
        told = cli("config", "password")
        assert (told.code, told.out) == (2, "")
        assert "10 to 500 characters" in told.err


def test_the_ledger_is_upgraded_and_private(bare: object, cli: Cli, tmp_path: Path) -> None:
    assert "applied" in cli("db", "upgrade").out
    assert "up to date" in cli("db", "upgrade").out
    assert stat.S_IMODE((tmp_path / "state").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "state" / "ledger.db").stat().st_mode) == 0o600


def test_the_doctor_finds_a_good_installation_good(synced: tuple[str, int], systems: Systems, cli: Cli) -> None:
    writes = systems.writes()
    result = cli("doctor", "--json")
    findings = {(one["check"], one["about"]): one["grade"] for one in result.json["findings"]}
    assert result.code == 0, findings
    assert "fail" not in findings.values()
    assert findings["advoware.search", "beteiligte"] == "ok"
    assert findings["espocrm.field", "CBeteiligte"] == "ok"
    assert findings["espocrm.formula", "CBeteiligte"] == "ok"
    told = {one["name"]: one["verdict"] for one in result.json["assumptions"]}
    assert told["geaendertAm is Europe/Berlin local time"] == "not seen"
    assert "does not hold" not in told.values()
    assert systems.writes() == writes
    shown = cli("doctor").out
    assert "0 must be put right" in shown
    assert "Assumed of Advoware" in shown


def test_the_doctor_says_what_to_do(settings: pytest.MonkeyPatch, systems: Systems, cli: Cli) -> None:
    Path("syncd.toml").write_text("[entities.beteiligte.fields.titel]\nespo = 'notThere'\n")
    settings.setenv("ADVOWARE_PASSWORD", "never-the-one")
    result = cli("doctor", "--json")
    found = {(one["check"], one["about"]): one for one in result.json["findings"]}
    assert result.code == 1
    assert found["espocrm.field", "notThere"]["grade"] == "fail"
    assert found["advoware.login", ""]["grade"] == "fail"
    assert all(one["todo"] for one in found.values() if one["grade"] != "ok")
    assert "never-the-one" not in json.dumps([*found.values()])
    systems.control("down", {"espocrm": True})
    assert cli("doctor").code == 3


@pytest.mark.parametrize("kind", ["html", "empty", "truncated"])
def test_the_doctor_survives_whatever_is_answered(
    settings: pytest.MonkeyPatch, systems: Systems, cli: Cli, kind: str
) -> None:
    systems.control("faults", {"kind": kind, "times": None})
    result = cli("doctor", "--json")
    assert result.code in (1, 3), result.out
    assert result.err == ""
    checks = {one["check"] for one in result.json["findings"] if one["grade"] == "fail"}
    assert {"espocrm.login", "advoware.login"} & checks


def test_a_probe_writes_to_a_test_record_only_and_only_when_told(
    synced: tuple[str, int], systems: Systems, cli: Cli
) -> None:
    writes = systems.writes()
    refused = cli("doctor", "--probe-betnr", str(synced[1]), "--yes")
    assert (refused.code, refused.out) == (2, "")
    assert "is a real record" in refused.err
    number = systems.act("advoware", "create", values={"name": "Testmann", "titel": "Dr.", "zusatz": "z"})
    assert cli("doctor", "--probe-betnr", str(number)).code == 2  # nobody at a terminal can agree
    assert systems.writes() == writes
    result = cli("doctor", "--probe-betnr", str(number), "--yes", "--json")
    assert result.code == 0
    assert result.json["measured"]["missing_fields"] == "empties it"
    assert result.json["by_hand"] == []
    assert systems.beteiligter(number)["titel"] == "Dr."
    told = {one["name"]: one["verdict"] for one in cli("doctor", "--json").json["assumptions"]}
    assert told["PUT empties fields it does not carry"] == "holds"


def test_the_doctor_reports_missing_settings(bare: object, cli: Cli) -> None:
    result = cli("doctor", "--json")
    assert result.code == 2
    assert all(one["grade"] == "fail" for one in result.json["findings"])


def test_the_command_is_started_as_a_module_and_says_its_version(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "syncd", "--version"],
        env=environment(),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("syncd ")
    assert "TERM" not in os.environ or done.stderr == ""

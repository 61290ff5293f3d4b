"""Restored backups, by the commands an administrator types: recognised, held, decided, and nothing typed is lost."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.commands import command
from tests.process.conftest import Daemon
from tests.systems import Systems, eventually


def syncd(daemon: Daemon, *arguments: str, code: int = 0) -> str:
    """One command, as the daemon's user would type it; returns what it says."""
    said = command(daemon.settings, daemon.directory, *arguments)
    assert said.code == code, said
    return said.out + said.err


def titles(systems: Systems, pair: tuple[str, int]) -> tuple[Any, Any]:
    espo_id, number = pair
    return systems.espo(espo_id)["titel"], systems.beteiligter(number)["titel"]


def stopped(daemon: Daemon) -> Any:
    """The guard that holds all three, once all writing is stopped."""

    def guard() -> Any:
        [found, *_] = told(daemon, "guards")["guards"] or [{"keys": []}]
        return "all" in told(daemon, "status")["pauses"] and len(found["keys"]) == 3 and found

    return eventually("all writing is stopped", guard)


def told(daemon: Daemon, what: str) -> Any:
    headers = {"Authorization": f"Bearer {daemon.settings['SYNCD_API_TOKEN']}"}
    # A connection of its own each time: a kept one may be the one of the daemon before.
    return httpx.get(f"http://127.0.0.1:{daemon.port}/api/v1/{what}", headers=headers, trust_env=False).json()


@pytest.mark.parametrize("older", ["ledger", "espocrm", "advoware"])
def test_a_restored_backup_is_held_until_a_person_says_which_side_is_right(
    daemon: Daemon, systems: Systems, tmp_path: Path, older: str
) -> None:
    pairs = systems.seed("synced", 3)
    monday = str(tmp_path / "monday.db")
    daemon.settings = {**daemon.settings, "SYNCD_SWEEP_MAX_SECONDS": "2"}
    daemon.start().wait_ready()
    eventually("all are known", lambda: told(daemon, "status")["pairs"] == {"clean": 9})
    systems.control("backup", {"do": "snapshot", "name": "monday"})
    if older == "ledger":
        assert "kB" in syncd(daemon, "backup", monday)
    copied = time.time()
    # A step back in Advoware is told by its times, which are whole seconds.
    eventually("time stamps have moved on", lambda: time.time() > copied + 2.5)
    for espo_id, _ in pairs:
        systems.act("espocrm", "edit", record_id=espo_id, values={"titel": "Prof."})
    eventually("it arrives", lambda: all(titles(systems, pair) == ("Prof.", "Prof.") for pair in pairs))
    eventually("all agree", lambda: all(systems.espo(one)["syncStatus"] == "clean" for one, _ in pairs))

    typed = "Prof."
    if older == "ledger":
        assert "stop the daemon first" in syncd(daemon, "restore", monday, code=2)
    assert daemon.end() == 0
    if older == "ledger":
        typed = "Prof. Dr."
        assert "records synced since then are held" in syncd(daemon, "restore", monday)
        for _, number in pairs:
            systems.act("advoware", "edit", betnr=number, values={"titel": typed})
    else:
        systems.control("backup", {"do": "restore", "name": "monday", "system": older})
    before = [titles(systems, pair) for pair in pairs]
    daemon.start()
    guard = stopped(daemon)
    assert guard["kind"] == f"went_back:{older}"
    assert [titles(systems, pair) for pair in pairs] == before

    right, wrong = ("espocrm", 1) if older == "advoware" else ("advoware", 0)
    assert "3 let through" in syncd(daemon, "guard", "allow", guard["id"], "--right", right)
    eventually("all agree", lambda: all(titles(systems, pair) == (typed, typed) for pair in pairs))
    kept = told(daemon, "conflicts?state=kept")["conflicts"]
    values = {one["key"]: (one["espo"], one["advoware"])[wrong] for one in kept}
    assert values == {f"beteiligte/{espo_id}": title[wrong] for (espo_id, _), title in zip(pairs, before, strict=True)}

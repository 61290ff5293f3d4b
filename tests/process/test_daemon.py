"""The daemon's life: ready, at work, told to stop, killed."""

from __future__ import annotations

import os
import signal
import socket
import sqlite3
from collections import Counter
from functools import partial
from pathlib import Path

import pytest
import redis

from tests.commands import command
from tests.ports import free_port
from tests.process.conftest import Daemon
from tests.systems import Systems, eventually


def test_changes_on_each_side_arrive_and_a_stop_is_orderly(daemon: Daemon, systems: Systems) -> None:
    espo_id, number = systems.seed("synced", 1)[0]
    daemon.start().wait_known(espo_id)
    systems.act("espocrm", "edit", record_id=espo_id, values={"lastName": "Vonhier"})
    eventually("it is in Advoware", lambda: systems.beteiligter(number)["name"] == "Vonhier")
    systems.act("advoware", "edit", betnr=number, values={"vorname": "Vondort"})
    eventually("it is in EspoCRM", lambda: systems.espo(espo_id)["firstName"] == "Vondort")
    eventually("it is clean", lambda: systems.espo(espo_id)["syncStatus"] == "clean")
    assert b"syncd_jobs_total" in daemon.get("/metrics").content
    assert daemon.get("/version").json()["name"] == "syncd"
    ours = {"Authorization": f"Bearer {daemon.settings['SYNCD_API_TOKEN']}"}
    assert daemon.get(f"/api/v1/records/{espo_id}/sides", ours).json()["now"]["advoware"]["name"] == "Vonhier"
    plan = daemon.get(f"/api/v1/records/betnr:{number}/plan", ours).json()
    assert ([action["do"] for action in plan["actions"]], plan["waits_for_person"]) == (["settle"], False)
    told = daemon.get("/api/v1/status", ours).json()
    assert ({one["state"] for one in told["peers"].values()}, set(told["budgets"])) == ({"closed"}, set(told["peers"]))
    assert daemon.end() == 0
    assert daemon.events("daemon.stopped")
    assert not daemon.events("daemon.cut_off")
    assert not [line for line in daemon.log.read_text().splitlines() if '"trace"' in line]


def test_a_webhook_starts_a_job_though_nothing_is_polled(daemon: Daemon, systems: Systems) -> None:
    espo_id, number = systems.seed("synced", 1)[0]
    daemon.settings = {**daemon.settings, "SYNCD_HTTP_PORT": str(free_port()), "SYNCD_POLL_SECONDS": "3600"}
    assert command(daemon.settings, daemon.directory, "webhooks", "register").code == 0
    daemon.start().wait_known(espo_id)
    systems.act("espocrm", "edit", record_id=espo_id, values={"lastName": "Gemeldet"})
    eventually("it is in Advoware", lambda: systems.beteiligter(number)["name"] == "Gemeldet")
    assert daemon.events("webhook.received")


def test_the_daemon_starts_while_both_systems_are_down_and_says_so(daemon: Daemon, systems: Systems) -> None:
    espo_id, number = systems.seed("synced", 1)[0]
    systems.control("down", {"espocrm": True, "advoware": True})
    daemon.start()
    reasons = eventually("it is red", lambda: daemon.get("/readyz").json()["reasons"])
    assert daemon.get("/readyz").status_code == 503
    assert daemon.get("/healthz").status_code == 200
    eventually("both are named", lambda: _names(daemon, "espocrm", "advoware"))
    assert reasons
    systems.control("down", {"espocrm": False, "advoware": False})
    systems.act("espocrm", "edit", record_id=espo_id, values={"lastName": "Nachher"})
    daemon.wait_ready()
    eventually("it is in Advoware", lambda: systems.beteiligter(number)["name"] == "Nachher")


def _names(daemon: Daemon, *sides: str) -> bool:
    text = " ".join(daemon.get("/readyz").json()["reasons"])
    return all(side in text for side in sides)


def test_a_wrong_password_is_red_and_is_not_tried_again_and_again(daemon: Daemon, systems: Systems) -> None:
    daemon.settings = {**daemon.settings, "ADVOWARE_PASSWORD": "not-the-one"}
    daemon.start()
    eventually("it is told", lambda: "advoware refuses our login" in daemon.get("/readyz").text)
    told = eventually("it is an alarm", lambda: daemon.events("alarm.raised"))
    assert [alarm["cause"] for alarm in told] == ["credentials:advoware"]
    asked = systems.control("log?counts=1", method="GET")["tokens"]
    systems.act("espocrm", "create", values={"lastName": "Wartend"})
    eventually("it polls", lambda: systems.control("log?counts=1", method="GET")["reads"]["espocrm"] > 10)
    assert systems.control("log?counts=1", method="GET")["tokens"] == asked


def test_after_a_restart_a_login_that_was_put_right_on_the_other_side_is_tried_again(
    daemon: Daemon, systems: Systems
) -> None:
    espo_id, number = systems.seed("synced", 1)[0]
    systems.control("faults", {"kind": "status", "system": "advoware", "route": "*Token", "status": 401, "times": None})
    daemon.start()
    eventually("it is told", lambda: "advoware refuses our login" in daemon.get("/readyz").text)
    systems.control("faults", method="DELETE")
    daemon.end()
    systems.act("espocrm", "edit", record_id=espo_id, values={"lastName": "Nachher"})
    daemon.start().wait_ready()
    eventually("it is in Advoware", lambda: systems.beteiligter(number)["name"] == "Nachher")


@pytest.mark.parametrize("kills", [3])
def test_killed_in_a_burst_of_creates_it_doubles_nothing(daemon: Daemon, systems: Systems, kills: int) -> None:
    systems.seed("synced", 1)
    daemon.start().wait_ready()
    made = []
    for round_ in range(kills):
        for number in range(8):
            values = {"firstName": "Karla", "lastName": f"Neu{round_}x{number}"}
            made.append(systems.act("espocrm", "create", values=values))
        before = len(systems.beteiligte())
        eventually("a create has arrived", partial(_more_than, systems, before))
        daemon.end(signal.SIGKILL)
        daemon.start()

    def all_clean() -> bool:
        return all(systems.espo(espo_id)["syncStatus"] == "clean" for espo_id in made)

    eventually("all are in sync", all_clean, 100)
    names = Counter(one["name"] for one in systems.beteiligte())
    numbers = [systems.espo(espo_id)["betnr"] for espo_id in made]
    assert [name for name, count in names.items() if name.startswith("Neu") and count > 1] == []
    assert len(set(numbers)) == len(made)


def _more_than(systems: Systems, count: int) -> bool:
    return len(systems.beteiligte()) > count


def _is_named(systems: Systems, number: int, name: str) -> bool:
    return bool(systems.beteiligter(number)["name"] == name)


def test_redis_may_be_flushed_at_any_moment(daemon: Daemon, systems: Systems, redis_url: str) -> None:
    pairs = systems.seed("synced", 3)
    daemon.start().wait_ready()
    with redis.Redis.from_url(redis_url) as client:
        for turn, (espo_id, number) in enumerate(pairs):
            systems.act("espocrm", "edit", record_id=espo_id, values={"lastName": f"Geleert{turn}"})
            client.flushall()
            client.script_flush()
            eventually("it arrives", partial(_is_named, systems, number, f"Geleert{turn}"))
    assert daemon.end() == 0


def test_its_own_redis_is_started_again_when_it_dies(daemon: Daemon, systems: Systems) -> None:
    espo_id, number = systems.seed("synced", 1)[0]
    daemon.settings = {name: value for name, value in daemon.settings.items() if name != "REDIS_URL"}
    daemon.start().wait_ready()
    pid_file = daemon.directory / "state" / "redis" / "redis.pid"
    os.kill(int(pid_file.read_text()), signal.SIGKILL)
    eventually("it is revived", lambda: daemon.events("redis.revived"))
    systems.act("espocrm", "edit", record_id=espo_id, values={"lastName": "Weiter"})
    eventually("it arrives", lambda: systems.beteiligter(number)["name"] == "Weiter")
    pid = int(pid_file.read_text())
    assert daemon.end() == 0
    eventually("its Redis has ended with it", lambda: not _runs(pid))


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_stop_finishes_the_jobs_under_way_and_takes_no_webhook(daemon: Daemon, systems: Systems) -> None:
    espo_id, number = systems.seed("synced", 1)[0]
    daemon.start().wait_known(espo_id)
    slow = {"kind": "latency", "system": "advoware", "method": "PUT", "seconds": 2, "times": None}
    systems.control("faults", slow)
    systems.act("espocrm", "edit", record_id=espo_id, values={"lastName": "Zuletzt"})
    eventually("the job has begun", lambda: _claimed(daemon))
    assert daemon.process is not None
    daemon.process.send_signal(signal.SIGTERM)
    eventually("it stops", lambda: daemon.events("daemon.stopping"))
    answer = daemon.http.post(f"http://127.0.0.1:{daemon.port}/webhooks/espocrm/beteiligte/update", content=b"[]")
    assert answer.status_code == 503
    assert daemon.process.wait(60) == 0
    assert systems.beteiligter(number)["name"] == "Zuletzt"
    assert not daemon.events("daemon.cut_off")


def _claimed(daemon: Daemon) -> bool:
    with sqlite3.connect(daemon.directory / "state" / "ledger.db") as ledger:
        return bool(ledger.execute("SELECT count(*) FROM intents WHERE state = 'open'").fetchone()[0])


def test_a_hangup_reads_the_mapping_anew_and_keeps_the_old_one_if_it_is_bad(daemon: Daemon, systems: Systems) -> None:
    espo_id, number = systems.seed("synced", 1)[0]
    daemon.start().wait_ready()
    assert daemon.process is not None
    mapping = daemon.directory / "syncd.toml"
    mapping.write_text("[entities.beteiligte.fields.titel]\ndirection = 'nowhere'\n")
    daemon.process.send_signal(signal.SIGHUP)
    eventually("it is refused", lambda: daemon.events("config.not_reloaded"))
    mapping.write_text("[entities.beteiligte.fields.titel]\ndirection = 'off'\n")
    daemon.process.send_signal(signal.SIGHUP)
    eventually("it is read", lambda: daemon.events("config.reloaded"))
    systems.act("espocrm", "edit", record_id=espo_id, values={"titel": "Lic.", "lastName": "Ohnetitel"})
    eventually("the name arrives", lambda: systems.beteiligter(number)["name"] == "Ohnetitel")
    assert systems.beteiligter(number)["titel"] != "Lic."


def test_systemd_is_told_how_the_daemon_is(daemon: Daemon, tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(60)
        daemon.settings = {**daemon.settings, "NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "1500000"}
        daemon.start()
        _told(manager, "READY=1")
        _told(manager, "WATCHDOG=1")
        assert daemon.process is not None
        daemon.process.send_signal(signal.SIGHUP)
        _told(manager, "RELOADING=1")
        _told(manager, "READY=1")
        daemon.process.send_signal(signal.SIGTERM)
        _told(manager, "STOPPING=1")
        assert daemon.process.wait(60) == 0


def _told(manager: socket.socket, word: str) -> None:
    while word not in manager.recv(4096).decode():
        pass


def test_two_daemons_share_the_work_without_doubling_it(daemon: Daemon, systems: Systems, redis_url: str) -> None:
    systems.seed("synced", 1)
    other = Daemon(daemon.directory / "other", daemon.settings)
    other.directory.mkdir()
    try:
        daemon.start().wait_ready()
        other.start("--no-intake", "--workers", "2")
        eventually("the other is up", lambda: other.events("daemon.ready"))
        made = [systems.act("espocrm", "create", values={"lastName": f"Zweifach{number}"}) for number in range(10)]
        eventually("all are in sync", lambda: all(systems.espo(one)["syncStatus"] == "clean" for one in made))
        names = Counter(one["name"] for one in systems.beteiligte())
        assert [name for name, count in names.items() if name.startswith("Zweifach") and count > 1] == []
        assert other.end() == 0
        assert daemon.end() == 0
    finally:
        if other.process is not None and other.process.poll() is None:
            other.process.kill()
            other.process.wait()
        other.http.close()

"""How commands fail: one line that says what to do, and an exit code that scripts can rely on."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from syncd.cli.frame import app
from tests.cli.conftest import Cli, one_line
from tests.systems import ROOT, Systems

# Every command with arguments that are right in form.
CALLS = {
    "serve": (),
    "run": (),
    "plan": ("6b0016e4c18a47abb",),
    "sync": ("6b0016e4c18a47abb",),
    "show": ("6b0016e4c18a47abb",),
    "webhooks list": (),
    "webhooks register": (),
    "webhooks check": (),
    "config check": (),
}
LEDGER_ONLY = {
    "status": (),
    "retry": ("6b0016e4c18a47abb",),
    "export": ("6b0016e4c18a47abb",),
    "erase": ("6b0016e4c18a47abb",),
    "conflicts": (),
    "conflicts list": (),
    "conflicts show": ("abc",),
    "conflicts resolve": ("abc", "--take", "espocrm"),
    "guard": (),
    "guard show": (),
    "guard allow": ("abc",),
    "pause": (),
    "resume": (),
    "queue": (),
    "queue list": (),
    "queue drop": ("6b0016e4c18a47abb",),
    "locks": (),
    "locks list": (),
    "locks clear": ("--stale",),
    "exclude": ("6b0016e4c18a47abb",),
    "include": ("6b0016e4c18a47abb",),
}


@pytest.mark.parametrize("command", CALLS)
def test_missing_settings_are_told_one_line_each(bare: pytest.MonkeyPatch, cli: Cli, command: str) -> None:
    result = cli(*command.split(), *CALLS[command])
    assert result.code == 2
    lines = result.err.splitlines()
    assert all(line.startswith("error: ") for line in lines)
    assert any("ADVOWARE_PASSWORD: missing" in line for line in lines)
    assert any("ESPOCRM_API_BASE_URL: missing" in line for line in lines)
    assert result.out == ""


@pytest.mark.parametrize("command", LEDGER_ONLY)
def test_commands_on_the_ledger_need_no_settings_but_a_ledger(bare: pytest.MonkeyPatch, cli: Cli, command: str) -> None:
    line = one_line(cli(*command.split(), *LEDGER_ONLY[command]), 3)
    assert "there is no ledger" in line
    assert "syncd serve" in line


@pytest.mark.parametrize("command", ["run", "plan", "sync", "show", "webhooks list"])
@pytest.mark.usefixtures("settings")
def test_an_unreachable_espocrm_is_exit_code_3(
    settings: pytest.MonkeyPatch, systems: Systems, synced: tuple[str, int], cli: Cli, command: str
) -> None:
    settings.setenv("SYNCD_LOG_LEVEL", "ERROR")
    systems.control("down", {"espocrm": True})
    arguments = (synced[0],) if command in ("plan", "sync", "show") else ()
    line = one_line(cli(*command.split(), *arguments), 3)
    assert "espocrm" in line


@pytest.mark.usefixtures("settings")
def test_a_wrong_key_is_a_matter_of_configuration(settings: pytest.MonkeyPatch, cli: Cli) -> None:
    settings.setenv("ESPOCRM_API_KEY", "not-the-key")
    line = one_line(cli("webhooks", "list"), 2)
    assert "espocrm refuses our login" in line
    assert "not-the-key" not in line


def test_an_unreachable_redis_is_exit_code_3_and_the_rest_is_shown(
    settings: pytest.MonkeyPatch, synced: tuple[str, int], cli: Cli
) -> None:
    settings.setenv("REDIS_URL", "redis://127.0.0.1:1/0")
    result = cli("status")
    assert "Redis" in one_line(result, 3)
    assert "clean" in result.out
    assert "Redis" in one_line(cli("locks"), 3)


def test_a_ledger_that_cannot_be_made_is_told(bare: pytest.MonkeyPatch, cli: Cli) -> None:
    bare.setenv("SYNCD_STATE_DIR", "/proc/nowhere")
    assert "SYNCD_STATE_DIR" in one_line(cli("db", "upgrade"), 2)


def test_a_foreign_ledger_is_refused(settings: pytest.MonkeyPatch, synced: tuple[str, int], cli: Cli) -> None:
    settings.setenv("ADVOWARE_DATABASE", "another")
    for command in (("run",), ("plan", synced[0]), ("sync", synced[0])):
        assert "belongs to another installation (database" in one_line(cli(*command), 2)


def test_a_bad_mapping_is_told_by_place(settings: pytest.MonkeyPatch, cli: Cli) -> None:
    with open("syncd.toml", "w") as file:
        file.write("[entities.beteiligte.fields.nmae]\npolicy = 'espocrm'\n")
    line = one_line(cli("config", "check"), 2)
    assert "entities.beteiligte.fields.nmae: unknown key; did you mean name?" in line


@pytest.mark.parametrize(
    "arguments",
    [
        ("frobnicate",),
        ("--frobnicate",),
        ("run", "--max-seconds", "soon"),
        ("run", "--max-seconds", "-1"),
        ("plan",),
        ("sync",),
        ("sync", "a1", "--all"),
        ("sync", "--all", "--status", "failed"),
        ("retry",),
        ("retry", "a1", "--status", "failed"),
        ("conflicts", "resolve", "abc"),
        ("conflicts", "list", "--state", "strange"),
        ("locks", "clear"),
        ("locks", "clear", "a1", "--stale"),
        ("serve", "--workers", "0"),
        ("doctor", "--yes"),
        ("doctor", "--probe-betnr", "0"),
        ("doctor", "--probe-betnr", "x"),
        ("webhooks", "register", "--url", "firm.example"),
        ("queue", "list", "--limit", "0"),
        ("sandbox", "--espocrm-port", "99999"),
        ("demo", "--records", "1"),
    ],
)
def test_nonsense_is_one_line_and_exit_code_2(bare: pytest.MonkeyPatch, cli: Cli, arguments: tuple[str, ...]) -> None:
    assert "--help" in one_line(cli(*arguments), 2)


NO_KEYS = ("", "two words", "betnr:x", "betnr:", "nothing/a1", "x" * 50, "../etc/passwd", "betnr:77")


def test_a_key_that_is_none_is_exit_code_2(synced: tuple[str, int], cli: Cli) -> None:
    for command in ("show", "plan", "export", "retry", "sync"):
        for key in NO_KEYS if command == "export" else NO_KEYS[::3]:
            one_line(cli(command, key), 2)


def test_a_record_espocrm_does_not_have_is_not_let_in(synced: tuple[str, int], cli: Cli) -> None:
    assert "EspoCRM has no record" in one_line(cli("sync", "6b0016e4c18a47abb"), 2)
    one_line(cli("show", "6b0016e4c18a47abb"), 2)


def test_what_is_not_there_cannot_be_decided(synced: tuple[str, int], cli: Cli) -> None:
    one_line(cli("conflicts", "show", "nothere"), 2)
    one_line(cli("conflicts", "resolve", "nothere", "--take", "espocrm"), 2)
    one_line(cli("guard", "allow", "nothere"), 2)
    one_line(cli("resume"), 2)
    one_line(cli("pause", "--side", "nowhere"), 2)
    one_line(cli("pause", "--entity", "nothing"), 2)
    one_line(cli("retry", "--status", "strange"), 2)
    one_line(cli("erase", synced[0]), 2)


def test_a_port_in_use_is_told_before_anything_is_begun(
    settings: pytest.MonkeyPatch, systems: Systems, cli: Cli
) -> None:
    settings.setenv("SYNCD_HTTP_PORT", systems.espocrm.rpartition(":")[2])
    line = one_line(cli("serve"), 2)
    assert "cannot listen on 127.0.0.1 port" in line
    assert "SYNCD_HTTP_PORT" in line


def test_the_trace_is_shown_when_asked_for(bare: pytest.MonkeyPatch, cli: Cli) -> None:
    with pytest.raises(Exception, match="ADVOWARE_PASSWORD"):
        cli("--debug", "run")


def test_every_command_has_a_help_with_a_purpose(cli: Cli) -> None:
    names = [command.name or command.callback.__name__ for command in app.registered_commands if command.callback]
    groups = [group.name for group in app.registered_groups]
    for name in (*names, *groups):
        result = cli(str(name), "--help")
        assert result.code == 0
        assert len(result.out.split()) > 20, name
    assert cli("--version").out.startswith("syncd ")


def test_ctrl_c_is_told_in_one_line(settings: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        address = f"http://127.0.0.1:{silent.getsockname()[1]}/api/v1"
        command = subprocess.Popen(
            [sys.executable, "-m", "syncd", "run"],
            env={**os.environ, "PYTHONPATH": str(ROOT), "ESPOCRM_API_BASE_URL": address},
            stderr=subprocess.PIPE,
            text=True,
        )
        silent.settimeout(60)
        silent.accept()[0].close()  # it has called: it is at work
        command.send_signal(signal.SIGINT)
        _, err = command.communicate(timeout=60)
    assert command.returncode == 130
    assert err.splitlines() == ["error: interrupted; what was begun is finished by the next run"]

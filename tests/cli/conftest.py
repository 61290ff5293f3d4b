"""The command line on a real ledger, a real Redis and the stand-in servers over real HTTP."""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from syncd.cli.frame import run
from tests import plain_logs
from tests.systems import Systems, running_systems


@dataclass(frozen=True)
class Result:
    """What a command left: exit code, standard output, standard error."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Cli = Callable[..., Result]


@pytest.fixture(scope="session")
def running() -> Iterator[Systems]:
    with running_systems() as systems:
        yield systems


@pytest.fixture
def systems(running: Systems) -> Iterator[Systems]:
    """Both systems, up and without faults; records of earlier tests are still there."""
    yield running
    running.control("down", {"espocrm": False, "advoware": False})
    running.control("faults", method="DELETE")


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """No settings but where the ledger is, in a directory without `.env` and syncd.toml."""
    for name in os.environ:
        if name.startswith(("SYNCD_", "ADVOWARE_", "ESPOCRM_", "REDIS_URL", "DATABASE_URL", "NOTIFY_", "WATCHDOG_")):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SYNCD_STATE_DIR", str(tmp_path / "state"))
    return monkeypatch


@pytest.fixture
def settings(bare: pytest.MonkeyPatch, systems: Systems, redis_url: str) -> pytest.MonkeyPatch:
    """A complete configuration."""
    for name, value in systems.settings.items():
        bare.setenv(name, value)
    bare.setenv("REDIS_URL", redis_url)
    bare.setenv("SYNCD_LOG_LEVEL", "ERROR")
    # `run` looks at the records of all tests before it, and would wait for its budget.
    bare.setenv("SYNCD_ADVOWARE_CALLS_PER_MINUTE", "6000")
    bare.setenv("SYNCD_ESPOCRM_CALLS_PER_MINUTE", "6000")
    # Each sync would wait three seconds for its late look; a test that wants it says so.
    bare.setattr("syncd.passes.SOON", 0.2)
    return bare


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str]) -> Iterator[Cli]:
    """Runs a command in this process, as `syncd …` would."""
    root = logging.getLogger()
    kept = root.handlers[:], root.level, sys.excepthook

    def call(*arguments: str) -> Result:
        capsys.readouterr()
        code = run(arguments)
        said = capsys.readouterr()
        return Result(code, said.out, said.err)

    yield call
    root.handlers[:], root.level, sys.excepthook = kept
    plain_logs.restore()


@pytest.fixture
def synced(settings: pytest.MonkeyPatch, systems: Systems, cli: Cli) -> tuple[str, int]:
    """One pair this ledger has synced: EspoCRM id and number."""
    espo_id, number = systems.seed("synced", 1)[0]
    assert cli("sync", espo_id).code == 0
    return espo_id, number


def one_line(result: Result, code: int) -> str:
    """A failure is told in one line without a trace; returns it."""
    assert result.code == code, (result.out, result.err)
    lines = result.err.splitlines()
    assert len(lines) == 1, result.err
    assert lines[0].startswith("error: ")
    return lines[0]

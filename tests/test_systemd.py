"""systemd itself judges the units."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

UNITS = Path(__file__).parent.parent / "systemd"
ANALYZE = shutil.which("systemd-analyze")

pytestmark = [pytest.mark.systemd, pytest.mark.skipif(ANALYZE is None, reason="needs systemd-analyze")]


def _analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(ANALYZE), *arguments], capture_output=True, text=True, check=False)


SERVICES = ("syncd.service", "syncd@.service", "syncd-run.service", "syncd-run@.service")


def test_the_units_are_as_systemd_wants_them(tmp_path: Path) -> None:
    for unit in (*UNITS.glob("*.service"), *UNITS.glob("*.timer")):
        # The program is not installed where the units expect it.
        text = re.sub(r"^ExecStart=\S+", f"ExecStart={sys.executable}", unit.read_text(), flags=re.M)
        (tmp_path / unit.name).write_text(text)
    assert len(list(tmp_path.iterdir())) == 6
    result = _analyze("verify", "--man=no", *map(str, sorted(tmp_path.iterdir())))
    ours = [line for line in result.stderr.splitlines() if "syncd" in line]
    assert (result.returncode, ours) == (0, []), result.stderr


@pytest.mark.parametrize("unit", SERVICES)
def test_the_services_are_shut_in(unit: str) -> None:
    result = _analyze("security", "--offline=true", "--threshold=20", str(UNITS / unit))
    assert result.returncode == 0, result.stdout[-500:]


@pytest.mark.parametrize("unit", ["syncd.service", "syncd-run.service", "syncd-run.timer"])
def test_a_firm_of_several_has_the_same_unit_in_places_of_its_own(unit: str) -> None:
    name, _, kind = unit.partition(".")
    only, several = _lines(UNITS / unit), _lines(UNITS / f"{name}@.{kind}")
    own = {line: other for line, other in zip(only, several, strict=True) if line != other}
    for line, other in own.items():
        assert line in (other.replace("syncd-%i", "syncd"), other.replace(" (%i)", ""))
    places = {"EnvironmentFile", "LoadCredential", "User", "Group", "StateDirectory", "WorkingDirectory"}
    expected = {"Description", *places} if kind == "service" else {"Description"}
    assert {line.partition("=")[0] for line in own} == expected


def _lines(unit: Path) -> list[str]:
    return [line for line in unit.read_text().splitlines() if not line.startswith("#")]


def test_daemon_and_pass_are_shut_in_alike() -> None:
    daemon, once = (_lines(UNITS / name) for name in ("syncd.service", "syncd-run.service"))
    start, end = "EnvironmentFile=-/etc/syncd/syncd.env", "TasksMax=256"
    assert daemon[daemon.index(start) : daemon.index(end)] == once[once.index(start) : once.index(end)]

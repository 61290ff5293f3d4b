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


def test_the_units_are_as_systemd_wants_them(tmp_path: Path) -> None:
    for unit in UNITS.iterdir():
        # The program is not installed where the units expect it.
        text = re.sub(r"^ExecStart=\S+", f"ExecStart={sys.executable}", unit.read_text(), flags=re.M)
        (tmp_path / unit.name).write_text(text)
    result = _analyze("verify", "--man=no", *map(str, sorted(tmp_path.iterdir())))
    ours = [line for line in result.stderr.splitlines() if "syncd" in line]
    assert (result.returncode, ours) == (0, []), result.stderr


@pytest.mark.parametrize("unit", ["syncd.service", "syncd-run.service"])
def test_the_services_are_shut_in(unit: str) -> None:
    result = _analyze("security", "--offline=true", "--threshold=20", str(UNITS / unit))
    assert result.returncode == 0, result.stdout[-500:]

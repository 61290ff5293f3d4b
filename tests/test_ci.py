"""What a laptop may skip, CI fails."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.mark.parametrize(("ci", "code"), [("true", 1), ("", 0)])
@pytest.mark.parametrize("skip", ["pytest.skip('no browser')", "pytest.importorskip('no_such_module_here')"])
def test_a_skip_fails_the_run_in_ci_and_nowhere_else(tmp_path: Path, ci: str, code: int, skip: str) -> None:
    (tmp_path / "conftest.py").write_text((ROOT / "tests/conftest.py").read_text())
    (tmp_path / "test_it.py").write_text(
        f"import pytest\ndef test_good() -> None: ...\ndef test_skipping() -> None:\n    {skip}\n"
    )
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-c", str(ROOT / "pyproject.toml"), str(tmp_path)],
        cwd=ROOT,
        env={**os.environ, "CI": ci},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == code, run.stdout
    assert ("which CI does not allow" in run.stdout) is bool(code)

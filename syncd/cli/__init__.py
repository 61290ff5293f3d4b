"""The command `syncd`: parses, calls, prints, and turns every failure into one line and an exit code.

Decides nothing itself. Exit codes: 0 done, nothing open · 1 done, something failed or waits for a person ·
2 usage or configuration · 3 something needed cannot be reached (or a bug).
"""

from __future__ import annotations

import sys

from syncd.cli.frame import run
from syncd.private import private_from_now_on


def main() -> None:
    """Entry point."""
    private_from_now_on()
    sys.exit(run(sys.argv[1:]))

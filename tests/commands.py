"""A command in this process, with settings of its own and no terminal: `syncd …` without the second a start takes."""

from __future__ import annotations

import io
import logging
import os
import sys
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pytest

from syncd.cli.frame import run
from tests import plain_logs
from tests.systems import environment


@dataclass(frozen=True)
class Said:
    """What a command left: exit code, standard output, standard error."""

    code: int
    out: str
    err: str


def command(settings: Mapping[str, str], directory: Path, *arguments: str) -> Said:
    """Run it in this directory, with nothing of the settings of whoever runs the tests."""
    root = logging.getLogger()
    kept = root.handlers[:], root.level, sys.excepthook
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, open(os.devnull) as nobody, redirect_stdout(out), redirect_stderr(err):
        own = environment(**settings)
        for name in os.environ.keys() - own.keys():
            patch.delenv(name)
        for name, value in own.items():
            patch.setenv(name, value)
        patch.chdir(directory)
        patch.setattr(sys, "stdin", nobody)
        try:
            code = run(arguments)
        finally:
            root.handlers[:], root.level, sys.excepthook = kept
            plain_logs.restore()
    return Said(code, out.getvalue(), err.getvalue())

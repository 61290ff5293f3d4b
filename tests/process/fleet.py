"""Several real daemons on the same stores, each of which may be killed or frozen at any moment."""

from __future__ import annotations

import asyncio
import random
import signal
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.process.conftest import Daemon
from tests.process.peers import Peers

LIVE_SECONDS = 120.0  # a loaded machine is slow to start a process


@dataclass
class Fleet:
    """The daemons by name; `peers` is told of every process. All of it runs in the loop of the stand-in servers, so
    nothing here may block."""

    members: dict[str, Daemon]
    peers: Peers
    kills: int = 0
    stops: int = 0
    moments: list[float] = field(default_factory=list)
    """when something was killed, frozen or thawed, by the clock of the stand-ins"""
    frozen: set[str] = field(default_factory=set)

    def start(self, name: str) -> None:
        """Start a daemon that does not run."""
        daemon = self.members[name].start()
        assert daemon.process is not None
        self.peers.know(daemon.process.pid, f"{name}/{daemon.starts}")

    async def started(self, name: str) -> None:
        """Start it and wait until it is at work."""
        self.start(name)
        async with asyncio.timeout(LIVE_SECONDS):
            while not self.members[name].events("daemon.ready"):
                self.check(name)
                await asyncio.sleep(0.1)

    def check(self, name: str) -> None:
        """AssertionError where a daemon ended by itself."""
        daemon = self.members[name]
        assert daemon.process is not None
        assert daemon.process.poll() is None, f"{name} ended by itself: {daemon.log.read_text()[-2000:]}"

    def kill(self, name: str, now: float) -> None:
        """SIGKILL, also of a frozen one."""
        process = self.members[name].process
        assert process is not None
        self.check(name)
        process.kill()
        process.wait()
        self.frozen.discard(name)
        self.kills += 1
        self.moments.append(now)

    def freeze(self, name: str, now: float) -> None:
        """SIGSTOP: it knows nothing of the time that passes."""
        self._signal(name, signal.SIGSTOP)
        self.frozen.add(name)
        self.stops += 1
        self.moments.append(now)

    def thaw(self, name: str, now: float) -> None:
        """SIGCONT: it goes on in the middle of what it did."""
        self.frozen.discard(name)
        self._signal(name, signal.SIGCONT)
        self.moments.append(now)

    def _signal(self, name: str, which: signal.Signals) -> None:
        process = self.members[name].process
        assert process is not None
        process.send_signal(which)

    async def end(self) -> dict[str, int]:
        """Ask all to stop; returns their exit codes."""
        codes = {}
        for name, daemon in self.members.items():
            self.check(name)
            codes[name] = await asyncio.to_thread(daemon.end)
        return codes

    def close(self) -> None:
        """Nothing stays, whatever happened."""
        for daemon in self.members.values():
            if daemon.process is not None and daemon.process.poll() is None:
                daemon.process.kill()
                daemon.process.wait()
            daemon.http.close()

    def logs(self) -> list[Path]:
        """The logs of every process there was."""
        found = (daemon.directory.glob("daemon-*.log") for daemon in self.members.values())
        return sorted(path for some in found for path in some)


def fleet(directory: Path, settings: Mapping[str, Mapping[str, str]], peers: Peers) -> Fleet:
    """A daemon by each name, with these settings and a directory of its own; none is started."""
    members = {}
    for name, own in settings.items():
        home = directory / name
        home.mkdir()
        members[name] = Daemon(home, {**own, "SYNCD_STATE_DIR": own.get("SYNCD_STATE_DIR", str(home / "state"))})
    return Fleet(members, peers)


@dataclass(frozen=True)
class Mischief:
    """How often something happens to a daemon. `pause` seconds between two blows, `freeze` how long one stands still.

    `frozen` is the part that is frozen instead of killed; a fifth of those frozen never wakes again.
    """

    pause: tuple[float, float]
    freeze: tuple[float, float]
    frozen: float = 0.5
    rest: tuple[float, float] = (0.0, 1.5)
    """seconds until a killed one is started again"""


async def torment(fleet: Fleet, how: Mischief, chance: random.Random, now: float, stop: asyncio.Event) -> None:
    """Kill and freeze daemons until told to stop; then all run."""
    loop = asyncio.get_running_loop()
    offset = now - loop.time()
    async with asyncio.TaskGroup() as group:
        busy: set[str] = set()

        async def strike(name: str) -> None:
            if chance.random() < how.frozen:
                fleet.freeze(name, loop.time() + offset)
                await asyncio.sleep(chance.uniform(*how.freeze))
                if chance.random() >= 0.2:
                    fleet.thaw(name, loop.time() + offset)
                    busy.discard(name)
                    return
            fleet.kill(name, loop.time() + offset)
            await asyncio.sleep(chance.uniform(*how.rest))
            await fleet.started(name)
            busy.discard(name)

        while not stop.is_set():
            await asyncio.sleep(chance.uniform(*how.pause))
            free = sorted(fleet.members.keys() - busy)
            if free and not stop.is_set():
                name = chance.choice(free)
                busy.add(name)
                group.create_task(strike(name))

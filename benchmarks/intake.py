"""Webhooks taken in per second, beside a bare endpoint that checks and commits the same; and a burst of them."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import itertools
import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from benchmarks.bare_endpoint import SECRET
from benchmarks.daemon import asked, pid, serving
from benchmarks.report import judged, median, quantile, ratio, table
from benchmarks.size import Size
from benchmarks.spent import memory
from tests.ports import free_port
from tests.systems import ROOT, environment, eventually, running_systems

WEBHOOK = "wh1"
SENDERS = 16
PATH = "/webhooks/espocrm/beteiligte/update"
LEAST = 0.7
STORED = "SELECT count(*) FROM deliveries"
SAMPLE = 0.2  # seconds between two looks at the memory


@dataclass
class Door:
    """Where webhooks are sent, and what was measured."""

    url: str
    rates: dict[int, list[float]] = field(default_factory=dict)
    times: dict[int, list[float]] = field(default_factory=dict)


async def measure(size: Size, state: Path) -> str:
    """Two tables."""
    with (
        running_systems() as systems,
        serving(
            systems, state / "syncd", "--no-discovery", ESPOCRM_WEBHOOK_SECRETS=f"{WEBHOOK}:{SECRET.decode()}"
        ) as daemon,
    ):
        ours = Door(f"http://127.0.0.1:{daemon.port}{PATH}")
        systems.control("down", {"espocrm": True, "advoware": True})  # the intake alone is measured, no jobs
        with _bare(state / "bare.db") as theirs:
            for events in (1, 50):
                for _ in range(size.rounds):
                    for door in (ours, theirs):
                        await _post(door, events, max(SENDERS, size.posts // (1 if events == 1 else 5)))
        taken = await _burst(Door(ours.url), size.burst, pid(daemon), state / "syncd")
    return f"{_told(ours, theirs)}\n\n{taken}"


@contextmanager
def _bare(file: Path) -> Iterator[Door]:
    port = free_port()
    command = [sys.executable, "-m", "benchmarks.bare_endpoint", str(file), str(port)]
    process = subprocess.Popen(command, cwd=ROOT, env=environment())
    try:
        eventually("the bare endpoint is there", lambda: _listens(port))
        yield Door(f"http://127.0.0.1:{port}{PATH}")
    finally:
        process.kill()
        process.wait()


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


_NUMBER = itertools.count()


def _body(events: int) -> bytes:
    """Events of as many records, as EspoCRM tells them."""
    rows = [
        {"id": f"{next(_NUMBER):017x}", "lastName": "Musterfrau", "firstName": "Änne", "titel": "Dr.",
         "modifiedAt": "2026-11-20 10:00:00", "emailAddress": "a@example.org", "phoneNumber": "+4951112345"}
        for _ in range(events)
    ]  # fmt: skip
    return json.dumps(rows).encode()


def _signed(body: bytes) -> dict[str, str]:
    proof = hmac.new(SECRET, body, hashlib.sha256).hexdigest()
    return {"Signature": base64.b64encode(f"{WEBHOOK}:{proof}".encode()).decode()}


async def _post(door: Door, events: int, posts: int) -> None:
    """Post from several connections at once; remember the rate and each request's time."""
    bodies = iter([_body(events) for _ in range(posts)])
    times: list[float] = []
    async with aiohttp.ClientSession() as http:

        async def send() -> None:
            for body in bodies:
                begun = time.perf_counter()
                async with http.post(door.url, data=body, headers=_signed(body)) as answer:
                    if answer.status != 200:
                        raise SystemExit(f"a webhook was answered {answer.status}")
                    await answer.read()
                times.append(time.perf_counter() - begun)

        begun = time.perf_counter()
        await asyncio.gather(*(send() for _ in range(SENDERS)))
        door.rates.setdefault(events, []).append(posts / (time.perf_counter() - begun))
    door.times.setdefault(events, []).extend(times)


def _told(ours: Door, theirs: Door) -> str:
    rows = [
        (
            str(events),
            f"{median(ours.rates[events]):.0f}/s",
            f"{median(theirs.rates[events]):.0f}/s",
            judged(ratio(ours.rates[events], theirs.rates[events]), least=LEAST),
            *(f"{1000 * quantile(door.times[events], 0.99):.0f} ms" for door in (ours, theirs)),
        )
        for events in ours.rates
    ]
    head = ("events per request", "syncd", "bare endpoint", "syncd / bare", "p99 of syncd", "p99 of bare")
    return f"Requests per second from {SENDERS} connections, each answered once it is on disk:\n\n{table(head, rows)}"


async def _burst(door: Door, events: int, process: int, state: Path) -> str:
    """A flood: what of it is in the ledger, and how much memory it takes."""
    before = asked(state, STORED)
    seen = [memory(process)]

    async def look() -> None:
        while True:
            await asyncio.sleep(SAMPLE)
            seen.append(memory(process))

    looking = asyncio.create_task(look())
    begun = time.perf_counter()
    await _post(door, 50, events // 50)
    seconds = time.perf_counter() - begun
    looking.cancel()
    stored = asked(state, STORED) - before
    row = (
        f"{events:,}",
        f"{events - stored}",
        f"{events / seconds:,.0f}/s",
        f"{seen[0]:.0f} MB",
        f"{max(seen):.0f} MB",
    )
    head = ("events", "lost", "taken in", "memory before", "most memory")
    return f"A burst, 50 events in each request:\n\n{table(head, [row])}"

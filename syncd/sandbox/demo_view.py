"""What a spectator of the demonstration sees: live on a terminal, in plain lines elsewhere, and the table at the end.

Only looks: at the stand-ins' call log, at the daemon's doors, at the diary.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter, deque
from collections.abc import AsyncIterator, Sequence
from itertools import islice
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from syncd.sandbox import defaults
from syncd.sandbox.calllog import Call
from syncd.sandbox.demo_check import Report
from syncd.sandbox.demo_daemon import Daemon, statuses
from syncd.sandbox.demo_diary import LABELS, SIDES, Diary
from syncd.sandbox.demo_unasked import BOOKKEEPING
from syncd.sandbox.sandbox import Sandbox

LINES = 14
LOOK_SECONDS = 0.1
ASK_SECONDS = 0.5
LINE_SECONDS = 2.0
SHOWN_FAULTS = 40


def is_write(call: Call) -> bool:
    """Whether a call changes anything; a token request does not."""
    return call.method != "GET" and not call.route.endswith("/Token")


class Screen:
    """The view of one demonstration; what it learns of the daemon by the way is there for others."""

    def __init__(self, console: Console, sandbox: Sandbox, daemon: Daemon) -> None:
        self.console = console
        self.sandbox = sandbox
        self.daemon = daemon
        self.diary: Diary | None = None
        self.phase = ""
        self.people: deque[str] = deque(maxlen=LINES)
        self.done: deque[str] = deque(maxlen=LINES)
        self.writes: Counter[str] = Counter()
        self.last_write = 0.0
        self.state = "starting"
        self.status: dict[str, Any] = {}
        self.began = sandbox.now()
        self.seen_calls = 0
        self.looked_at: dict[str, float] = {}
        self.live: Live | None = None

    @property
    def known(self) -> int:
        """How many records the daemon has met."""
        pairs: dict[str, int] = self.status.get("pairs", {})
        return sum(pairs.values()) - pairs.get("new", 0)

    @property
    def owed(self) -> int | None:
        """Tasks and notes the daemon has not posted yet; None before it was asked."""
        owed: int | None = self.status.get("messages_owed")
        return owed

    def statuses(self) -> dict[str, int]:
        """Living EspoCRM records by status."""
        held = self.sandbox.espo.tables["CBeteiligte"].equal["syncStatus"]
        return {str(status): len(records) for status, records in held.items() if records}

    def looked_since(self, moment: float) -> bool:
        """Whether the daemon has read every Beteiligter of a pair since then."""
        rows = self.sandbox.espo.tables["CBeteiligte"].rows.values()
        numbers = {row.values["betnr"] for row in rows if not row.deleted}
        living = numbers & self.sandbox.advoware.beteiligte.keys()
        return all(self.looked_at.get(str(betnr), 0.0) > moment for betnr in living)

    def told(self, text: str) -> None:
        """Somebody acted."""
        line = f"{self._clock()} {text}"
        self.people.append(line)
        if self.live is None and text.startswith("—"):
            self.console.print(line, markup=False, highlight=False, soft_wrap=True)

    @contextlib.asynccontextmanager
    async def shown(self) -> AsyncIterator[None]:
        """Look and show until left."""
        if self.console.is_terminal:
            self.live = Live(self._render(), console=self.console, refresh_per_second=8, transient=True)
            self.live.start()
        tasks = [asyncio.create_task(one) for one in (self._look(), self._ask(), self._speak())]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self.close()

    def close(self) -> None:
        """Give the terminal back."""
        if self.live is not None:
            self.live.stop()

    # --- looking ------------------------------------------------------------------------------

    async def _look(self) -> None:
        while True:
            fresh = list(islice(self.sandbox.log.calls, self.seen_calls, None))
            self.seen_calls += len(fresh)
            for call in fresh:
                self._note(call)
            if self.diary is not None:
                self.diary.look()
            await asyncio.sleep(LOOK_SECONDS)

    def _note(self, call: Call) -> None:
        if not is_write(call):
            self.looked_at[call.path.rpartition("/")[2]] = call.at
            return
        self.writes[call.system] += 1
        self.last_write = max(self.last_write, call.at)
        told = [name for name in call.names if name not in BOOKKEEPING[call.system]]
        whole = "the whole entry" if "/Kommunikationen/" in call.path else "the whole object"
        what = whole if call.method == "PUT" else ", ".join(told) or "status"
        answer = call.status if call.status is not None else "no answer"
        path = "/".join(call.path.split("/")[-2:])
        self.done.append(f"{self._clock(call.at)} {LABELS[call.system]} {call.method} {path} {answer}: {what}")

    async def _ask(self) -> None:
        while True:
            status, body = await self.daemon.get("/readyz")
            if not self.daemon.alive:
                self.state = "not running"
            elif status:
                self.state = "; ".join(map(str, body.get("reasons", ()))) or "ready"
            status, body = await self.daemon.get("/api/v1/status")
            if status == 200:
                self.status = body
            await asyncio.sleep(ASK_SECONDS)

    async def _speak(self) -> None:
        while True:
            if self.live is not None:
                self.live.update(self._render())
                await asyncio.sleep(LOOK_SECONDS)
            else:
                self.console.print(self._line(), markup=False, highlight=False, soft_wrap=True)
                await asyncio.sleep(LINE_SECONDS)

    # --- showing ------------------------------------------------------------------------------

    def _clock(self, at: float | None = None) -> str:
        return f"{(self.sandbox.now() if at is None else at) - self.began:5.1f} s"

    def _facts(self) -> list[str]:
        typed = len(self.diary.typed) if self.diary else 0
        waiting = len(self.diary.waiting) if self.diary else 0
        queue = ", ".join(f"{lane} {count}" for lane, count in self.status.get("waiting", {}).items())
        return [
            f"people: {typed} values typed, {waiting} not on the other side yet",
            "writes: " + ", ".join(f"{LABELS[side]} {self.writes[side]}" for side in SIDES),
            f"daemon: {self.state}; work: {queue or 'none'}; to decide: {self.status.get('conflicts', 0)}",
            f"records: {statuses(self.statuses().items())}",
        ]

    def _line(self) -> str:
        return f"{self._clock()} {self.phase} | " + " | ".join(self._facts())

    def _render(self) -> RenderableType:
        table = Table.grid(expand=True)
        table.add_column(ratio=1)
        table.add_column(ratio=1)
        table.add_row(_panel("what people do", self.people), _panel("what syncd writes", self.done))
        head = Text(f"syncd demo · {self._clock()} · {self.phase}", style="bold")
        return Group(head, table, *(Text(fact) for fact in self._facts()))


def _panel(title: str, lines: Sequence[str]) -> Panel:
    text = Text("\n".join(lines), no_wrap=True, overflow="ellipsis")
    return Panel(text, title=title, height=LINES + 2)


def result(console: Console, report: Report, diary: Diary) -> None:
    """The table at the end, and every fault in words."""
    table = Table(title="what the check found", title_justify="left")
    table.add_column("checked")
    table.add_column("found", justify="right")
    table.add_column("must be", justify="right")
    table.add_row("pairs, both systems compared field by field", str(report.pairs), "")
    table.add_row("fields compared", str(report.checked), "")
    table.add_row("  equal", str(report.equal), "")
    table.add_row("  different, and a person has been told", str(report.explained), "")
    table.add_row("  different", str(len(report.differing)), "0")
    table.add_row("phones and e-mails compared", str(report.numbers), "")
    table.add_row("  on one side only, and a person has been told", str(report.one_sided), "")
    table.add_row("open Tasks about addresses and accounts", str(report.tasks), "")
    table.add_row("values people typed", str(report.typed), "")
    table.add_row("  replaced, kept in the ledger", str(report.kept), "")
    table.add_row("  in the instant of Advoware's PUT, overwritten", str(len(report.window)), "")
    table.add_row("  lost", str(len(report.lost)), "0")
    table.add_row("doubled people, phones, e-mails, addresses, accounts", str(len(report.doubled)), "0")
    table.add_row("unasked writes", str(len(report.unasked)), "0")
    table.add_row("records in a wrong state", str(len(report.unfinished)), "0")
    table.add_row("writes after quiet", str(len(report.quiet)), "0")
    for side in SIDES:
        table.add_row(f"delay from {LABELS[side]} to the other side, p50 / p95", _delays(diary, side), "")
    console.print(table)
    for line in report.window:
        console.print(f"  in the instant of a PUT: {line}", markup=False, highlight=False, soft_wrap=True)
    for line in report.wrong[:SHOWN_FAULTS]:
        console.print(f"  {line}", markup=False, highlight=False, soft_wrap=True)
    if len(report.wrong) > SHOWN_FAULTS:
        console.print(f"  … and {len(report.wrong) - SHOWN_FAULTS} more")
    verdict = f"{len(report.wrong)} things are wrong" if report.wrong else "everything holds"
    console.print(verdict, style="bold red" if report.wrong else "bold green")


def _delays(diary: Diary, side: str) -> str:
    """Of edits that travelled while nothing was down."""
    numbers = {one.number for one in diary.typed if one.side == side} - diary.disturbed
    delays = sorted(delay for number, delay in diary.delays.items() if number in numbers)
    if not delays:
        return "–"
    half, most = (delays[min(len(delays) - 1, int(len(delays) * part))] for part in (0.5, 0.95))
    return f"{half:.1f} s / {most:.1f} s"


def kept_running(console: Console, sandbox: Sandbox, daemon: Daemon) -> None:
    """Where everything is, and what can be done with it."""
    lines = [
        "still running until Ctrl-C:",
        f"  EspoCRM   {sandbox.urls.espocrm}/api/v1   X-Api-Key: {defaults.API_KEY}   clerks: anna, bernd / "
        f"{defaults.CLERK_PASSWORD}   admin / {defaults.ADMIN_PASSWORD}",
        f"  Advoware  {sandbox.urls.advoware}   Kanzlei {defaults.ADVOWARE_KANZLEI}, user {defaults.ADVOWARE_USER} / "
        f"{defaults.ADVOWARE_PASSWORD}",
        f"  syncd     {daemon.url}   Authorization: Bearer {daemon.token}   state {daemon.state}   log {daemon.log}",
        f"  look: {daemon.url}/ui/   no name, the token of the line above as password",
        f"  try: curl {sandbox.urls.espocrm}/_control/dump",
        f"       curl -H 'Authorization: Bearer {daemon.token}' {daemon.url}/api/v1/conflicts?state=all",
    ]
    console.print("\n".join(lines), markup=False, highlight=False, soft_wrap=True)

"""Work done in a command's own process: one pass over everything, or certain records now.

The same jobs as the daemon's, claimed in the ledger, so both may run at once. Knows no terminal.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field

from services.errors import Credentials, Outage
from services.ports import CircuitName, Urgency, urgency
from syncd import inspect
from syncd.abreast import Progress, counted, each
from syncd.app import App
from syncd.commands import FEW, Desk, NotKnown
from syncd.endings import Ended
from syncd.health import PEERS
from syncd.lanes import Lane
from syncd.ledger import children, work
from syncd.ledger.work import Cause, Due
from syncd.load import read_espo
from syncd.model import Absent, Key, PairState, Status
from syncd.worker import do

SOON = 12.0  # seconds: what is due within them is waited for, as the late look after a write
BUSY_WAIT = 0.5
BUSY_PATIENCE = 120.0
NEEDS_PERSON = (Status.CONFLICT, Status.FAILED, Status.PERMANENTLY_FAILED, Status.DELETED_IN_ADVOWARE)


@dataclass
class Report:
    """What a pass did and left; `open` = something failed or waits for a person."""

    jobs: dict[str, int] = field(default_factory=dict)
    messages: int = 0
    left: int = 0
    statuses: dict[str, int] = field(default_factory=dict)
    conflicts: int = 0
    guards: int = 0
    open: bool = False
    run: str | None = None  # under which what was written can be taken back

    def lines(self) -> list[str]:
        """For people."""
        jobs = ", ".join(f"{count} {ended}" for ended, count in sorted(self.jobs.items())) or "none"
        statuses = ", ".join(f"{count} {status}" for status, count in sorted(self.statuses.items())) or "none"
        lines = [f"jobs: {jobs}; messages: {self.messages}", f"records: {statuses}"]
        if self.run:
            lines.append(f"run {self.run}: `syncd runs show {self.run}` tells what was written")
        if self.left:
            lines.append(f"{self.left} still due: the time was over")
        if self.conflicts:
            lines.append(f"{self.conflicts} wait for a person: `syncd conflicts`")
        if self.guards:
            lines.append(f"{self.guards} guards stopped something: `syncd guard`")
        return lines


async def one_pass(app: App, seconds: float, progress: Progress) -> Report:
    """Poll, look round, full pass if due, work until nothing is due, deliver messages. Raises `PeerError`."""
    clock, report = app.parts.clock, Report()
    end = clock.monotonic() + seconds
    await app.open()
    async with app.as_run("run") as run:
        await app.poll()
        await app.sweep(seconds)
        await app.full_pass_if_due()
        while clock.monotonic() < end:
            await _work_off(app, end, report, progress)
            await check_systems(app)
            wait = await _next_due(app)
            if wait is None or clock.monotonic() + wait >= end:
                break
            await clock.sleep(wait)
    report.run = run.told
    report.messages = await app.deliver()
    known = await inspect.status(app.parts.ledger, clock.now())
    report.statuses, report.conflicts, report.guards = known["pairs"], known["conflicts"], len(known["guards"])
    report.left = len(await app.parts.ledger.read(work.due, clock.now(), 10_000))
    report.open = bool(report.conflicts or report.guards or any(known["pairs"].get(status) for status in NEEDS_PERSON))
    await app.beat()
    return report


async def _work_off(app: App, end: float, report: Report, progress: Progress) -> None:
    async def heard(ended: Ended | None) -> None:
        if ended is not None:
            report.jobs[str(ended)] = report.jobs.get(str(ended), 0) + 1
        done = sum(report.jobs.values())
        progress(done, done + (await app.parts.queue.stats()).waiting)

    while app.parts.clock.monotonic() < end:
        if await app.work_off(end, heard) == 0:
            return
        await check_systems(app)


async def _next_due(app: App) -> float | None:
    """Seconds until something is due that is worth waiting for."""
    now = app.parts.clock.now()
    due = await app.parts.ledger.read(work.due, now + SOON, 1_000)
    soonest = min((item.due_at for item in due if item.cause is not Cause.SWEEP), default=None)
    return None if soonest is None else max(0.05, soonest - now)


async def check_systems(app: App) -> None:
    """Raise what keeps jobs from being done: a system that is away or refuses our login."""
    for side in PEERS:
        state = await app.parts.shared.circuit.look(side)
        if state.state is CircuitName.BARRED:
            raise Credentials(side, "our login was refused")
        if state.state is CircuitName.OPEN:
            raise Outage(side, "does not answer")


@dataclass(frozen=True)
class Done:
    """How one record came out. `ended` is None where another process did it."""

    key: str
    ended: str | None
    status: str | None
    error: str | None
    held: str | None

    @property
    def text(self) -> str | None:
        """What keeps it from being clean."""
        return f"held by {self.held}" if self.held else self.error

    def told(self) -> dict[str, str | None]:
        """As JSON."""
        return asdict(self)

    @property
    def open(self) -> bool:
        """Whether it failed or waits for a person."""
        return self.held is not None or self.status != Status.CLEAN


async def chosen(app: App, texts: Sequence[str], status: str | None, who: str | None = None) -> list[str]:
    """Let records take part and put them to work: those named, those of a status, else all; returns their keys."""
    desk = Desk(app.parts.ledger, app.entities(), app.parts.clock.now, who=who)
    if status is not None:
        return list((await desk.retry_status(status)).keys)
    if not texts:
        return await _all_keys(app)
    keys = [await desk.find(text) for text in texts]
    for key in keys:
        context = app.contexts[Key.parse(key).entity]
        if isinstance(await read_espo(context, Key.parse(key).espo_id), Absent):
            raise NotKnown(f"EspoCRM has no record {Key.parse(key).espo_id}")
    return list((await desk.sync(keys)).keys)


async def _all_keys(app: App) -> list[str]:
    """Everything that takes part, put to work behind all else."""
    keys: list[str] = []
    page = await inspect.records(app.parts.ledger, limit=inspect.MAX_PAGE)
    while page:
        some = [row["key"] for row in page if row["state"] not in (PairState.EXCLUDED, PairState.TOMBSTONE)]
        now = app.parts.clock.now()
        await app.parts.ledger.write(work.put, [Due(key, Lane.BACKFILL, Cause.EVENT, now) for key in some], now)
        keys += some
        page = await inspect.records(app.parts.ledger, after=page[-1]["key"], limit=inspect.MAX_PAGE)
    return keys


async def work_on(app: App, keys: Iterable[str], progress: Progress) -> list[Done]:
    """Do the waiting work of these records now, whoever has put it there. Raises `PeerError`."""
    todo = list(keys)
    urgency.set(Urgency.URGENT if len(todo) <= FEW else Urgency.BACKGROUND)
    ends: dict[str, Ended | None] = {}

    async def one(key: str) -> None:
        ends[key] = await _finish(app, key)

    await each(todo, counted(one, len(todo), progress), app.settings.syncd_workers)
    return [await _came_out(app, key, ends[key]) for key in todo]


async def _finish(app: App, key: str) -> Ended | None:
    """Work until nothing is due for this record and its children soon; the late look after a write belongs to it."""
    context, clock, last = app.contexts[Key.parse(key).entity], app.parts.clock, None
    patience = clock.monotonic() + BUSY_PATIENCE
    while clock.monotonic() < patience:
        due = await app.parts.ledger.read(work.next_due, key)
        if due is None or due.due_at - clock.now() > SOON:
            break
        if due.due_at > clock.now():
            await clock.sleep(max(0.05, due.due_at - clock.now()))
            continue
        ended, _ = await do(context, key, due.lane)
        if ended is Ended.BUSY:
            await clock.sleep(BUSY_WAIT)
            continue
        last = ended if last is None or ended is not Ended.UNCHANGED else last
        below = [child.name for child in context.entity.children]
        for child in await app.parts.ledger.read(children.waiting, key, below, clock.now()) if below else ():
            await _finish(app, child)
        if ended in (Ended.WAITING, Ended.ASKED, Ended.POSTPONED):
            await check_systems(app)
    return last


async def _came_out(app: App, key: str, ended: Ended | None) -> Done:
    found = await inspect.record(app.parts.ledger, key, 1) or {}
    row, held = found.get("pair") or {}, found.get("work") or {}
    return Done(key, None if ended is None else str(ended), row.get("status"), row.get("error"), held.get("held"))

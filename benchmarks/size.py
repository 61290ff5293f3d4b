"""How much is measured: the whole, what a busy machine does in half an hour, or just enough to see that it works."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Size:
    """Numbers of records, rounds and seconds of each part; `grown` are the ledgers' sizes in pairs."""

    records: int  # changed in one round at most
    seconds: float  # a round may take, by the floor's pace; slower combinations change fewer records
    rounds: int
    latencies: tuple[float, ...]  # seconds
    workers: tuple[int, ...]
    pairs: int  # of the pass that finds nothing to do
    many: int  # pairs in the ledger, records of a backfill
    dirty: int  # records found after an outage
    edits: int  # of which the delay is measured
    posts: int  # requests to the intake in one round
    burst: int  # events
    grown: tuple[int, ...]
    daemons: tuple[int, ...]
    shared: int  # changed records several daemons share
    swept: tuple[tuple[int, float], ...]  # records that are looked round at, with how many calls a minute
    days: float  # of edits


FULL = Size(
    records=2000,
    seconds=40.0,
    rounds=3,
    latencies=(0.0, 0.02, 0.1),
    workers=(1, 8, 32),
    pairs=10_000,
    many=100_000,
    dirty=10_000,
    edits=40,
    posts=1500,
    burst=50_000,
    grown=(1_000, 10_000, 100_000, 1_000_000),
    daemons=(1, 2, 4),
    shared=800,
    swept=((10_000, 15.0), (10_000, 75.0), (100_000, 150.0)),
    days=14.0,
)
SMALL = Size(
    records=120,
    seconds=3.0,
    rounds=3,
    latencies=(0.0, 0.02, 0.1),
    workers=(1, 8, 32),
    pairs=1000,
    many=10_000,
    dirty=1000,
    edits=12,
    posts=1000,
    burst=50_000,
    grown=(1_000, 10_000, 100_000),
    daemons=(1, 2, 4),
    shared=100,
    swept=((10_000, 15.0), (10_000, 75.0)),
    days=14.0,
)
QUICK = Size(
    records=8,
    seconds=1.0,
    rounds=1,
    latencies=(0.0,),
    workers=(2,),
    pairs=8,
    many=40,
    dirty=8,
    edits=2,
    posts=10,
    burst=100,
    grown=(100,),
    daemons=(1, 2),
    shared=8,
    swept=((100, 5.0),),
    days=8.0,
)

"""Why a key is on the queue, as an order of service. Knows nothing of Redis and of jobs."""

from __future__ import annotations

from enum import IntEnum


class Lane(IntEnum):
    """The lower number is served first; within a lane the key that has been due longest.

    A lane is never skipped for fairness: a person's edit passes a backfill of any length.
    """

    LIVE = 0  # a person's edit, or a person who asked
    RETRY = 1  # a job that failed and is due again
    LATE = 2  # the look after our own write
    SWEEP = 3  # looking round in Advoware
    BACKFILL = 4  # the first sync of a stock of records

"""When a storm is over: whether all is done, and whether it then stays quiet. Asks by SQL, and counts calls."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, func, select

from syncd.ledger.schema import conflicts, history, intents, messages, pairs, work
from syncd.sandbox.calllog import Call
from syncd.sandbox.demo_view import is_write
from syncd.sandbox.sandbox import ADVOWARE, Sandbox

CALM_SECONDS = 5.0  # without a write, before it may be over: longer than a late check
UNDER_WAY = ("pending_sync", "dirty", "syncing", "failed", "permanently_failed")
POLLS_PER_LOOK = 3  # how often EspoCRM is asked at least for each time everything is looked at


@dataclass(frozen=True)
class LedgerView:
    """The ledger as it is, whatever the engine would tell; `slack` seconds something due may wait for its turn."""

    engine: Engine
    slack: float

    def known(self) -> int:
        """How many pairs are linked and clean."""
        with self.engine.connect() as conn:
            found = conn.execute(select(func.count()).where(pairs.c.state == "linked", pairs.c.status == "clean"))
            return int(found.scalar_one())

    def left(self) -> dict[str, int]:
        """What is still to be done. An update in doubt is none of it: the next look in full judges it."""
        doubted = (intents.c.state == "in_doubt") & (intents.c.verb == "create")
        asked = {
            "open intents": select(func.count()).where((intents.c.state == "open") | doubted),
            "messages owed": select(func.count()).where(messages.c.state.in_(("owed", "closing"))),
            "work": select(func.count()).where(work.c.cause.not_in(("sweep", "late")), work.c.held.is_(None)),
            "overdue looks": select(func.count()).where(work.c.due_at < time.time() - self.slack),
        }
        with self.engine.connect() as conn:
            return {name: int(conn.execute(query).scalar_one()) for name, query in asked.items()}

    def remembered(self) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """Conflicts and kept values, and the history."""
        with self.engine.connect() as conn:
            found = [[dict(row) for row in conn.execute(select(table)).mappings()] for table in (conflicts, history)]
        return found[0], found[1]


@dataclass(frozen=True)
class Aftermath:
    """Both systems and the ledger since the last edit, at `ended`."""

    sandbox: Sandbox
    ledger: LedgerView
    ended: float

    def waits(self) -> list[str]:
        """What has not been done yet; nothing: the storm is over."""
        held = self.sandbox.espo.tables["CBeteiligte"].equal["syncStatus"]
        left = self.ledger.left()
        found = [status for status in UNDER_WAY if held.get(status)] + [name for name in left if left[name]]
        last = next((call.at for call in reversed(self.sandbox.log.calls) if is_write(call)), 0.0)
        if self.sandbox.now() - max(self.ended, last) <= CALM_SECONDS:
            found.append("a write just now")
        if self._looks(self.ended) < 1:
            found.append("somebody was not looked at")
        return found

    def looked_again(self, since: float, times: int) -> bool:
        """Whether everything was looked at so many times since then."""
        polls = sum(call.path.endswith("/CBeteiligte") for call in self._recent(since))
        return polls >= times * POLLS_PER_LOOK and self._looks(since) >= times

    def writes(self, since: float) -> list[Call]:
        """What was written since then."""
        return [call for call in self._recent(since) if is_write(call)]

    def _recent(self, since: float) -> Iterator[Call]:
        for call in reversed(self.sandbox.log.calls):
            if call.at <= since:
                return
            yield call

    def _looks(self, since: float) -> int:
        """How often every Beteiligter of a living pair has been read since then, the least of all."""
        rows = self.sandbox.espo.tables["CBeteiligte"].rows.values()
        numbers = {str(row.values["betnr"]) for row in rows if not row.deleted}
        looks = dict.fromkeys(numbers & {str(one) for one in self.sandbox.advoware.beteiligte}, 0)
        for call in self._recent(since):
            number = call.path.rpartition("/")[2]
            if call.method == "GET" and call.system == ADVOWARE and number in looks:
                looks[number] += 1
        return min(looks.values())

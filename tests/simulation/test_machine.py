"""People and accidents in any order Hypothesis can think of, step by step; then all is repaired, and judged.

The same world, stage and oracle as for the drawn scripts; here Hypothesis looks for the shortest bad order itself.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from tests.simulation.draw import SIDES
from tests.simulation.play import begun, ended
from tests.simulation.script import Event, Script
from tests.simulation.stage import Stage
from tests.virtual import VirtualLoop

EXAMPLES = int(os.environ.get("SYNCD_TEST_MACHINES", "6"))
PERSON = st.integers(0, 2)
SIDE = st.sampled_from(SIDES)
FIELD = st.sampled_from(("name", "titel", "zusatz", "briefanrede"))
DAEMON = st.integers(0, 1)
PAUSE = st.sampled_from((0.0, 0.0, 0.4, 3.0, 12.0, 33.0))  # seconds until the next step


class Machine(RuleBasedStateMachine):
    """Two daemons and two persons."""

    @initialize(policy=st.sampled_from(("espocrm", "advoware", "newest", "manual")), optimistic=st.booleans())
    def begin(self, policy: str, optimistic: bool) -> None:
        self.typed = 0
        self.folder = tempfile.TemporaryDirectory(prefix="syncd-machine-")
        self.loop = VirtualLoop()
        asyncio.set_event_loop(self.loop)
        chosen = {"SYNCD_DEFAULT_POLICY": policy}
        script = Script(1, "machine", 2, 0.0, latency=0.2, settings=chosen, optimistic=optimistic)
        self.stage: Stage = self.loop.run_until_complete(begun(script, Path(self.folder.name)))

    def happen(self, do: str, then: float, **args: Any) -> None:
        async def step() -> None:
            self.stage.happen(Event(0.0, do, args))
            await asyncio.sleep(then)

        self.loop.run_until_complete(step())

    def value(self) -> str:
        self.typed += 1
        return f"Wert {self.typed}"

    @rule(side=SIDE, person=PERSON, field=FIELD, then=PAUSE)
    def somebody_types(self, side: str, person: int, field: str, then: float) -> None:
        self.happen("type", then, side=side, person=person, field=field, value=self.value())

    @rule(side=SIDE, person=PERSON, then=PAUSE)
    def somebody_clears(self, side: str, person: int, then: float) -> None:
        self.happen("type", then, side=side, person=person, field="zusatz", value=None)

    @rule(side=SIDE, person=PERSON, then=PAUSE)
    def somebody_edits_numbers(self, side: str, person: int, then: float) -> None:
        self.typed += 1
        self.happen("number", then, side=side, person=person, dice=self.typed)

    @rule(then=PAUSE)
    def somebody_is_new(self, then: float) -> None:
        values = {"lastName": self.value(), "firstName": "Ida", "geburtsdatum": "1970-01-02"}
        self.happen("create", then, side="espocrm", values=values)

    @rule(person=PERSON, then=PAUSE)
    def a_record_is_deleted(self, person: int, then: float) -> None:
        self.happen("delete", then, person=person)

    @rule(person=PERSON, then=PAUSE)
    def a_record_is_restored(self, person: int, then: float) -> None:
        self.happen("restore", then, person=person)

    @rule(side=SIDE, person=PERSON, then=PAUSE)
    def tokens_change_without_content(self, side: str, person: int, then: float) -> None:
        self.happen("touch", then, side=side, person=person)

    @rule(person=PERSON, field=st.sampled_from(("titel", "zusatz", "briefanrede")), then=PAUSE)
    def content_changes_without_token(self, person: int, field: str, then: float) -> None:
        self.happen("without_token", then, person=person, field=field, value=self.value())

    @rule(loss=st.sampled_from((0.0, 0.5, 1.0)), twice=st.sampled_from((0.0, 1.0)), shuffle=st.booleans())
    def webhooks_change(self, loss: float, twice: float, shuffle: bool) -> None:
        self.happen("webhooks", 0.0, loss=loss, twice=twice, shuffle=shuffle)

    @rule(person=PERSON, take=st.sampled_from(SIDES), then=PAUSE)
    def somebody_decides(self, person: int, take: str, then: float) -> None:
        self.happen("choose", then, person=person, pick=0.0, take=take)

    @rule(daemon=DAEMON, effects=st.integers(0, 12), then=PAUSE)
    def a_daemon_dies(self, daemon: int, effects: int, then: float) -> None:
        self.happen("kill", then, daemon=daemon, effects=effects, down=1.0)

    @rule(then=PAUSE)
    def redis_forgets(self, then: float) -> None:
        self.happen("flush", then)

    @rule(side=SIDE, kind=st.sampled_from(("timeout", "timeout_applied", "offline", "html", "truncated")))
    def a_call_goes_wrong(self, side: str, kind: str) -> None:
        self.happen("fault", 0.0, rule={"kind": kind, "system": side})

    def teardown(self) -> None:
        if not hasattr(self, "stage"):
            return
        try:
            wrong = self.loop.run_until_complete(self._ended())
            assert not wrong, "\n".join(wrong)
        finally:
            asyncio.set_event_loop(None)
            self.loop.close()
            self.folder.cleanup()

    async def _ended(self) -> list[str]:
        await self.stage.over()
        return await ended(self.stage)


Machine.TestCase.settings = settings(
    max_examples=EXAMPLES,
    stateful_step_count=10,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
TestMachine = Machine.TestCase

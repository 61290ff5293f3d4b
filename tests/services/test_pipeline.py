"""The pipeline between client and wire: who waits, who may go, how a system comes back after an outage."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import httpx
import pytest

from services.errors import CircuitOpen, Outage
from services.local import FAILURES_TO_OPEN, FIRST_PAUSE, RAMP_END
from services.ports import CircuitName, Urgency, lane, urgency
from tests.services.stage import ESPO, Stage

PATH = f"{ESPO}/X"


async def outages(stage: Stage, number: int) -> None:
    client = stage.espo()
    for _ in range(number):
        with pytest.raises(Outage):
            await client.request("POST", "X")


async def test_five_outages_in_succession_open_the_circuit_and_four_do_not() -> None:
    stage = Stage()
    route = stage.router.post(PATH).mock(return_value=httpx.Response(502))
    await outages(stage, FAILURES_TO_OPEN - 1)
    route.mock(return_value=httpx.Response(400))
    with pytest.raises(Exception, match="refused"):
        await stage.espo().request("POST", "X")
    route.mock(return_value=httpx.Response(502))
    await outages(stage, FAILURES_TO_OPEN - 1)
    assert (await stage.circuit.look("espocrm")).state is CircuitName.CLOSED, "any real answer ends the row"
    await outages(stage, 1)
    assert (await stage.circuit.look("espocrm")).state is CircuitName.OPEN
    sent = route.call_count
    await outages(stage, 10)
    assert route.call_count == sent


async def test_recovery_is_one_probe_and_then_a_ramp_but_no_flood() -> None:
    stage = Stage()
    running = peak = 0
    peaks: list[int] = []
    up = False

    async def serve(request: httpx.Request) -> httpx.Response:
        nonlocal running, peak
        if not up:
            raise httpx.ConnectError("")
        running += 1
        peak = max(peak, running)
        peaks.append(running)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        running -= 1
        return httpx.Response(200, json={})

    stage.transport = httpx.MockTransport(serve)
    await outages(stage, FAILURES_TO_OPEN)
    stage.hours.time += FIRST_PAUSE
    up = True
    client = stage.espo()
    first = await asyncio.gather(*(client.request("POST", "X") for _ in range(40)), return_exceptions=True)
    assert sum(1 for result in first if not isinstance(result, Exception)) == 1
    assert all(isinstance(result, CircuitOpen) for result in first if isinstance(result, Exception))
    assert peak == 1
    await asyncio.gather(*(client.request("POST", "X") for _ in range(60)))
    # One more at a time for every success, until the ramp ends.
    assert all(at_once <= before + 1 for before, at_once in enumerate(peaks[:RAMP_END]))
    assert (await stage.circuit.look("espocrm")).state is CircuitName.CLOSED


async def test_a_probe_that_fails_doubles_the_pause() -> None:
    stage = Stage()
    stage.router.post(PATH).mock(return_value=httpx.Response(502))
    await outages(stage, FAILURES_TO_OPEN)
    stage.hours.time += FIRST_PAUSE
    await outages(stage, 1)
    assert (await stage.circuit.look("espocrm")).seconds == pytest.approx(2 * FIRST_PAUSE)


async def test_a_cancelled_probe_leaves_the_way_free_for_the_next() -> None:
    stage = Stage()
    stage.router.post(PATH).mock(return_value=httpx.Response(502))
    await outages(stage, FAILURES_TO_OPEN)
    stage.hours.time += FIRST_PAUSE

    asked = asyncio.Event()

    async def silent(request: httpx.Request) -> httpx.Response:
        asked.set()
        await asyncio.Event().wait()
        raise AssertionError

    stage.transport, working = httpx.MockTransport(silent), stage.transport
    probe = asyncio.create_task(stage.espo().request("POST", "X"))
    await asyncio.wait_for(asked.wait(), 30)
    probe.cancel()
    with pytest.raises(asyncio.CancelledError):
        await probe
    stage.transport = working
    stage.router.post(PATH).mock(return_value=httpx.Response(200))
    await stage.espo().request("POST", "X")


async def test_calls_wait_for_the_budget_of_the_minute() -> None:
    stage = Stage({"espocrm": 60})
    stage.router.post(PATH).mock(return_value=httpx.Response(200))
    client = stage.espo()
    begin = stage.hours.time
    for _ in range(60):
        await client.request("POST", "X")
    assert stage.hours.time - begin > 45, "60 calls do not fit into much less than a minute"
    assert stage.hours.time - begin < 90


async def test_what_waited_for_the_budget_does_not_call_a_system_that_went_away_meanwhile() -> None:
    stage = Stage({"espocrm": 60})
    route = stage.router.post(PATH).mock(return_value=httpx.Response(200))
    while await stage.ports.budget.take("espocrm", Urgency.URGENT) == 0.0:
        pass
    pause, sent = stage.ports.sleep, route.call_count

    async def away(seconds: float) -> None:
        await stage.circuit.fail("espocrm", "another", 60.0)
        await pause(seconds)

    stage.ports = replace(stage.ports, sleep=away)
    with pytest.raises(CircuitOpen):
        await stage.espo().request("POST", "X")
    assert route.call_count == sent


async def test_the_lane_holds_for_the_block_and_its_tasks() -> None:
    assert urgency.get() is Urgency.URGENT
    with lane(Urgency.BACKGROUND):
        assert urgency.get() is Urgency.BACKGROUND

        async def inside() -> Urgency:
            return urgency.get()

        assert await asyncio.create_task(inside()) is Urgency.BACKGROUND
    assert urgency.get() is Urgency.URGENT


async def test_every_call_is_counted_with_its_outcome() -> None:
    stage = Stage()
    stage.router.post(PATH).mock(side_effect=[httpx.Response(200), httpx.Response(404), httpx.ConnectError])
    client = stage.espo()
    await client.request("POST", "X")
    for _ in range(2):
        with pytest.raises(Exception, match="espocrm"):
            await client.request("POST", "X")
    assert [outcome for *_, outcome in stage.seen] == ["ok", "missing", "outage"]

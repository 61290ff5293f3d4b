"""Faults: what the client meets, and whether the work was done nevertheless."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import pytest

from syncd.sandbox import Sandbox
from syncd.sandbox.faults import Kind, Rule
from tests.sandbox.conftest import Espo, HandClock

PATCH = "/api/v1/CBeteiligte/{id}"


async def patch_under(api: Espo, sandbox: Sandbox, record_id: str, rule: Rule) -> Any:
    """The reply, or the class of the exception, of a PATCH under a rule."""
    sandbox.faults.add(rule)
    try:
        return await api.http.patch(f"/CBeteiligte/{record_id}", json={"titel": "Dr."}, timeout=30)
    except httpx.TransportError as error:
        return type(error)


@pytest.mark.parametrize(
    ("kind", "error", "applied", "waited"),
    [
        (Kind.OFFLINE, httpx.ConnectError, False, 0),
        (Kind.HANG_UP, httpx.RemoteProtocolError, False, 0),
        (Kind.HANG_UP_APPLIED, httpx.RemoteProtocolError, True, 0),
        (Kind.TIMEOUT, httpx.ReadTimeout, False, 30),
        (Kind.TIMEOUT_APPLIED, httpx.ReadTimeout, True, 30),
    ],
)
async def test_a_missing_answer_says_nothing_about_the_work(
    api: Espo, sandbox: Sandbox, clock: HandClock, kind: Kind, error: type, applied: bool, waited: float
) -> None:
    record_id = await api.create(lastName="X")
    before = clock.at
    assert await patch_under(api, sandbox, record_id, Rule(kind, "espocrm", "PATCH", PATCH)) is error
    assert clock.at - before == waited
    assert ((await api.get(record_id))["titel"] == "Dr.") is applied


async def test_a_late_write_applies_after_the_client_gave_up() -> None:
    loop = asyncio.get_running_loop()
    sandbox = Sandbox(now=loop.time)
    record_id = sandbox.people.espo.create({"lastName": "X"})
    sandbox.faults.add(Rule(Kind.APPLIED_LATE, method="PATCH", seconds=0.05))
    headers = {"X-Api-Key": sandbox.espo.api_key}
    base = f"{sandbox.urls.espocrm}/api/v1"
    async with httpx.AsyncClient(transport=sandbox.transport(), base_url=base, headers=headers) as http:
        with pytest.raises(httpx.ReadTimeout):
            await http.patch(f"/CBeteiligte/{record_id}", json={"titel": "Dr."}, timeout=0.01)
        assert sandbox.people.espo.see(record_id)["titel"] is None
        await sandbox.settle()
        assert sandbox.people.espo.see(record_id)["titel"] == "Dr."


async def test_latency_beyond_the_clients_patience_is_a_time_out(api: Espo, sandbox: Sandbox, clock: HandClock) -> None:
    record_id = await api.create(lastName="X")
    before = clock.at
    slow = await patch_under(api, sandbox, record_id, Rule(Kind.LATENCY, seconds=5))
    assert (slow.status_code, clock.at - before) == (200, 5)
    assert await patch_under(api, sandbox, record_id, Rule(Kind.LATENCY, seconds=31)) is httpx.ReadTimeout
    await sandbox.settle()


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 429, 500, 502, 503])
async def test_any_status_can_be_answered_without_applying(api: Espo, sandbox: Sandbox, status: int) -> None:
    record_id = await api.create(lastName="X")
    rule = Rule(Kind.STATUS, status=status, retry_after="7", reason="why", text="what")
    reply = await patch_under(api, sandbox, record_id, rule)
    assert (reply.status_code, reply.headers["retry-after"], reply.headers["x-status-reason"]) == (status, "7", "why")
    assert (await api.get(record_id))["titel"] is None


async def test_a_proxy_may_answer_502_for_work_that_was_done(api: Espo, sandbox: Sandbox) -> None:
    record_id = await api.create(lastName="X")
    reply = await patch_under(api, sandbox, record_id, Rule(Kind.STATUS_APPLIED, status=502))
    assert reply.status_code == 502
    assert (await api.get(record_id))["titel"] == "Dr."


@pytest.mark.parametrize("kind", [Kind.HTML, Kind.EMPTY, Kind.TRUNCATED])
async def test_a_broken_body_is_a_200_that_is_no_json(api: Espo, sandbox: Sandbox, kind: Kind) -> None:
    record_id = await api.create(lastName="X")
    reply = await patch_under(api, sandbox, record_id, Rule(kind))
    assert reply.status_code == 200
    with pytest.raises(json.JSONDecodeError):
        reply.json()
    assert (await api.get(record_id))["titel"] == "Dr."


async def test_a_short_page_lacks_rows_but_not_the_total(api: Espo, sandbox: Sandbox) -> None:
    for number in range(4):
        await api.create(lastName=f"X{number}")
    sandbox.faults.add(Rule(Kind.SHORT_PAGE, method="GET"))
    reply = (await api.rows()).json()
    assert (reply["total"], len(reply["list"])) == (4, 2)


async def test_a_stale_read_shows_the_version_before(api: Espo, advoware: httpx.AsyncClient, sandbox: Sandbox) -> None:
    record_id = await api.create(lastName="X")
    await api.patch(record_id, lastName="Y")
    betnr = sandbox.people.advoware.create({"name": "X"})
    sandbox.people.advoware.edit(betnr, {"name": "Y"})
    sandbox.faults.add(Rule(Kind.STALE, times=2))
    assert (await api.get(record_id))["lastName"] == "X"
    assert (await advoware.get(f"advonet/Beteiligte/{betnr}")).json()["name"] == "X"
    assert (await api.get(record_id))["lastName"] == "Y"


async def test_a_field_can_be_cut_trimmed_or_refused(api: Espo, advoware: httpx.AsyncClient, sandbox: Sandbox) -> None:
    record_id = await api.create(lastName="X")
    sandbox.faults.add(Rule(Kind.REWRITE, field="titel", length=2))
    await api.patch(record_id, titel="Doktor")
    assert (await api.get(record_id))["titel"] == "Do"
    sandbox.faults.add(Rule(Kind.REFUSE, field="titel", times=2))
    assert (await api.patch(record_id, titel="Prof.")).status_code == 400
    betnr = sandbox.people.advoware.create({"name": "X", "titel": "Dr."})
    path = f"advonet/Beteiligte/{betnr}"
    assert (await advoware.put(path, json={"name": "Y", "titel": "Prof."})).status_code == 200
    now = (await advoware.get(path)).json()
    assert (now["name"], now["titel"]) == ("Y", "Dr.")


@pytest.mark.parametrize(("kind", "seen"), [(Kind.EDIT_BEFORE, "Y"), (Kind.EDIT_AFTER, "X")])
async def test_a_person_may_save_just_before_or_after_a_read(
    api: Espo, sandbox: Sandbox, kind: Kind, seen: str
) -> None:
    record_id = await api.create(lastName="X")
    act = {"system": "espocrm", "do": "edit", "as": "anna", "record_id": record_id, "values": {"lastName": "Y"}}
    sandbox.faults.add(Rule(kind, method="GET", act=act))
    assert (await api.get(record_id))["lastName"] == seen
    assert (await api.get(record_id))["lastName"] == "Y"


async def test_rules_count_matches_and_expire(api: Espo, sandbox: Sandbox) -> None:
    sandbox.faults.add(Rule(Kind.STATUS, "espocrm", "GET", after=1, times=2, status=503))
    assert [(await api.http.get("/")).status_code for _ in range(5)] == [200, 503, 503, 200, 200]


async def test_the_same_seed_gives_the_same_faults(clock: HandClock) -> None:
    def drawn(seed: int) -> list[bool]:
        faults = Sandbox(now=clock.now, seed=seed).faults
        faults.add(Rule(Kind.STATUS, times=None, probability=0.5))
        return [bool(faults.meet("espocrm", "GET", "/", "/")) for _ in range(50)]

    assert drawn(1) == drawn(1)
    assert drawn(1) != drawn(2)


async def test_a_backup_comes_back_with_old_values_and_time_stamps(
    api: Espo, sandbox: Sandbox, clock: HandClock
) -> None:
    record_id = await api.create(lastName="X", phoneNumber="+49511123456")
    betnr = sandbox.people.advoware.create({"name": "X"})
    sandbox.snapshot()
    before = sandbox.dump()
    clock.at += 60
    await api.patch(record_id, lastName="Y", phoneNumber=None)
    await api.create(lastName="Z")
    sandbox.people.advoware.edit(betnr, {"name": "Y"})
    sandbox.restore("espocrm")
    assert sandbox.dump()["espocrm"] == before["espocrm"]
    assert sandbox.dump()["advoware"] != before["advoware"]
    sandbox.restore("advoware")
    assert sandbox.dump() == before


async def test_the_call_log_names_attributes_but_keeps_no_values(
    api: Espo, advoware: httpx.AsyncClient, sandbox: Sandbox
) -> None:
    record_id = await api.create(lastName="X")
    sandbox.log.clear()
    await patch_under(api, sandbox, record_id, Rule(Kind.TIMEOUT_APPLIED))
    await api.get(record_id)
    await advoware.get("advonet/Mitarbeiter")
    call = sandbox.log.calls[0]
    assert (call.method, call.route, call.status, call.user) == ("PATCH", PATCH, None, "sync_api")
    assert (call.names, call.faults) == (("titel",), ("timeout_applied",))
    assert (dict(sandbox.log.reads), dict(sandbox.log.writes)) == ({"espocrm": 1, "advoware": 1}, {"espocrm": 1})

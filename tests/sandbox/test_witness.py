"""Somebody at the stand-ins' door notes what a write destroyed that its writer had not read."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from syncd.sandbox import Sandbox
from syncd.sandbox.asgi import Scope
from syncd.sandbox.faults import Kind, Rule
from syncd.sandbox.witness import Witness
from tests.sandbox.conftest import Espo, HandClock


class OneClient:
    """Whoever asks is the same one, until a test says otherwise."""

    name: str | None = "one"

    def met(self, port: int, ours: int) -> None:
        """Nothing to look up."""

    def of(self, scope: Scope) -> str | None:
        return self.name


@pytest.fixture
def names() -> OneClient:
    return OneClient()


@pytest.fixture
def witness(sandbox: Sandbox, names: OneClient) -> Witness:
    return sandbox.watch(names)


def over(witness: Witness) -> dict[str, tuple[Any, Any, Any]]:
    """What was destroyed unseen: as read, as it was, as it is."""
    return {one.name: (one.read, one.before, one.after) for write in witness.wrote for one in write.over}


async def test_a_whole_object_over_a_persons_edit(
    sandbox: Sandbox, witness: Witness, advoware: httpx.AsyncClient, clock: HandClock
) -> None:
    [(_, betnr)] = sandbox.seed.synced(1)
    path = f"advonet/Beteiligte/{betnr}"
    read = (await advoware.get(path)).json()
    clock.at += 2
    sandbox.people.advoware.edit(betnr, {"zusatz": "Hinterhaus"})
    await advoware.put(path, json={**read, "titel": "Prof."})
    assert over(witness)["zusatz"] == (read["zusatz"], "Hinterhaus", read["zusatz"])
    assert "titel" not in over(witness)
    [write] = witness.wrote
    assert (write.writer, write.where, write.at - (write.read_at or 0)) == ("one", ("advoware", str(betnr)), 2.0)


async def test_what_was_read_again_and_what_one_wrote_oneself_is_known(
    sandbox: Sandbox, witness: Witness, advoware: httpx.AsyncClient
) -> None:
    [(_, betnr)] = sandbox.seed.synced(1)
    path = f"advonet/Beteiligte/{betnr}"
    sandbox.people.advoware.edit(betnr, {"zusatz": "Hinterhaus"})
    read = (await advoware.get(path)).json()
    await advoware.put(path, json={**read, "titel": "Prof."})
    await advoware.put(path, json={**read, "titel": "Mag.", "zusatz": None})
    assert over(witness) == {}
    assert len(witness.wrote) == 2


async def test_a_list_over_a_line_that_was_added_and_one_that_was_taken_out(
    sandbox: Sandbox, witness: Witness, api: Espo
) -> None:
    [(record, _)] = sandbox.seed.synced(1)
    read = (await api.get(record))["phoneNumberData"]
    added = {"phoneNumber": "+495115556677", "type": "Home", "primary": True}
    sandbox.people.espo.edit(record, {"phoneNumberData": [added]})
    await api.patch(record, phoneNumberData=read)
    gone, back = "phoneNumberData:+495115556677", f"phoneNumberData:{read[0]['phoneNumber']}"
    found = over(witness)
    assert (found[gone][0], found[gone][1]["type"], found[gone][2]) == (None, "Home", None)
    assert (found[back][1], found[back][2]["type"]) == (None, read[0]["type"])


async def test_an_entry_over_a_persons_number(sandbox: Sandbox, witness: Witness, advoware: httpx.AsyncClient) -> None:
    [(_, betnr)] = sandbox.seed.synced(1)
    read = (await advoware.get(f"advonet/Beteiligte/{betnr}")).json()["kommunikation"][0]
    sandbox.people.advoware.edit_kommunikation(betnr, read["id"], {"tlf": "0511 4711"})
    await advoware.put(f"advonet/Beteiligte/{betnr}/Kommunikationen/{read['id']}", json=read | {"online": False})
    assert over(witness)[f"kommunikation:{read['id']}:tlf"] == (read["tlf"], "0511 4711", read["tlf"])


@pytest.mark.parametrize("kind", [Kind.TIMEOUT_APPLIED, Kind.HTML, Kind.TRUNCATED, Kind.STATUS_APPLIED])
async def test_an_answer_that_did_not_arrive_was_not_read(
    sandbox: Sandbox, witness: Witness, advoware: httpx.AsyncClient, kind: Kind
) -> None:
    [(_, betnr)] = sandbox.seed.synced(1)
    path = f"advonet/Beteiligte/{betnr}"
    read = (await advoware.get(path)).json()
    sandbox.people.advoware.edit(betnr, {"zusatz": "Hinterhaus"})
    sandbox.faults.add(Rule(kind, "advoware", "GET", status=502))
    try:
        await advoware.get(path)
    except httpx.TimeoutException:
        assert kind is Kind.TIMEOUT_APPLIED
    await advoware.put(path, json={**read, "titel": "Prof."})
    assert "zusatz" in over(witness)


async def test_a_write_whose_answer_is_lost_is_seen_all_the_same(
    sandbox: Sandbox, witness: Witness, advoware: httpx.AsyncClient, names: OneClient
) -> None:
    [(_, betnr)] = sandbox.seed.synced(1)
    path = f"advonet/Beteiligte/{betnr}"
    read = (await advoware.get(path)).json()
    names.name = "two"
    sandbox.faults.add(Rule(Kind.TIMEOUT_APPLIED, "advoware", "PUT"))
    with pytest.raises(httpx.TimeoutException):
        await advoware.put(path, json={**read, "titel": "Prof."})
    [write] = witness.wrote
    assert (write.writer, write.read_at) == ("two", None)
    assert [call.client for call in sandbox.log.calls][-2:] == ["one", "two"]


async def test_the_answer_to_a_patch_tells_the_record_anew(
    sandbox: Sandbox, witness: Witness, api: Espo, clock: HandClock
) -> None:
    [(record, _)] = sandbox.seed.synced(1)
    read = await api.get(record)
    clock.at += 9
    await api.patch(record, syncStatus="syncing")
    clock.at += 1
    sandbox.people.espo.edit(record, {"titel": "Mag."})
    await api.patch(record, titel="Prof.", zusatz="Hof", phoneNumberData=[])
    first, second = witness.wrote
    assert (first.at - (first.read_at or 0), second.at - (second.read_at or 0)) == (9.0, 1.0)
    assert over(witness)["titel"] == (read["titel"], "Mag.", "Prof.")
    assert "zusatz" not in over(witness)

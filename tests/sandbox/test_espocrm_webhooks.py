"""Webhooks of the stand-in EspoCRM: late, in portions, signed, lossy (espocrm.md §5, §9)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from dataclasses import dataclass, field
from typing import Any

import pytest

from syncd.sandbox import Sandbox
from tests.sandbox.conftest import Espo, HandClock


@dataclass
class Receiver:
    """Takes what is posted and answers with the next status, or 200."""

    statuses: list[int] = field(default_factory=list)
    got: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)

    async def post(self, url: str, headers: dict[str, str], body: bytes) -> int:
        self.got.append((url, headers, body))
        return self.statuses.pop(0) if self.statuses else 200

    def items(self) -> list[dict[str, Any]]:
        return [item for _, _, body in self.got for item in json.loads(body)]


@pytest.fixture
def receiver(sandbox: Sandbox) -> Receiver:
    one = Receiver()
    sandbox.webhooks.post = one.post
    return one


async def register(espo: Espo, event: str = "CBeteiligte.update", **more: Any) -> dict[str, Any]:
    body = {"event": event, "url": f"http://receiver/{event}", "isActive": True, "skipOwn": True, **more}
    reply = await espo.http.post("/Webhook", json=body)
    assert reply.status_code == 201, reply.headers.get("x-status-reason")
    return dict(reply.json())


async def test_both_signatures_cover_the_raw_body(api: Espo, sandbox: Sandbox, receiver: Receiver) -> None:
    webhook = await register(api, "CBeteiligte.create")
    sandbox.people.espo.create({"firstName": "Jürgen", "lastName": "X/Y"})
    await sandbox.webhooks.run()
    _, headers, body = receiver.got[0]
    assert b"X\\/Y" in body
    assert b"J\\u00fcrgen" in body
    digest = hmac.new(webhook["secretKey"].encode(), body, hashlib.sha256)
    lead = webhook["id"].encode() + b":"
    assert base64.b64decode(headers["Signature"]) == lead + digest.hexdigest().encode()
    assert base64.b64decode(headers["X-Signature"]) == lead + digest.digest()


async def test_own_writes_are_skipped_and_an_update_carries_only_changes(
    api: Espo, sandbox: Sandbox, receiver: Receiver
) -> None:
    await register(api)
    record_id = await api.create(firstName="A", lastName="X", syncStatus="clean")
    await api.patch(record_id, titel="Dr.")
    sandbox.people.espo.edit(record_id, {"zusatz": "z"})
    sandbox.people.espo.edit(record_id, {"lastName": "Y"})
    await sandbox.webhooks.run()
    anna = sandbox.espo.clerks["anna"]
    assert receiver.items() == [
        {
            "zusatz": "z",
            "syncStatus": "dirty",
            "modifiedById": anna.id,
            "modifiedByName": "anna",
            "id": record_id,
        },
        {"lastName": "Y", "name": "A Y", "id": record_id},
    ]


async def test_a_no_op_fires_only_for_another_user(api: Espo, sandbox: Sandbox, receiver: Receiver) -> None:
    await register(api)
    record_id = await api.create(lastName="X")
    sandbox.people.espo.edit(record_id, {})
    sandbox.people.espo.edit(record_id, {})
    await sandbox.webhooks.run()
    assert [set(item) for item in receiver.items()] == [{"modifiedById", "modifiedByName", "id"}]


async def test_create_and_delete_carry_what_was_set_and_the_id(api: Espo, sandbox: Sandbox, receiver: Receiver) -> None:
    await register(api, "CBeteiligte.create")
    await register(api, "CBeteiligte.delete")
    record_id = sandbox.people.espo.create({"lastName": "X", "emailAddress": "A@example.org"})
    sandbox.people.espo.delete(record_id)
    await sandbox.webhooks.run()
    by_url = {url: json.loads(body) for url, _, body in receiver.got}
    created = by_url["http://receiver/CBeteiligte.create"][0]
    assert (created["lastName"], created["emailAddress"], created["id"]) == ("X", "a@example.org", record_id)
    assert "name" not in created
    assert by_url["http://receiver/CBeteiligte.delete"] == [{"id": record_id}]


async def test_a_field_update_carries_that_fields_attributes(api: Espo, sandbox: Sandbox, receiver: Receiver) -> None:
    await register(api, "CBeteiligte.fieldUpdate.titel")
    record_id = sandbox.people.espo.create({"lastName": "X"})
    sandbox.people.espo.edit(record_id, {"zusatz": "z"})
    sandbox.people.espo.edit(record_id, {"titel": "Dr.", "zusatz": "y"})
    await sandbox.webhooks.run()
    assert receiver.items() == [{"titel": "Dr.", "id": record_id}]


async def test_restoring_linking_and_shared_values_fire_nothing(
    api: Espo, sandbox: Sandbox, receiver: Receiver
) -> None:
    people = sandbox.people.espo
    first = people.create({"lastName": "X", "phoneNumber": "+49511123456"})
    second = people.create({"lastName": "Y", "phoneNumber": "+49511123456"})
    child = await api.create("CBankverbindungen", iban="DE1")
    people.delete(first)
    await register(api)
    await register(api, "CBankverbindungen.update")
    people.restore(first)
    await api.http.post(f"/CBeteiligte/{second}/bankverbindungen", json={"id": child})
    fax = [{"phoneNumber": "+49511123456", "type": "Fax", "primary": True}]
    people.edit(second, {"phoneNumberData": fax})
    await sandbox.webhooks.run()
    assert {item["id"] for item in receiver.items()} == {second}


async def test_twenty_events_leave_the_queue_per_run(api: Espo, sandbox: Sandbox, receiver: Receiver) -> None:
    await register(api, "CBeteiligte.create")
    for number in range(45):
        sandbox.people.espo.create({"lastName": f"X{number}"})
    assert [await sandbox.webhooks.run() for _ in range(4)] == [20, 20, 5, 0]


@pytest.mark.parametrize("status", [0, 401, 403, 404, 405, 408, 500, 503])
async def test_these_answers_are_retried_after_ten_minutes_four_times_in_all(
    api: Espo, sandbox: Sandbox, receiver: Receiver, clock: HandClock, status: int
) -> None:
    await register(api, "CBeteiligte.create")
    sandbox.people.espo.create({"lastName": "X"})
    receiver.statuses = [status] * 9
    await sandbox.webhooks.run()
    await sandbox.webhooks.run()
    assert len(receiver.got) == 1
    for _ in range(5):
        clock.at += 600
        await sandbox.webhooks.run()
    assert (len(receiver.got), sandbox.webhooks.failed) == (4, 1)


@pytest.mark.parametrize("status", [400, 409, 410, 429, 502, 504])
async def test_these_answers_lose_the_event_and_410_the_webhook(
    api: Espo, sandbox: Sandbox, receiver: Receiver, clock: HandClock, status: int
) -> None:
    webhook = await register(api, "CBeteiligte.create")
    sandbox.people.espo.create({"lastName": "X"})
    receiver.statuses = [status]
    await sandbox.webhooks.run()
    clock.at += 3600
    await sandbox.webhooks.run()
    assert (len(receiver.got), sandbox.webhooks.failed) == (1, 1)
    there = (await api.http.get(f"/Webhook/{webhook['id']}")).status_code == 200
    assert there is (status != 410)


async def test_newer_events_overtake_a_failed_one(
    api: Espo, sandbox: Sandbox, receiver: Receiver, clock: HandClock
) -> None:
    await register(api, "CBeteiligte.create")
    first = sandbox.people.espo.create({"lastName": "retry"})
    receiver.statuses = [500]
    await sandbox.webhooks.run()
    second = sandbox.people.espo.create({"lastName": "later"})
    await sandbox.webhooks.run()
    clock.at += 600
    await sandbox.webhooks.run()
    assert [item["id"] for item in receiver.items()] == [first, second, first]


async def test_webhooks_can_be_listed_moved_and_removed_by_their_owner_only(api: Espo, admin: Espo, anna: Espo) -> None:
    mine = await register(api)
    theirs = await register(admin)
    assert [one["id"] for one in (await api.http.get("/Webhook")).json()["list"]] == [mine["id"]]
    assert (await admin.http.get("/Webhook")).json()["total"] == 2
    moved = await api.http.patch(f"/Webhook/{mine['id']}", json={"url": "http://elsewhere/", "secretKey": "x"})
    assert (moved.json()["url"], moved.json()["secretKey"]) == ("http://elsewhere/", mine["secretKey"])
    assert (await api.http.delete(f"/Webhook/{theirs['id']}")).status_code == 403
    assert (await api.http.delete(f"/Webhook/{mine['id']}")).json() is True


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        ("CNope.update", "Entity type is not available for Webhooks."),
        ("CBeteiligte.fieldUpdate.nope", "Field does not exist."),
    ],
)
async def test_impossible_events_are_refused(api: Espo, event: str, reason: str) -> None:
    reply = await api.http.post("/Webhook", json={"event": event, "url": "http://receiver/"})
    assert (reply.status_code, reply.headers["x-status-reason"]) == (403, reason)


async def test_internal_addresses_are_refused_unless_allowed(api: Espo, sandbox: Sandbox) -> None:
    sandbox.webhooks.settings.allowed_addresses = frozenset(("127.0.0.1:9099",))
    refused = await api.http.post("/Webhook", json={"event": "CBeteiligte.update", "url": "http://127.0.0.1:1/"})
    assert refused.json()["messageTranslation"]["data"] == {"field": "url", "type": "notInternal"}
    await register(api, url="http://127.0.0.1:9099/hook")


async def test_the_queue_can_lose_and_double_events(api: Espo, sandbox: Sandbox, receiver: Receiver) -> None:
    await register(api, "CBeteiligte.create")
    sandbox.webhooks.settings.twice = 1.0
    sandbox.people.espo.create({"lastName": "X"})
    assert await sandbox.webhooks.run() == 2
    sandbox.webhooks.settings.loss = 1.0
    sandbox.people.espo.create({"lastName": "Y"})
    assert await sandbox.webhooks.run() == 0

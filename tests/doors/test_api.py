"""The HTTP API: whoever has the token sees and asks, others learn nothing, and every error is one line."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import re
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from mappers.beteiligte import BETEILIGTE
from mappers.kommunikation import KOMMUNIKATION, PHONES, espo_raw
from mappers.spec import Side
from services.errors import Outage
from syncd import inspect
from syncd.api import app as api
from syncd.http_limits import Limit
from syncd.ledger import brakes, facts, journal, pairs, people, tallies, work
from syncd.ledger.store import LedgerUnavailable
from syncd.metrics import Gauges
from syncd.model import Base
from tests.doors.conftest import NOW, OURS, TOKEN, Doors

KEY = "beteiligte/65f0a1b2c3d4e5f67"
MARK = "Geheimmandant"

WITH_TOKEN = [
    ("GET", "/api/v1/status"),
    ("GET", "/api/v1/activity"),
    ("GET", "/api/v1/records"),
    ("GET", f"/api/v1/records/{KEY}"),
    ("GET", f"/api/v1/records/{KEY}/timeline"),
    ("GET", f"/api/v1/records/{KEY}/history.csv"),
    ("GET", f"/api/v1/records/{KEY}/export"),
    ("GET", "/api/v1/requests"),
    ("GET", "/api/v1/conflicts"),
    ("GET", "/api/v1/conflicts/c1"),
    ("GET", "/api/v1/guards"),
    ("GET", "/api/v1/history"),
    ("GET", "/api/v1/events"),
    ("POST", "/api/v1/conflicts/c1/resolve"),
    ("GET", f"/api/v1/records/{KEY}/plan"),
    ("GET", f"/api/v1/records/{KEY}/sides"),
    ("GET", "/api/v1/guards/g1"),
    ("POST", "/api/v1/resolve"),
    ("POST", "/api/v1/guards/g1/discard"),
    ("POST", "/api/v1/pause"),
    ("POST", "/api/v1/resume"),
    ("POST", "/api/v1/guards/g1/allow"),
    ("POST", "/api/v1/retry"),
    ("POST", "/api/v1/exclude"),
    ("POST", "/api/v1/include"),
    ("POST", "/api/v1/undo"),
    ("GET", "/api/v1/runs"),
    ("POST", "/sync/CBeteiligte/65f0a1b2c3d4e5f67"),
]


async def known(doors: Doors, **values: Any) -> None:
    """A living pair with a history."""
    await doors.ledger.write(pairs.admit, [KEY], "linked")
    columns = {"advoware_id": 104860, "state": "linked", "status": "clean", **values}
    await doors.ledger.write(pairs.change, KEY, columns)
    await doors.ledger.write(
        journal.record, KEY, journal.Author("job1"), "sync", NOW, Side.ADVOWARE, {"name": (MARK, "Neu")}
    )
    await doors.ledger.write(journal.put_bases, KEY, {"name": (MARK, MARK, "rule")})


async def disputed(doors: Doors) -> None:
    values = {"espo": MARK, "advoware": "Anders", "base": None, "opened_at": NOW}
    await doors.ledger.write(people.raise_conflict, "c1", KEY, "name", "manual", values)


@pytest.mark.parametrize(("verb", "path"), WITH_TOKEN)
async def test_nothing_of_people_is_told_or_taken_in_without_the_token(doors: Doors, verb: str, path: str) -> None:
    await known(doors)
    await disputed(doors)
    before = await inspect.status(doors.ledger, NOW)
    async with doors.client() as client:
        for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": TOKEN}, {"Authorization": "Basic x"}):
            answer = await client.request(verb, path, headers=headers)
            assert (answer.status_code, list(answer.json())) == (401, ["error"])
    async with doors.client(api_token="") as client:
        answer = await client.request(verb, path, headers={"Authorization": "Bearer "})
    assert answer.status_code == 403
    assert answer.json() == {"error": "the API is switched off: set SYNCD_API_TOKEN"}
    assert await inspect.status(doors.ledger, NOW) == before


async def test_health_readiness_version_and_metrics_need_no_token(doors: Doors, client: httpx.AsyncClient) -> None:
    assert (await client.get("/healthz")).json() == {"status": "ok"}
    assert (await client.get("/version")).json() == {"name": "syncd", "version": "9.9.9"}
    assert (await client.get("/readyz")).json() == {"status": "ready", "reasons": [], "paused": []}
    doors.reasons = ["advoware: the password is refused"]
    answer = await client.get("/readyz")
    assert (answer.status_code, answer.json()["reasons"]) == (503, ["advoware: the password is refused"])
    answer = await client.get("/metrics")
    assert "syncd_jobs_total" in answer.text
    assert answer.headers["content-type"].startswith("text/plain")


async def test_metrics_are_brought_up_to_date_first(doors: Doors) -> None:
    async def refresh() -> None:
        doors.deps.metrics.show(Gauges(conflicts=7))

    async with doors.client(before_metrics=refresh) as client:
        assert "syncd_conflicts_open 7.0" in (await client.get("/metrics")).text


async def test_the_docs_name_every_route_and_load_nothing_from_elsewhere(client: httpx.AsyncClient) -> None:
    page = await client.get("/docs")
    schema = (await client.get("/openapi.json")).json()
    for path in schema["paths"]:
        assert path in page.text
    assert "/api/v1/conflicts/{id}/resolve" in schema["paths"]
    assert re.findall(r"https?://|<script|<link|src=", page.text) == []


async def test_the_status_counts_what_there_is(doors: Doors, client: httpx.AsyncClient) -> None:
    await known(doors)
    await disputed(doors)
    await doors.ledger.write(facts.set_pause, "side:advoware", "backup", NOW)
    await doors.ledger.write(brakes.stop, "g1", "change:espocrm:name", [KEY], {"changed": 500}, NOW)
    told = (await client.get("/api/v1/status", headers=OURS)).json()
    assert told["pairs"] == {"clean": 1}
    assert told["conflicts"] == 1
    assert told["pauses"] == {"side:advoware": "backup"}
    assert told["guards"] == [{"id": "g1", "kind": "change:espocrm:name", "opened_at": NOW, "detail": {"changed": 500}}]


async def test_both_systems_their_budgets_and_what_was_done_are_told(doors: Doors) -> None:
    async def peers() -> dict[str, dict[str, Any]]:
        return {"espocrm": {"state": "closed", "seconds": 0.0}}

    await doors.ledger.write(tallies.add, {(int(NOW // 300 * 300), "job:settled"): 3})
    async with doors.client(peers=peers, budgets={"espocrm": 1200}) as client:
        told = (await client.get("/api/v1/status", headers=OURS)).json()
        assert (told["peers"]["espocrm"]["state"], told["budgets"]) == ("closed", {"espocrm": 1200})
        points = (await client.get("/api/v1/activity?hours=2", headers=OURS)).json()["points"]
        assert (len(points), points[-1]["done"]) == (24, 3)
        assert (await client.get("/api/v1/activity?hours=0", headers=OURS)).status_code == 400


@pytest.mark.parametrize("name", ["65f0a1b2c3d4e5f67", "betnr:104860", "beteiligte/65f0a1b2c3d4e5f67"])
async def test_one_record_is_shown_with_base_history_and_what_waits(
    doors: Doors, client: httpx.AsyncClient, name: str
) -> None:
    await known(doors)
    await disputed(doors)
    told = (await client.get(f"/api/v1/records/{name}", headers=OURS)).json()
    assert told["key"] == KEY
    assert told["pair"]["advoware_id"] == 104860
    assert [row["field"] for row in told["base"]] == ["name"]
    assert [row["id"] for row in told["conflicts"]] == ["c1"]
    assert [row["before"] for row in told["history"]] == [MARK]


async def test_phones_and_mails_of_a_record_are_told_in_words(doors: Doors, client: httpx.AsyncClient) -> None:
    await known(doors)
    espo = espo_raw(PHONES, "+4951112345", "Office", True)
    advoware = {"tlf": "0511/12345", "bemerkung": "Zentrale", "online": True, "kommKz": 1}
    base = Base(espo, advoware, KOMMUNIKATION.rule, "phoneNumberData +4951112345")
    await doors.ledger.write(journal.put_entries, KEY, {"kommunikation:501": base})
    values = {"espo": None, "advoware": "+4951112345", "base": None, "opened_at": NOW}
    await doors.ledger.write(people.raise_conflict, "c2", KEY, "kommunikation:501", "by_hand", values)
    told = (await client.get(f"/api/v1/records/{KEY}", headers=OURS)).json()
    assert told["entries"] == [
        {
            "list": "kommunikation",
            "entry": "kommunikation:501",
            "known": "linked",
            "espocrm": {"value": "+4951112345", "kind": "Office", "main": True},
            "advoware": {
                "value": "0511/12345", "kind": "TelGesch", "sure": True, "main": True, "marked": False,
                "remark": "Zentrale",
            },
            "waiting": "by_hand",
            "refused": {},
        }
    ]  # fmt: skip
    taken = await client.post("/api/v1/conflicts/c2/resolve", json={"take": "advoware"}, headers=OURS)
    assert (taken.status_code, taken.json()["keys"]) == (202, [KEY])


async def test_records_conflicts_history_and_events_are_listed(doors: Doors, client: httpx.AsyncClient) -> None:
    await known(doors, status="failed")
    await disputed(doors)
    await doors.ledger.write(work.receive, [(KEY, "update", json.dumps({"id": "x", "lastName": MARK}))], NOW)

    async def told(path: str) -> Any:
        answer = await client.get(f"/api/v1/{path}", headers=OURS)
        assert answer.status_code == 200, answer.text
        return answer.json()

    [mine] = (await told("records?status=failed&entity=CBeteiligte"))["records"]
    assert (mine["key"], mine["title"]) == (KEY, "")
    assert (await told("records?status=clean,new"))["records"] == []
    assert (await told("records?search=104860&sort=changed")) == {"records": [mine], "next": None}
    assert (await told(f"records?after={KEY}"))["records"] == []
    assert [row["id"] for row in (await told("conflicts"))["conflicts"]] == ["c1"]
    assert (await told("conflicts?state=kept"))["conflicts"] == []
    assert (await told("conflicts/c1"))["espo"] == MARK
    newest = (await told(f"history?record={KEY}"))["history"][0]
    assert (await told(f"history?before={newest['id']}"))["history"] == []
    events = await told("events")
    assert events["events"][0]["attributes"] == ["id", "lastName"]
    assert MARK not in str(events)


async def test_a_choice_becomes_a_decision_and_work(doors: Doors, client: httpx.AsyncClient) -> None:
    await known(doors)
    await disputed(doors)
    answer = await client.post("/api/v1/conflicts/c1/resolve", json={"take": "advoware"}, headers=OURS)
    assert (answer.status_code, answer.json()["keys"]) == (202, [KEY])
    decision = (await doors.ledger.read(people.waiting, KEY))[1]["name"]
    assert (decision.value, decision.saw_espo, decision.saw_advoware) == ("Anders", MARK, "Anders")
    assert doors.rung == [KEY]


async def test_one_choice_decides_many_conflicts_and_a_refusal_stops_no_other(
    doors: Doors, client: httpx.AsyncClient
) -> None:
    await known(doors)
    await disputed(doors)
    other = {"espo": "Dr.", "advoware": "Prof.", "base": None, "opened_at": NOW}
    await doors.ledger.write(people.raise_conflict, "c2", KEY, "titel", "manual", other)
    await doors.ledger.write(
        people.raise_conflict, "c3", KEY, "", "candidates", {"candidates": [7, 8], "opened_at": NOW}
    )

    async def resolve(**body: Any) -> httpx.Response:
        return await client.post("/api/v1/resolve", json=body, headers=OURS)

    told = await resolve(ids=["c1", "c2", "c3", "c9", "c1"], take="advoware")
    assert told.status_code == 202
    assert (told.json()["taken"], told.json()["keys"]) == (["c1", "c2"], [KEY])
    assert [one["id"] for one in told.json()["refused"]] == ["c3", "c9"]
    assert doors.rung == [KEY]
    assert {name: one.value for name, one in (await doors.ledger.read(people.waiting, KEY))[1].items()} == {
        "name": "Anders",
        "titel": "Prof.",
    }
    [link] = await doors.ledger.read(people.list_conflicts, (people.OPEN,))
    assert link["id"] == "c3"
    assert (await resolve(ids=["c9"], take="advoware")).status_code == 409
    assert (await resolve(ids=[], take="advoware")).status_code == 400
    asked = (await client.get("/api/v1/requests", headers=OURS)).json()["requests"]
    assert [(one["what"], one["about"], one["who"]) for one in asked] == [
        ("resolve", "c2", "api"),
        ("resolve", "c1", "api"),
    ]


async def test_a_record_is_told_field_by_field_with_its_timeline_and_its_export(
    doors: Doors, client: httpx.AsyncClient
) -> None:
    await known(doors, title="Geheim, Otto")
    await disputed(doors)
    await doors.ledger.write(people.set_quarantine, KEY, Side.ESPO, "titel", "=Dr.", "maxLength", NOW)
    told = (await client.get(f"/api/v1/records/{KEY}", headers=OURS)).json()
    fields = {one["field"]: one for one in told["fields"]}
    assert list(fields)[:2] == ["name", "vorname"]
    assert (told["title"], fields["name"]["base"]) == ("Geheim, Otto", {"espocrm": MARK, "advoware": MARK})
    assert fields["name"]["waiting"]["id"] == "c1"
    assert fields["name"]["changed"]["after"] == "Neu"
    assert fields["titel"]["refused"] == {"espocrm": {"value": "=Dr.", "reason": "maxLength", "at": NOW}}
    assert (fields["titel"]["label"]["en"], fields["titel"]["base"]) == ("Academic Title", None)
    happened = (await client.get(f"/api/v1/records/{KEY}/timeline", headers=OURS)).json()["timeline"]
    assert sorted(one["kind"] for one in happened) == ["change", "conflict", "refused"]
    assert (await client.get(f"/api/v1/records/{KEY}/timeline?before={NOW}", headers=OURS)).json()["timeline"] == []
    export = (await client.get(f"/api/v1/records/{KEY}/export", headers=OURS)).json()
    assert {"pairs", "bases", "history", "conflicts", "quarantine"} < set(export)
    assert (await client.get("/api/v1/records/65f0000000000000e/export", headers=OURS)).status_code == 404


async def test_the_history_of_a_record_is_a_file_no_spreadsheet_executes(
    doors: Doors, client: httpx.AsyncClient
) -> None:
    await known(doors)
    await doors.ledger.write(
        journal.record, KEY, journal.Author("j2"), "sync", NOW + 1, Side.ESPO, {"titel": ("=1+1", None)}
    )
    answer = await client.get("/api/v1/records/betnr:104860/history.csv", headers=OURS)
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == 'attachment; filename="beteiligte-65f0a1b2c3d4e5f67.csv"'
    rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert rows[0][:6] == ["at", "id", "side", "field", "before_words", "after_words"]
    assert [row[4] for row in rows[1:]] == [MARK, "'=1+1"]


async def test_a_plan_and_both_sides_are_asked_for_by_the_record(doors: Doors) -> None:
    async def preview(key: str) -> dict[str, Any]:
        return {"key": key, "actions": []}

    async def sides(key: str) -> dict[str, Any]:
        raise Outage("espocrm", "does not answer")

    await known(doors)
    async with doors.client(preview=preview, sides=sides) as client:
        assert (await client.get("/api/v1/records/betnr:104860/plan", headers=OURS)).json()["key"] == KEY
        away = await client.get(f"/api/v1/records/{KEY}/sides", headers=OURS)
        assert (away.status_code, away.json()) == (503, {"error": "espocrm: does not answer"})


async def test_a_stopped_guard_is_shown_with_its_records_and_discarded(doors: Doors, client: httpx.AsyncClient) -> None:
    await known(doors, title="Geheim, Otto")
    await doors.ledger.write(brakes.stop, "g1", "change:espocrm:titel", [KEY], {"changed": 1}, NOW, ("Dr.", "Prof."))
    [shown] = (await client.get("/api/v1/guards/g1", headers=OURS)).json()["records"]
    assert (shown["title"], shown["before"], shown["after"]) == ("Geheim, Otto", "Dr.", "Prof.")
    assert (await client.get("/api/v1/guards/g9", headers=OURS)).status_code == 404
    assert (await client.post("/api/v1/guards/g1/discard", headers=OURS)).json()["keys"] == [KEY]
    decision = (await doors.ledger.read(people.waiting, KEY))[1]["titel"]
    assert (decision.value, decision.saw_espo, decision.saw_advoware) == ("Dr.", "Prof.", "Dr.")
    assert (await client.post("/api/v1/guards/g1/discard", headers=OURS)).status_code == 404


async def test_pausing_and_going_on(doors: Doors, client: httpx.AsyncClient) -> None:
    async def post(path: str, **body: str) -> int:
        return (await client.post(f"/api/v1/{path}", json=body, headers=OURS)).status_code

    assert await post("pause") == 202
    assert await post("pause", side="advoware") == 202
    assert await post("pause", entity="CBeteiligte", why="import") == 202
    assert await doors.ledger.read(facts.list_pauses) == {
        "all": "by a person",
        "entity:beteiligte": "import",
        "side:advoware": "by a person",
    }
    assert await post("resume", entity="beteiligte") == 202
    assert await post("resume", entity="beteiligte") == 409
    assert await post("pause", side="outlook") == 409
    assert await post("pause", entity="beteiligte", side="advoware") == 409


async def test_a_pause_without_body_stops_everything(doors: Doors, client: httpx.AsyncClient) -> None:
    assert (await client.post("/api/v1/pause", headers=OURS)).status_code == 202
    assert list(await doors.ledger.read(facts.list_pauses)) == ["all"]


async def test_a_guard_is_let_through_by_its_id(doors: Doors, client: httpx.AsyncClient) -> None:
    await known(doors)
    await doors.ledger.write(brakes.stop, "g1", "change:espocrm:name", [KEY], {}, NOW)
    assert (await client.get("/api/v1/guards", headers=OURS)).json()["guards"][0]["keys"] == [KEY]
    assert (await client.post("/api/v1/guards/g1/allow", headers=OURS)).status_code == 202
    assert (await client.post("/api/v1/guards/g1/allow", headers=OURS)).status_code == 404


async def test_records_are_taken_out_and_back(doors: Doors, client: httpx.AsyncClient) -> None:
    await known(doors)
    for way, state, keys in (("exclude", "excluded", []), ("include", "new", [KEY])):
        answer = await client.post(f"/api/v1/{way}", json={"keys": ["betnr:104860"]}, headers=OURS)
        assert (answer.status_code, answer.json()["keys"]) == (202, keys)
        row = await doors.ledger.read(pairs.get, KEY)
        assert row is not None
        assert row["state"] == state
    assert (await client.post("/api/v1/include", json={"keys": [KEY]}, headers=OURS)).status_code == 409
    assert (await client.post("/api/v1/exclude", json={"keys": []}, headers=OURS)).status_code == 400


async def test_retrying_by_key_or_by_status(doors: Doors, client: httpx.AsyncClient) -> None:
    await known(doors, status="permanently_failed", retries=5, next_try_at=NOW + 1000)
    wishes: tuple[dict[str, Any], ...] = ({"keys": ["betnr:104860"]}, {"status": "permanently_failed"})
    for body in wishes:
        answer = await client.post("/api/v1/retry", json=body, headers=OURS)
        assert (answer.status_code, answer.json()["keys"]) == (202, [KEY])
    wishes = ({}, {"keys": ["x"], "status": "failed"}, {"status": "happy"})
    for body in wishes:
        assert (await client.post("/api/v1/retry", json=body, headers=OURS)).status_code == 409
    assert (await client.post("/api/v1/retry", json={"keys": ["65f0unknown"]}, headers=OURS)).status_code == 404


@pytest.mark.parametrize("name", ["CBeteiligte", "cbeteiligte", "beteiligte"])
async def test_a_sync_that_was_asked_for_lets_the_record_in(doors: Doors, client: httpx.AsyncClient, name: str) -> None:
    answer = await client.post(f"/sync/{name}/65f0a1b2c3d4e5f67", headers=OURS)
    assert (answer.status_code, answer.json()["keys"]) == (202, [KEY])
    row = await doors.ledger.read(pairs.get, KEY)
    assert row is not None
    assert row["admitted_by"] == "asked"


@pytest.mark.parametrize(
    ("verb", "path", "body", "status"),
    [
        ("GET", "/nowhere", None, 404),
        ("GET", "/api/v1/records/unknown", None, 404),
        ("GET", "/api/v1/records/betnr:5", None, 404),
        ("GET", f"/api/v1/records/{MARK}%20X", None, 409),
        ("GET", "/api/v1/conflicts/none", None, 404),
        ("GET", "/api/v1/records?limit=0", None, 400),
        ("GET", "/api/v1/records?sort=colour", None, 400),
        ("GET", "/api/v1/records?sort=name&after=x", None, 409),
        ("GET", f"/api/v1/records?limit={MARK}", None, 400),
        ("DELETE", "/api/v1/records", None, 405),
        ("POST", "/api/v1/conflicts/c1/resolve", {"take": "x", MARK: MARK}, 400),
        ("POST", "/api/v1/conflicts/c1/resolve", {"take": [MARK]}, 400),
        ("POST", "/api/v1/conflicts/c1/resolve", {}, 400),
        ("POST", "/sync/CAkten/1", None, 404),
        ("POST", f"/sync/CBeteiligte/{MARK}%20X", None, 409),
    ],
)
async def test_every_error_is_one_line_that_repeats_nothing(
    client: httpx.AsyncClient, verb: str, path: str, body: Any, status: int
) -> None:
    answer = await client.request(verb, path, json=body, headers=OURS)
    assert answer.status_code == status
    assert list(answer.json()) == ["error"]
    assert "\n" not in answer.json()["error"]
    assert MARK not in answer.text
    assert "Traceback" not in answer.text


async def test_a_body_that_is_no_json_is_said_to_be(client: httpx.AsyncClient) -> None:
    answer = await client.post("/api/v1/retry", content=b'{"keys": "Geheimmandant', headers=OURS)
    assert (answer.status_code, MARK in answer.text) == (400, False)


async def test_an_unexpected_exception_is_told_by_its_reference_only(doors: Doors) -> None:
    def broken() -> list[str]:
        raise ValueError(MARK)

    async with doors.client(readiness=broken) as client:
        answer = await client.get("/readyz")
    assert answer.status_code == 500
    assert answer.json() == {"error": f"internal error {'f' * 12}, see the log"}


async def test_a_ledger_that_is_away_is_no_bug(doors: Doors) -> None:
    class Away:
        async def read(self, step: object) -> object:
            raise LedgerUnavailable("/var/lib/syncd/ledger.db is locked")

        write = read

        def close(self) -> None:
            """Nothing is open."""

    async with doors.client(ledger=type(doors.ledger)(Away())) as client:
        answer = await client.get("/api/v1/status", headers=OURS)
    assert (answer.status_code, answer.json()) == (503, {"error": "the ledger is not available"})


async def test_a_request_of_the_api_must_be_short(client: httpx.AsyncClient) -> None:
    answer = await client.post("/api/v1/retry", content=b"x" * 70_000, headers=OURS)
    assert (answer.status_code, list(answer.json())) == (413, ["error"])

    async def dripping() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b"x" * 1000

    answer = await client.post("/api/v1/retry", content=dripping(), headers=OURS)
    assert (answer.status_code, list(answer.json())) == (413, ["error"])


async def test_a_request_that_takes_too_long_is_ended(doors: Doors, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "LIMIT", Limit(1024, 0.01))

    async def stuck() -> None:
        await asyncio.Event().wait()

    async with doors.client(before_metrics=stuck) as client:
        answer = await client.get("/metrics")
    assert (answer.status_code, answer.json()) == (503, {"error": "it took too long, try again"})


async def test_a_wrong_content_length_is_refused(client: httpx.AsyncClient) -> None:
    answer = await client.post("/api/v1/pause", headers={**OURS, "Content-Length": "many"})
    assert answer.status_code == 400


async def test_a_change_is_taken_back_and_the_run_that_does_it_is_shown(
    doors: Doors, client: httpx.AsyncClient
) -> None:
    await known(doors)
    agreed = {"titel": ("Prof.", "Prof.", BETEILIGTE.field("titel").rule)}
    await doors.ledger.write(journal.put_bases, KEY, agreed)
    by, changed = journal.Author("job"), {"titel": ("Dr.", "Prof.")}
    await doors.ledger.write(journal.record, KEY, by, "sync", NOW, Side.ADVOWARE, changed)
    newest = (await client.get(f"/api/v1/history?record={KEY}", headers=OURS)).json()["history"][0]["id"]

    async def undo(**wish: object) -> httpx.Response:
        return await client.post("/api/v1/undo", json=wish, headers=OURS)

    assert (await undo(change=newest, dry_run=True)).json()["taken"] == [
        {"change": newest, "key": KEY, "field": "titel"}
    ]
    assert doors.rung == []
    taken = await undo(change=newest)
    assert (taken.status_code, doors.rung) == (202, [KEY])
    refused = await undo(change=newest)
    assert refused.status_code == 409
    assert "is being carried out already" in refused.json()["refused"][0]["why"]
    assert (await undo(change=4711)).status_code == 404
    assert (await undo()).status_code == 409
    [run] = (await client.get("/api/v1/runs", headers=OURS)).json()["runs"]
    assert (run["id"], run["kind"], run["waiting"]) == (taken.json()["run"], "undo", 1)
    assert (await client.get(f"/api/v1/runs/{run['id']}", headers=OURS)).json()["history"] == []
    assert (await client.get("/api/v1/runs/nonesuch", headers=OURS)).status_code == 404

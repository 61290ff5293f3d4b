"""How the stand-in EspoCRM talks: logins, errors, their headers (espocrm.md §1)."""

from __future__ import annotations

import base64

import httpx
import pytest

from syncd.sandbox import Sandbox, defaults
from tests.sandbox.conftest import Espo, HandClock

NOBODY = "6b001575af118d927"


async def test_the_root_answers_the_health_probe(api: Espo) -> None:
    reply = await api.http.get("/")
    assert (reply.status_code, reply.json()) == (200, "EspoCRM REST API")


async def test_the_date_header_is_the_clock_and_the_app_timestamp_is_not(api: Espo, clock: HandClock) -> None:
    first = await api.http.get("/")
    clock.at += 61
    second = await api.http.get("/")
    assert (first.headers["date"], second.headers["date"]) == (
        "Fri, 20 Nov 2026 18:40:00 GMT",
        "Fri, 20 Nov 2026 18:41:01 GMT",
    )
    assert first.headers["x-app-timestamp"] == second.headers["x-app-timestamp"] == defaults.APP_TIMESTAMP


async def test_wrong_credentials_are_401_in_html_without_a_reason(api: Espo) -> None:
    wrong = await api.http.get("/", headers={"X-Api-Key": "wrong"})
    assert (wrong.status_code, wrong.content) == (401, b"")
    assert wrong.headers["content-type"].startswith("text/html")
    assert "x-status-reason" not in wrong.headers
    assert "www-authenticate" not in wrong.headers


async def test_no_credentials_ask_for_them_and_settings_need_none(sandbox: Sandbox) -> None:
    async with httpx.AsyncClient(transport=sandbox.transport(), base_url=defaults.ESPO_API_URL) as http:
        assert "www-authenticate" in (await http.get("/")).headers
        assert (await http.get("/Settings")).json()["language"] == "de_DE"


async def test_eleven_failed_logins_lock_the_address_out_for_everybody(api: Espo, clock: HandClock) -> None:
    for _ in range(11):
        assert (await api.http.get("/", headers={"X-Api-Key": "wrong"})).status_code == 401
    locked = await api.http.get("/")
    assert (locked.status_code, locked.content) == (403, b"")
    assert "x-status-reason" not in locked.headers
    assert locked.headers["content-type"].startswith("text/html")
    clock.at += 62
    assert (await api.http.get("/")).status_code == 200


async def test_espo_authorization_is_basic_in_another_header(sandbox: Sandbox) -> None:
    async with httpx.AsyncClient(transport=sandbox.transport(), base_url=defaults.ESPO_API_URL) as http:
        header = base64.b64encode(f"anna:{defaults.CLERK_PASSWORD}".encode()).decode()
        reply = await http.get("/App/user", headers={"Espo-Authorization": header})
        assert reply.json()["user"]["userName"] == "anna"


@pytest.mark.parametrize(
    ("method", "path", "status", "reason"),
    [
        ("GET", f"/CBeteiligte/{NOBODY}", 404, f"Record {NOBODY} does not exist."),
        ("PATCH", f"/CBeteiligte/{NOBODY}", 404, f"Record {NOBODY} not found."),
        ("DELETE", f"/CBeteiligte/{NOBODY}", 404, f"Record {NOBODY} not found."),
        ("GET", "/CNope", 404, "Controller 'CNope' does not exist."),
        ("GET", "/a/b/c/d/e", 404, None),
        ("POST", f"/CBeteiligte/{NOBODY}", 405, None),
    ],
)
async def test_what_is_missing_is_named_in_the_reason(
    api: Espo, method: str, path: str, status: int, reason: str | None
) -> None:
    reply = await api.http.request(method, path, json={} if method == "PATCH" else None)
    assert (reply.status_code, reply.headers.get("x-status-reason")) == (status, reason)


async def test_malformed_json_is_a_500(api: Espo) -> None:
    reply = await api.http.post("/CBeteiligte", content=b"{", headers={"Content-Type": "application/json"})
    assert reply.status_code == 500


async def test_a_body_without_json_content_type_is_ignored(api: Espo) -> None:
    reply = await api.http.post("/CBeteiligte", content=b'{"lastName":"X"}')
    assert reply.status_code == 400
    assert reply.headers["x-status-reason"] == (
        "Field validation failure; entityType: CBeteiligte, field: lastName, type: required."
    )
    assert reply.json()["messageTranslation"]["data"] == {"field": "lastName", "type": "required"}


async def test_rights_taken_away_are_403_with_a_reason(api: Espo, sandbox: Sandbox) -> None:
    record_id = await api.create(lastName="X")
    sandbox.espo.door.denied.add(("CBeteiligte", "read"))
    reply = await api.http.get(f"/CBeteiligte/{record_id}")
    assert (reply.status_code, reply.headers["x-status-reason"]) == (403, "No read access.")


async def test_maintenance_lets_only_the_admin_in(api: Espo, admin: Espo, sandbox: Sandbox) -> None:
    sandbox.espo.door.maintenance = True
    reply = await api.http.get("/")
    assert (reply.status_code, reply.headers["x-status-reason"]) == (
        503,
        "Application is in maintenance mode.",
    )
    assert (await admin.http.get("/")).status_code == 200


async def test_metadata_show_the_eight_statuses(api: Espo) -> None:
    key = "entityDefs.CBeteiligte.fields.syncStatus.options"
    reply = await api.http.get("/Metadata", params={"key": key})
    assert len(reply.json()) == 8
    assert "deleted_in_advoware" in reply.json()
    assert (await api.http.get("/Metadata", params={"key": "entityDefs.CNope"})).json() is None

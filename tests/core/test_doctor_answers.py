"""The whole examination of both systems against answers that hold anything, at any place, with any status."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import config
from services.advoware import AdvowareClient
from services.errors import PeerError
from services.espocrm import ApiKey, EspoClient
from services.local import LocalTokens
from syncd.app import ENTITIES, access
from syncd.doctor import advoware, espocrm
from syncd.doctor.peers import Peers
from syncd.findings import Check, Finding
from syncd.ledger.engines import connect
from syncd.ledger.schema import metadata
from syncd.ledger.store import Inline, Ledger
from tests.core.test_doctor import ACL, BODY, FIELDS, broken
from tests.daemon import SETTINGS
from tests.services.stage import ESPO, KEY, Stage

LOADED = config.load(
    {**SETTINGS, "SYNCD_STATE_DIR": "/nonexistent", "SYNCD_TASK_USER": "anna", "SYNCD_IMPORT_TEAM": "team"}, dotenv=None
)
GOOD: dict[str, Any] = {
    "App/user": {"user": {"userName": "sync_api", "type": "api"}, "acl": ACL},
    "Settings": {"version": "9.3.10"},
    "entityDefs": {"fields": FIELDS, "optimisticConcurrencyControl": True},
    "scopes": {"stream": True},
    "formula": {"beforeSaveCustomScript": "x"},
    "Webhook": {"list": [{"id": "w1", "event": "CBeteiligte.update", "url": "http://h/x"}], "total": -2},
    "User": {"list": [{"id": "u", "isActive": True}], "total": -2},
    "Team": {"list": [{"id": "t"}], "total": -2},
    "CBeteiligte": {"list": [{"id": "a", "betnr": 7}], "total": -2},
    "Token": {"access_token": "t", "expiration_utc": "2099-01-01T00:00:00Z"},
    "Mitarbeiter": [{"kuerzel": "AB", "name": "x", "aktiv": True}],
    "Beteiligte/7": BODY,
    "Beteiligte": [BODY],
}
ANSWERS = st.fixed_dictionaries({name: st.one_of(st.just(good), broken(good)) for name, good in GOOD.items()})
CURED = {"Token", "App/user"}  # without a login nothing else is asked


def answering(answers: dict[str, Any], status: int) -> Callable[[httpx.Request], httpx.Response]:
    def answer(request: httpx.Request) -> httpx.Response:
        place = request.url.params.get("key", "").partition(".")[0] or request.url.path
        name = next((one for one in sorted(GOOD, key=len, reverse=True) if one in place), "")
        body = GOOD[name] if name in CURED and status != 200 else answers.get(name)
        return httpx.Response(200 if name in CURED else status, content=json.dumps(body).encode())

    return answer


async def looked(
    answers: dict[str, Any],
    status: int,
    ledger: Ledger,
    answer: Callable[[httpx.Request], httpx.Response] | None = None,
) -> list[Finding]:
    stage = Stage()
    transport = httpx.MockTransport(answer or answering(answers, status))
    espo = EspoClient(ESPO, ApiKey(KEY), stage.ports, transport=transport)
    tokens = LocalTokens(stage.hours.now, stage.hours.now)
    client = AdvowareClient(access(LOADED), stage.ports, tokens, transport=transport)
    peers = Peers(LOADED, config.Mapping(), {one.name: one for one in ENTITIES}, espo, client, ledger, stage.hours.now)
    found: list[Finding] = []
    try:
        found += await espocrm.examine(peers)
        found += (await advoware.examine(peers)).findings
    except PeerError:  # `examine` tells of it
        pass
    await espo.close()
    await client.close()
    return found


def empty_ledger(directory: Path) -> Ledger:
    file = directory / "ledger.db"
    file.touch()
    engine = connect(f"sqlite:///{file}")
    metadata.create_all(engine)
    return Ledger(Inline(engine))


def test_whatever_both_systems_answer_is_a_finding_with_a_remedy(tmp_path_factory: Any) -> None:
    ledger = empty_ledger(tmp_path_factory.mktemp("ledger"))
    good = asyncio.run(looked(GOOD, 200, ledger))
    assert {"espocrm.webhook", "espocrm.task_user", "advoware.search"} <= {one.check for one in good}

    @given(ANSWERS, st.sampled_from([200, 200, 200, 400, 403, 404, 500]))
    @settings(max_examples=60, deadline=None)
    def run(answers: dict[str, Any], status: int) -> None:
        for one in asyncio.run(looked(answers, status, ledger)):
            assert one.grade == "ok" or one.todo
            assert "\n" not in one.seen + one.todo + one.about

    run()


@pytest.mark.parametrize("missing", [{"CAdressen"}, {"CAdressen", "CBankverbindungen"}, {"CBeteiligte"}])
def test_an_entity_that_is_not_there_is_one_finding(tmp_path: Path, missing: set[str]) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        key = request.url.params.get("key", "")
        if any(key == f"entityDefs.{name}" for name in missing):
            return httpx.Response(200, content=b"null")
        return answering(GOOD, 200)(request)

    found = asyncio.run(looked(GOOD, 200, empty_ledger(tmp_path), answer))
    there = [one for one in found if one.check is Check.ESPO_ENTITY]
    assert {one.about for one in there if one.grade == "fail"} == missing
    assert all("syncd setup espocrm" in one.todo for one in there if one.grade == "fail")
    others = [one for one in found if any(name in one.about for name in missing) and one not in there]
    assert [one for one in others if one.check is not Check.ADVO_ANSWER] == []

"""The whole examination of both systems against answers that hold anything, at any place, with any status."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
from hypothesis import given, settings
from hypothesis import strategies as st

import config
from mappers.beteiligte import BETEILIGTE
from services.advoware import AdvowareClient
from services.errors import PeerError
from services.espocrm import ApiKey, EspoClient
from services.local import LocalTokens
from syncd.app import access
from syncd.doctor import advoware, espocrm
from syncd.doctor.peers import Peers
from syncd.findings import Finding
from syncd.ledger.schema import metadata
from syncd.ledger.store import Inline, Ledger, connect
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
        place = f"{request.url.path} {request.url.params.get('key', '')}"
        name = next((one for one in sorted(GOOD, key=len, reverse=True) if one in place), "")
        body = GOOD[name] if name in CURED and status != 200 else answers.get(name)
        return httpx.Response(200 if name in CURED else status, content=json.dumps(body).encode())

    return answer


async def looked(answers: dict[str, Any], status: int, ledger: Ledger) -> list[Finding]:
    stage = Stage()
    transport = httpx.MockTransport(answering(answers, status))
    espo = EspoClient(ESPO, ApiKey(KEY), stage.ports, transport=transport)
    tokens = LocalTokens(stage.hours.now, stage.hours.now)
    client = AdvowareClient(access(LOADED), stage.ports, tokens, transport=transport)
    peers = Peers(LOADED, config.Mapping(), {"beteiligte": BETEILIGTE}, espo, client, ledger, stage.hours.now)
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

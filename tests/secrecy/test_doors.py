"""What comes in by the doors is not repeated: neither in answers nor in log lines."""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path

import httpx

from mappers.beteiligte import BETEILIGTE
from syncd.api import ApiDeps, create_api
from syncd.delivery import hex_proof
from syncd.intake import secrets_of
from tests.secrecy.marks import API_TOKEN, ECHO, ESPO, WEBHOOK, WEBHOOK_SECRET, MarkedWorld, told


def test_nonsense_at_the_doors_is_not_repeated(out: io.StringIO, tmp_path: Path) -> None:
    async def story(world: MarkedWorld) -> None:
        espo_id, _ = world.pair()
        await world.lives(8)
        app = world.daemon()
        deps = ApiDeps(
            ledger=app.parts.ledger,
            ring=app.parts.queue.add_all,
            entities={BETEILIGTE.name: BETEILIGTE},
            secrets=secrets_of({WEBHOOK: WEBHOOK_SECRET}, app.parts.ledger),
            readiness=lambda: world.told,
            metrics=world.metrics,
            version="0",
            api_token=API_TOKEN,
            now=world.clock.now,
            new_id=world.new_id,
        )
        transport = httpx.ASGITransport(create_api(deps), raise_app_exceptions=False)
        ours = {"Authorization": f"Bearer {API_TOKEN}"}
        answers = []
        async with httpx.AsyncClient(transport=transport, base_url="http://syncd.test") as client:
            for body in (
                ECHO,
                f"[{ECHO}]",
                "[Geheimname",
                '[{"id": "Geheimname <b>"}]',
                json.dumps([{**ESPO, "id": 1}]),
            ):
                for secret in (WEBHOOK_SECRET, "geheim-falsch"):
                    proof = WEBHOOK.encode() + b":" + hex_proof(secret.encode(), body.encode())
                    for signature in (base64.b64encode(proof).decode(), f"Geheimname {secret}"):
                        for action in ("update", "Geheimname"):
                            path = f"/webhooks/espocrm/CBeteiligte/{action}"
                            answers.append(await client.post(path, content=body, headers={"Signature": signature}))
            for path in ("conflicts/Geheimname/resolve", "pause", "retry", "guards/Geheimname/allow"):
                for body in (ECHO, '{"take": "Geheimname", "entity": "Geheimname", "keys": ["Geheimname"]}', "{Geheim"):
                    answers.append(await client.post(f"/api/v1/{path}", content=body, headers=ours))
            for path in (
                "records/betnr:Geheimname",
                "records?limit=Geheimname",
                "history?record=Geheim name",
                "Geheim",
            ):
                answers.append(await client.get(f"/api/v1/{path}", headers=ours))
            for path in ("/readyz", "/healthz", "/metrics", "/version", "/docs", "/openapi.json", "/Geheimname"):
                answers.append(await client.get(path, headers={"Authorization": "Bearer geheim-falsch"}))
        accepted = {answer.status_code for answer in answers}
        assert {200, 400, 401, 404} <= accepted
        world.told += [f"{dict(answer.headers)} {answer.text}" for answer in answers]
        assert espo_id not in {key for answer in answers for key in answer.headers}

    told(out, tmp_path, story)

"""No error text, no repr and no trace holds a value, a token, a key or a password."""

from __future__ import annotations

import io
import threading
import traceback
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import config
from services.advoware import BETEILIGTE as BETEILIGTE_PATH
from services.errors import PeerError
from syncd import logs
from syncd.app import App
from syncd.cli.output import explain
from tests.secrecy.marks import ADVOWARE, ECHO, ESPO, SETTINGS, MarkedWorld, found_in
from tests.secrecy.troubles import TROUBLES
from tests.services.stage import chain
from tests.virtual import run

CALLS: dict[str, Callable[[App, str, int], Awaitable[Any]]] = {
    "espocrm read": lambda app, id, _: app.espo.read("CBeteiligte", id),
    "espocrm list": lambda app, *_: app.espo.list(
        "CBeteiligte", where=[{"type": "equals", "attribute": "lastName", "value": "Geheimname"}]
    ),
    "espocrm update": lambda app, id, _: app.espo.update("CBeteiligte", id, {"lastName": "Geheimname zwei"}),
    "espocrm create": lambda app, *_: app.espo.create("CBeteiligte", ESPO),
    "advoware read": lambda app, _, betnr: app.advoware.read(f"{BETEILIGTE_PATH}/{betnr}"),
    "advoware search": lambda app, *_: app.advoware.search("Geheimname", "Geheimvorname"),
    "advoware replace": lambda app, _, betnr: app.advoware.replace(f"{BETEILIGTE_PATH}/{betnr}", ADVOWARE),
    "advoware create": lambda app, *_: app.advoware.create(BETEILIGTE_PATH, ADVOWARE),
}


@pytest.mark.parametrize("call", CALLS)
def test_no_error_of_the_clients_holds_what_was_sent_or_said(out: io.StringIO, tmp_path: Path, call: str) -> None:
    async def story() -> None:
        world = MarkedWorld(tmp_path, out)
        espo_id, betnr = world.pair()
        raised = 0
        for rule in TROUBLES:
            app = world.daemon()
            assert found_in(repr([app.espo, app.advoware, app.settings, app.parts.shared])) == []
            world.flush_redis()
            world.sandbox.faults.clear()
            world.sandbox.faults.add(replace(rule, times=None, route="*eteiligte*"))
            try:
                await CALLS[call](app, espo_id, betnr)
            except PeerError as error:
                raised += 1
                shown = [chain(error), *traceback.format_exception(error), *logs.trace(error), *explain(error)[1]]
                assert found_in("\n".join(shown), tuple(world.sandbox.tokens.tokens)) == []
        assert raised > len(TROUBLES) / 2

    run(story())


@pytest.mark.parametrize(
    "wrong",
    [
        {"SYNCD_WORKERS": "geheim-viele"},
        {"ADVOWARE_API_KEY": "geheim: nicht base64"},
        {"REDIS_URL": "geheim-kein-redis://:geheim@host"},
        {"DATABASE_URL": "mysql://syncd:geheim@host/db"},
        {"ESPOCRM_WEBHOOK_SECRETS": "geheim"},
        {"ESPOCRM_API_BASE_URL": "https://geheim:geheim@crm.example"},
    ],
    ids=lambda wrong: next(iter(wrong)),
)
def test_a_setting_that_is_wrong_is_named_and_its_value_is_not(out: io.StringIO, wrong: dict[str, str]) -> None:
    needed = dict.fromkeys(config.REQUIRED, "x")
    try:
        settings = config.load({**needed, **SETTINGS, **wrong}, dotenv=None)
    except config.ConfigError as error:
        shown = [*explain(error)[1], chain(error), *traceback.format_exception(error)]
    else:
        shown = [repr(config.describe(settings)), repr(settings)]
    assert found_in("\n".join(shown)) == []


def test_a_thread_that_breaks_tells_where_and_not_what(out: io.StringIO) -> None:
    def breaks() -> None:
        raise ValueError(f"Geheimname {ECHO}")

    thread = threading.Thread(target=breaks)
    thread.start()
    thread.join()
    assert "ValueError" in out.getvalue()
    assert found_in(out.getvalue()) == []

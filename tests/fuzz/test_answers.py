"""Whatever a server answers, a client gives a value or its declared error, in time, and tells no secret."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from itertools import product

import pytest

from services import alarm_sender
from services.errors import PeerError
from tests.fuzz.calls import CALLS, SECRETS, fresh_transport
from tests.fuzz.hostile_server import BODIES, ENDLESS, HEADERS, RAW, STATUSES, Say, full, once, serving
from tests.services.stage import chain

PATIENCE = 60.0  # seconds; a client that has not come back by then hangs
GENEROUS = 20.0  # seconds a client waits where the answer comes at once
SHORT = 0.15  # seconds a client waits where no answer will ever come

every_call = pytest.mark.parametrize("name", CALLS)


async def ask_all(name: str, answers: Iterable[tuple[str, Say]], patience: float = GENEROUS) -> None:
    """Each ends in a value or a declared error that tells no secret."""
    transport = fresh_transport()
    async with serving(once()) as server:
        for what, server.say in answers:
            try:
                async with asyncio.timeout(PATIENCE):
                    told = repr(await CALLS[name](server.url, patience, transport))
            except PeerError as error:
                told = chain(error)
            except Exception as error:
                raise AssertionError(f"{name}: {what}") from error
            leaked = [secret for secret in SECRETS if secret in told]
            assert leaked == [], f"{name}: {what}: {told[:500]}"
        await transport.aclose()


@every_call
async def test_a_body_of_any_wrong_kind_ends_in_a_value_or_a_declared_error(name: str) -> None:
    await ask_all(name, ((what, once(full(body))) for what, body in BODIES.items()))


def _troubles(name: str) -> Iterable[tuple[str, str]]:
    """Every header with every fifth status, beginning elsewhere for each call."""
    start = sum(name.encode())
    return ((what, status) for at, (what, status) in enumerate(product(HEADERS, STATUSES), start) if at % 5 == 0)


@every_call
async def test_statuses_and_headers_of_any_wrong_kind_end_in_a_value_or_a_declared_error(name: str) -> None:
    await ask_all(name, (_answer(what, status) for what, status in _troubles(name)))


@pytest.mark.soak
@every_call
async def test_every_wrong_header_under_every_status_ends_in_a_value_or_a_declared_error(name: str) -> None:
    await ask_all(name, (_answer(what, status) for what, status in product(HEADERS, STATUSES)))


def _answer(what: str, status: str) -> tuple[str, Say]:
    return f"{status}, {what}", once(full(b'{"id":"a"}', *HEADERS[what], status=status))


@every_call
async def test_what_is_hardly_http_ends_in_a_value_or_a_declared_error(name: str) -> None:
    await ask_all(name, ((what, once(answer)) for what, answer in RAW.items()))


@pytest.mark.parametrize("name", ["espocrm read", "espocrm update", "advoware login", "advoware found", "alarm"])
async def test_an_answer_without_an_end_is_given_up(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(alarm_sender, "SECONDS", SHORT)
    await ask_all(name, ENDLESS.items(), SHORT)

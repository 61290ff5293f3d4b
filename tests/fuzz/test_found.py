"""What fuzzing has found, each as the smallest case that showed it."""

from __future__ import annotations

from contextlib import suppress

import httpx
import pytest

from mappers.kommunikation import value
from mappers.spec import Unmappable
from services.advoware_discovery import SECURITY_URL, Location
from services.advoware_token import LONGEST_USE_SECONDS, read_token
from services.answer import Answer, Call
from services.errors import Outage, Retryable
from services.http import Pipeline
from tests.fuzz.calls import access
from tests.services.stage import START, Stage


def answer(content: bytes) -> Answer:
    return Answer("advoware", Call("GET", "https://h/", "X"), 200, httpx.Headers(), content)


@pytest.mark.parametrize("token", [r"a\r\nX-Injected: 1", r"a\u0000b", r"\t", "a b", "a" * 20_000])
def test_a_token_that_cannot_stand_in_a_header_is_no_token(token: str) -> None:
    with pytest.raises(Outage, match="gave no token"):
        read_token(answer(f'{{"access_token":"{token}"}}'.encode()), START, 3300.0)


@pytest.mark.parametrize("life", ["9" * 400, "1e300", '"soon"'])
def test_a_token_for_longer_than_a_day_is_used_for_a_day(life: str) -> None:
    token = read_token(answer(f'{{"access_token":"t","expires_in":{life}}}'.encode()), START, LONGEST_USE_SECONDS)
    assert token.expires == START + LONGEST_USE_SECONDS


@pytest.mark.parametrize(
    "url", ["https://[", "https://h:port/", "https://h:99999999/", "https://\u2100/", "https://h\t/"]
)
async def test_an_address_nobody_can_parse_is_no_address(url: str) -> None:
    stage = Stage()
    who = access("https://h/", base_url="", security_url="")
    stage.router.get(f"{who.configurator_url}api/Url").mock(
        return_value=httpx.Response(200, json={"connectorUrl": url, "securityGateway": url})
    )
    location = Location(who, Pipeline("advoware", stage.ports, "", timeout=5.0, transport=stage.transport))
    assert await location.security() == SECURITY_URL


def test_an_infinite_number_is_no_json() -> None:
    with pytest.raises(Retryable, match="not JSON"):
        answer(b'{"faktor": 1e999}').json()


@pytest.mark.parametrize(
    "number", ["0" + " " * 1_000_000 + "1", "+49511" + " \t" * 4_000 + "x", "a" + "\u0301\u0316" * 500_000]
)
def test_a_very_long_number_is_judged_at_once(number: str) -> None:
    """20,000 blanks took 12 s of the daemon's only thread, by the square of their number."""
    with suppress(Unmappable):
        value(number)

"""What becomes of an alarm on its way: taken, refused, led elsewhere, lost; the address is never in what is told."""

from __future__ import annotations

import json
from collections.abc import Callable

import httpx
import pytest

from services.alarm_sender import AlarmSender, Sent

URL = "https://hooks.example/alarm?token=geheim"


async def sent(answer: Callable[[httpx.Request], httpx.Response]) -> Sent:
    sender = AlarmSender(URL, httpx.MockTransport(answer))
    try:
        return await sender.send({"alarm": "redis", "state": "raised"})
    finally:
        await sender.close()


async def test_it_is_posted_as_json_and_any_success_is_taken() -> None:
    seen: list[httpx.Request] = []

    def take(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(202)

    assert await sent(take) == Sent(True, "HTTP 202")
    assert str(seen[0].url) == URL
    assert seen[0].headers["content-type"] == "application/json"
    assert json.loads(seen[0].content) == {"alarm": "redis", "state": "raised"}


async def test_a_redirect_is_not_followed() -> None:
    seen: list[str] = []

    def elsewhere(request: httpx.Request) -> httpx.Response:
        seen.append(request.url.host)
        return httpx.Response(307, headers={"location": "https://elsewhere.example/"})

    told = await sent(elsewhere)
    assert not told.delivered
    assert "redirect" in told.answer
    assert seen == ["hooks.example"]


@pytest.mark.parametrize("status", [400, 401, 404, 429, 500, 503])
async def test_any_other_answer_is_not_taken(status: int) -> None:
    assert await sent(lambda _: httpx.Response(status)) == Sent(False, f"HTTP {status}")


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (httpx.ConnectError(f"cannot reach {URL}"), "no connection (ConnectError)"),
        (httpx.ReadTimeout(f"{URL} is slow"), "no answer within 5 s"),
        (httpx.RemoteProtocolError(URL), "no connection (RemoteProtocolError)"),
    ],
)
async def test_what_does_not_arrive_is_told_without_the_address(error: httpx.HTTPError, words: str) -> None:
    def fail(_: httpx.Request) -> httpx.Response:
        raise error

    assert await sent(fail) == Sent(False, words)


async def test_an_address_that_is_none_raises_nothing() -> None:
    sender = AlarmSender("http://[not an address/?token=geheim")
    told = await sender.send({})
    await sender.close()
    assert not told.delivered
    assert "geheim" not in told.answer

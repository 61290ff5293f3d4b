"""Where the configurator may send us: password and people's data go nowhere a person has not allowed."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

import config
from services.addresses import among, parsed
from services.errors import Outage, PeerError
from services.ports import Urgency, Verdict
from syncd.app import access as access_of
from tests.services.test_advoware import PASSWORD, PATH, TOKEN, Firm

CONFIGURATOR = "https://www2.advo-net.net/AdvonetConfigurator/"
RELAY, GATE = "https://www2.advo-net.net:90/", "https://security.advo-net.net/"
BENCH = "http://127.0.0.1:8081/AdvonetConfigurator/"


class Vendor(Firm):
    """The vendor's configurator, with an answer of the test; every call and every login is recorded."""

    def __init__(self, answer: Any, configurator: str = CONFIGURATOR, **changes: Any) -> None:
        super().__init__()
        self.calls: list[httpx.Request] = []
        self.answer, self.configurator = answer, configurator
        self.transport = httpx.MockTransport(self._any)
        settings = {"base_url": "", "security_url": "", "configurator_url": configurator, "hosts": ()}
        self.advoware = self.client(**(settings | changes))

    def _any(self, request: httpx.Request) -> httpx.Response:
        self.calls.append(request)
        if str(request.url).startswith(self.configurator):
            return httpx.Response(200, json=self.answer)
        if request.url.path.endswith("/api/v1/Token"):
            return httpx.Response(200, json={"access_token": TOKEN})
        return httpx.Response(200, json={"betNr": 104860})

    def hosts(self) -> set[str]:
        """Everybody who was called, and how."""
        return {f"{call.url.scheme}://{call.url.host}" for call in self.calls}


def urls(**changes: object) -> dict[str, object]:
    return {"relayUrl": RELAY, "connectorUrl": None, "securityGateway": GATE} | changes


async def test_the_vendors_own_hosts_need_no_setting() -> None:
    vendor = Vendor(urls(connectorUrl="https://firma17.connect.advo-net.net/api/"))
    await vendor.advoware.read(PATH)
    assert vendor.hosts() == {
        "https://www2.advo-net.net",
        "https://security.advo-net.net",
        "https://firma17.connect.advo-net.net",
    }


STRANGERS = [
    "https://evil.example/",
    "https://evil-advo-net.net/",
    "https://advo-net.net.evil.example/",
    "https://169.254.169.254/latest/meta-data/",
    "https://[fe80::1]/",
    "https://10.0.0.5/",
    "https://127.0.0.1:6379/",
    "https://localhost/",
]


@pytest.mark.parametrize("stranger", STRANGERS)
@pytest.mark.parametrize("what", ["relayUrl", "connectorUrl", "securityGateway"])
async def test_a_host_nobody_has_allowed_is_never_called_and_the_sentence_names_it(what: str, stranger: str) -> None:
    vendor = Vendor(urls(**{what: stranger}))
    for _ in range(2):
        with pytest.raises(Outage, match="ADVOWARE_HOSTS does not allow") as caught:
            await vendor.advoware.read(PATH)
    assert httpx.URL(stranger).host in caught.value.reason
    assert vendor.hosts() == {"https://www2.advo-net.net"}
    assert [call.url.path for call in vendor.calls] == ["/AdvonetConfigurator/api/Url"]
    assert PASSWORD.encode() not in b"".join(call.content for call in vendor.calls)


async def test_a_stranger_is_told_as_a_system_that_is_away_and_asked_about_again_in_a_minute() -> None:
    vendor = Vendor(urls(connectorUrl="https://evil.example/"))
    with pytest.raises(Outage):
        await vendor.advoware.read(PATH)
    assert (await vendor.circuit.admit("advoware", "any", "t", Urgency.URGENT)).verdict is Verdict.OPEN
    vendor.answer = urls()
    vendor.hours.time += 61
    await vendor.advoware.read(PATH)
    assert vendor.hosts() == {"https://www2.advo-net.net", "https://security.advo-net.net"}


async def test_a_configurator_that_turns_stops_calls_that_went_well_until_then() -> None:
    vendor = Vendor(urls())
    await vendor.advoware.read(PATH)
    vendor.answer = urls(connectorUrl="https://evil.example/")
    vendor.hours.time += 3601
    with pytest.raises(Outage, match=r"evil\.example"):
        await vendor.advoware.read(PATH)
    assert "https://evil.example" not in vendor.hosts()


@pytest.mark.parametrize("allowed", ["connector.firma.example", ".firma.example"])
async def test_a_person_allows_the_firms_own_connector(allowed: str) -> None:
    vendor = Vendor(urls(connectorUrl="https://connector.firma.example/adv/"), hosts=(allowed,))
    await vendor.advoware.read(PATH)
    assert "https://connector.firma.example" in vendor.hosts()


UNUSABLE = [
    "http://www2.advo-net.net/",
    "http://127.0.0.1/",
    "ftp://www2.advo-net.net/",
    "file:///etc/passwd",
    "gopher://127.0.0.1:6379/_FLUSHALL",
    "//www2.advo-net.net/",
    "https://",
    "https://user:pass@www2.advo-net.net/",
    "https://evil.example\\@www2.advo-net.net/",
    "https://evil.example\\.advo-net.net/",
    "https://evil.example#.advo-net.net/",
    "https://evil.example?.advo-net.net/",
    "https://evil.example%2f.advo-net.net/",
    "https://advo-net.net:0/",
    "https://advo-net.net:99999/",
    "https://ädvo-net.net/",
    "https://advo-net.net/\r\nX-Injected: 1",
    "https://advo-net.net/ x",
    "https://-advo-net.net/",
    "https://[::1/",
    17,
    ["https://www2.advo-net.net/"],
    {"https": "www2.advo-net.net"},
    True,
]


@pytest.mark.parametrize("url", UNUSABLE, ids=repr)
async def test_an_address_without_tls_or_read_in_two_ways_is_not_used(url: object) -> None:
    vendor = Vendor(urls(connectorUrl=url))
    await vendor.advoware.read(PATH)
    assert vendor.hosts() == {"https://www2.advo-net.net", "https://security.advo-net.net"}


async def test_plain_http_is_for_stand_ins_on_this_machine_only() -> None:
    there = "http://127.0.0.1:9/"
    vendor = Vendor({"relayUrl": there, "connectorUrl": None, "securityGateway": there}, BENCH)
    await vendor.advoware.read(PATH)
    assert vendor.hosts() == {"http://127.0.0.1"}


@pytest.mark.parametrize(
    ("configurator", "url"),
    [
        (BENCH, "http://10.0.0.5/"),
        (BENCH, "http://www2.advo-net.net/"),
        ("http://configurator.firma.example/", "http://configurator.firma.example/"),
        ("https://127.0.0.1:8081/", "http://127.0.0.1:8081/"),
    ],
)
async def test_plain_http_is_for_nobody_else_whoever_was_asked(configurator: str, url: str) -> None:
    vendor = Vendor({"relayUrl": url, "securityGateway": GATE}, configurator)
    await vendor.advoware.read(PATH)
    assert not [call for call in vendor.calls if not str(call.url).startswith((configurator, "https://"))]


async def test_no_redirect_carries_a_login_or_a_token_elsewhere() -> None:
    vendor = Vendor(urls())
    answered = vendor._any

    def moved(request: httpx.Request) -> httpx.Response:
        if "Beteiligte" not in request.url.path:
            return answered(request)
        vendor.calls.append(request)
        return httpx.Response(307, headers={"Location": "https://evil.example/"})

    vendor.transport = httpx.MockTransport(moved)
    with pytest.raises(PeerError):
        await vendor.client(base_url="", security_url="", configurator_url=CONFIGURATOR, hosts=()).read(PATH)
    assert "https://evil.example" not in vendor.hosts()


def test_an_allowed_host_is_that_host_or_all_below_a_dot() -> None:
    assert among("a.firm.example", [".firm.example"])
    assert not among("firm.example", [".firm.example"])
    assert not among("evilfirm.example", [".firm.example", "firm.example"])
    assert not among("a.firm.example", ["firm.example"])


def test_capital_letters_and_a_last_dot_make_no_other_host() -> None:
    one = parsed("https://WWW2.Advo-Net.NET./")
    assert one is not None
    assert one.host == "www2.advo-net.net"


@pytest.mark.parametrize("wrong", ["https://firm.example", "firm.example/x", "*", ".", "a b", "user@firm.example"])
def test_a_setting_that_is_no_host_stops_the_start(wrong: str) -> None:
    with pytest.raises(config.ConfigError, match="ADVOWARE_HOSTS: not usable"):
        config.load({"ADVOWARE_HOSTS": wrong}, dotenv=None, required=())


def test_the_setting_reaches_whoever_asks_the_configurator() -> None:
    settings = config.load({"ADVOWARE_HOSTS": "one.example, .two.example"}, dotenv=None, required=())
    assert access_of(settings).hosts == ("one.example", ".two.example")

"""The intake against raw bytes: whatever is sent, signed or not, one line is answered and nothing breaks."""

from __future__ import annotations

import gzip
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine, select, text

from syncd.delivery import MAX_BODY, Rejected, parse
from syncd.ledger import schema
from syncd.ledger.store import Ledger
from tests.fuzz.description import SECRET, TOKEN, WEBHOOK, open_doors, open_ledger, signature
from tests.secrecy.marks import logged

PATH = "/webhooks/espocrm/CBeteiligte/update"
GOOD = b'[{"id":"65f0a1b2c3d4e5f67","lastName":"Geheimname"}]'

UNREADABLE = {
    "not UTF-8": b'[{"id":"a","n":"Geheim\xff"}]',
    "Latin-1": '[{"id":"a","n":"Geheimmüller"}]'.encode("latin-1"),
    "UTF-16": GOOD.decode().encode("utf-16"),
    "UTF-32": GOOD.decode().encode("utf-32"),
    "surrogates in UTF-8": b'[{"id":"a","n":"\xed\xa0\x80"}]',
    "100,000 lists": b"[" * 100_000 + b"]" * 100_000,
    "100,000 objects": b'[{"id":"a","n":' + b'{"n":' * 100_000 + b"1" + b"}" * 100_000 + b"}]",
    "99 lists in a list's record": b'[{"id":"a","n":' + b"[" * 99 + b"1" + b"]" * 99 + b"}]",
    "a number of a million digits": b'[{"id":"a","n":' + b"9" * 1_000_000 + b"}]",
    "NaN": b'[{"id":"a","n":NaN}]',
    "Infinity": b'[{"id":"a","n":-Infinity}]',
    "too great a number": b'[{"id":"a","n":1e999}]',
    "ids of other kinds": b'[{"id":1},{"id":null},{"id":["a"]}]',
    "an id that is not one": b'[{"id":"../etc/passwd"}]',
    "an id with a line end": b'[{"id":"abc\\n"}]',
    "an id of NUL": b'[{"id":"\\u0000"}]',
    "an id too long": b'[{"id":"' + b"a" * 41 + b'"}]',
    "an id in other letters": '[{"id":"аbс"}]'.encode(),
    "an object": b'{"id":"a"}',
    "text": b'"a"',
    "nothing": b"",
    "zero bytes": bytes(1000),
    "two documents": b"[][]",
    "gzip": gzip.compress(GOOD),
    "a form": b"id=a&lastName=Geheimname",
    "cut": GOOD[:-2],
    "one bad of many": b'[{"id":"a"},{"id":"b"},7]',
}
READABLE = {
    "an empty list": b"[]",
    "a byte order mark": b"\xef\xbb\xbf" + GOOD,
    "blanks around": b" \r\n" + GOOD + b"\t",
    "the same name twice": b'[{"id":"a","id":"b","n":1,"n":2}]',
    "lone surrogates": b'[{"id":"a","n":"\\ud800","\\udfff":["\\udc00\\ud800"]}]',
    "a whole pair": b'[{"id":"a","n":"\\ud83d\\ude00"}]',
    "NUL in a value and a name": b'[{"id":"a","n":"\\u0000","\\u0000":1}]',
    "98 lists in a list's record": b'[{"id":"a","n":' + b"[" * 98 + b"1" + b"]" * 98 + b"}]",
    "a number of 4000 digits": b'[{"id":"a","n":' + b"9" * 4000 + b"}]",
    "the same record a thousand times": b"[" + b'{"id":"a"},' * 999 + b'{"id":"a"}]',
}


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    opened = open_ledger(tmp_path)
    yield opened
    opened.close()


def client(ledger: Ledger) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(open_doors(ledger), raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://syncd.test")


async def deliveries(ledger: Ledger) -> int:
    return len(await ledger.read(lambda conn: conn.execute(select(schema.deliveries.c.id)).all()))


def one_line(answer: httpx.Response, status: int) -> None:
    assert answer.status_code == status, answer.text
    assert list(answer.json()) == ["error"]
    assert "Geheim" not in answer.text
    assert "\n" not in answer.text


@pytest.mark.parametrize("what", UNREADABLE)
async def test_bytes_that_are_no_delivery_are_refused_and_nothing_is_kept(ledger: Ledger, what: str) -> None:
    body = UNREADABLE[what]
    with logged() as said:
        async with client(ledger) as asking:
            one_line(await asking.post(PATH, content=body, headers={"Signature": signature(body)}), 400)
            one_line(await asking.post(PATH, content=body, headers={"Signature": signature(b"else")}), 401)
            one_line(await asking.post(PATH, content=body), 401)
    assert await deliveries(ledger) == 0
    assert "Geheim" not in said.getvalue()
    assert "trace" not in said.getvalue()


@pytest.mark.parametrize("what", READABLE)
async def test_what_can_be_read_is_kept_and_shown_by_every_door(ledger: Ledger, what: str) -> None:
    body = READABLE[what]
    async with client(ledger) as asking:
        answer = await asking.post(PATH, content=body, headers={"Signature": signature(body)})
        assert answer.status_code == 200, answer.text
        assert await deliveries(ledger) == answer.json()["total_ids_in_batch"]
        for path in ("/api/v1/events", "/api/v1/records/a", "/api/v1/status"):
            shown = await asking.get(path, headers={"Authorization": f"Bearer {TOKEN}"})
            assert shown.status_code in (200, 404), shown.text
            shown.json()


async def test_neither_content_type_nor_packing_is_believed(ledger: Ledger) -> None:
    proof = {"Signature": signature(GOOD)}
    async with client(ledger) as asking:
        for kind in (
            "text/plain",
            "application/xml",
            "multipart/form-data; boundary=x",
            "",
            "application/json; charset=utf-16",
        ):
            assert (await asking.post(PATH, content=GOOD, headers=proof | {"Content-Type": kind})).status_code == 200
        answer = await asking.post(PATH, content=GOOD, headers=proof | {"Content-Encoding": "gzip"})
        assert answer.status_code == 200
        packed = gzip.compress(GOOD)
        headers = {"Signature": signature(GOOD), "Content-Encoding": "gzip"}
        one_line(await asking.post(PATH, content=packed, headers=headers), 401)


async def test_fifty_thousand_events_are_one_delivery(ledger: Ledger) -> None:
    body = json.dumps([{"id": f"{number:017x}"} for number in range(50_000)]).encode()
    async with client(ledger) as asking:
        answer = await asking.post(PATH, content=body, headers={"Signature": signature(body)})
    assert answer.json()["new_ids_count"] == 50_000
    assert await deliveries(ledger) == 50_000


@pytest.mark.parametrize("length", ["-1", "abc", "1e3", "9" * 19, "\xb2", " ", "0x10", "+5", "5, 5"])
async def test_a_length_that_is_no_number_is_refused(ledger: Ledger, length: str) -> None:
    async with client(ledger) as asking:
        headers = [(b"Signature", signature(GOOD).encode()), (b"Content-Length", length.encode("latin-1"))]
        one_line(await asking.post(PATH, content=GOOD, headers=headers), 400)


async def test_a_body_that_grows_over_what_was_announced_is_refused_at_the_limit(ledger: Ledger) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 2**20
            yield b" " * 2**20

    async with client(ledger) as asking:
        for headers in ({"Content-Length": "10"}, {"Transfer-Encoding": "chunked"}):
            sent = 0
            told = headers | {"Signature": signature(GOOD)}
            one_line(await asking.post(PATH, content=endless(), headers=told), 413)
            assert sent <= MAX_BODY + 2 * 2**20


@pytest.mark.parametrize(
    "header",
    [
        "",
        "=",
        "a" * 100_000,
        "Og==",
        "OmFiYw==",
        signature(GOOD)[:-4],
        signature(GOOD) + "=",
        signature(GOOD, "else"),
        signature(GOOD, SECRET, "b"),
        "\u00e4",
        f"{WEBHOOK}:{SECRET}",
    ],
    ids=range(11),
)
async def test_a_signature_of_any_wrong_kind_is_refused(ledger: Ledger, header: str) -> None:
    async with client(ledger) as asking:
        for name in (b"Signature", b"X-Signature"):
            one_line(await asking.post(PATH, content=GOOD, headers=[(name, header.encode())]), 401)
    assert await deliveries(ledger) == 0


async def test_while_the_ledger_is_locked_everybody_is_asked_to_come_again(ledger: Ledger, tmp_path: Path) -> None:
    other = create_engine(f"sqlite:///{tmp_path / 'ledger.db'}")
    await ledger.write(lambda conn: conn.execute(text("PRAGMA busy_timeout=1")))
    proof = {"Signature": signature(GOOD)}
    async with client(ledger) as asking:
        with other.connect() as holding:
            holding.exec_driver_sql("BEGIN IMMEDIATE")
            one_line(await asking.post(PATH, content=GOOD, headers=proof), 503)
            one_line(await asking.post(PATH, content=b"[", headers={"Signature": signature(b"[")}), 400)
            one_line(await asking.post(PATH, content=GOOD), 401)
            holding.exec_driver_sql("ROLLBACK")
        assert (await asking.post(PATH, content=GOOD, headers=proof)).status_code == 200
    other.dispose()
    assert await deliveries(ledger) == 1


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters()), inner, max_size=4),
    max_leaves=20,
)
_bodies = st.one_of(
    st.binary(max_size=200),
    st.binary(max_size=20).map(lambda more: GOOD[:20] + more + GOOD[20:]),
    st.lists(st.dictionaries(st.sampled_from(["id", "n", "\ud800"]), _json, max_size=3), max_size=3).map(
        lambda rows: json.dumps(rows).encode()
    ),
    _json.map(lambda value: json.dumps([{"id": "a", "n": value}]).encode()),
)
plain = settings(max_examples=100, deadline=None)
soak = settings(max_examples=50_000, deadline=None, suppress_health_check=list(HealthCheck))


def _parsed(body: bytes) -> None:
    """Refused, or events that survive being kept and shown."""
    try:
        events = parse(body)
    except Rejected as refused:
        events = []
        answered = refused.status
    else:
        answered = 200
    assert answered in (200, 400)
    for espo_id, told in events:
        assert espo_id.isascii()
        assert told.isascii()
        item = json.loads(told)
        assert item["id"] == espo_id
        assert json.loads(json.dumps(item, ensure_ascii=False, allow_nan=False).encode()) == item


@plain
@given(_bodies)
def test_any_bytes_are_refused_or_can_be_kept_and_shown(body: bytes) -> None:
    _parsed(body)


@pytest.mark.soak
@soak
@given(_bodies)
def test_any_bytes_are_refused_or_can_be_kept_and_shown_many_times(body: bytes) -> None:
    _parsed(body)

"""A delivery of EspoCRM's webhooks as it comes: who signed it, and what it names. Pure.

Knows HTTP headers and bodies as bytes, not the server in front of it, and stores nothing.
"""

from __future__ import annotations

import base64
import binascii
import codecs
import hashlib
import hmac
import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NoReturn

from syncd.model import ESPO_ID

ACTIONS = ("create", "update", "delete")
MAX_BODY = 20 * 1024 * 1024
DEEPEST = 100  # levels of a body
_WEBHOOK_ID = re.compile(rb"[A-Za-z0-9_-]{1,40}\Z")
_HALF = re.compile(rb"\\u[dD][89a-fA-F]")  # half a surrogate pair, unless the other half stands beside it
_BEGIN = re.compile(r"[ \t\n\r]*\[[ \t\n\r]*")
_BETWEEN = re.compile(r"[ \t\n\r]*(?:,[ \t\n\r]*|(\][ \t\n\r]*))")

Event = tuple[str, str]  # EspoCRM id, body as JSON


class Answer(StrEnum):
    """How a delivery was received, for the metrics."""

    RECEIVED = "received"
    BAD_SIGNATURE = "bad_signature"
    UNREADABLE = "unreadable"
    TOO_LARGE = "too_large"
    NO_LEDGER = "no_ledger"


class Rejected(Exception):
    """A delivery that is not taken in; `status` is HTTP's, the text one line without anything that was sent."""

    def __init__(self, status: int, answer: Answer, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.answer = answer
        self.text = text


@dataclass(frozen=True, slots=True)
class Signed:
    """What a signature header says: which webhook, and its HMAC of the body, as bytes to compare with."""

    webhook_id: str
    proof: bytes
    form: Callable[[bytes, bytes], bytes]


def hex_proof(secret: bytes, body: bytes) -> bytes:
    """HMAC-SHA256 as `Signature` carries it (EspoCRM 9.0 on)."""
    return hmac.new(secret, body, hashlib.sha256).hexdigest().encode()


def raw_proof(secret: bytes, body: bytes) -> bytes:
    """HMAC-SHA256 as `X-Signature` carries it (before EspoCRM 11)."""
    return hmac.new(secret, body, hashlib.sha256).digest()


def signature(headers: Mapping[str, str]) -> Signed:
    """The signature a delivery carries, the newer form first; raises `Rejected` where there is none to read."""
    for name, form in (("signature", hex_proof), ("x-signature", raw_proof)):
        header = headers.get(name)
        if header is None:
            continue
        try:
            webhook_id, colon, proof = base64.b64decode(header.strip(), validate=True).partition(b":")
        except (binascii.Error, ValueError):
            raise unsigned() from None
        if not colon or not _WEBHOOK_ID.match(webhook_id):
            raise unsigned()
        return Signed(webhook_id.decode("ascii"), proof, form)
    raise unsigned()


def verify(signed: Signed, body: bytes, secrets: Iterable[str]) -> None:
    """Raise `Rejected` unless the body was signed with one of the secrets."""
    proven = [hmac.compare_digest(signed.form(secret.encode(), body), signed.proof) for secret in secrets]
    if not any(proven):
        raise unsigned()


def unsigned() -> Rejected:
    """Whoever sent it, it was not who it should have been."""
    return Rejected(401, Answer.BAD_SIGNATURE, "the signature is missing or does not fit")


def parse(body: bytes) -> list[Event]:
    """The events of a delivery in their order; raises `Rejected` for what EspoCRM would not send."""
    shallow = body.count(b"[") + body.count(b"{") <= DEEPEST
    events: list[Event] = []
    try:
        for item, told in _items(_text(body)):
            if not shallow and _is_deep(item):
                raise _unreadable("the body is nested too deep")
            espo_id = item.get("id") if isinstance(item, dict) else None
            if not isinstance(espo_id, str) or not ESPO_ID.match(espo_id):
                raise _unreadable("every item must be an object with the id of a record")
            events.append((espo_id, told))
    except (ValueError, RecursionError):
        raise _unreadable("the body is not JSON") from None
    return events


def _text(body: bytes) -> str:
    """A body as text that can be kept: no encoding can keep half a surrogate pair, a sign takes its place."""
    text = body.removeprefix(codecs.BOM_UTF8).decode()
    if _HALF.search(body):
        told = json.dumps(_JSON.decode(text), ensure_ascii=False)
        text = told.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def _items(text: str) -> Iterator[tuple[Any, str]]:
    """The items of a JSON array, each with its text, in ASCII; raises `Rejected`, ValueError."""
    begin = _BEGIN.match(text)
    if begin is None:
        _JSON.decode(text)
        raise _unreadable("the body is not a JSON array")
    at = begin.end()
    if text[at : at + 1] == "]":
        _JSON.decode(text)
        return
    while True:
        item, end = _JSON.raw_decode(text, at)
        yield item, text[at:end] if text.isascii() else json.dumps(item)
        between = _BETWEEN.match(text, end)
        if between is None:
            raise ValueError
        at = between.end()
        if between[1]:
            break
    if at < len(text):
        raise ValueError


def _is_deep(item: Any) -> bool:
    """Whether an item is nested as no record is: what can be read is not always what can be written down again."""
    waiting = [(item, 2)]
    while waiting:
        value, depth = waiting.pop()
        inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        if inner and depth > DEEPEST:
            return True
        waiting += [(one, depth + 1) for one in inner if isinstance(one, dict | list)]
    return False


def _no_number(_: str) -> NoReturn:
    raise ValueError("not a JSON number")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("not a JSON number")
    return number


_JSON = json.JSONDecoder(parse_constant=_no_number, parse_float=_finite)


def _unreadable(text: str) -> Rejected:
    return Rejected(400, Answer.UNREADABLE, text)

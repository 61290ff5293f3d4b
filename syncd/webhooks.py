"""EspoCRM's webhooks towards us: which there shall be, which there are, and making them so.

Works as our own API user, whose webhooks these are. Knows nothing of deliveries.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from mappers.spec import Entity
from services.errors import Missing, Refused
from services.espocrm import EspoClient
from syncd.commands import Refusal
from syncd.intake import ACTIONS
from syncd.ledger import facts, webhooks
from syncd.ledger.store import Ledger

OLDER_PATH = "/vmh/webhook/beteiligte"  # as older installations have registered it
WANTED = {"isActive": True, "skipOwn": True}


@dataclass(frozen=True)
class Wanted:
    """One webhook there shall be."""

    event: str
    path: str
    older_path: str | None


@dataclass(frozen=True)
class Known:
    """One webhook EspoCRM has. `secret_known`: deliveries can be checked."""

    id: str
    event: str
    url: str
    active: bool
    skips_own: bool
    secret_known: bool


@dataclass(frozen=True)
class Verdict:
    """How it stands with one event: the webhook if there is one, and what is wrong, "" if nothing."""

    event: str
    webhook: Known | None
    wrong: str


def wanted(entities: Iterable[Entity]) -> list[Wanted]:
    """Create, update and delete of each entity."""
    return [
        Wanted(
            f"{entity.espo_type}.{action}",
            f"/webhooks/espocrm/{entity.name}/{action}",
            f"{OLDER_PATH}/{action}" if entity.name == "beteiligte" else None,
        )
        for entity in entities
        for action in ACTIONS
    ]


async def listed(espo: EspoClient, ledger: Ledger, configured: Iterable[str]) -> list[Known]:
    """Every webhook of our user; `configured` are ids whose secrets are in the settings. Raises `PeerError`."""
    secrets = {*(await ledger.read(facts.webhook_secrets)), *configured}
    rows: list[dict[str, Any]] = []
    while True:
        page = await espo.list("Webhook", order_by="createdAt", offset=len(rows))
        rows += page.rows
        if page.last or not page.rows:
            return [_known(row, secrets) for row in rows if isinstance(row.get("id"), str)]


def _known(row: Mapping[str, Any], secrets: set[str]) -> Known:
    return Known(
        id=row["id"],
        event=str(row.get("event")),
        url=_address(row.get("url")),
        active=row.get("isActive") is True,
        skips_own=row.get("skipOwn") is True,
        secret_known=row["id"] in secrets,
    )


def _address(value: object) -> str:
    """An address as it stands there; "" for what is none."""
    try:
        return value if isinstance(value, str) and urlsplit(value).netloc else ""
    except ValueError:
        return ""


def judge(wishes: Iterable[Wanted], known: Sequence[Known]) -> list[Verdict]:
    """Whether each wanted webhook is there, active, without our own events, checkable and single."""
    verdicts = []
    for wish in wishes:
        fitting = [one for one in known if one.event == wish.event and _leads_to(one.url, wish)]
        first = next((one for one in fitting if one.active), fitting[0] if fitting else None)
        verdicts.append(Verdict(wish.event, first, _wrong(first, fitting)))
    return verdicts


def _leads_to(url: str, wish: Wanted) -> bool:
    path = urlsplit(url).path.rstrip("/")
    return path.endswith(wish.path) or (wish.older_path is not None and path.endswith(wish.older_path))


def _wrong(first: Known | None, fitting: Sequence[Known]) -> str:
    if first is None:
        return "not registered"
    if not first.active:
        return "switched off"
    if not first.secret_known:
        return "its secret is not known here, so every delivery is refused"
    if len([one for one in fitting if one.active]) > 1:
        return "registered more than once, so everything is delivered as often"
    return "" if first.skips_own else "also delivers our own writes"


async def register(espo: EspoClient, ledger: Ledger, entities: Iterable[Entity], base: str) -> list[str]:
    """Make it so that each wanted webhook is there once, at `base` + path; returns what was done, line by line.

    Webhooks at other addresses are left alone. Raises `PeerError`, `Refusal`.
    """
    known = await listed(espo, ledger, ())
    return [await _make(espo, ledger, wish, base.rstrip("/") + wish.path, known) for wish in wanted(entities)]


async def _make(espo: EspoClient, ledger: Ledger, wish: Wanted, url: str, known: Sequence[Known]) -> str:
    same = [one for one in known if (one.event, one.url) == (wish.event, url)]
    if not same:
        body = await _create(espo, {"event": wish.event, "url": url, **WANTED})
        await _keep_secret(espo, ledger, body, wish.event)
        return f"{wish.event}: registered"
    first, *doubles = same
    for double in doubles:
        await espo.delete("Webhook", double.id)
        await ledger.write(webhooks.forget, double.id)
    changed = not (first.active and first.skips_own)
    if changed:
        await espo.update("Webhook", first.id, WANTED)
    if not first.secret_known:
        await _keep_secret(espo, ledger, {"id": first.id}, wish.event)
    done = [*(["put right"] if changed else []), *([f"{len(doubles)} doubles removed"] if doubles else [])]
    return f"{wish.event}: {', '.join(done) or 'was there'}"


async def _create(espo: EspoClient, body: Mapping[str, Any]) -> Mapping[str, Any]:
    try:
        return (await espo.create("Webhook", body)).body
    except Refused as error:
        if error.field != "url":
            raise
        address = urlsplit(str(body["url"])).netloc
        raise Refusal(
            f"EspoCRM refuses the address: give --url as EspoCRM reaches syncd; an internal one must be in its "
            f"data/config.php: 'webhookAllowedAddressList' => ['{address}']"
        ) from None


async def _keep_secret(espo: EspoClient, ledger: Ledger, body: Mapping[str, Any], event: str) -> None:
    """EspoCRM makes the secret; it may be missing in the answer to a create."""
    webhook_id = str(body["id"])
    secret = body.get("secretKey") or (await espo.read("Webhook", webhook_id)).body.get("secretKey")
    if not secret:
        raise Missing("espocrm", "a webhook came without its secret", certain=False)
    await ledger.write(webhooks.remember, webhook_id, str(secret), event)

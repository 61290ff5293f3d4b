"""EspoCRM's webhooks towards us: which there shall be, which there are, and making them so.

Works as our own API user, whose webhooks these are. Knows nothing of deliveries.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from mappers.spec import Entity
from services.errors import Missing, Refused
from services.espocrm import EspoClient
from syncd.commands import Refusal
from syncd.delivery import ACTIONS
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
class Mending:
    """One thing to be done: `changes` to the webhook `id`, or to a new one where there is none; {} = remove it.

    `learn`: only its secret is read.
    """

    event: str
    text: str
    id: str | None
    changes: Mapping[str, Any] = field(default_factory=dict)
    learn: bool = False


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
    return [_known(row, secrets) for row in await _rows(espo)]


async def listed_of(admin: EspoClient, user_id: str, known: Iterable[str]) -> list[Known]:
    """Every webhook of a user, as an administrator sees them; `known` are ids whose secrets are known.

    A webhook belongs to who made it. Raises `PeerError`.
    """
    secrets = {*known}
    return [
        _known(row, secrets) for row in await _rows(admin) if user_id in (row.get("userId"), row.get("createdById"))
    ]


async def _rows(espo: EspoClient) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    while True:
        page = await espo.list("Webhook", order_by="createdAt", offset=len(rows))
        rows += page.rows
        if page.last or not page.rows:
            return [row for row in rows if isinstance(row.get("id"), str)]


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


def judge(wishes: Iterable[Wanted], known: Sequence[Known], base: str = "") -> list[Verdict]:
    """Whether each wanted webhook is there, active, without our own events, checkable and single.

    `base`: the address EspoCRM shall use, "" where that is not known.
    """
    verdicts = []
    for wish in wishes:
        fitting = _fitting(wish, known, base)
        first = fitting[0] if fitting else None
        verdicts.append(Verdict(wish.event, first, _wrong(wish, fitting, base)))
    return verdicts


def _fitting(wish: Wanted, known: Sequence[Known], base: str) -> list[Known]:
    """The webhooks that lead to us, the one to keep first."""
    leading = [one for one in known if one.event == wish.event and _path_of(one.url, wish) is not None]
    return sorted(leading, key=lambda one: (not _right(one.url, wish, base), not one.active, not one.secret_known))


def _path_of(url: str, wish: Wanted) -> str | None:
    """Our path at the end of an address, None where it leads elsewhere."""
    path = urlsplit(url).path.rstrip("/")
    ours = (wish.path, *((wish.older_path,) if wish.older_path is not None else ()))
    return next((one for one in ours if path.endswith(one)), None)


def _right(url: str, wish: Wanted, base: str) -> bool:
    return not base or url.rstrip("/") == f"{base.rstrip('/')}{_path_of(url, wish)}"


def _wrong(wish: Wanted, fitting: Sequence[Known], base: str) -> str:
    if not fitting:
        return "not registered"
    first, *doubles = fitting
    if not first.active:
        return "switched off"
    if not _right(first.url, wish, base):
        return f"leads to another address: {first.url}"
    if not first.secret_known:
        return "its secret is not known here, so every delivery is refused"
    if doubles:
        return "registered more than once, so everything is delivered as often"
    return "" if first.skips_own else "also delivers our own writes"


def mending(wishes: Iterable[Wanted], known: Sequence[Known], base: str) -> list[Mending]:
    """What must be done so that each wanted webhook is there once, at `base`, active, and its secret known here."""
    return [step for wish in wishes for step in _mend(wish, _fitting(wish, known, base), base)]


def _mend(wish: Wanted, fitting: Sequence[Known], base: str) -> list[Mending]:
    url = base.rstrip("/") + wish.path
    if not fitting:
        return [Mending(wish.event, "registered", None, {"event": wish.event, "url": url, **WANTED})]
    first, *doubles = fitting
    steps = [Mending(wish.event, f"double {double.id} removed", double.id) for double in doubles]
    changes: dict[str, Any] = {}
    said = []
    if not _right(first.url, wish, base):
        changes["url"] = url
        said.append(f"moved from {first.url}")
    if not first.active:
        said.append("switched on")
    if not first.skips_own:
        said.append("our own writes left out")
    if said:
        steps.append(Mending(wish.event, ", ".join(said), first.id, {**WANTED, **changes}))
    if not first.secret_known:
        steps.append(Mending(wish.event, "its secret read", first.id, learn=True))
    return steps


async def register(espo: EspoClient, ledger: Ledger, entities: Iterable[Entity], base: str) -> list[str]:
    """Make it so that each wanted webhook is there once, at `base` + path; returns what was done, line by line.

    Webhooks that lead elsewhere are left alone. Raises `PeerError`, `Refusal`.
    """
    wishes = wanted(entities)
    done: dict[str, list[str]] = {wish.event: [] for wish in wishes}
    for step in mending(wishes, await listed(espo, ledger, ()), base):
        await carry_out(espo, ledger, step)
        done[step.event].append(step.text)
    return [f"{event}: {', '.join(texts) or 'was there'}" for event, texts in done.items()]


async def carry_out(espo: EspoClient, ledger: Ledger, step: Mending) -> None:
    """Do one step. Raises `PeerError`; `Refusal` where EspoCRM does not take the address."""
    if step.learn:
        await _keep_secret(espo, ledger, {"id": step.id}, step.event)
    elif step.id is None:
        async with _address_taken(str(step.changes["url"])):
            body = (await espo.create("Webhook", step.changes)).body
        await _keep_secret(espo, ledger, body, step.event)
    elif step.changes:
        async with _address_taken(str(step.changes.get("url", ""))):
            await espo.update("Webhook", step.id, step.changes)
    else:
        with suppress(Missing):  # somebody was quicker
            await espo.delete("Webhook", step.id)
        await ledger.write(webhooks.forget, step.id)


@asynccontextmanager
async def _address_taken(url: str) -> AsyncIterator[None]:
    try:
        yield
    except Refused as error:
        if error.field != "url":
            raise
        raise Refusal(
            f"EspoCRM refuses the address: give --url as EspoCRM reaches syncd; an internal one must be in its "
            f"data/config.php: {allowed_line(url)}"
        ) from None


def allowed_line(url: str) -> str:
    """What EspoCRM's data/config.php must say so that it calls an internal address: exactly host:port."""
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return f"'webhookAllowedAddressList' => ['{parts.hostname}:{port}'],"


async def _keep_secret(espo: EspoClient, ledger: Ledger, body: Mapping[str, Any], event: str) -> None:
    """EspoCRM makes the secret; it may be missing in the answer to a create."""
    webhook_id = str(body["id"])
    secret = body.get("secretKey") or (await espo.read("Webhook", webhook_id)).body.get("secretKey")
    if not secret:
        raise Missing("espocrm", "a webhook came without its secret", certain=False)
    await ledger.write(webhooks.remember, webhook_id, str(secret), event)

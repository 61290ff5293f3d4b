"""What EspoCRM has: read once, as one frozen value, for the pure difference. Writes nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.errors import Credentials, Denied, Missing, Refused, Retryable
from services.espocrm import EspoClient
from syncd.setup.wanted import WantedEntity
from syncd.webhooks import Known

Labels = Mapping[str, str]
NAMES = "Global"  # the scope in which EspoCRM keeps the names of entities
WEBHOOK_JOB = "ProcessWebhookQueue"


@dataclass(frozen=True)
class HaveEntity:
    """One entity as it is; `below`: the lists below a record; `labels` by language."""

    custom: bool
    stream: bool
    optimistic: bool
    fields: Mapping[str, Mapping[str, Any]]
    links: Mapping[str, Any]
    script: str
    detail: Sequence[Any]
    listing: Sequence[Any]
    below: Sequence[Any]
    labels: Mapping[str, Labels]


@dataclass(frozen=True)
class HaveRole:
    """A role and its rights by scope; `assigns`: to whom its users may give records."""

    id: str
    name: str
    rights: Mapping[str, Any]
    assigns: str


@dataclass(frozen=True)
class HaveUser:
    """The API user. `key_works`: a key we know is this user's."""

    id: str
    type: str
    active: bool
    method: str
    roles: tuple[str, ...]
    key_works: bool


@dataclass(frozen=True)
class Job:
    """EspoCRM's scheduled job that sends webhooks. `last_run` as EspoCRM writes times, "" for never."""

    schedule: str
    active: bool
    last_run: str


@dataclass(frozen=True)
class Have:
    """All that is looked at. `webhooks` of the API user alone; `job`: None where it is not visible."""

    version: str
    language: str
    languages: tuple[str, ...]
    entities: Mapping[str, HaveEntity]
    names: Mapping[str, Labels]
    role: HaveRole | None
    user: HaveUser | None
    user_roles: tuple[HaveRole, ...] = ()
    webhooks: Sequence[Known] = ()
    job: Job | None = None
    last_run: str = ""
    """Of any scheduled job."""


async def entity(espo: EspoClient, wanted: WantedEntity, spoken: Sequence[str]) -> HaveEntity | None:
    """One entity; None where there is none."""
    scope = await espo.metadata(f"scopes.{wanted.espo_type}")
    if not isinstance(scope, Mapping) or not scope.get("entity"):
        return None
    defs = await espo.metadata(f"entityDefs.{wanted.espo_type}") or {}
    formula = await espo.metadata(f"formula.{wanted.espo_type}")
    return HaveEntity(
        custom=scope.get("isCustom") is True,
        stream=scope.get("stream") is True,
        optimistic=defs.get("optimisticConcurrencyControl") is True,
        fields=_mapping(defs.get("fields")),
        links=_mapping(defs.get("links")),
        script=str(_mapping(formula).get("beforeSaveCustomScript") or ""),
        detail=await layout(espo, wanted.espo_type, "detail"),
        listing=await layout(espo, wanted.espo_type, "list"),
        below=await layout(espo, wanted.espo_type, "relationships") if wanted.below else (),
        labels={one: await labels(espo, wanted.espo_type, one) for one in spoken},
    )


async def layout(espo: EspoClient, scope: str, name: str) -> list[Any]:
    """A layout; [] where there is none yet."""
    try:
        found = await espo.request("GET", f"{scope}/layout/{name}")
    except Missing:
        return []
    return found if isinstance(found, list) else []


async def labels(espo: EspoClient, scope: str, language: str) -> dict[str, str]:
    """Labels by the label manager's keys, `fields[.]betnr`; a language falls back to English where it has none."""
    body = {"scope": scope, "language": language}
    found = await espo.request("POST", "LabelManager/action/getScopeData", body=body)
    flat: dict[str, str] = {}
    for name, value in _mapping(found).items():
        if isinstance(value, str):
            flat[name] = value
        else:
            flat |= {key: text for key, text in _mapping(value).items() if isinstance(text, str)}
    return flat


async def role(espo: EspoClient, role_id: str) -> HaveRole:
    """One role."""
    body = (await espo.read("Role", role_id)).body
    return HaveRole(role_id, str(body.get("name")), _mapping(body.get("data")), str(body.get("assignmentPermission")))


async def role_named(espo: EspoClient, name: str) -> HaveRole | None:
    """The oldest role of this name."""
    page = await espo.list("Role", where=[_is("name", name)], select=["id"], order_by="name", max_size=1)
    return await role(espo, str(page.rows[0]["id"])) if page.rows else None


async def user_named(espo: EspoClient, name: str, key_owner: str | None) -> HaveUser | None:
    """The user of this name. `key_owner`: whose the key is that we know."""
    page = await espo.list("User", where=[_is("userName", name)], select=["id"], max_size=1)
    if not page.rows:
        return None
    body = (await espo.read("User", str(page.rows[0]["id"]))).body
    return HaveUser(
        id=str(body["id"]),
        type=str(body.get("type")),
        active=body.get("isActive") is True,
        method=str(body.get("authMethod") or ""),
        roles=tuple(str(one) for one in body.get("rolesIds") or ()),
        key_works=key_owner == name,
    )


async def key_owner(espo: EspoClient) -> str | None:
    """Whose key it is; None where it is nobody's. A key that is refused is asked about twice and no more."""
    try:
        user = (await espo.whoami()).body.get("user")
    except (Credentials, Denied):
        return None
    return str(_mapping(user).get("userName") or "") or None


async def jobs(espo: EspoClient) -> tuple[Job | None, str]:
    """The job that sends webhooks, and when any job ran last; nothing where that is not shown."""
    try:
        page = await espo.list("ScheduledJob", order_by="name")
    except (Denied, Missing, Refused, Retryable):
        return None, ""
    mine = [row for row in page.rows if row.get("job") == WEBHOOK_JOB]
    found = [
        Job(str(row.get("scheduling")), row.get("status") == "Active", str(row.get("lastRun") or "")) for row in mine
    ]
    return (found[0] if found else None), max((str(row.get("lastRun") or "") for row in page.rows), default="")


async def instance(espo: EspoClient) -> tuple[str, str]:
    """EspoCRM's version and its default language."""
    settings = (await espo.settings()).body
    return str(settings.get("version") or "?"), str(settings.get("language") or "")


def _is(attribute: str, value: str) -> dict[str, str]:
    return {"type": "equals", "attribute": attribute, "value": value}


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}

"""What entities and fields the firm's EspoCRM has (espocrm.md §0): data only, no behaviour."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

STATUSES = (
    "pending_sync",
    "clean",
    "dirty",
    "syncing",
    "failed",
    "conflict",
    "permanently_failed",
    "deleted_in_advoware",
)
NAME_PATTERN = "$noBadCharacters"
USER_TYPES = ("regular", "admin", "api", "portal", "system")


@dataclass
class FieldDef:
    """One stored attribute. `type` is EspoCRM's field type, `link` the entity a link field points to."""

    name: str
    type: str = "varchar"
    max_length: int | None = None
    options: tuple[str, ...] = ()
    default: Any = None
    required: bool = False
    pattern: str | None = None
    minimum: int | None = None
    link: str | None = None
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def attribute(self) -> str:
        """The attribute in JSON: links are written by their ids."""
        return self.name + {"link": "Id", "linkMultiple": "Ids"}.get(self.type, "")

    def metadata(self) -> dict[str, Any]:
        """The field as `GET Metadata` shows it."""
        shown: dict[str, Any] = {"type": self.type}
        if self.type in ("varchar", "text") and self.max_length:
            shown["maxLength"] = self.max_length
        if self.type in ("enum", "multiEnum"):
            shown["options"] = list(self.options)
        if self.default is not None:
            shown["default"] = self.default
        if self.required:
            shown["required"] = True
        if self.pattern:
            shown["pattern"] = self.pattern
        if self.minimum is not None:
            shown["min"] = self.minimum
        if self.link:
            shown["entity"] = self.link
        return shown | self.extra


@dataclass
class EntityDef:
    """One entity: a change of `watched` attributes by anybody but the user `spared` sets `syncStatus` to dirty (§2)."""

    name: str
    fields: dict[str, FieldDef]
    person: bool = False
    stream: bool = False
    optimistic: bool = False
    watched: frozenset[str] = frozenset()
    spared: str | None = None
    children: dict[str, tuple[str, str]] = field(default_factory=dict)
    """link name -> (entity of the child, the child's foreign attribute)"""
    custom: bool = True

    def attributes(self) -> list[str]:
        """Names of all stored columns, system ones included."""
        own = [one.attribute for one in self.fields.values()]
        return [*own, *SYSTEM_ATTRIBUTES, *(("streamUpdatedAt",) if self.stream else ())]


SYSTEM_ATTRIBUTES = ("createdAt", "modifiedAt", "createdById", "modifiedById")


def _named(fields: list[FieldDef]) -> dict[str, FieldDef]:
    return {one.name: one for one in fields}


def _sync_fields() -> list[FieldDef]:
    return [
        FieldDef("syncStatus", "enum", options=STATUSES, default="pending_sync"),
        FieldDef("advowareLastSync", "datetime"),
        FieldDef("advowareRowId", max_length=50),
    ]


def _assigned(required: bool = False) -> FieldDef:
    return FieldDef("assignedUser", "link", link="User", required=required)


def _teams() -> FieldDef:
    return FieldDef("teams", "linkMultiple", link="Team")


def person_fields() -> list[FieldDef]:
    """Fields every entity of base type Person has."""
    return [
        FieldDef("salutationName", "enum", options=("", "Mr.", "Ms.", "Mrs.", "Dr.")),
        FieldDef("firstName", max_length=100, pattern=NAME_PATTERN),
        FieldDef("lastName", max_length=100, pattern=NAME_PATTERN, required=True),
        FieldDef("middleName", max_length=100, pattern=NAME_PATTERN),
        FieldDef("description", "text"),
        FieldDef("addressStreet", "text", max_length=255),
        FieldDef("addressCity", max_length=100),
        FieldDef("addressState", max_length=100),
        FieldDef("addressCountry", max_length=100),
        FieldDef("addressPostalCode", max_length=40),
    ]


def _beteiligte() -> EntityDef:
    own = [
        FieldDef("betnr", "int", minimum=0),
        FieldDef("rechtsform", max_length=100),
        FieldDef("titel", max_length=100),
        FieldDef("zusatz", max_length=255),
        FieldDef("briefanrede", max_length=255),
        FieldDef("geburtsdatum", "date"),
        FieldDef("handelsregisterNummer", max_length=100),
        FieldDef("registergericht", max_length=100),
    ]
    sync = [
        *_sync_fields(),
        FieldDef("kommunikationHash", max_length=16),
        FieldDef("syncErrorMessage", "text"),
        FieldDef("syncRetryCount", "int"),
        FieldDef("syncNextRetry", "datetime"),
        FieldDef("syncAutoResetAt", "datetime"),
    ]
    watched = {"firstName", "lastName", "salutationName", *(one.name for one in own)}
    watched |= {"emailAddress", "emailAddressData", "phoneNumber", "phoneNumberData"}
    return EntityDef(
        "CBeteiligte",
        _named([*person_fields(), *own, *sync, _assigned(), _teams()]),
        person=True,
        stream=True,
        watched=frozenset(watched),
        children={
            "adressen": ("CAdressen", "beteiligterId"),
            "bankverbindungen": ("CBankverbindungen", "beteiligterId"),
        },
    )


def _child(name: str, own: list[FieldDef]) -> EntityDef:
    parent = FieldDef("beteiligter", "link", link="CBeteiligte")
    named = [FieldDef("name", max_length=255), *own, parent, *_sync_fields(), _assigned(), _teams()]
    return EntityDef(name, _named(named), watched=frozenset(one.attribute for one in [*own, parent]))


def firm_schema() -> dict[str, EntityDef]:
    """A fresh copy of the firm's entities; the provisioning API may change it."""
    adressen = [
        FieldDef("adresseStreet", "text", max_length=255),
        FieldDef("adressePostalCode", max_length=40),
        FieldDef("adresseCity", max_length=100),
        FieldDef("adresseCountry", max_length=100),
        FieldDef("anschrift", "text"),
        FieldDef("postfach", max_length=100),
        FieldDef("postfachPlz", max_length=40),
        FieldDef("standard", "bool", default=False),
        FieldDef("bemerkung", "text"),
        FieldDef("gueltigVon", "date"),
        FieldDef("gueltigBis", "date"),
    ]
    konten = [
        FieldDef("iban", max_length=50),
        FieldDef("bic", max_length=20),
        FieldDef("bankname", max_length=255),
        FieldDef("kontoinhaber", max_length=255),
        FieldDef("istAktiv", "bool", default=True),
        FieldDef("istStandard", "bool", default=False),
        FieldDef("advowareKontoId", "int"),
    ]
    return {
        one.name: one
        for one in (
            _beteiligte(),
            _child("CAdressen", adressen),
            _child("CBankverbindungen", konten),
            *built_in_schema().values(),
        )
    }


def built_in_schema() -> dict[str, EntityDef]:
    """The entities every EspoCRM has: an instance before `syncd setup espocrm`."""
    parent = [FieldDef("parentType"), FieldDef("parentId")]
    task = [
        FieldDef("name", max_length=255, required=True),
        FieldDef(
            "status",
            "enum",
            options=("Not Started", "Started", "Completed", "Canceled", "Deferred"),
            default="Not Started",
        ),
        FieldDef("priority", "enum", options=("Low", "Normal", "High", "Urgent"), default="Normal"),
        FieldDef("dateEnd", "datetime"),
        FieldDef("description", "text"),
        *parent,
        _assigned(required=True),
    ]
    note = [
        FieldDef("type", default="Post"),
        FieldDef("post", "text"),
        *parent,
        FieldDef("isInternal", "bool", default=False),
        FieldDef("targetType"),
        FieldDef("usersIds", "array"),
    ]
    user = [
        FieldDef("userName", max_length=50, required=True),
        FieldDef("type", "enum", options=USER_TYPES, default="regular"),
        FieldDef("isActive", "bool", default=True),
        FieldDef("firstName", max_length=100),
        FieldDef("lastName", max_length=100),
        FieldDef("name"),
        FieldDef("authMethod"),
        FieldDef("rolesIds", "array"),
    ]
    role = [
        FieldDef("name", required=True),
        FieldDef("assignmentPermission"),
        FieldDef("userPermission"),
        FieldDef("messagePermission"),
        FieldDef("mentionPermission"),
        FieldDef("data", "jsonObject"),
    ]
    job = [
        FieldDef("name", required=True),
        FieldDef("job", required=True),
        FieldDef("status", "enum", options=("Active", "Inactive"), default="Active"),
        FieldDef("scheduling", required=True),
        FieldDef("lastRun", "datetime"),
    ]
    return {
        "Task": EntityDef("Task", _named(task), stream=True, custom=False),
        "Note": EntityDef("Note", _named(note), custom=False),
        "User": EntityDef("User", _named(user), custom=False),
        "Role": EntityDef("Role", _named(role), custom=False),
        "ScheduledJob": EntityDef("ScheduledJob", _named(job), custom=False),
        "Team": EntityDef("Team", _named([FieldDef("name", required=True)]), custom=False),
    }

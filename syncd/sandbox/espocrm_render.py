"""How a stored EspoCRM record looks in JSON: GET, list row, and the odd replies of POST and PATCH."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from syncd.sandbox.espocrm_table import Row
from syncd.sandbox.espocrm_world import EspoWorld

ALWAYS_SELECTED = ("id", "createdById", "assignedUserId")


def list_row(world: EspoWorld, entity: str, row: Row, select: frozenset[str] | None) -> dict[str, Any]:
    """A row of a list: no …Data lists, no teams; `select` None means every column."""
    definition = world.schema[entity]
    values = row.values
    if select is not None:
        shown: dict[str, Any] = {"id": row.id}
        for name in select:
            if name in values and name != "teamsIds":
                shown[name] = values[name]
            elif name == "versionNumber" and definition.optimistic:
                shown[name] = row.version
            elif definition.person and name == "emailAddress":
                shown[name] = world.emails.primary_text(row.emails)
            elif definition.person and name == "phoneNumber":
                shown[name] = world.phones.primary_text(row.phones)
        return shown
    shown = {"id": row.id, "deleted": row.deleted, **values}
    shown.pop("teamsIds", None)
    if definition.person:
        shown |= _primary(world, row)
    if definition.optimistic:
        shown["versionNumber"] = row.version
    for one in definition.fields.values():
        if one.type == "link" and one.link:
            shown[f"{one.name}Name"] = link_name(world, one.link, values[one.attribute])
    return shown


def full(world: EspoWorld, entity: str, row: Row) -> dict[str, Any]:
    """The whole record as a GET shows it."""
    definition = world.schema[entity]
    shown = list_row(world, entity, row, None)
    if definition.person:
        shown["emailAddressData"] = world.emails.read(row.emails)
        shown["phoneNumberData"] = world.phones.read(row.phones)
    shown["createdByName"] = world.user_name(row.values["createdById"])
    shown["modifiedByName"] = world.user_name(row.values["modifiedById"])
    teams = row.values.get("teamsIds") or []
    shown |= {"teamsIds": teams, "teamsNames": {team: link_name(world, "Team", team) for team in teams}}
    if definition.stream:
        shown |= {"isFollowed": False, "followersIds": [], "followersNames": {}}
    return shown


def after_create(world: EspoWorld, entity: str, row: Row, body: Mapping[str, Any]) -> dict[str, Any]:
    """The POST reply: no null attributes, no name without firstName, e-mail in lower case (§3.1, §9)."""
    shown = {name: value for name, value in full(world, entity, row).items() if value is not None}
    if world.schema[entity].person:
        if not row.values["firstName"]:
            shown.pop("name", None)
        if "emailAddress" in shown:
            shown["emailAddress"] = shown["emailAddress"].lower()
        shown |= _as_sent(world, entity, body)
    return shown


def after_update(
    world: EspoWorld, entity: str, row: Row, body: Mapping[str, Any], before: Mapping[str, Any]
) -> dict[str, Any]:
    """The PATCH reply: lists as they were sent, and the other form of a changed list stale (§9)."""
    shown = full(world, entity, row)
    if not world.schema[entity].person:
        return shown
    for book in (world.emails, world.phones):
        sent_list = body.get(book.data_attribute)
        if sent_list == []:
            shown[book.attribute] = before[book.attribute]
        elif sent_list is None and book.attribute in body:
            shown[book.data_attribute] = before[book.data_attribute]
    return shown | _as_sent(world, entity, body)


def link_name(world: EspoWorld, entity: str, record_id: str | None) -> str | None:
    """The name of a linked record; None when it is deleted."""
    row = world.tables[entity].living(record_id) if record_id and entity in world.tables else None
    return row.values.get("name") if row else None


def attributes(world: EspoWorld, entity: str) -> frozenset[str]:
    """Names a filter or order may use."""
    definition = world.schema[entity]
    known = {*definition.attributes(), "id", "deleted"}
    if definition.person:
        known |= {"name", "emailAddress", "phoneNumber"}
    if definition.optimistic:
        known.add("versionNumber")
    return frozenset(known)


def _as_sent(world: EspoWorld, entity: str, body: Mapping[str, Any]) -> dict[str, Any]:
    shown = {}
    for book in (world.emails, world.phones):
        if body.get(book.data_attribute) is not None:
            shown[book.data_attribute] = book.check_list(entity, body[book.data_attribute])
    return shown


def _primary(world: EspoWorld, row: Row) -> dict[str, Any]:
    email_out, email_bad = world.emails.primary_flags(row.emails)
    phone_out, phone_bad = world.phones.primary_flags(row.phones)
    return {
        "emailAddress": world.emails.primary_text(row.emails),
        "phoneNumber": world.phones.primary_text(row.phones),
        "emailAddressIsOptedOut": email_out,
        "emailAddressIsInvalid": email_bad,
        "phoneNumberIsOptedOut": phone_out,
        "phoneNumberIsInvalid": phone_bad,
    }

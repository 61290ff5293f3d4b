"""The stand-in EspoCRM without HTTP: records and what a write does to them (espocrm.md §3).

Pure state: time and chance are injected. Knows no HTTP, no webhooks (they listen), nothing of Advoware.
"""

from __future__ import annotations

import pickle
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from syncd.sandbox import defaults
from syncd.sandbox import espocrm_rights as rights
from syncd.sandbox.espocrm_channels import Book
from syncd.sandbox.espocrm_draft import Books, Draft, Names, check, compose_name, stems
from syncd.sandbox.espocrm_errors import EspoError, invalid, missing, not_found, unrelatable
from syncd.sandbox.espocrm_schema import EntityDef, firm_schema
from syncd.sandbox.espocrm_table import Row, Table
from syncd.sandbox.espocrm_users import Door, Who
from syncd.sandbox.espocrm_values import stamp

NOBODY = Who("", "", "api")
JOB_ID = "6b000000000000001"
WEBHOOK_JOB = {
    "name": "Process Webhook Queue",
    "job": "ProcessWebhookQueue",
    "status": "Active",
    "scheduling": "*/2 * * * *",
}


@dataclass(frozen=True)
class Change:
    """What a write did, for those who listen: `data` is the webhook's view of it."""

    kind: str
    entity: str
    id: str
    data: dict[str, Any]
    who: Who


class EspoWorld:
    """All records of one EspoCRM."""

    def __init__(
        self,
        now: Callable[[], float],
        rng: random.Random,
        schema: dict[str, EntityDef] | None = None,
        api_key: str = defaults.API_KEY,
        api_user: str | None = defaults.API_USER,
    ) -> None:
        """`api_user` None: nobody has set up anything yet."""
        self.now = now
        self.rng = rng
        self.schema = schema or firm_schema()
        self.tables = {name: Table() for name in self.schema}
        self.books = Books()
        self.door = Door(now)
        self.door.permits = lambda who, entity, action: rights.permits(
            rights.granted(self.tables, who), who, entity, action
        )
        self.listeners: list[Callable[[Change], None]] = []
        self.previous: dict[tuple[str, str], Row] = {}
        self.names = Names()
        self.api_key = api_key
        self.api_user = NOBODY if api_user is None else self.add_user(api_user, "api", key=api_key)
        self.admin = self.add_user(defaults.ADMIN_USER, "admin", password=defaults.ADMIN_PASSWORD)
        self.clerks = {
            name: self.add_user(name, "regular", password=defaults.CLERK_PASSWORD) for name in defaults.CLERKS
        }
        for definition in self.schema.values():
            if definition.watched and definition.spared is None:
                definition.spared = self.api_user.name
        if "ScheduledJob" in self.tables:
            values = self._blank("ScheduledJob") | WEBHOOK_JOB | self._born(None)
            self.tables["ScheduledJob"].add(Row(JOB_ID, values))

    @property
    def emails(self) -> Book:
        """All e-mail addresses."""
        return self.books.emails

    @property
    def phones(self) -> Book:
        """All phone numbers."""
        return self.books.phones

    # users

    def add_user(self, name: str, kind: str, key: str | None = None, password: str | None = None) -> Who:
        """A further user with an API key or a password."""
        who = Who(self.new_id(), name, kind)
        values = self._blank("User") | {
            "userName": name,
            "name": name,
            "lastName": name,
            "type": kind,
            "isActive": True,
        }
        self.tables["User"].add(Row(who.id, values | self._born(None)))
        if key is not None:
            self.door.keys[key] = who
        if password is not None:
            self.door.passwords[name, password] = who
        return who

    def user_name(self, user_id: str | None) -> str | None:
        """The name shown for a user id."""
        row = self.tables["User"].rows.get(user_id) if user_id else None
        return row.values["name"] if row else None

    def clerk(self, name: str) -> Who:
        """A person by user name; KeyError if nobody has it."""
        return self.admin if name == self.admin.name else self.clerks[name]

    # writes

    def create(self, who: Who, entity: str, body: Mapping[str, Any], skip_duplicates: bool = False) -> Row:
        """A new record; EspoError 400, 403 or 409."""
        self.door.allow(who, entity, "create")
        definition = self.entity(entity)
        sent = {one.attribute: one.default for one in definition.fields.values() if one.default is not None}
        draft = check(self.books, definition, sent | dict(body))
        for one in definition.fields.values():
            if one.required and draft.columns.get(one.attribute) in (None, ""):
                raise invalid(entity, one.name, "required")
        self._check_links(entity, draft.columns)
        self._check_assignment(who, draft.columns)
        if entity == "Note" and draft.columns.get("parentType"):
            self.door.allow(who, draft.columns["parentType"], "stream")
        if definition.person and not skip_duplicates:
            self._refuse_duplicates(entity, draft)
        row = Row(self.new_id(), self._blank(entity) | draft.columns | self._born(who.id))
        if definition.optimistic:
            row.version = 1
        self.books.store(entity, row, draft)
        compose_name(definition, row.values)
        if definition.stream:
            row.values["streamUpdatedAt"] = row.values["createdAt"]
        self.tables[entity].add(row)
        self.remember_name(entity, row)
        self._noted(entity, row)
        data = {name: value for name, value in draft.columns.items() if value is not None}
        if definition.person and row.values["firstName"]:
            data["name"] = row.values["name"]
        data |= self.books.sent_in_create(draft)
        self._tell(Change("create", entity, row.id, data | {"id": row.id}, who))
        return row

    def update(self, who: Who, entity: str, record_id: str, body: Mapping[str, Any], version: str | None = None) -> Row:
        """PUT and PATCH alike: what is not sent stays. EspoError 400, 403, 404 or 409."""
        definition = self.entity(entity)
        row = self.tables[entity].living(record_id)
        if row is None:
            raise not_found(record_id)
        self.door.allow(who, entity, "edit")
        if not self.door.sees(who, record_id):
            raise EspoError(403, "No edit access.")
        draft = check(self.books, definition, body)
        for one in definition.fields.values():
            if one.required and one.attribute in draft.columns and draft.columns[one.attribute] in (None, ""):
                raise invalid(entity, one.name, "required")
        self._check_links(entity, draft.columns)
        self._check_assignment(who, draft.columns)
        changed = {name: value for name, value in draft.columns.items() if value != row.values.get(name)}
        channels = self.books.changed(row, draft)
        checked = definition.optimistic and version is not None and row.version is not None
        if checked and version != str(row.version) and (changed or channels):
            raise self._modified(row, changed, channels)
        if row.values.get("syncStatus") != "dirty" and self._formula_fires(definition, who, changed, channels):
            changed["syncStatus"] = "dirty"
        self._apply(who, definition, row, draft, changed, channels)
        return row

    def delete(self, who: Who, entity: str, record_id: str) -> None:
        """Soft delete; EspoError 404 when it is gone already."""
        self.entity(entity)
        row = self.tables[entity].living(record_id)
        if row is None:
            raise not_found(record_id)
        self.door.allow(who, entity, "delete")
        self.previous[entity, record_id] = row.copy()
        self.tables[entity].change(row, {"modifiedAt": self.stamp(), "modifiedById": who.id})
        row.deleted = True
        self.tables[entity].hide(row)
        self._unindex(entity, row)
        self._tell(Change("delete", entity, record_id, {"id": record_id}, who))

    def restore(self, who: Who, entity: str, record_id: str) -> None:
        """`action/restoreDeleted`: admins only, old data back, no webhook, no new time stamp."""
        if not who.is_admin:
            raise EspoError(403, "")
        row = self.tables[self.entity(entity).name].rows.get(record_id)
        if row is None or not row.deleted:
            raise not_found(record_id)
        row.deleted = False
        self.tables[entity].add(row)
        self.remember_name(entity, row)
        self.books.remember(entity, row)

    def relate(self, entity: str, record_id: str, link: str, child_id: str, parent: str | None) -> None:
        """Link or unlink a child: changes its foreign key, neither its modifiedAt nor any webhook."""
        child_entity, column = self.child_link(entity, link)
        if self.tables[entity].living(record_id) is None:
            raise missing(record_id)
        child = self.tables[child_entity].living(child_id)
        if child is None:
            raise EspoError(404, "")
        self.tables[child_entity].change(child, {column: parent})

    # reads

    def entity(self, name: str) -> EntityDef:
        """The entity's definition; EspoError 404 as for a missing controller."""
        if name not in self.schema:
            raise EspoError(404, f"Controller '{name}' does not exist.")
        return self.schema[name]

    def child_link(self, entity: str, link: str) -> tuple[str, str]:
        """(entity, foreign column) of a link; EspoError 404."""
        children = self.entity(entity).children
        if link not in children:
            raise EspoError(404, f"Link '{link}' does not exist in '{entity}'.")
        return children[link]

    def get(self, who: Who, entity: str, record_id: str) -> Row:
        """One record; a deleted one only for an admin."""
        self.entity(entity)
        self.door.allow(who, entity, "read")
        row = self.tables[entity].rows.get(record_id)
        if row is None or (row.deleted and not who.is_admin):
            raise missing(record_id)
        if not self.door.sees(who, record_id):
            raise EspoError(403, "No read access.")
        return row

    def stamp(self) -> str:
        """The present as stored in records."""
        return stamp(self.now())

    def new_id(self) -> str:
        """17 hex characters, roughly ordered by time."""
        micros = int(self.now() * 1_000_000)
        return f"{micros // 1_000_000:08x}{micros % 1_000_000:05x}{self.rng.randrange(65536):04x}"

    # backup

    def snapshot(self) -> bytes:
        """All records and shared values, for a later restore()."""
        return pickle.dumps((self.tables, self.books, self.names))

    def load_snapshot(self, backup: bytes) -> None:
        """A backup comes back: everything is as it was then; nobody is told."""
        self.tables, self.books, self.names = pickle.loads(backup)
        self.previous.clear()

    def remember_name(self, entity: str, row: Row) -> None:
        """Let the duplicate check find the row by its name."""
        if self.schema[entity].person:
            self.names.add(entity, row)

    # inside

    def _check_links(self, entity: str, columns: Mapping[str, Any]) -> None:
        for one in self.schema[entity].fields.values():
            target = columns.get(one.attribute) if one.link else None
            for record_id in [target] if isinstance(target, str) else target or ():
                if one.link and self.tables[one.link].living(record_id) is None:
                    raise unrelatable(entity, one.name)
        parent = columns.get("parentId")
        if parent and entity in ("Task", "Note"):
            table = self.tables.get(columns.get("parentType") or "")
            if table is None or table.living(parent) is None:
                raise (EspoError(403, "No create access.") if entity == "Note" else unrelatable(entity, "parent"))

    def _check_assignment(self, who: Who, columns: Mapping[str, Any]) -> None:
        to_other = columns.get("assignedUserId") not in (None, who.id)
        if to_other and not rights.assigns(self.tables, who):
            raise EspoError(403, "Assignment failure: assigned user or team not allowed.")

    def _refuse_duplicates(self, entity: str, draft: Draft) -> None:
        found = self.names.find(entity, draft.columns) + self.books.holders(entity, draft)
        if found:
            raise EspoError(409, "duplicate", [self.tables[entity].rows[one] for one in found])

    def _modified(self, row: Row, changed: Mapping[str, Any], channels: set[str]) -> EspoError:
        values = {name: row.values.get(name) for name in changed} | self.books.current(row, channels)
        return EspoError(409, "modified", {"values": values, "versionNumber": row.version})

    def _formula_fires(self, definition: EntityDef, who: Who, changed: Mapping[str, Any], channels: set[str]) -> bool:
        if who.name == definition.spared or "syncStatus" in changed:
            return False
        return not definition.watched.isdisjoint(changed) or not definition.watched.isdisjoint(channels)

    def _apply(
        self,
        who: Who,
        definition: EntityDef,
        row: Row,
        draft: Draft,
        changed: dict[str, Any],
        channels: set[str],
    ) -> None:
        real = bool(changed or channels)
        if definition.optimistic:
            row.version = (row.version or 0) + 1
        if not real and not definition.stream:
            return
        self.previous[definition.name, row.id] = row.copy()
        data = dict(changed)
        if channels:
            self.books.store(definition.name, row, draft)
            sent = self.books.sent(draft)
            data |= {name: value for name, value in sent.items() if name.removesuffix("Data") in stems(channels)}
        if definition.person and ("firstName" in changed or "lastName" in changed):
            self.names.discard(definition.name, row)
            compose_name(definition, merged := {**row.values, **changed})
            changed = {**changed, "name": merged["name"]}
            data["name"] = merged["name"]
        if row.values["modifiedById"] != who.id:
            data |= {"modifiedById": who.id, "modifiedByName": who.name}
        stamps = {"modifiedAt": self.stamp(), "modifiedById": who.id}
        self.tables[definition.name].change(row, changed | stamps)
        self.remember_name(definition.name, row)
        if data:
            self._tell(Change("update", definition.name, row.id, data | {"id": row.id}, who))

    def _noted(self, entity: str, row: Row) -> None:
        if entity != "Note" or not row.values.get("parentId"):
            return
        parent = self.tables[row.values["parentType"]].living(row.values["parentId"])
        if parent is not None and "streamUpdatedAt" in parent.values:
            parent.values["streamUpdatedAt"] = self.stamp()

    def _unindex(self, entity: str, row: Row) -> None:
        if self.schema[entity].person:
            self.names.discard(entity, row)
        self.books.forget(entity, row)

    def _blank(self, entity: str) -> dict[str, Any]:
        return dict.fromkeys(self.schema[entity].attributes())

    def _born(self, user_id: str | None) -> dict[str, Any]:
        now = self.stamp()
        return {"createdAt": now, "modifiedAt": now, "createdById": user_id, "modifiedById": None}

    def _tell(self, change: Change) -> None:
        for listener in self.listeners:
            listener(change)

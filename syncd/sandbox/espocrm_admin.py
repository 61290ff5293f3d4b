"""What an administrator provisions over the API: metadata, fields, entities, links, layouts (espocrm.md §2).

Enough for a set-up command and a doctor. What it changes is the world's schema.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from syncd.sandbox.espocrm_errors import EspoError
from syncd.sandbox.espocrm_labels import LabelBook
from syncd.sandbox.espocrm_schema import EntityDef, FieldDef, person_fields
from syncd.sandbox.espocrm_table import Table
from syncd.sandbox.espocrm_users import Who
from syncd.sandbox.espocrm_world import EspoWorld

WATCHED = re.compile(r"isAttributeChanged\('(\w+)'\)")
DIRTY = re.compile(r"syncStatus\s*=\s*'dirty'")
SPARED = re.compile(r"env\\userAttribute\('userName'\)\s*!=\s*'([^']*)'")
KNOWN_KEYS = {"name", "type", "maxLength", "options", "default", "required", "pattern", "min", "entity"}
NOT_STORED = {"label", "translatedOptions", "tooltipText"}
TYPES = ("Base", "BasePlus", "Person", "Company", "Event", "CategoryTree")
LINK_KEYS = ("entity", "entityForeign", "link", "linkForeign", "label", "linkType")
DETAIL = [[{"name": "name"}, False], [{"name": "description", "fullWidth": True}]]
PERSON_DETAIL = [
    [{"name": "name"}, False],
    [{"name": "emailAddress"}, {"name": "phoneNumber"}],
    [{"name": "address"}, False],
    [{"name": "description", "fullWidth": True}],
]


class Provisioning:
    """Answers of Metadata, fieldManager, EntityManager, LabelManager, UserSecurity and layouts."""

    def __init__(self, world: EspoWorld) -> None:
        self.world = world
        self.layouts: dict[tuple[str, str], Any] = {}
        self.labels = LabelBook(world.schema)
        self.formulas: dict[str, dict[str, Any]] = {
            name: {"beforeSaveCustomScript": _script(definition, world.api_user.name)}
            for name, definition in world.schema.items()
            if definition.watched
        }

    def metadata(self, key: str) -> Any:
        """`GET Metadata?key=a.b.c`; null where nothing is."""
        at: Any = {
            "entityDefs": {name: self._entity_defs(one) for name, one in self.world.schema.items()},
            "scopes": {name: self._scope(one) for name, one in self.world.schema.items()},
            "formula": self.formulas,
        }
        for step in key.split(".") if key else ():
            at = at.get(step) if isinstance(at, Mapping) else None
        return at

    def layout(self, key: tuple[str, str], sent: Any) -> Any:
        """A layout as last PUT, whole; before that the template's."""
        definition = self.world.entity(key[0])
        if sent is not None:
            self.layouts[key] = sent
        rows = PERSON_DETAIL if definition.person else DETAIL
        defaults: dict[str, Any] = {"detail": [{"label": "Overview", "rows": rows}], "relationships": []}
        return self.layouts.get(key, defaults.get(key[1], [{"name": "name", "link": True}]))

    def answer(self, method: str, area: str, path: list[str], body: Any, query: Mapping[str, str]) -> Any:
        """One call of an admin controller; EspoError with the controllers' own texts."""
        sent = body if isinstance(body, dict) else {}
        match area, path[0]:
            case "Admin", entity:
                return self._field(method, entity, path[1] if len(path) > 1 else None, sent)
            case "EntityManager", "createEntity":
                return self._create_entity(sent)
            case "EntityManager", "updateEntity":
                return self._update_entity(sent)
            case "EntityManager", "removeEntity":
                self.world.entity(sent.get("name", ""))
                del self.world.schema[sent["name"]]
                return True
            case "EntityManager", "createLink":
                return self._create_link(sent)
            case "EntityManager", "formula":
                return self._formula(sent)
            case "LabelManager", "saveLabels":
                return self.labels.save(sent)
            case "LabelManager", "getScopeData":
                return self.labels.shown(sent)
            case "UserSecurity", "generate":
                return {"id": sent.get("id"), "apiKey": self.new_key(sent.get("id", ""))}
        raise EspoError(404, f"Action '{path[0]}' does not exist.")

    def new_key(self, user_id: str) -> str:
        """A fresh API key; the old one is 401 at once."""
        row = self.world.tables["User"].living(user_id)
        if row is None:
            raise EspoError(404, "")
        door = self.world.door
        door.keys = {key: who for key, who in door.keys.items() if who.id != user_id}
        key = f"{self.world.rng.getrandbits(128):032x}"
        door.keys[key] = Who(user_id, row.values["userName"], "api")
        return key

    def set_password(self, user_id: str, password: str) -> None:
        """A regular user or admin was created with a password."""
        values = self.world.tables["User"].rows[user_id].values
        who = Who(user_id, values["userName"], values["type"])
        self.world.door.passwords[who.name, password] = who

    # inside

    def _field(self, method: str, entity: str, name: str | None, sent: dict[str, Any]) -> Any:
        fields = self.world.entity(entity).fields
        if method == "POST":
            wanted = str(sent.get("name", ""))
            if not re.fullmatch(r"[a-z][A-Za-z0-9]*", wanted):
                raise EspoError(500, "Field name should contain only letters and numbers.")
            if not sent.get("type"):
                raise EspoError(400, "No type.")
            if not self.world.schema[entity].custom:
                wanted = f"c{wanted[0].upper()}{wanted[1:]}"
            if wanted in fields:
                raise EspoError(409, f"Field '{wanted}' already exists in '{entity}'.")
            self._set_field(entity, wanted, {**sent, "isCustom": True})
            return fields[wanted].metadata()
        if name not in fields or name is None:
            raise EspoError(500, f"Can't read field defs {entity}.{name}.")
        if method == "PUT":
            self._set_field(entity, name, sent)
        elif method == "DELETE":
            del fields[name]
            return True
        return fields[name].metadata()

    def _set_field(self, entity: str, name: str, sent: dict[str, Any]) -> None:
        """The whole definition: what is not sent is no more."""
        self.labels.made_field(entity, name, sent)
        field = FieldDef(
            name,
            type=sent.get("type", "varchar"),
            max_length=sent.get("maxLength"),
            options=tuple(sent.get("options") or ()),
            default=sent.get("default"),
            required=bool(sent.get("required")),
            pattern=sent.get("pattern"),
            minimum=sent.get("min"),
            link=sent.get("entity"),
            extra={key: value for key, value in sent.items() if key not in KNOWN_KEYS | NOT_STORED},
        )
        self.world.schema[entity].fields[name] = field
        for row in self.world.tables[entity].rows.values():
            if field.attribute not in row.values:
                row.values[field.attribute] = None
                self.world.tables[entity].change(row, {field.attribute: field.default})

    def _create_entity(self, sent: dict[str, Any]) -> Any:
        if not sent.get("name") or not sent.get("type"):
            raise EspoError(400, "")
        if sent["type"] not in TYPES:
            raise EspoError(500, f"Type '{sent['type']}' does not exist.")
        name = f"C{sent['name']}"
        if not re.fullmatch(r"C[A-Z][A-Za-z0-9]+", name):
            raise EspoError(500, "Entity name should contain only letters and numbers, start with a capital letter.")
        if name in self.world.schema:
            raise EspoError(409, f"Name '{name}' is already used.")
        person = sent.get("type") == "Person"
        fields = person_fields() if person else [FieldDef("name", max_length=255), FieldDef("description", "text")]
        fields.append(FieldDef("assignedUser", "link", link="User"))
        named = {one.name: one for one in fields}
        self.world.schema[name] = EntityDef(name, named, person=person, stream=bool(sent.get("stream")))
        self.world.tables.setdefault(name, Table())
        self.labels.made_entity(self.world.schema[name], sent)
        return {"name": name}

    def _update_entity(self, sent: dict[str, Any]) -> bool:
        if sent.get("name") not in self.world.schema:
            raise EspoError(500, f"Entity `{sent.get('name')}` does not exist.")
        definition = self.world.schema[sent["name"]]
        definition.stream = bool(sent.get("stream", definition.stream))
        definition.optimistic = bool(sent.get("optimisticConcurrencyControl", definition.optimistic))
        return True

    def _create_link(self, sent: dict[str, Any]) -> bool:
        if not all(sent.get(key) for key in LINK_KEYS):
            raise EspoError(400, "")
        parent, child = (
            self.world.entity(sent.get("entity", "")),
            self.world.entity(sent.get("entityForeign", "")),
        )
        link, foreign = str(sent.get("link")), str(sent.get("linkForeign"))
        if link in parent.children or foreign in child.fields:
            raise EspoError(409, f"Link '{link}' already exists.")
        parent.children[link] = (child.name, f"{foreign}Id")
        self.labels.made_link(parent.name, child.name, sent)
        child.fields[foreign] = FieldDef(foreign, "link", link=parent.name)
        for row in self.world.tables[child.name].rows.values():
            row.values[f"{foreign}Id"] = None
        return True

    def _formula(self, sent: dict[str, Any]) -> bool:
        definition = self.world.entity(sent.get("scope", ""))
        known = self.formulas.setdefault(definition.name, {})
        known.update(sent.get("data", {}))
        script = str(known.get("beforeSaveCustomScript") or "")
        definition.watched = (
            frozenset(WATCHED.findall(script)) - {"syncStatus"} if DIRTY.search(script) else frozenset()
        )
        spared = SPARED.search(script)
        definition.spared = spared[1] if spared is not None else None
        return True

    def _entity_defs(self, definition: EntityDef) -> dict[str, Any]:
        shown = {one.name: one.metadata() for one in definition.fields.values()}
        if definition.person:
            shown |= {
                "name": {"type": "personName"},
                "emailAddress": {"type": "email"},
                "phoneNumber": {"type": "phone"},
            }
        links: dict[str, Any] = {
            one.name: {"type": "belongsTo" if one.type == "link" else "hasMany", "entity": one.link}
            for one in definition.fields.values()
            if one.link
        }
        for name, (child, attribute) in definition.children.items():
            links[name] = {"type": "hasMany", "entity": child, "foreign": attribute.removesuffix("Id")}
        for parent in self.world.schema.values():
            for name, (child, attribute) in parent.children.items():
                if child == definition.name:
                    links[attribute.removesuffix("Id")]["foreign"] = name
        return {
            "fields": shown,
            "links": links,
            "optimisticConcurrencyControl": definition.optimistic,
            "collection": {"orderBy": "createdAt", "order": "desc"},
        }

    def _scope(self, definition: EntityDef) -> dict[str, Any]:
        return {
            "entity": True,
            "stream": definition.stream,
            "customizable": True,
            "isCustom": definition.custom,
            "type": "Person" if definition.person else "Base",
        }


def _script(definition: EntityDef, api_user: str) -> str:
    tests = " || ".join(f"entity\\isAttributeChanged('{name}')" for name in sorted(definition.watched))
    return (
        f"ifThen(!entity\\isNew() && env\\userAttribute('userName') != '{api_user}' && "
        f"!entity\\isAttributeChanged('syncStatus') && ({tests}), syncStatus = 'dirty');"
    )

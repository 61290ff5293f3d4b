"""Prints what the docs take from the code: fields, statuses, metrics, tables, routes, sentences.

Nothing of it is written by hand, so it cannot be wrong for long: `tests/docs` compares.
"""

from __future__ import annotations

from dataclasses import fields

from mappers.kommunikation import KIND_NAMES, MAIL_KINDS, MAILS, NEW_KINDS, NEW_MAIL, PHONES, TYPES
from mappers.spec import Can, Direction, Entity, Field, StatusFields
from scripts.docs_security import api_routes, needed
from scripts.truth_table import with_base
from syncd import alarms, messages, metrics, status
from syncd.app import ENTITIES
from syncd.ledger.schema import metadata
from syncd.model import Notice

STATUS_FIELDS = {
    "status": "state of the sync, one of the eight values",
    "last_sync": "when syncd last wrote here",
    "row_id": "the Beteiligter's `rowId` when both sides last agreed in everything",
    "error": "what happened and what to do, at most 2,000 characters",
    "retries": "failed retries so far",
    "next_retry": "when the next try is due",
    "auto_reset": "when a permanently failed record is tried anew",
}


def entities() -> str:
    """Every mapped field of every entity."""
    return "\n\n".join(_entity(entity) for entity in ENTITIES)


def _entity(entity: Entity) -> str:
    head = f"### {entity.name}\n\n`{entity.espo_type}` in EspoCRM, {_there(entity)}."
    rows = [
        f"| `{field.name}` | `{field.espo}` | `{field.advoware}` | {field.codec.name} | {_can(field)} |"
        f" {_role(field)} | `{field.direction}` |"
        for field in entity.fields
    ]
    table = [
        "| field | EspoCRM | Advoware | form | in Advoware by API | says who it is | direction |",
        "|---|---|---|---|---|---|---|",
        *rows,
    ]
    lists = [
        "| list | EspoCRM | Advoware | form | in Advoware by API | shown in EspoCRM as | direction |",
        "|---|---|---|---|---|---|---|",
        *(
            f"| `{entries.name}` | {', '.join(f'`{channel}`' for channel in entries.channels)} | `{entries.advoware}` |"
            f" {entries.codec.name} | create, change, empty | `{entries.shown_in}` | `{entries.direction}` |"
            for entries in entity.lists
        ),
    ]
    parts = [head, "\n".join(table), *(["\n".join(lists)] if entity.lists else [])]
    return "\n\n".join(parts)


def kinds() -> str:
    """Every kind of Kommunikation: what it is in either system."""
    new = {kind: f"type {name}" for name, kind in NEW_KINDS.items()} | {NEW_MAIL: "every address"}
    rows = []
    for kind, name in KIND_NAMES.items():
        shown = f"`{PHONES}`, {TYPES[kind]}" if kind in TYPES else f"`{MAILS}`" if kind in MAIL_KINDS else "–"
        rows.append(f"| {kind} | {name} | {shown} | {new.get(kind, '–')} |")
    head = ["| `kommKz` | Advoware | in EspoCRM | new from EspoCRM |", "|---|---|---|---|"]
    return "\n".join([*head, *rows])


def _there(entity: Entity) -> str:
    """Where in Advoware, and by what both are linked."""
    shown = f"linked by `{entity.link}` = `{entity.advoware_id}`"
    if entity.child is None:
        return f"`{entity.advoware_path}` in Advoware, {shown}"
    linked = shown if entity.link else f"linked by Advoware's `{entity.advoware_id}`, which the ledger keeps"
    whose = f"of those in `{entity.child.parent}` named by `{entity.child.espo}`"
    return f"the list `{entity.child.advoware}` {whose}, {linked}"


_CAN = {
    Can.UPDATE: "create, change",
    Can.CREATE_ONLY: "only when created",
    Can.REPLACE: "create; another one is a new row",
}


def _can(field: Field) -> str:
    return _CAN[field.can]


def _role(field: Field) -> str:
    return field.role.replace("_", " ") if field.role is not None else "–"


def status_fields() -> str:
    """The attributes in EspoCRM that show the state of the sync."""
    rows = [f"| `{getattr(StatusFields(), item.name)}` | {STATUS_FIELDS[item.name]} |" for item in fields(StatusFields)]
    return "\n".join(["| attribute | shows |", "|---|---|", *rows])


def statuses() -> str:
    """Which outcome lets the daemon write which status, and the diagram of it."""
    return f"{status.table()}\n\n```mermaid\n{status.diagram()}\n```"


def merge() -> str:
    """The truth table of a field that may travel both ways."""
    return with_base(Direction.BOTH, Can.UPDATE)


def sentences() -> str:
    """What people read in EspoCRM."""
    rows = []
    for code in sorted(messages.CODES):
        notice = Notice(code, ("FIELDS",), "…")
        rows.append(f"| `{code}` | {messages.sentence(notice, 'de')} | {messages.sentence(notice, 'en')} |")
    return "\n".join(["| code | German | English |", "|---|---|---|", *rows])


def all_metrics() -> str:
    """Every metric."""
    return metrics.table()


def alarm_kinds() -> str:
    """Every kind of alarm."""
    return alarms.table()


def tables() -> str:
    """Every table of the ledger with its columns."""
    return "\n\n".join(_table(name) for name in sorted(metadata.tables))


def _table(name: str) -> str:
    table = metadata.tables[name]
    columns = ", ".join(
        f"**`{column.name}`**" if column.primary_key else f"`{column.name}`" for column in table.columns
    )
    person = "Holds something about a record: part of export and erasure." if "key" in table.columns else ""
    return "\n\n".join(part for part in (f"### {name}", f"{table.comment} {person}".strip(), columns) if part)


def routes() -> str:
    """Every route of the HTTP API."""
    needs = needed()
    rows = [f"| `{verb}` | `{path}` | {needs[verb, path]} | {what} |" for verb, path, what in api_routes()]
    return "\n".join(["| verb | path | needs | what |", "|---|---|---|---|", *rows])

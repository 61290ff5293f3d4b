"""What the API user may do in EspoCRM, by the table of its rights. Pure: also for who watches it at run time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from mappers.spec import Direction, Entity, Side
from syncd.doctor.answers import listed, table
from syncd.findings import Check, Finding, fail, ok, warn
from syncd.setup.rights import needed
from syncd.setup.wanted import wanted

_RANK = {"no": 0, "own": 1, "team": 2, "all": 3, "yes": 3}
NEEDED_OF_ALL = ("read", "edit")
_FOR_PEOPLE = {
    "Task": "no Tasks tell people what waits for them",
    "User": "SYNCD_TASK_USER cannot be looked up by name",
    "Team": "SYNCD_IMPORT_TEAM cannot be looked up by name",
}


def judge(acl: object, entities: Iterable[Entity]) -> list[Finding]:
    """Exactly what the daemon needs: on each entity, on Tasks, on users and teams it looks up, on webhooks."""
    rights, entities = table(table(acl).get("table")), tuple(entities)
    found: list[Finding] = []
    for entity in entities:
        found += _entity(rights, entity)
        found += _fields(table(acl), entity)
    wishes = needed(wanted(entities))
    for scope, else_what in _FOR_PEOPLE.items():
        wish = {action: level for action, level in wishes[scope].items() if level != "no"}
        found.append(_asked(rights, scope, wish, else_what))
    if rights.get("Webhook"):
        found.append(ok(Check.ESPO_RIGHTS, "allowed", "Webhook"))
    else:
        todo = "give the API user's role Webhook: until then changes are found by polling only"
        found.append(warn(Check.ESPO_RIGHTS, "not allowed", todo, "Webhook"))
    found += _assignment(table(acl))
    return found


def _entity(rights: Mapping[str, Any], entity: Entity) -> list[Finding]:
    name = entity.espo_type
    got = _of(rights, name)
    lacking = [action for action in NEEDED_OF_ALL if _rank(got.get(action)) < _RANK["all"]]
    if lacking:
        todo = "give the API user's role read and edit: all, or records nobody assigned are never synced"
        return [fail(Check.ESPO_RIGHTS, f"{' and '.join(lacking)} not on all records", todo, name)]
    found = [ok(Check.ESPO_RIGHTS, "read and edit all", name)]
    if _rank(got.get("create")) < _RANK["yes"]:
        todo = "give create: without it `syncd import` cannot bring Beteiligte into EspoCRM"
        if entity.child is not None:
            todo = "give create: without it what is new in Advoware does not come to EspoCRM"
        found.append(warn(Check.ESPO_RIGHTS, "no create", todo, name))
    if entity.child is None and _rank(got.get("stream")) < _RANK["all"]:
        todo = "give stream: all, or no note can tell people what happened"
        found.append(warn(Check.ESPO_RIGHTS, "no stream", todo, name))
    return found


def _asked(rights: Mapping[str, Any], scope: str, wanted: Mapping[str, str], else_what: str) -> Finding:
    got = _of(rights, scope)
    lacking = [action for action, level in wanted.items() if _rank(got.get(action)) < _RANK[level]]
    if lacking:
        asked = " and ".join(f"{action}: {wanted[action]}" for action in lacking)
        return warn(
            Check.ESPO_RIGHTS, f"too little {' and '.join(lacking)}", f"give {asked}: otherwise {else_what}", scope
        )
    return ok(Check.ESPO_RIGHTS, " and ".join(wanted), scope)


def _fields(acl: Mapping[str, Any], entity: Entity) -> list[Finding]:
    """Rights on single fields, as a role may cut them: what we read and what we write."""
    cut = table(table(acl.get("fieldTable")).get(entity.espo_type))
    names = entity.status
    written = {field.espo for field in entity.fields if field.direction.allows(Side.ESPO)}
    written |= {names.status, names.last_sync, names.row_id, names.error, names.retries, names.next_retry}
    written |= {names.auto_reset, entity.link, *(one.shown_in for one in entity.lists)}
    written |= {attribute for one in entity.lists for attribute in one.channels.values()}
    written |= {entity.child.espo.removesuffix("Id")} if entity.child is not None else set()
    read = written | {field.espo for field in entity.fields if field.direction is not Direction.OFF}
    blind = [name for name in sorted(read) if table(cut.get(name)).get("read") == "no"]
    stuck = [name for name in sorted(written - set(blind)) if table(cut.get(name)).get("edit") == "no"]
    found: list[Finding] = []
    for what, attributes in (("read", blind), ("edit", stuck)):
        if attributes:
            todo = f"allow {what} on field level in the API user's role"
            found.append(fail(Check.ESPO_FIELD_RIGHTS, f"no {what} on {listed(attributes)}", todo, entity.espo_type))
    return found or [ok(Check.ESPO_FIELD_RIGHTS, "no field is closed to us", entity.espo_type)]


def _assignment(acl: Mapping[str, Any]) -> list[Finding]:
    """To whom we may give a Task; where EspoCRM does not show it, a Task that is refused becomes a note."""
    permission = acl.get("assignmentPermission")
    if not isinstance(permission, str):
        return []
    if _rank(permission) < _RANK["all"]:
        todo = "give the role assignment permission: all, or Tasks for people outside its teams are refused"
        return [warn(Check.ESPO_ASSIGN, f"to {permission if permission in _RANK else 'some'} only", todo)]
    return [ok(Check.ESPO_ASSIGN, "to everybody")]


def _of(rights: Mapping[str, Any], scope: str) -> Mapping[str, Any]:
    """A scope that is allowed without more is allowed as a whole."""
    got = rights.get(scope)
    return dict.fromkeys(("create", "read", "edit", "stream"), "all") if got is True else table(got)


def _rank(level: object) -> int:
    return _RANK.get(level, 0) if isinstance(level, str) else 0

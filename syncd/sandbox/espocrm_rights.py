"""What the roles of a user allow in the stand-in EspoCRM. Users the sandbox made itself may do everything.

Of levels only `all` counts: `own` and `team` are no right to records of others, and no test has others'.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from syncd.sandbox.espocrm_table import Table
from syncd.sandbox.espocrm_users import Who

Rights = Mapping[str, Any]

ADMINS_ONLY = frozenset(("Role", "ScheduledJob"))
EVERYBODYS = frozenset(("Note",))  # a note on a record needs the record's stream instead
_RANK = {"no": 0, "own": 1, "team": 2, "all": 3, "yes": 3}


def granted(tables: Mapping[str, Table], who: Who) -> Rights | None:
    """All roles of a user together; None for one who needs none."""
    roles = _roles(tables, who)
    if roles is None:
        return None
    merged: dict[str, Any] = {}
    for role in roles:
        for scope, rights in (role.get("data") or {}).items():
            known = merged.get(scope)
            if isinstance(rights, Mapping) and isinstance(known, Mapping):
                merged[scope] = {
                    name: max(known.get(name), rights.get(name), key=_rank) for name in {**known, **rights}
                }
            else:
                merged[scope] = known or rights
    return merged


def assigns(tables: Mapping[str, Table], who: Who) -> bool:
    """Whether a user may give a record to somebody else."""
    roles = _roles(tables, who)
    return roles is None or any(role.get("assignmentPermission") == "all" for role in roles)


def permits(rights: Rights | None, who: Who, entity: str, action: str) -> bool:
    """Whether these rights let a user do something with an entity's records."""
    if who.is_admin:
        return True
    if entity in ADMINS_ONLY:
        return False
    if rights is None or entity in EVERYBODYS:
        return True
    of_scope = rights.get(entity)
    return of_scope is True or (isinstance(of_scope, Mapping) and _rank(of_scope.get(action)) == _rank("all"))


def table(rights: Rights, scopes: list[str]) -> dict[str, Any]:
    """As `App/user` shows rights: a scope no role speaks of is false."""
    return {scope: rights.get(scope, False) for scope in (*scopes, "Webhook")}


def _roles(tables: Mapping[str, Table], who: Who) -> list[Mapping[str, Any]] | None:
    row = tables["User"].rows.get(who.id)
    if row is None or who.is_admin or row.values.get("rolesIds") is None:
        return None
    found = (tables["Role"].living(role_id) for role_id in row.values["rolesIds"])
    return [role.values for role in found if role is not None]


def _rank(level: object) -> int:
    return _RANK.get(str(level), 0)

"""What the API user's role must allow, and what a role lacks of it. Pure. Rights are only ever added."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from syncd.setup.wanted import READ_AND_WRITE, WantedEntity

Rights = dict[str, Any]

ASSIGNMENT = "assignmentPermission"  # Tasks are given to their assignee
_RANK = {"no": 0, "own": 1, "team": 2, "all": 3, "yes": 3}


def needed(entities: Iterable[WantedEntity]) -> Rights:
    """The rights by scope."""
    return {
        **{one.espo_type: one.rights for one in entities},
        "Task": dict(READ_AND_WRITE),
        "User": {"read": "all", "edit": "no"},
        "Team": {"read": "all"},  # imported records get a team by its name
        "Webhook": True,
    }


def lacking(have: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, list[str]]:
    """By scope the actions that are allowed too little; [] for a scope as a whole."""
    found: dict[str, list[str]] = {}
    for scope, want in wanted.items():
        got = have.get(scope)
        if not isinstance(want, Mapping):
            if not got:
                found[scope] = []
            continue
        rights = got if isinstance(got, Mapping) else {}
        # A scope that is allowed without more is allowed as a whole.
        less = [action for action, level in want.items() if _rank(rights.get(action)) < _rank(level)]
        if less and got is not True:
            found[scope] = less
    return found


def completed(have: Mapping[str, Any], wanted: Mapping[str, Any]) -> Rights:
    """A role's rights with what it lacks; nothing is taken away."""
    result = dict(have)
    for scope, actions in lacking(have, wanted).items():
        want, got = wanted[scope], have.get(scope)
        if isinstance(want, Mapping):
            old = got if isinstance(got, Mapping) else dict(want)
            result[scope] = {**old, **{action: want[action] for action in actions}}
        else:
            result[scope] = want
    return result


def together(roles: Iterable[Mapping[str, Any]]) -> Rights:
    """What several roles allow together: of each action the most."""
    merged: Rights = {}
    for role in roles:
        for scope, rights in role.items():
            known = merged.get(scope)
            if isinstance(rights, Mapping) and isinstance(known, Mapping):
                both = {**known, **rights}
                merged[scope] = {action: max(known.get(action), rights.get(action), key=_rank) for action in both}
            elif not known or rights is True:
                merged[scope] = rights
    return merged


def _rank(level: object) -> int:
    return _RANK.get(str(level), 0)

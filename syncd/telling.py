"""Plans as data for people: what each action is called, which sentences and words belong to it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from mappers.spec import Entity, Side
from syncd.listed import entry_words
from syncd.messages import sentence
from syncd.model import Action, Bear, Hold, Retire, Settle, Update, WriteEntry
from syncd.titles import titled

_KIND = re.compile(r"(?<=[a-z])(?=[A-Z])")


def told(entity: Entity, actions: Iterable[Action], language: str) -> list[dict[str, Any]]:
    """Actions as data: `do` names the kind; notices as the sentences people will read, entries of lists in words."""
    return [_told(entity, action, language) for action in actions]


def _told(entity: Entity, action: Action, language: str) -> dict[str, Any]:
    parts = asdict(action)
    lists = {channel: entries for entries in entity.lists for channel in (entries.name, *entries.channels)}
    if isinstance(action, WriteEntry):
        parts["words"] = entry_words(lists[action.list], action.entry)
    if isinstance(action, Update):
        parts["words"] = [entry_words(lists[entry.channel], entry) for entry in action.entries]
    if isinstance(action, Bear):
        child = next(one for one in entity.children if one.name == action.unborn.entity)
        parts["words"] = f"{child.label}: {titled(child, Side.ADVOWARE, action.unborn.row)}"
    if isinstance(action, Retire):
        parts["words"] = titled(entity, Side.ADVOWARE, action.row)
    if isinstance(action, Settle):
        parts["notices"] = [sentence(notice, language) for notice in action.notices]
    if isinstance(action, Hold):
        parts["notice"] = sentence(action.notice, language)
    return {"do": _KIND.sub("_", type(action).__name__).lower(), **parts}

"""Pauses in words, for their page and for the line on every page. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from syncd.ui import labels
from syncd.ui.show import Show

SIDES = ("espocrm", "advoware")
BY_GUARD = "guard "


def scope_words(show: Show, scope: str) -> str:
    """What is paused: everything, an entity, or writing towards a side."""
    kind, _, name = scope.partition(":")
    match kind:
        case "side":
            return show.t("pauses.side", side=show.t(f"side.{name}") if name in SIDES else name)
        case "entity":
            return show.t("pauses.entity", entity=name.capitalize())
        case _:
            return show.t("pauses.all")


def paused(show: Show, one: Mapping[str, Any]) -> dict[str, Any]:
    """A pause in words; `guard` names the guard that made it."""
    by_guard = one["why"].startswith(BY_GUARD)
    guard = one["why"].removeprefix(BY_GUARD).partition(":")[0] if by_guard else ""
    return {
        "scope": one["scope"],
        "what": scope_words(show, one["scope"]),
        "since": one["since"],
        "why": show.t("pauses.by_guard") if by_guard else one["why"],
        "who": labels.person(show, one["who"]) if one["who"] else "",
        "guard": guard,
    }

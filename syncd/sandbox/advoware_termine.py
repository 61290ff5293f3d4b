"""Termine of the stand-in Advoware (advoware.md §3-4); parameter names are case-sensitive."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from syncd.sandbox.advoware_model import Missing
from syncd.sandbox.advoware_world import AdvowareWorld

FIELDS = (
    "anwalt",
    "sb",
    "text",
    "notiz",
    "ort",
    "datum",
    "uhrzeitVon",
    "datumBis",
    "uhrzeitBis",
    "dauertermin",
    "turnus",
    "turnusArt",
    "privat",
    "abwesenheit",
)


class Termine:
    """The calendar of the Kanzlei."""

    def __init__(self, world: AdvowareWorld) -> None:
        self.world = world
        self.rows: dict[int, dict[str, Any]] = {}

    def listed(self, query: Mapping[str, str]) -> list[dict[str, Any]]:
        """`frnr`, or `kuerzel` with `from` and `to`; a name in another case is ignored."""
        found = list(self.rows.values())
        if "frnr" in query:
            return [one for one in found if str(one["frNr"]) == query["frnr"]]
        if query.get("kuerzel"):
            found = [one for one in found if one["anwalt"] == query["kuerzel"]]
        low, high = query.get("from", "")[:10], query.get("to", "")[:10] or "9999"
        return [one for one in found if low <= str(one["datum"] or "")[:10] <= high]

    def create(self, user: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """POST; the number is given by the server."""
        number = max(self.rows, default=0) + 1
        self.rows[number] = {"frNr": number, **self._values(user, body)}
        return self.rows[number]

    def replace(self, user: str, query: Mapping[str, str], body: Mapping[str, Any]) -> dict[str, Any]:
        """PUT ?frnr=: the whole object."""
        number = self._number(query)
        self.rows[number] = {"frNr": number, **self._values(user, body)}
        return self.rows[number]

    def delete(self, query: Mapping[str, str]) -> None:
        """DELETE ?frnr=."""
        del self.rows[self._number(query)]

    def _number(self, query: Mapping[str, str]) -> int:
        try:
            number = int(query.get("frnr", ""))
        except ValueError:
            raise Missing from None
        if number not in self.rows:
            raise Missing
        return number

    def _values(self, user: str, body: Mapping[str, Any]) -> dict[str, Any]:
        stamped = {"rowId": self.world.row_id(), "geaendertAm": self.world.local_now(), "geaendertVon": user}
        return {name: body.get(name) for name in FIELDS} | stamped

"""Acting as a person in either system, past the API: clerks in EspoCRM, Kürzel in Advoware.

Every act is a method and, for the control API and for faults, a dict `{"system", "do", "as", ...}` (see `act`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from syncd.sandbox import defaults
from syncd.sandbox import espocrm_render as render
from syncd.sandbox.advoware_world import AdvowareWorld
from syncd.sandbox.espocrm_world import EspoWorld

BETEILIGTE = "CBeteiligte"


class EspoPeople:
    """What clerks do in EspoCRM; `by` is anna, bernd or admin."""

    def __init__(self, world: EspoWorld) -> None:
        self.world = world

    def create(self, values: Mapping[str, Any], entity: str = BETEILIGTE, by: str = "anna") -> str:
        """A new record; returns its id."""
        return self.world.create(self.world.clerk(by), entity, values, skip_duplicates=True).id

    def edit(self, record_id: str, values: Mapping[str, Any], entity: str = BETEILIGTE, by: str = "anna") -> None:
        """A save in the form; the status formula sees it."""
        self.world.update(self.world.clerk(by), entity, record_id, values)

    def delete(self, record_id: str, entity: str = BETEILIGTE, by: str = "anna") -> None:
        """Move to the bin."""
        self.world.delete(self.world.clerk(by), entity, record_id)

    def restore(self, record_id: str, entity: str = BETEILIGTE) -> None:
        """An admin takes it out of the bin: no webhook."""
        self.world.restore(self.world.admin, entity, record_id)

    def see(self, record_id: str, entity: str = BETEILIGTE) -> dict[str, Any]:
        """The record as an admin's GET shows it, deleted or not."""
        return render.full(self.world, entity, self.world.get(self.world.admin, entity, record_id))

    def ids(self, entity: str = BETEILIGTE) -> list[str]:
        """Ids of all living records, oldest first."""
        return list(self.world.tables[entity].ids)

    def all(self, entity: str = BETEILIGTE) -> list[dict[str, Any]]:
        """All living records."""
        return [self.see(record_id, entity) for record_id in self.ids(entity)]


class AdvowarePeople:
    """What people do in Advoware; `by` is a Kürzel."""

    def __init__(self, world: AdvowareWorld) -> None:
        self.world = world

    def create(self, values: Mapping[str, Any], by: str = defaults.ADVOWARE_PEOPLE[0]) -> int:
        """A new Beteiligter; returns its betNr. The three child lists may come along."""
        betnr: int = self.world.create(by, values).values["betNr"]
        for child in values.get("kommunikation", ()):
            self.world.add_kommunikation(by, betnr, child)
        for child in values.get("adressen", ()):
            self.world.add_adresse(by, betnr, child)
        for child in values.get("bankkverbindungen", ()):
            self.world.add_bank(by, betnr, child)
        return betnr

    def edit(self, betnr: int, values: Mapping[str, Any], by: str = defaults.ADVOWARE_PEOPLE[0]) -> None:
        """Save fields of the Beteiligter, also those the API's PUT ignores."""
        self.world.edit(by, betnr, values)

    def vanish(self, betnr: int) -> None:
        """Delete the Beteiligter; GET is 404 from now on."""
        self.world.vanish(betnr)

    def add_kommunikation(self, betnr: int, values: Mapping[str, Any], by: str = defaults.ADVOWARE_PEOPLE[0]) -> int:
        """Type a new number or address; returns its id."""
        return int(self.world.add_kommunikation(by, betnr, values)["id"])

    def edit_kommunikation(
        self, betnr: int, child_id: int, values: Mapping[str, Any], by: str = defaults.ADVOWARE_PEOPLE[0]
    ) -> None:
        """Change an entry."""
        self.world.edit_kommunikation(by, betnr, child_id, values)

    def add_adresse(self, betnr: int, values: Mapping[str, Any], by: str = defaults.ADVOWARE_PEOPLE[0]) -> int:
        """Type a new address; returns its id."""
        return int(self.world.add_adresse(by, betnr, values)["id"])

    def edit_adresse(
        self, betnr: int, child_id: int, values: Mapping[str, Any], by: str = defaults.ADVOWARE_PEOPLE[0]
    ) -> None:
        """Change an address, any field, by id."""
        self.world.edit_adresse(by, betnr, child_id, values)

    def reorder_adressen(self, betnr: int, ids: list[int]) -> None:
        """Drag addresses about: reihenfolgeIndex shifts."""
        self.world.reorder_adressen(betnr, ids)

    def add_bank(self, betnr: int, values: Mapping[str, Any], by: str = defaults.ADVOWARE_PEOPLE[0]) -> int:
        """Type a new account; returns its id."""
        return int(self.world.add_bank(by, betnr, values)["id"])

    def edit_bank(
        self, betnr: int, child_id: int, values: Mapping[str, Any], by: str = defaults.ADVOWARE_PEOPLE[0]
    ) -> None:
        """Change an account."""
        self.world.edit_bank(by, betnr, child_id, values)

    def remove_child(self, betnr: int, kind: str, child_id: int) -> None:
        """Delete an entry of `kommunikation`, `adressen` or `bankkverbindungen`."""
        self.world.remove_child(betnr, kind, child_id)

    def see(self, betnr: int) -> dict[str, Any]:
        """The Beteiligter as GET shows it, but with the kommKz that is really stored."""
        one = self.world.at(betnr)
        return self.world.shown(one) | {"kommunikation": [dict(child) for child in one.children["kommunikation"]]}

    def betnrs(self) -> list[int]:
        """All betNr, ascending."""
        return sorted(self.world.beteiligte)

    def all(self) -> list[dict[str, Any]]:
        """All Beteiligte."""
        return [self.see(betnr) for betnr in self.betnrs()]


class People:
    """Both systems' people."""

    def __init__(self, espo: EspoWorld, advoware: AdvowareWorld) -> None:
        self.espo = EspoPeople(espo)
        self.advoware = AdvowarePeople(advoware)

    def act(self, wanted: Mapping[str, Any]) -> Any:
        """Play `{"system": "espocrm"|"advoware", "do": <method>, "as": <person>, <arguments>}`.

        ValueError for an unknown act, TypeError for wrong arguments.
        """
        arguments = {name: value for name, value in wanted.items() if name not in ("system", "do", "as")}
        if "as" in wanted:
            arguments["by"] = wanted["as"]
        side: EspoPeople | AdvowarePeople = self.espo if wanted.get("system") == "espocrm" else self.advoware
        name = str(wanted.get("do", ""))
        method: Callable[..., Any] | None = None if name.startswith("_") else getattr(side, name, None)
        if not callable(method):
            raise ValueError(f"unknown act {name!r}")
        return method(**arguments)

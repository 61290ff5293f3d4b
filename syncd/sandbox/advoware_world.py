"""The stand-in Advoware without HTTP: Beteiligte and their child lists (advoware.md §3-5).

Pure state: time and chance are injected. What the documents leave open is a switch in `Switches`.
"""

from __future__ import annotations

import pickle
import random
from bisect import bisect_left, insort
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from syncd.sandbox import defaults
from syncd.sandbox.advoware_model import (
    ADRESSE_STORED,
    ADRESSE_WRITABLE,
    BANK_STORED,
    KOMMUNIKATION_WRITABLE,
    LETTERS,
    STORED,
    WRITABLE,
    Beteiligter,
    Missing,
    Rejected,
    Switches,
    berlin,
    copies,
    stored,
)
from syncd.sandbox.espocrm_values import fold


class AdvowareWorld:
    """All Beteiligte of one Kanzlei."""

    def __init__(self, now: Callable[[], float], rng: random.Random, first_betnr: int = 100_001) -> None:
        self.now = now
        self.rng = rng
        self.switches = Switches()
        self.beteiligte: dict[int, Beteiligter] = {}
        self.previous: dict[int, Beteiligter] = {}
        self.names: list[tuple[str, int]] = []
        self.next_betnr = first_betnr
        self.next_child = 1
        self.people = defaults.ADVOWARE_PEOPLE

    # Beteiligte

    def create(self, user: str, body: Mapping[str, Any]) -> Beteiligter:
        """POST stores every field."""
        stamped = {"angelegtAm": self.local_now(), "angelegtVon": user}
        values = {"betNr": self.next_betnr, "rowId": self.row_id(), **stored(STORED, body)}
        one = Beteiligter(values | stamped | {"geaendertAm": stamped["angelegtAm"], "geaendertVon": user})
        self.next_betnr += 1
        self.beteiligte[values["betNr"]] = one
        insort(self.names, (fold(values["name"] or ""), values["betNr"]))
        return one

    def replace(self, user: str, betnr: int, body: Mapping[str, Any], refuse: Iterable[str] = ()) -> Beteiligter:
        """PUT changes eight fields, ignores all others; a missing one is blanked unless the switch says keep."""
        one = self.at(betnr)
        changes = self._laid_over(WRITABLE, body, refuse)
        self._write(user, one, changes)
        return one

    def edit(self, user: str, betnr: int, changes: Mapping[str, Any]) -> Beteiligter:
        """A person's save: any stored field, the others stay."""
        one = self.at(betnr)
        self._write(user, one, stored([name for name in STORED if name in changes], changes))
        return one

    def vanish(self, betnr: int) -> None:
        """A person deletes the Beteiligter."""
        one = self.beteiligte.pop(self.at(betnr).values["betNr"])
        del self.names[bisect_left(self.names, (fold(one.values["name"] or ""), betnr))]

    def at(self, betnr: int) -> Beteiligter:
        """The Beteiligter or Missing."""
        found = self.beteiligte.get(betnr)
        if found is None:
            raise Missing
        return found

    def search(self, name: str | None, vorname: str | None) -> list[Beteiligter]:
        """Rows whose name and vorname begin with the given ones; the caller must filter (advoware.md §3)."""
        if self.switches.search == "ignored" or (name is None and vorname is None):
            name = vorname = None
        wanted, first = fold((name or "").strip()), fold((vorname or "").strip())
        found: list[Beteiligter] = []
        for folded, betnr in self.names[bisect_left(self.names, (wanted, 0)) :]:
            if not folded.startswith(wanted) or len(found) == self.switches.search_limit:
                break
            one = self.beteiligte[betnr]
            if fold(one.values["vorname"] or "").startswith(first):
                found.append(one)
        return found

    # children

    def add_kommunikation(self, user: str, betnr: int, body: Mapping[str, Any]) -> dict[str, Any]:
        """POST stores tlf, bemerkung, kommKz, online."""
        kind = body.get("kommKz")
        if not isinstance(kind, int) or not 1 <= kind <= 12:
            raise Rejected("kommKz muss zwischen 1 und 12 liegen.")
        values = self._kommunikation(KOMMUNIKATION_WRITABLE, body) | {"kommKz": kind, "kommArt": 0}
        return self._add_child(user, betnr, "kommunikation", values)

    def put_kommunikation(
        self, user: str, betnr: int, child_id: int, body: Mapping[str, Any], refuse: Iterable[str] = ()
    ) -> dict[str, Any]:
        """PUT changes tlf, bemerkung, online; kommKz is ignored. The Beteiligter's rowId stays."""
        child = self.child(betnr, "kommunikation", "id", child_id)
        keep = set(refuse)
        if self.switches.put_keeps_missing:
            keep |= {name for name in KOMMUNIKATION_WRITABLE if name not in body}
        changes = self._kommunikation([name for name in KOMMUNIKATION_WRITABLE if name not in keep], body)
        return self._write_child(user, child, changes)

    def edit_kommunikation(self, user: str, betnr: int, child_id: int, changes: Mapping[str, Any]) -> dict[str, Any]:
        """A person's save: the others stay."""
        child = self.child(betnr, "kommunikation", "id", child_id)
        names = [name for name in KOMMUNIKATION_WRITABLE if name in changes]
        kind = {"kommKz": changes["kommKz"]} if "kommKz" in changes else {}
        return self._write_child(user, child, self._kommunikation(names, changes) | kind)

    def add_adresse(self, user: str, betnr: int, body: Mapping[str, Any]) -> dict[str, Any]:
        """POST stores every field; the first address becomes the standard one."""
        siblings = self.at(betnr).children["adressen"]
        values = stored(ADRESSE_STORED, body)
        values["standardAnschrift"] = bool(values["standardAnschrift"]) or not siblings
        if values["standardAnschrift"]:
            for other in siblings:
                other["standardAnschrift"] = False
        values["reihenfolgeIndex"] = max((one["reihenfolgeIndex"] for one in siblings), default=0) + 1
        return self._add_child(user, betnr, "adressen", values)

    def put_adresse(
        self, user: str, betnr: int, index: int, body: Mapping[str, Any], refuse: Iterable[str] = ()
    ) -> dict[str, Any]:
        """PUT changes strasse, plz, ort, anschrift only."""
        child = self.child(betnr, "adressen", "reihenfolgeIndex", index)
        return self._write_child(user, child, self._laid_over(ADRESSE_WRITABLE, body, refuse))

    def edit_adresse(self, user: str, betnr: int, child_id: int, changes: Mapping[str, Any]) -> dict[str, Any]:
        """A person's save, by id: any field."""
        child = self.child(betnr, "adressen", "id", child_id)
        names = [name for name in (*ADRESSE_STORED, "reihenfolgeIndex") if name in changes]
        return self._write_child(user, child, stored(names, changes))

    def reorder_adressen(self, betnr: int, ids: list[int]) -> None:
        """A person drags addresses about: the indexes shift, the rows stay."""
        for index, child_id in enumerate(ids, start=1):
            self.child(betnr, "adressen", "id", child_id)["reihenfolgeIndex"] = index
        self.at(betnr).children["adressen"].sort(key=lambda one: int(one["reihenfolgeIndex"]))

    def add_bank(self, user: str, betnr: int, body: Mapping[str, Any]) -> dict[str, Any]:
        """POST stores every field."""
        return self._add_child(user, betnr, "bankkverbindungen", stored(BANK_STORED, body))

    def edit_bank(self, user: str, betnr: int, child_id: int, changes: Mapping[str, Any]) -> dict[str, Any]:
        """A person's save; the API cannot."""
        child = self.child(betnr, "bankkverbindungen", "id", child_id)
        return self._write_child(user, child, stored([name for name in BANK_STORED if name in changes], changes))

    def remove_child(self, betnr: int, kind: str, child_id: int) -> None:
        """A person deletes an entry of a child list; the API cannot."""
        self.at(betnr).children[kind].remove(self.child(betnr, kind, "id", child_id))

    def child(self, betnr: int, kind: str, key: str, value: int) -> dict[str, Any]:
        """A child by `id` or `reihenfolgeIndex`, or Missing."""
        for one in self.at(betnr).children[kind]:
            if one[key] == value:
                return one
        raise Missing

    # reading

    def shown(self, one: Beteiligter) -> dict[str, Any]:
        """A Beteiligter as GET answers it: convenience copies and child lists included."""
        lists = {
            "kommunikation": [self.shown_kommunikation(child) for child in one.children["kommunikation"]],
            "adressen": [dict(child) for child in one.children["adressen"]],
            "bankkverbindungen": [dict(child) for child in one.children["bankkverbindungen"]],
        }
        return one.values | copies(one) | lists

    def shown_kommunikation(self, child: Mapping[str, Any]) -> dict[str, Any]:
        """kommKz reads back as 0 although it was stored."""
        return {**child} if self.switches.kommkz_reads_back else {**child, "kommKz": 0}

    def local_now(self) -> str:
        """Europe/Berlin local time without a zone."""
        return berlin(int(self.now()))

    def row_id(self) -> str:
        """40 capital letters, new at each write of a row."""
        return self.rng.randbytes(40).translate(LETTERS).decode()

    # backup

    def snapshot(self) -> bytes:
        """All Beteiligte, for a later load_snapshot()."""
        return pickle.dumps((self.beteiligte, self.names, self.next_betnr, self.next_child))

    def load_snapshot(self, backup: bytes) -> None:
        """A backup comes back: numbers given since are given again."""
        self.beteiligte, self.names, self.next_betnr, self.next_child = pickle.loads(backup)
        self.previous.clear()

    # inside

    def _laid_over(self, names: Iterable[str], body: Mapping[str, Any], refuse: Iterable[str]) -> dict[str, Any]:
        kept = set(refuse)
        if self.switches.put_keeps_missing:
            kept |= {name for name in names if name not in body}
        return stored([name for name in names if name not in kept], body)

    def _kommunikation(self, names: Iterable[str], body: Mapping[str, Any]) -> dict[str, Any]:
        values = stored(names, body)
        if "tlf" in values and not str(values["tlf"] or "").strip():
            values["tlf"] = self.switches.empty_tlf
        if values.get("bemerkung") and self.switches.bemerkung_max is not None:
            values["bemerkung"] = values["bemerkung"][: self.switches.bemerkung_max]
        if "online" in values:
            values["online"] = bool(values["online"])
        return values

    def _write(self, user: str, one: Beteiligter, changes: Mapping[str, Any]) -> None:
        betnr = one.values["betNr"]
        self._remember(one)
        old = (fold(one.values["name"] or ""), betnr)
        stamped = {"rowId": self.row_id(), "geaendertAm": self.local_now(), "geaendertVon": user}
        one.values = {**one.values, **changes, **stamped}
        new = (fold(one.values["name"] or ""), betnr)
        if new != old:
            del self.names[bisect_left(self.names, old)]
            insort(self.names, new)

    def _add_child(self, user: str, betnr: int, kind: str, values: dict[str, Any]) -> dict[str, Any]:
        one = self.at(betnr)
        self._remember(one)
        child = {"id": self.next_child, "betNr": betnr, "rowId": self.row_id(), **values}
        self.next_child += 1
        one.children[kind].append(child | self._touched(user))
        return one.children[kind][-1]

    def _write_child(self, user: str, child: dict[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
        self._remember(self.at(child["betNr"]))
        child.update(changes)
        child.update(rowId=self.row_id(), **self._touched(user))
        return child

    def _touched(self, user: str) -> dict[str, Any]:
        return {"geaendertAm": self.local_now(), "geaendertVon": user}

    def _remember(self, one: Beteiligter) -> None:
        children = {kind: [dict(child) for child in rows] for kind, rows in one.children.items()}
        self.previous[one.values["betNr"]] = Beteiligter(dict(one.values), children)

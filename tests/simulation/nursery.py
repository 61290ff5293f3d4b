"""Addresses and accounts in simulated worlds: what people do to them in either system, as events of a script.

Every value is typed once only, but for what somebody types a second time on purpose.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Any

from stdnum.iso7064 import mod_97_10

from syncd.sandbox.demo_children import ACCOUNT, ADDRESS, LISTS, ChildEdit, edits, raw_body, rows, shown
from tests.simulation.place import Place
from tests.simulation.witness import ADVOWARE, ESPO

Body = Mapping[str, Any]
FIRST = ("adresseStreet", "adressePostalCode", "adresseCity")
HERE = {
    "new": 3.0, "account": 1.0, "twice": 0.5, "street": 3.0, "town": 2.0, "country": 1.0, "remark": 0.5, "iban": 1.0,
    "holder": 0.5, "respell": 0.5, "default": 0.5, "drop": 0.7, "move": 0.7,
}  # fmt: skip
THERE = {
    "new": 2.0, "account": 1.0, "twice": 0.5, "street": 3.0, "town": 2.0, "country": 1.0, "holder": 0.7, "remove": 0.7,
    "reorder": 1.0, "default": 0.5,
}  # fmt: skip


class Nursery(Place):
    """People who edit addresses and accounts. `done`: names of acts by parent."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.child_edits: list[ChildEdit] = []
        self.done: dict[str, list[str]] = {}
        self.first_children: dict[tuple[str, str], dict[str, str | None]] = {}
        self.windows = 0

    def child(self, side: str, person: int, dice: int) -> None:
        """Somebody does something to an address or account of a person; `dice` says what."""
        espo_id, betnr = self.pair(person)
        if espo_id is None or betnr is None or None in (self.record(ESPO, person), self.record(ADVOWARE, person)):
            return
        chance, acts = random.Random(dice), HERE if side == ESPO else THERE
        [act] = chance.choices(list(acts), list(acts.values()))
        self.does(act, side, espo_id, dice, chance)

    def does(self, act: str, side: str, espo_id: str, dice: int, chance: random.Random) -> None:
        """Somebody does just this; `dice` is in every value that is typed."""
        self._first_look()
        self.witness.children = True
        doing: Callable[..., object] = getattr(self, f"_{act}")
        if doing(side, espo_id, dice, chance) is not False:
            self.done.setdefault(espo_id, []).append(act)
            self.world.note(side, f"{act} at {espo_id}")

    def listed(self, side: str, parent: str, kind: str) -> list[Body]:
        """The addresses or accounts of a person that a system shows."""
        if side == ESPO:
            return [one for one in self.people.espo.all(kind) if one["beteiligterId"] == parent]
        betnr = self.people.espo.see(parent)["betnr"]
        return rows(kind, self.people.advoware.see(betnr)) if betnr in self.world.sandbox.advoware.beteiligte else []

    # --- what people do ---------------------------------------------------------------------

    def _new(self, side: str, parent: str, dice: int, chance: random.Random) -> None:
        values: dict[str, Any] = dict(zip(FIRST, (f"Gasse {dice}", f"{dice:05d}", f"Ort {dice}"), strict=True))
        if chance.random() < 0.3:
            values |= {"adresseCountry": f"L{dice}", "bemerkung": f"Hof {dice}"}
        self._add(side, parent, ADDRESS, values)

    def _account(self, side: str, parent: str, dice: int, chance: random.Random) -> None:
        self._add(side, parent, ACCOUNT, {"iban": iban(dice), "kontoinhaber": f"Halter {dice}"})

    def _twice(self, side: str, parent: str, dice: int, chance: random.Random) -> bool | None:
        """What the other system has, or this one has already, typed once more."""
        known = self.listed(chance.choice((ESPO, ADVOWARE)), parent, ADDRESS)
        if not known:
            return False
        one = chance.choice(known)
        values = shown(ADDRESS, ESPO if "adresseStreet" in one else ADVOWARE, one)
        self._add(
            side, parent, ADDRESS, {name: value for name, value in values.items() if value and name != "standard"}
        )
        return None

    def _street(self, side: str, parent: str, dice: int, chance: random.Random) -> bool | None:
        return self._edit(side, parent, ADDRESS, {"adresseStreet": f"Gasse {dice}"}, chance)

    def _town(self, side: str, parent: str, dice: int, chance: random.Random) -> bool | None:
        return self._edit(side, parent, ADDRESS, {"adresseCity": f"Ort {dice}"}, chance)

    def _country(self, side: str, parent: str, dice: int, chance: random.Random) -> bool | None:
        return self._edit(side, parent, ADDRESS, {"adresseCountry": f"L{dice}"}, chance)

    def _remark(self, side: str, parent: str, dice: int, chance: random.Random) -> bool | None:
        return self._edit(side, parent, ADDRESS, {"bemerkung": f"Hof {dice}"}, chance)

    def _iban(self, side: str, parent: str, dice: int, chance: random.Random) -> bool | None:
        return self._edit(side, parent, ACCOUNT, {"iban": iban(dice)}, chance)

    def _holder(self, side: str, parent: str, dice: int, chance: random.Random) -> bool | None:
        return self._edit(side, parent, ACCOUNT, {"kontoinhaber": f"Halter {dice}"}, chance)

    def _respell(self, side: str, parent: str, dice: int, chance: random.Random) -> bool | None:
        accounts = self.listed(side, parent, ACCOUNT)
        if not accounts or not accounts[0]["iban"]:
            return False
        number = accounts[0]["iban"].replace(" ", "")
        self._save(side, parent, ACCOUNT, accounts[0], {"iban": f"{number[:4]} {number[4:]}"})
        return None

    def _default(self, side: str, parent: str, dice: int, chance: random.Random) -> bool | None:
        """Another address becomes the standard one; Advoware's screen takes it from the others."""
        known = self.listed(side, parent, ADDRESS)
        if not known:
            return False
        chosen = chance.choice(known)
        for one in known if side == ADVOWARE else ():
            if one["id"] != chosen["id"]:
                self._save(side, parent, ADDRESS, one, {"standard": False})
        self._save(side, parent, ADDRESS, chosen, {"standard": True})
        return None

    def _drop(self, side: str, parent: str, dice: int, chance: random.Random) -> bool | None:
        kind = chance.choice((ADDRESS, ACCOUNT))
        known = self.listed(ESPO, parent, kind)
        if not known or len(self.people.espo.ids(kind)) == 1:  # an empty list is never read as deletion
            return False
        self.people.espo.delete(chance.choice(known)["id"], kind, by="anna")
        return None

    def _remove(self, side: str, parent: str, dice: int, chance: random.Random) -> bool | None:
        kind = chance.choice((ADDRESS, ACCOUNT))
        known = self.listed(ADVOWARE, parent, kind)
        if not known:
            return False
        self.people.advoware.remove_child(self._betnr(parent), LISTS[kind], chance.choice(known)["id"])
        return None

    def _move(self, side: str, parent: str, dice: int, chance: random.Random) -> bool | None:
        """Under another person's record."""
        others = [one for one, _ in self.persons if one not in (None, parent) and one not in self.deleted]
        known = self.listed(ESPO, parent, ADDRESS)
        if not others or not known:
            return False
        other = chance.choice(others)
        self.people.espo.edit(chance.choice(known)["id"], {"beteiligterId": other}, ADDRESS, by="bernd")
        assert other is not None
        self.done.setdefault(other, []).append("moved in")
        return None

    def _reorder(self, side: str, parent: str, dice: int, chance: random.Random) -> bool | None:
        ids = [int(row["id"]) for row in self.listed(ADVOWARE, parent, ADDRESS)]
        chance.shuffle(ids)
        self.people.advoware.reorder_adressen(self._betnr(parent), ids)
        return None

    # --- how they do it ---------------------------------------------------------------------

    def _first_look(self) -> None:
        """What everybody's addresses and accounts said before anybody touched one."""
        if self.first_children:
            return
        for parent, _ in self.persons:
            for kind in LISTS if parent is not None else ():
                assert parent is not None
                for side in (ESPO, ADVOWARE):
                    for one in self.listed(side, parent, kind):
                        self.first_children[side, str(one["id"])] = shown(kind, side, one)

    def _edit(self, side: str, parent: str, kind: str, values: Body, chance: random.Random) -> bool | None:
        known = self.listed(side, parent, kind)
        if not known:
            return False
        self._save(side, parent, kind, chance.choice(known), values)
        return None

    def _add(self, side: str, parent: str, kind: str, values: Body) -> None:
        raw = raw_body(side, kind, values)
        if side == ESPO:
            child = self.people.espo.create({**raw, "beteiligterId": parent}, kind, by="anna")
        else:
            add = self.people.advoware.add_adresse if kind == ADDRESS else self.people.advoware.add_bank
            child = str(add(self._betnr(parent), raw, by="AB"))
        self._note(side, parent, kind, child, {}, raw)

    def _save(self, side: str, parent: str, kind: str, one: Body, values: Body) -> None:
        raw, child = raw_body(side, kind, values), str(one["id"])
        if side == ESPO:
            self.people.espo.edit(child, raw, kind, by="bernd")
        else:
            edit = self.people.advoware.edit_adresse if kind == ADDRESS else self.people.advoware.edit_bank
            edit(self._betnr(parent), int(child), raw, by="CD")
        self._note(side, parent, kind, child, one, {**one, **raw})

    def _note(self, side: str, parent: str, kind: str, child: str, before: Body, after: Body) -> None:
        sandbox = self.world.sandbox
        at = (sandbox.espo_app if side == ESPO else sandbox.advoware_app).now()
        was, now = (shown(kind, side, body) for body in (before, after))
        self.child_edits += edits(at, side, parent, kind, child, was, now)

    def _betnr(self, parent: str) -> int:
        return int(self.people.espo.see(parent)["betnr"])


def iban(dice: int) -> str:
    """One nobody has typed before."""
    account = f"37040044{dice:010d}"
    return f"DE{mod_97_10.calc_check_digits(f'{account}DE')}{account}"

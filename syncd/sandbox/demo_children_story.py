"""Who does what to which address or account in the demonstration.

Every value is typed once only, so that the check at the end can tell whose it is. Knows nothing of the daemon.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from stdnum.iso7064 import mod_97_10

from syncd.sandbox import defaults
from syncd.sandbox.demo_children import ACCOUNT, ADDRESS, LISTS, edits, raw_body, rows, shown
from syncd.sandbox.demo_diary import LABELS, Diary
from syncd.sandbox.faults import Kind, Rule
from syncd.sandbox.sandbox import ADVOWARE, ESPO

HOMES = 13
ENOUGH = 3  # addresses of one person

Act = tuple[float, Callable[[], Awaitable[None]]]


class Children:
    """What people can do to addresses and accounts; each act is done and written down in one go."""

    def __init__(self, diary: Diary) -> None:
        self.diary = diary
        self.espo = diary.sandbox.people.espo
        self.advoware = diary.sandbox.people.advoware

    def listed(self, side: str, parent: str, kind: str) -> list[dict[str, Any]]:
        """Those of a person that one system shows, oldest first."""
        if side == ESPO:
            return [one for one in self.espo.all(kind) if one["beteiligterId"] == parent]
        found = rows(kind, self.diary.advoware(parent))
        return [dict(row) for row in sorted(found, key=lambda row: int(row["id"]))]

    def add(self, side: str, parent: str, kind: str, values: Mapping[str, Any], by: str) -> None:
        """Type a new one; values by EspoCRM's names, as that system writes them."""
        raw = raw_body(side, kind, values)
        if side == ESPO:
            child = self.espo.create({**raw, "beteiligterId": parent}, kind, by=by)
            after = self.espo.see(child, kind)
        else:
            add = self.advoware.add_adresse if kind == ADDRESS else self.advoware.add_bank
            child = str(add(self._betnr(parent), raw, by=by))
            after = next(row for row in self.listed(side, parent, kind) if str(row["id"]) == child)
        self._note(side, parent, kind, child, {}, after, by, "new")

    def edit(
        self, side: str, parent: str, kind: str, before: Mapping[str, Any], values: Mapping[str, Any], by: str
    ) -> None:
        """Change one; values by EspoCRM's names, as that system writes them."""
        raw, child = raw_body(side, kind, values), str(before["id"])
        if side == ESPO:
            self.espo.edit(child, raw, kind, by=by)
        else:
            edit = self.advoware.edit_adresse if kind == ADDRESS else self.advoware.edit_bank
            edit(self._betnr(parent), int(child), raw, by=by)
        self._note(side, parent, kind, child, before, {**before, **raw}, by, "changes")

    def drop(self, parent: str, kind: str, child: str, by: str) -> None:
        """Put one into EspoCRM's bin."""
        self.espo.delete(child, kind, by=by)
        self.diary.dropped.add(child)
        self.diary.tell(f"{by} · EspoCRM · deletes {kind} of {self._name(parent)}")

    def reorder(self, parent: str, by: str) -> None:
        """Drag the last address to the top in Advoware."""
        ids = [int(row["id"]) for row in rows(ADDRESS, self.diary.advoware(parent))]
        self.advoware.reorder_adressen(self._betnr(parent), [*ids[-1:], *ids[:-1]])
        self.diary.tell(f"{by} · Advoware · reorders the addresses of {self._name(parent)}")

    def _note(
        self, side: str, parent: str, kind: str, child: str, before: Mapping[str, Any], after: Mapping[str, Any],
        by: str, verb: str,
    ) -> None:  # fmt: skip
        was, now = (shown(kind, side, body) for body in (before, after))
        done = list(edits(self.diary.sandbox.now(), side, parent, kind, child, was, now))
        self.diary.children += done
        what = ", ".join(f"{one.name} = {one.value or '(cleared)'}" for one in done)
        self.diary.tell(f"{by} · {LABELS[side]} · {self._name(parent)} · {verb} {LISTS[kind]}: {what}")

    def _betnr(self, parent: str) -> int:
        betnr = self.diary.betnr(parent)
        assert betnr is not None
        return betnr

    def _name(self, parent: str) -> str:
        return str(self.diary.espo(parent)["name"])


class ChildActs:
    """The acts on addresses and accounts; at `homes` nobody else is at work with them."""

    def __init__(self, diary: Diary, homes: Sequence[str], rng: random.Random) -> None:
        self.diary = diary
        self.children = Children(diary)
        self.homes = homes
        self.rng = rng
        self.given = 0

    def acts(self) -> list[Act]:
        """(part of the time that has passed, what happens then)."""
        return [
            (0.03, self.new_in_espo),
            (0.05, self.new_in_advoware),
            (0.07, self.changed_in_espo),
            (0.09, self.changed_in_advoware),
            (0.12, self.different_fields),
            (0.15, self.same_field),
            (0.17, self.for_a_person),
            (0.19, self.another_account),
            (0.21, self.account_in_advoware),
            (0.24, self.lost_answer),
            (0.25, self.reordered),
            (0.27, self.deleted),
            (0.29, self.bank_renamed),
        ]

    # --- acts of their own --------------------------------------------------------------------

    async def new_in_espo(self) -> None:
        """An address with all that Advoware takes at creation alone."""
        values = {**self.address(), "adresseCountry": "A", "bemerkung": f"Hinterhaus {self.number()}"}
        self.children.add(ESPO, self.homes[0], ADDRESS, values, "anna")

    async def new_in_advoware(self) -> None:
        """A record of EspoCRM comes into being."""
        self.children.add(ADVOWARE, self.homes[1], ADDRESS, self.address(), "AB")

    async def changed_in_espo(self) -> None:
        """Street and town."""
        self._edit(ESPO, self.homes[2], {"adresseStreet": self.street(), "adresseCity": self.town()}, "bernd")

    async def changed_in_advoware(self) -> None:
        """Also what the API cannot write there."""
        values = {"adressePostalCode": f"{10_000 + self.number()}", "postfach": f"PF {self.number()}"}
        self._edit(ADVOWARE, self.homes[3], values, "CD")

    async def different_fields(self) -> None:
        """Two people at once at one address: both values stay."""
        self._edit(ESPO, self.homes[4], {"adresseStreet": self.street()}, "anna")
        self._edit(ADVOWARE, self.homes[4], {"adresseCity": self.town()}, "AB")

    async def same_field(self) -> None:
        """Two people at once in one field: EspoCRM wins, the other value is kept."""
        self._edit(ESPO, self.homes[5], {"adresseStreet": self.street()}, "bernd")
        self._edit(ADVOWARE, self.homes[5], {"adresseStreet": self.street()}, "CD")

    async def for_a_person(self) -> None:
        """Advoware's interface cannot change the country: a Task."""
        self._edit(ESPO, self.homes[6], {"adresseCountry": f"L{self.number()}"}, "anna")

    async def another_account(self) -> None:
        """Another IBAN is another account, and the old one is left to a person."""
        [account] = self.children.listed(ESPO, self.homes[7], ACCOUNT)
        self.children.edit(ESPO, self.homes[7], ACCOUNT, account, {"iban": self.iban()}, "bernd")

    async def account_in_advoware(self) -> None:
        """A second account."""
        values = {"iban": self.iban(), "bankname": f"Bank {self.number()}", "kontoinhaber": f"Halter {self.number()}"}
        self.children.add(ADVOWARE, self.homes[8], ACCOUNT, values, "AB")

    async def lost_answer(self) -> None:
        """Advoware stores the new address, but its answer never arrives: there must not be two."""
        route = f"/api/v1/advonet/Beteiligte/{self.diary.betnr(self.homes[9])}/Adressen"
        self.diary.sandbox.faults.add(Rule(Kind.TIMEOUT_APPLIED, ADVOWARE, "POST", route))
        self.diary.tell("— the answer to a POST of an address gets lost")
        self.children.add(ESPO, self.homes[9], ADDRESS, self.address(), "anna")

    async def reordered(self) -> None:
        """The place by which Advoware names an address changes while one of them is edited."""
        self.children.add(ADVOWARE, self.homes[10], ADDRESS, self.address(), "CD")
        self.children.reorder(self.homes[10], "CD")
        self._edit(ESPO, self.homes[10], {"adresseStreet": self.street()}, "bernd")

    async def deleted(self) -> None:
        """Nothing is deleted in Advoware: a Task."""
        [account] = self.children.listed(ESPO, self.homes[11], ACCOUNT)
        self.children.drop(self.homes[11], ACCOUNT, account["id"], "anna")

    async def bank_renamed(self) -> None:
        """In Advoware, which EspoCRM follows."""
        [account] = self.children.listed(ADVOWARE, self.homes[12], ACCOUNT)
        self.children.edit(ADVOWARE, self.homes[12], ACCOUNT, account, {"bankname": f"Bank {self.number()}"}, "AB")

    # --- anybody ------------------------------------------------------------------------------

    def anything(self, side: str, record: str) -> None:
        """A new address of a person, or a change of the oldest one."""
        if side == ADVOWARE and self.diary.advoware(record) is None:
            return
        by = self.rng.choice(defaults.CLERKS if side == ESPO else defaults.ADVOWARE_PEOPLE)
        there = self.children.listed(side, record, ADDRESS)
        if not there or (len(there) < ENOUGH and self.rng.random() < 0.2):
            self.children.add(side, record, ADDRESS, self.address(), by)
            return
        values = self.rng.choice(({"adresseStreet": self.street()}, {"adresseCity": self.town()}))
        self.children.edit(side, record, ADDRESS, there[0], values, by)

    # --- values -------------------------------------------------------------------------------

    def number(self) -> int:
        """The next one."""
        self.given += 1
        return self.given

    def street(self) -> str:
        """One nobody has typed before."""
        return f"Neue Gasse {self.number()}"

    def town(self) -> str:
        """One nobody has typed before."""
        return f"Neustadt ({self.number()})"

    def address(self) -> dict[str, str]:
        """A whole new one."""
        code = f"{20_000 + self.number()}"
        return {"adresseStreet": self.street(), "adressePostalCode": code, "adresseCity": self.town()}

    def iban(self) -> str:
        """A new one that is right."""
        account = f"37040044{self.number():010d}"
        return f"DE{mod_97_10.calc_check_digits(f'{account}DE')}{account}"

    def _edit(self, side: str, parent: str, values: Mapping[str, Any], by: str) -> None:
        first = self.children.listed(side, parent, ADDRESS)[0]
        self.children.edit(side, parent, ADDRESS, first, values, by)

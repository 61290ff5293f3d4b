"""E-mail addresses and phone numbers of EspoCRM: objects shared by all records that hold the value.

Keeps the quirks of espocrm.md §3.2 and §9: type, optOut, invalid and letter case belong to the shared object;
lists are replaced whole; one entry is primary, or none. Knows no record, only who holds what.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from syncd.sandbox.espocrm_errors import invalid
from syncd.sandbox.espocrm_values import email_allowed, phone

MAX_ENTRIES = 10
PHONE_TYPES = ("Mobile", "Office", "Home", "Fax", "Other")
DEFAULT_TYPE = "Mobile"
EMAIL = "emailAddress"
PHONE = "phoneNumber"


@dataclass(slots=True)
class Shared:
    """The object all records with this value share."""

    text: str
    type: str = DEFAULT_TYPE
    opt_out: bool = False
    invalid: bool = False


@dataclass(slots=True)
class Links:
    """What one record holds: keys in the order they were linked, and which is primary."""

    keys: list[str] = field(default_factory=list)
    primary: str | None = None

    def copy(self) -> Links:
        return Links(list(self.keys), self.primary)


class Book:
    """All shared objects of one kind; `attribute` is emailAddress or phoneNumber."""

    def __init__(self, attribute: str) -> None:
        self.attribute = attribute
        self.data_attribute = f"{attribute}Data"
        self.shared: dict[str, Shared] = {}
        self.holders: defaultdict[str, set[tuple[str, str]]] = defaultdict(set)

    def read(self, links: Links) -> list[dict[str, Any]]:
        """The list as a GET shows it: primary first, the others in link order."""
        keys = links.keys
        if links.primary is not None and keys and keys[0] != links.primary:
            keys = [links.primary, *(key for key in keys if key != links.primary)]
        return [self._entry(key, key == links.primary) for key in keys]

    def primary_text(self, links: Links) -> str | None:
        """The single field: the primary entry's value."""
        return self.shared[links.primary].text if links.primary is not None else None

    def primary_flags(self, links: Links) -> tuple[bool, bool]:
        """(opted out, invalid) of the primary entry."""
        if links.primary is None:
            return False, False
        one = self.shared[links.primary]
        return one.opt_out, one.invalid

    def check_list(self, entity: str, sent: Any) -> list[dict[str, Any]]:
        """The sent list with normalised numbers and without empty addresses; EspoError 400 if refused."""
        if not isinstance(sent, list):
            raise invalid(entity, self.attribute, "valid")
        checked = []
        for one in sent:
            if not isinstance(one, dict):
                raise invalid(entity, self.attribute, "valid")
            if self.attribute == EMAIL and one.get(EMAIL) == "":
                continue
            entry = {**one, self.attribute: self.check_value(entity, one.get(self.attribute))}
            if self.attribute == PHONE and entry.get("type", DEFAULT_TYPE) not in PHONE_TYPES:
                raise invalid(entity, PHONE, "valid")
            checked.append(entry)
        if len(checked) > MAX_ENTRIES:
            raise invalid(entity, self.attribute, "maxCount")
        return checked

    def check_value(self, entity: str, value: Any) -> str:
        """One address or number as it would be stored; EspoError 400 naming the single field."""
        if self.attribute == PHONE:
            number = phone(value) if isinstance(value, str) else None
            if number is None:
                raise invalid(entity, PHONE, "valid")
            return number
        if not isinstance(value, str) or not email_allowed(value):
            raise invalid(entity, EMAIL, "emailAddress")
        return value

    def same(self, links: Links, checked: list[dict[str, Any]]) -> bool:
        """Only exactly the objects read back, in the order read, are no change (§3.3)."""
        return checked == self.read(links)

    def store_list(self, who: tuple[str, str], links: Links, checked: list[dict[str, Any]]) -> Links:
        """Replace the record's list whole; the shared objects take the sent flags or their defaults."""
        flagged = [number for number, one in enumerate(checked) if one.get("primary")]
        primary_at = flagged[-1] if flagged else 0
        wanted: dict[str, tuple[dict[str, Any], bool]] = {}
        for number, one in enumerate(checked):
            # the last entry of a duplicate wins, its `primary` included: possibly none is left
            wanted[self.key(one[self.attribute])] = (one, number == primary_at)
        keys = [key for key in links.keys if key in wanted]
        keys += [key for key in wanted if key not in links.keys]
        primary = next((key for key, (_, is_primary) in wanted.items() if is_primary), None)
        for key, (one, _) in wanted.items():
            self.shared[key] = Shared(
                one[self.attribute],
                one.get("type") or DEFAULT_TYPE,
                bool(one.get("optOut")),
                bool(one.get("invalid")),
            )
        return self._relink(who, links, Links(keys, primary))

    def store_single(self, who: tuple[str, str], links: Links, value: str | None) -> Links:
        """Replace the primary entry alone; None removes it and leaves the rest without a primary."""
        keys = [key for key in links.keys if key != links.primary]
        if value is None:
            return self._relink(who, links, Links(keys, None))
        key = self.key(value)
        known = self.shared.setdefault(key, Shared(value))
        known.text = value
        if key not in keys:
            keys.append(key)
        return self._relink(who, links, Links(keys, key))

    def forget(self, who: tuple[str, str], links: Links) -> None:
        """The record was deleted: its values no longer make duplicates."""
        for key in links.keys:
            self.holders[key].discard(who)

    def remember(self, who: tuple[str, str], links: Links) -> None:
        """The record is (again) there."""
        for key in links.keys:
            self.holders[key].add(who)

    def key(self, value: str) -> str:
        """What makes two values the same shared object."""
        return value.lower()

    def sent_single(self, checked: list[Mapping[str, Any]] | list[dict[str, Any]]) -> str | None:
        """The single field that belongs to a sent list."""
        flagged = [one for one in checked if one.get("primary")] or list(checked[:1])
        return str(flagged[-1][self.attribute]) if flagged else None

    def _relink(self, who: tuple[str, str], old: Links, new: Links) -> Links:
        self.forget(who, old)
        self.remember(who, new)
        return new

    def _entry(self, key: str, primary: bool) -> dict[str, Any]:
        one = self.shared[key]
        if self.attribute == EMAIL:
            return {
                "emailAddress": one.text,
                "lower": key,
                "primary": primary,
                "optOut": one.opt_out,
                "invalid": one.invalid,
            }
        return {
            "phoneNumber": one.text,
            "type": one.type,
            "primary": primary,
            "optOut": one.opt_out,
            "invalid": one.invalid,
        }

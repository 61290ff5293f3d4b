"""Addresses and accounts in the demonstration: what both systems' values mean, and what people did to them. Pure.

Has a view of the fields of its own, written down from the documents: what judges the engine must not share its code.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from syncd.sandbox.sandbox import ESPO

ADDRESS, ACCOUNT = "CAdressen", "CBankverbindungen"
LISTS = {ADDRESS: "adressen", ACCOUNT: "bankkverbindungen"}
"""entity in EspoCRM -> list of a Beteiligter in Advoware"""
FIELDS = {
    ADDRESS: {
        "adresseStreet": "strasse",
        "adressePostalCode": "plz",
        "adresseCity": "ort",
        "anschrift": "anschrift",
        "adresseCountry": "land",
        "postfach": "postfach",
        "postfachPlz": "postfachPLZ",
        "standard": "standardAnschrift",
        "bemerkung": "bemerkung",
        "gueltigVon": "gueltigVon",
        "gueltigBis": "gueltigBis",
    },
    ACCOUNT: {"iban": "iban", "bic": "bic", "bankname": "bank", "kontoinhaber": "kontoinhaber"},
}
"""attribute in EspoCRM -> attribute in Advoware"""
CHANGEABLE = frozenset(("adresseStreet", "adressePostalCode", "adresseCity", "anschrift", "iban"))
"""what a change of in EspoCRM can reach Advoware; of all else a Task tells"""
MARK = re.compile(r"^\[ESPOCRM:[^\]]*\]\s*")

Shown = Mapping[str, str | None]


def meaning(name: str, raw: Any) -> str | None:
    """What a raw value of either system means to a reader, by EspoCRM's name of the attribute."""
    if name == "standard":
        return "yes" if raw else None
    text = unicodedata.normalize("NFC", "" if raw is None else str(raw)).replace("\r\n", "\n").strip()
    if name in ("gueltigVon", "gueltigBis"):
        text = text[:10]
    if name == "bemerkung":
        text = MARK.sub("", text)
    if name in ("iban", "bic"):
        text = text.replace(" ", "").upper()
    return text or None


def shown(kind: str, side: str, body: Mapping[str, Any]) -> dict[str, str | None]:
    """All an address or account says in one system, by EspoCRM's names."""
    return {espo: meaning(espo, body.get(espo if side == ESPO else there)) for espo, there in FIELDS[kind].items()}


@dataclass(frozen=True)
class ChildEdit:
    """One value a person entered into an address or account of `parent`, by EspoCRM's name of the attribute.

    `child` is the id in that system, `before` what that person saw there.
    """

    at: float
    side: str
    parent: str
    kind: str
    child: str
    name: str
    value: str | None
    before: str | None

    def __str__(self) -> str:
        label = "EspoCRM" if self.side == ESPO else "Advoware"
        return f"{label} {self.kind} {self.child} of {self.parent} {self.name}: {self.before!r} → {self.value!r}"


def edits(at: float, side: str, parent: str, kind: str, child: str, before: Shown, after: Shown) -> Iterator[ChildEdit]:
    """What differs, as edits of a person."""
    for name, value in after.items():
        if value != before.get(name):
            yield ChildEdit(at, side, parent, kind, child, name, value, before.get(name))


def rows(kind: str, beteiligter: Mapping[str, Any] | None) -> list[Mapping[str, Any]]:
    """The list of a Beteiligter as Advoware has it."""
    return list((beteiligter or {}).get(LISTS[kind]) or ())


def raw_body(side: str, kind: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Values by EspoCRM's names as one system calls them."""
    return dict(values) if side == ESPO else {FIELDS[kind][name]: value for name, value in values.items()}

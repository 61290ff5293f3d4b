"""What Advoware's objects are made of, and what its documents leave open (advoware.md §3-6). Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

BERLIN = ZoneInfo("Europe/Berlin")
WRITABLE = ("name", "vorname", "rechtsform", "titel", "anrede", "bAnrede", "zusatz", "geburtsdatum")
STORED = (*WRITABLE, "handelsRegisterNummer", "registergericht")
KOMMUNIKATION_WRITABLE = ("tlf", "bemerkung", "online")
ADRESSE_WRITABLE = ("strasse", "plz", "ort", "anschrift")
ADRESSE_STORED = (
    *ADRESSE_WRITABLE,
    "land",
    "postfach",
    "postfachPLZ",
    "standardAnschrift",
    "bemerkung",
    "gueltigVon",
    "gueltigBis",
)
BANK_STORED = ("iban", "bic", "bank", "kontoinhaber")
COPIES = {
    "telGesch": (1,),
    "faxGesch": (2,),
    "mobil": (3,),
    "emailGesch": (4,),
    "email": (4, 8),
    "internet": (5,),
    "telPrivat": (6,),
    "faxPrivat": (7,),
    "autoTelefon": (9,),
    "ePost": (11,),
    "bea": (12,),
}
"""Read-only convenience copies of a Beteiligter and the kommKz they are taken from."""
LETTERS = bytes(ord("A") + byte % 26 for byte in range(256))
CHILD_LISTS = ("kommunikation", "adressen", "bankkverbindungen")


@dataclass
class Switches:
    """What is not known of the live system, to be tried both ways."""

    put_keeps_missing: bool = False
    """a PUT keeps fields that are missing from its body (else it blanks them: whole object)"""
    reads_as_list: bool = False
    """a GET of one Beteiligter answers a list with the one object"""
    writes_answer: str = "object"
    """POST and PUT answer "object", "list" or "empty\""""
    search: str = "on"
    """"on", "ignored" (parameters have other names: all rows come) or "off" (404)"""
    search_limit: int = 100
    bemerkung_max: int | None = None
    """a longer bemerkung is cut silently"""
    empty_tlf: str | None = ""
    """how an emptied tlf reads back"""
    kommkz_reads_back: bool = False
    """False: every kommKz reads 0, as observed"""


@dataclass
class Beteiligter:
    """One Beteiligter; children are dicts with their own rowId."""

    values: dict[str, Any]
    children: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: {name: [] for name in CHILD_LISTS})


class Missing(Exception):
    """404: no such Beteiligter or child."""


class Rejected(Exception):
    """400: a value the server cannot store."""


@lru_cache(maxsize=4096)
def berlin(epoch: int) -> str:
    """Europe/Berlin local time without a zone."""
    return datetime.fromtimestamp(epoch, BERLIN).strftime("%Y-%m-%dT%H:%M:%S")


def stored(names: Iterable[str], body: Mapping[str, Any]) -> dict[str, Any]:
    """The named fields as stored; dates become midnight without a zone."""
    values = {name: body.get(name) for name in names}
    for name in ("geburtsdatum", "gueltigVon", "gueltigBis"):
        if values.get(name):
            values[name] = _midnight(values[name])
    return values


def _midnight(value: Any) -> str:
    try:
        return datetime.fromisoformat(str(value)).strftime("%Y-%m-%dT00:00:00")
    except ValueError:
        raise Rejected("Ungültiges Datum.") from None


def copies(one: Beteiligter) -> dict[str, Any]:
    """Phone, e-mail and address copies a GET carries."""
    shown: dict[str, Any] = dict.fromkeys(COPIES)
    for name, kinds in COPIES.items():
        for child in one.children["kommunikation"]:
            if child["kommKz"] in kinds and (child["tlf"] or "").strip():
                shown[name] = child["tlf"]
                break
    adressen = one.children["adressen"]
    standard = next((child for child in adressen if child["standardAnschrift"]), adressen[0] if adressen else {})
    return shown | {name: standard.get(name) for name in ("strasse", "plz", "ort", "land", "anschrift", "postfach")}

"""The Beteiligte: a client, opponent or company known to the firm.

Fields as in the EspoCRM entity `CBeteiligte` and Advoware's `Beteiligter`. Advoware's PUT really
changes eight of them; register number and court reach it only by POST.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mappers.adressen import ADRESSEN
from mappers.bankverbindungen import BANKVERBINDUNGEN
from mappers.kommunikation import KOMMUNIKATION
from mappers.normal import DAY, TEXT, blank_for_none, phone_or_mail, synonyms
from mappers.shape import Kind, Made, Shape, Words, line
from mappers.spec import Can, Codec, Entity, Field, Role, Side

_parse_salutation, _render_salutation = synonyms(preferred={"Mr.": "Herr", "Ms.": "Frau"}, also={"Mrs.": "Frau"})
SALUTATION = Codec("salutation", _parse_salutation, _parse_salutation, _render_salutation, blank_for_none)


_REACHABLE_IN_ADVOWARE = ("telGesch", "telPrivat", "mobil", "email", "emailGesch")


def reachable_at(side: Side, body: Mapping[str, Any]) -> frozenset[str]:
    """Phones and e-mails of a record in comparable form; search rows carry only the convenience copies."""
    if side is Side.ESPO:
        values = [entry.get("phoneNumber") for entry in body.get("phoneNumberData") or ()]
        values += [entry.get("emailAddress") for entry in body.get("emailAddressData") or ()]
    else:
        values = [entry.get("tlf") for entry in body.get("kommunikation") or ()]
        values += [body.get(name) for name in _REACHABLE_IN_ADVOWARE]
    return frozenset(form for form in map(phone_or_mail, values) if form is not None)


BETEILIGTE = Entity(
    name="beteiligte",
    espo_type="CBeteiligte",
    advoware_path="api/v1/advonet/Beteiligte",
    link="betnr",
    advoware_id="betNr",
    fields=(
        Field("name", "lastName", "name", TEXT, role=Role.NAME),
        Field("vorname", "firstName", "vorname", TEXT, role=Role.FIRST_NAME),
        Field("rechtsform", "rechtsform", "rechtsform", TEXT, shape=line("Rechtsform", "Legal Form", 100)),
        Field("anrede", "salutationName", "anrede", SALUTATION),
        Field("titel", "titel", "titel", TEXT, shape=line("Titel", "Academic Title", 100)),
        Field("zusatz", "zusatz", "zusatz", TEXT, shape=line("Zusatz", "Name Suffix", 255)),
        Field("briefanrede", "briefanrede", "bAnrede", TEXT, shape=line("Briefanrede", "Letter Salutation", 255)),
        Field(
            "geburtsdatum",
            "geburtsdatum",
            "geburtsdatum",
            DAY,
            role=Role.BORN,
            shape=Shape(Words("Geburtsdatum", "Date of Birth"), Kind.DAY),
        ),
        Field(
            "handelsregisternummer",
            "handelsregisterNummer",
            "handelsRegisterNummer",
            TEXT,
            Can.CREATE_ONLY,
            Role.REGISTER,
            shape=line("Handelsregisternummer", "Register Number", 100),
        ),
        Field(
            "registergericht",
            "registergericht",
            "registergericht",
            TEXT,
            can=Can.CREATE_ONLY,
            shape=line("Registergericht", "Register Court", 100),
        ),
    ),
    reachable_at=reachable_at,
    lists=(KOMMUNIKATION,),
    children=(ADRESSEN, BANKVERBINDUNGEN),
    made=Made(
        "Person",
        Words("Beteiligter", "Party"),
        Words("Beteiligte", "Parties"),
        Shape(Words("Advoware-Nummer", "Advoware Number"), Kind.NUMBER),
    ),
)

"""The bank accounts of a Beteiligter: EspoCRM's `CBankverbindungen`, Advoware's list `bankkverbindungen` (double k).

Advoware's interface creates accounts and does no more. Another IBAN is another account: it is created, and the old one
is left to a person. What EspoCRM keeps besides (`istAktiv`, `istStandard`) has no counterpart there.
"""

from __future__ import annotations

from collections.abc import Mapping

from mappers.normal import BIC, IBAN, TEXT
from mappers.shape import Kind, Made, Parent, Shape, Words, line
from mappers.spec import Can, Child, Entity, Field, Policy, Raw, Role, StatusFields


def _place(row: Mapping[str, Raw]) -> str:
    return f"IBAN {row.get('iban') or '?'}"


BANKVERBINDUNGEN = Entity(
    name="bankverbindungen",
    espo_type="CBankverbindungen",
    advoware_path="",
    link="advowareKontoId",
    advoware_id="id",
    fields=(
        Field(
            "iban", "iban", "iban", IBAN, Can.REPLACE, Role.NAME,
            policy=Policy.MANUAL, shape=line("IBAN", "IBAN", 50),
        ),
        Field("bic", "bic", "bic", BIC, Can.CREATE_ONLY, shape=line("BIC", "BIC", 20)),
        Field("bank", "bankname", "bank", TEXT, Can.CREATE_ONLY, shape=line("Bank", "Bank", 255)),
        Field(
            "kontoinhaber", "kontoinhaber", "kontoinhaber", TEXT, Can.CREATE_ONLY,
            shape=line("Kontoinhaber", "Account Holder", 255),
        ),
    ),
    reachable_at=lambda side, body: frozenset(),
    status=StatusFields(error="", retries="", next_retry="", auto_reset=""),
    made=Made(
        "Base",
        Words("Bankverbindung", "Bank Account"),
        Words("Bankverbindungen", "Bank Accounts"),
        Shape(Words("Advoware-Konto", "Advoware Account"), Kind.NUMBER),
        parent=Parent("beteiligte", "bankverbindungen", "beteiligter"),
    ),
    child=Child(
        parent="beteiligte",
        espo="beteiligterId",
        advoware="bankkverbindungen",
        path="Bankverbindungen",
        index=None,
        alike=(("iban", "kontoinhaber"), ("iban",)),
        title=("iban", "kontoinhaber"),
        words=Words("Bankverbindungen", "Bankverbindungen"),
        place=_place,
    ),
)  # fmt: skip

"""Invented German Beteiligte, the same for the same seed, consistent in both stand-in systems.

Written straight into the worlds' tables: 100,000 take half a minute. Nobody is told: no webhook, no call is logged.
"""

from __future__ import annotations

import base64
import hashlib
import random
from dataclasses import dataclass
from typing import Any

from stdnum.iso7064 import mod_97_10

from syncd.sandbox.advoware_model import Beteiligter, berlin
from syncd.sandbox.advoware_world import AdvowareWorld
from syncd.sandbox.espocrm_table import Row
from syncd.sandbox.espocrm_values import stamp
from syncd.sandbox.espocrm_world import EspoWorld

FIRST = (
    ("Frau", ("Änne", "Birgit", "Clara", "Fatma", "Jördis", "Käthe", "Lena", "Marie-Luise", "Sophie", "Zoë")),
    ("Herr", ("Bernd", "Çem", "Günther", "Jürgen", "Karl-Heinz", "Luca", "Mehmet", "Øyvind", "Paul", "René")),
)
LAST = (
    "Müller",
    "Schmidt",
    "Weiß",
    "Groß",
    "Müller-Lüdenscheidt",
    "von der Heide",
    "Yılmaz",
    "Łuczak",
    "Böhm",
    "Öztürk",
    "Schröder",
    "O'Connor",
    "Jäger",
    "Köhler",
    "Straßburger",
    "Dvořák",
    "Krüger",
    "Hoffmann",
    "Bauer",
    "Núñez",
)
FORMS = ("GmbH", "GmbH & Co. KG", "AG", "UG (haftungsbeschränkt)", "KG", "e.K.", "e.V.", "PartG mbB")
BRANCHES = ("Bau", "Handel", "Logistik", "Energie", "Wohnen", "Maschinen", "Gärten", "Fürsorge")
TOWNS = (
    ("30159", "Hannover"),
    ("80331", "München"),
    ("50667", "Köln"),
    ("01067", "Dresden"),
    ("28195", "Bremen"),
)
STREETS = ("Hauptstraße", "Lindenallee", "Am Mühlbach", "Königsweg", "Schloßgasse")
SALUTATIONS = {"Herr": "Mr.", "Frau": "Ms."}
YEAR = 365 * 86_400.0


@dataclass(frozen=True)
class Person:
    """One invented Beteiligter: fields as Advoware names them, and contacts."""

    values: dict[str, Any]
    kommunikation: tuple[tuple[int, str], ...]
    adresse: dict[str, Any]
    bank: dict[str, Any]
    number: int


def invent(rng: random.Random, number: int) -> Person:
    """The person or company with this number."""
    company = rng.random() < 0.25
    values: dict[str, Any] = dict.fromkeys(
        ("titel", "zusatz", "geburtsdatum", "handelsRegisterNummer", "registergericht")
    )
    plz, town = rng.choice(TOWNS)
    if company:
        form = rng.choice(FORMS)
        name = f"{rng.choice(LAST)} {rng.choice(BRANCHES)} {number} {form}"
        values |= {"name": name, "vorname": None, "anrede": None, "rechtsform": form}
        values |= {"bAnrede": "Sehr geehrte Damen und Herren,", "registergericht": town}
        values["handelsRegisterNummer"] = f"HRB {10_000 + number}"
    else:
        anrede, names = rng.choice(FIRST)
        name = f"{rng.choice(LAST)}-{number}" if rng.random() < 0.1 else rng.choice(LAST)
        lead = "Sehr geehrter Herr" if anrede == "Herr" else "Sehr geehrte Frau"
        values |= {"name": name, "vorname": rng.choice(names), "anrede": anrede, "rechtsform": anrede}
        values |= {"bAnrede": f"{lead} {name},", "titel": rng.choice((None, None, None, "Dr.", "Prof. Dr."))}
        day = f"{rng.randint(1935, 2005)}-{rng.randint(1, 12):02d}-{rng.randint(1, 28):02d}"
        values["geburtsdatum"] = f"{day}T00:00:00"
    contacts = [(1, f"+49511{1_000_000 + number}"), (4, f"beteiligter{number}@example.org")]
    if rng.random() < 0.6:
        contacts.append((3, f"+49171{2_000_000 + number}"))
    street = f"{rng.choice(STREETS)} {rng.randint(1, 99)}"
    letter = f"{name}\r\n{street}\r\n{plz} {town}"
    adresse = {
        "strasse": street,
        "plz": plz,
        "ort": town,
        "land": "D",
        "anschrift": letter,
        "standardAnschrift": True,
    }
    account = f"25050000{number:010d}"
    check = mod_97_10.calc_check_digits(f"{account}DE")
    bank = {"iban": f"DE{check}{account}", "bic": "SANDDEFFXXX", "bank": "Sandkasse", "kontoinhaber": name}
    return Person(values, tuple(contacts), adresse, bank, number)


class Seeder:
    """Fills both worlds; each call goes on where the last stopped."""

    def __init__(self, espo: EspoWorld, advoware: AdvowareWorld, seed: int) -> None:
        self.espo = espo
        self.advoware = advoware
        self.seed = seed
        self.number = 0

    def synced(self, count: int) -> list[tuple[str, int]]:
        """Pairs that agree and are `clean`, with children and markers, as an installation that goes on.

        Returns (EspoCRM id, betNr).
        """
        rows: list[Row] = []
        children: dict[str, list[Row]] = {"CAdressen": [], "CBankverbindungen": []}
        pairs = []
        for person in self._people(count):
            row = self._espo_row(person)
            betnr = self._advoware(person, row.id)
            self._link(row, betnr)
            rows.append(row)
            for name, child in self._espo_children(row.id, betnr):
                children[name].append(child)
            pairs.append((row.id, betnr))
        self._load(rows)
        for name, loaded in children.items():
            self.espo.tables[name].load(loaded)
        return pairs

    def only_espocrm(self, count: int) -> list[str]:
        """Records of a clerk that Advoware does not know yet (`pending_sync`, created now); returns ids."""
        rows = [self._espo_row(person, age=0.0) for person in self._people(count)]
        self._load(rows)
        return [row.id for row in rows]

    def only_advoware(self, count: int) -> list[int]:
        """Beteiligte EspoCRM does not know; returns betNr."""
        return [self._advoware(person, None) for person in self._people(count)]

    def unlinked(self, count: int) -> list[tuple[str, int]]:
        """The same people in both systems, linked by nothing; returns (EspoCRM id, betNr)."""
        people = self._people(count)
        rows = [self._espo_row(person) for person in people]
        self._load(rows)
        return [(row.id, self._advoware(person, None)) for row, person in zip(rows, people, strict=True)]

    def _people(self, count: int) -> list[Person]:
        numbers = range(self.number + 1, self.number + 1 + count)
        self.number += count
        return [invent(random.Random(f"{self.seed}/{number}"), number) for number in numbers]

    def _advoware(self, person: Person, espo_id: str | None) -> int:
        who = self.advoware.people[0]
        betnr: int = self.advoware.create(who, person.values).values["betNr"]
        for kind, value in person.kommunikation:
            marker = f"[ESPOCRM:{base64.b64encode(value.encode()).decode()}:{kind}]" if espo_id else ""
            self.advoware.add_kommunikation(
                who, betnr, {"kommKz": kind, "tlf": value, "bemerkung": marker, "online": kind in (1, 4)}
            )
        self.advoware.add_adresse(who, betnr, person.adresse)
        self.advoware.add_bank(who, betnr, person.bank)
        self.advoware.previous.pop(betnr, None)
        if espo_id:
            self._age(self.advoware.at(betnr))
        return betnr

    def _age(self, one: Beteiligter) -> None:
        """Linked records are a year old in both systems."""
        moment = berlin(int(self.advoware.now() - YEAR))
        one.values |= {"angelegtAm": moment, "geaendertAm": moment}
        for children in one.children.values():
            for child in children:
                child["geaendertAm"] = moment

    def _espo_row(self, person: Person, age: float = YEAR) -> Row:
        world, values = self.espo, person.values
        born = world.now() - age + (person.number if age else 0)
        columns = dict.fromkeys(world.schema["CBeteiligte"].attributes())
        columns |= {
            "firstName": values["vorname"],
            "lastName": values["name"],
            "salutationName": SALUTATIONS.get(values["anrede"] or ""),
            "rechtsform": values["rechtsform"],
            "titel": values["titel"],
            "briefanrede": values["bAnrede"],
            "geburtsdatum": (values["geburtsdatum"] or "")[:10] or None,
            "handelsregisterNummer": values["handelsRegisterNummer"],
            "registergericht": values["registergericht"],
            "syncStatus": "pending_sync",
        }
        columns |= {name: stamp(born) for name in ("createdAt", "modifiedAt", "streamUpdatedAt")}
        columns |= {"createdById": world.clerks["anna"].id, "modifiedById": None}
        columns["name"] = " ".join(part for part in (values["vorname"], values["name"]) if part)
        row = Row(self._id(born), columns)
        if world.schema["CBeteiligte"].optimistic:
            row.version = 1
        who = ("CBeteiligte", row.id)
        phones = [
            {"phoneNumber": value, "type": "Office" if kind == 1 else "Mobile", "primary": kind == 1}
            for kind, value in person.kommunikation
            if kind != 4
        ]
        emails = [{"emailAddress": value, "primary": True} for kind, value in person.kommunikation if kind == 4]
        row.phones = world.phones.store_list(who, row.phones, phones)
        row.emails = world.emails.store_list(who, row.emails, emails)
        return row

    def _id(self, born: float) -> str:
        micros = int(born) * 1_000_000 + self.number
        while True:
            tail = self.espo.rng.randrange(16**4)
            found = f"{micros // 1_000_000:08x}{self.espo.rng.randrange(16**5):05x}{tail:04x}"
            if found not in self.espo.tables["CBeteiligte"].rows:
                return found

    def _link(self, row: Row, betnr: int) -> None:
        one = self.advoware.at(betnr)
        row_ids = sorted(child["rowId"] for child in one.children["kommunikation"])
        row.values |= {
            "betnr": betnr,
            "advowareRowId": one.values["rowId"],
            "advowareLastSync": row.values["modifiedAt"],
            "kommunikationHash": hashlib.md5("".join(row_ids).encode(), usedforsecurity=False).hexdigest()[:16],
            "syncStatus": "clean",
            "modifiedById": self.espo.api_user.id,
        }

    def _espo_children(self, parent: str, betnr: int) -> list[tuple[str, Row]]:
        one = self.advoware.at(betnr)
        adresse, bank = one.children["adressen"][0], one.children["bankkverbindungen"][0]
        shown_adresse = {
            "adresseStreet": adresse["strasse"],
            "adressePostalCode": adresse["plz"],
            "adresseCity": adresse["ort"],
            "adresseCountry": adresse["land"],
            "anschrift": adresse["anschrift"],
            "standard": True,
            "advowareRowId": adresse["rowId"],
        }
        shown_bank = {
            "iban": bank["iban"],
            "bic": bank["bic"],
            "bankname": bank["bank"],
            "kontoinhaber": bank["kontoinhaber"],
            "istAktiv": True,
            "istStandard": True,
            "advowareKontoId": bank["id"],
            "advowareRowId": bank["rowId"],
        }
        adresse_row = self._child("CAdressen", parent, shown_adresse)
        adresse["bemerkung"] = f"[ESPOCRM:{adresse_row.id}]"
        return [
            ("CAdressen", adresse_row),
            ("CBankverbindungen", self._child("CBankverbindungen", parent, shown_bank)),
        ]

    def _child(self, entity: str, parent: str, values: dict[str, Any]) -> Row:
        born = stamp(self.espo.now() - YEAR)
        columns = dict.fromkeys(self.espo.schema[entity].attributes())
        columns |= {**values, "beteiligterId": parent, "syncStatus": "clean", "advowareLastSync": born}
        columns |= {"createdAt": born, "modifiedAt": born, "createdById": self.espo.api_user.id}
        return Row(self._id(self.espo.now() - YEAR), columns)

    def _load(self, rows: list[Row]) -> None:
        self.espo.tables["CBeteiligte"].load(rows)
        for row in rows:
            self.espo.remember_name("CBeteiligte", row)

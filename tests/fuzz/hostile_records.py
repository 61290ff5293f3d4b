"""Two systems whose answers about some records hold, in one field, what no such field ever holds.

The records themselves stay as people typed them: only what is answered is spoiled, in every answer about the record,
until the spell is lifted.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx

import config
from syncd.app import App, build
from tests.secrecy.marks import MarkedWorld

ENTRY = "entry "  # before the name of a field: that of the first entry of a list

ESPO_FIELDS = (
    *("lastName", "firstName", "rechtsform", "salutationName", "titel", "zusatz", "briefanrede", "geburtsdatum"),
    *("handelsregisterNummer", "registergericht", "betnr", "emailAddressData", "phoneNumberData", "kommunikationHash"),
    *("syncStatus", "advowareLastSync", "advowareRowId", "syncErrorMessage", "syncRetryCount", "syncNextRetry"),
    *("syncAutoResetAt", "modifiedById", "createdAt", "createdById", "assignedUserId", "deleted", "id"),
    *("modifiedAt", "versionNumber", "modifiedByName", "assignedUserName"),
    *(f"{ENTRY}{name}" for name in ("phoneNumber", "emailAddress", "type", "primary", "optOut", "invalid")),
)
ADVOWARE_FIELDS = (
    *("name", "vorname", "rechtsform", "anrede", "titel", "zusatz", "bAnrede", "geburtsdatum", "registergericht"),
    *("handelsRegisterNummer", "betNr", "rowId", "geaendertAm", "geaendertVon", "angelegtAm", "angelegtVon"),
    *("kommunikation", "adressen", "bankkverbindungen", "telGesch", "mobil", "email", "id"),
    *(f"{ENTRY}{name}" for name in ("id", "tlf", "kommKz", "bemerkung", "online", "rowId", "kommArt")),
)
LISTS = ("phoneNumberData", "emailAddressData", "kommunikation")
ABSENT = object()  # the field is left out
TIMES = ("modifiedAt", "versionNumber", "geaendertAm", "advowareLastSync")  # older ones look like a restored backup

deep: Any = 1
for _ in range(300):
    deep = [deep]
VALUES: dict[str, Any] = {
    "left out": ABSENT,
    "null": None,
    "true": True,
    "false": False,
    "zero": 0,
    "minus": -7,
    "huge": 10**30,
    "huger": 10**400,
    "fraction": 0.1,
    "great fraction": 1e300,
    "blank": "",
    "NUL": "Geheim\x00name",
    "half a letter": "Geheim\ud800",
    "odd letters": "\u202eGeheim\u200b\U0001f469\u200d\u2696\ufe0f",
    "long": "Geheim" * 500,
    "very long": "Geheim " * 20_000,
    "blanks": "0" + " " * 9_000 + "Geheim",
    "markup": "<b>Geheim</b>{{geheim}}%s%n\r\nX: geheim",
    "no day": "1911-13-45",
    "number as text": " 1e5 ",
    "list": ["Geheim"],
    "empty list": [],
    "object": {"geheim": "Geheim"},
    "empty object": {},
    "list of nothing": [None, 7, True],
    "list of lists": [[["Geheim"]]],
    "list of objects": [{"geheim": ["Geheim"]}, {}],
    "deep": deep,
    "other marker": "[ESPOCRM:////:1] [ESPOCRM-SLOT:99]",
}
"""What a field may hold, by what it is."""


@dataclass(frozen=True)
class Spell:
    """Which field of which side's answers about a record is spoiled, and how."""

    side: str
    field: str
    value: str

    def __str__(self) -> str:
        return f"{self.side}.{self.field} is {self.value}"

    def cast(self, record: dict[str, Any]) -> None:
        """Spoil the record."""
        if not self.field.startswith(ENTRY):
            self._spoil(record, self.field)
            return
        name = self.field.removeprefix(ENTRY)
        for entries in (record.get(one) for one in LISTS):
            if isinstance(entries, list) and entries and (name in entries[0] or self.side == "advoware"):
                self._spoil(entries[0], name)
                return

    def _spoil(self, where: dict[str, Any], name: str) -> None:
        value = VALUES[self.value]
        if value is ABSENT:
            where.pop(name, None)
        else:
            where[name] = value


class Spoiling(httpx.AsyncBaseTransport):
    """Casts the spells on what comes through. `named` is the field that says whose record it is."""

    def __init__(self, inner: httpx.AsyncBaseTransport, named: str, spells: dict[Any, Spell]) -> None:
        self.inner = inner
        self.named = named
        self.spells = spells

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await self.inner.handle_async_request(request)
        if not self.spells or response.status_code != 200:
            return response
        content = await response.aread()
        try:
            body = json.loads(content)
        except ValueError:
            body = None
        met = False
        for record in _records(body):
            name = record.get(self.named)
            spell = self.spells.get(name) if isinstance(name, str | int) else None
            if spell is not None:
                spell.cast(record)
                met = True
        if met:
            content = json.dumps(body).encode()
        headers = [(name, value) for name, value in response.headers.raw if name.lower() != b"content-length"]
        return httpx.Response(200, headers=headers, content=content, request=request)


def _records(body: Any) -> Iterator[dict[str, Any]]:
    """The records of an answer: itself, or those of its list."""
    found = body.get("list", [body]) if isinstance(body, dict) else body
    yield from (one for one in found or () if isinstance(one, dict)) if isinstance(found, list) else ()


class SpoiledWorld(MarkedWorld):
    """A marked world in which spells can be cast on records, by EspoCRM's id or the Beteiligter's number."""

    def __init__(self, directory: Path, out: io.StringIO) -> None:
        super().__init__(directory, out)
        self.spells: dict[str, dict[Any, Spell]] = {"espocrm": {}, "advoware": {}}

    def daemon(self, owner: str = "one") -> App:
        app = super().daemon(owner)
        espo, advoware = app.parts.espo_transport, app.parts.advoware_transport
        assert espo is not None
        assert advoware is not None
        parts = replace(
            app.parts,
            espo_transport=Spoiling(espo, "id", self.spells["espocrm"]),
            advoware_transport=Spoiling(advoware, "betNr", self.spells["advoware"]),
        )
        return build(self.settings, config.Mapping(), parts)

    def lift(self) -> None:
        """Answers are honest again."""
        for spells in self.spells.values():
            spells.clear()

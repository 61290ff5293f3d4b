"""What people can do to phones and e-mails in the demonstration: lists in EspoCRM, entries in Advoware.

Each act is done and written down in one go. Knows both systems' screens and the diary, nothing of the daemon.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

from syncd.sandbox.demo_diary import LABELS, Diary, Did
from syncd.sandbox.reachability import LISTS, living, marker, meaning, user_text
from syncd.sandbox.sandbox import ADVOWARE, ESPO

PHONES, EMAILS = LISTS
Entry = Mapping[str, Any]


class Unused:
    """Numbers and addresses, each given out once only, as people of one system spell them."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.given = 0

    def number(self) -> int:
        """The next one."""
        self.given += 1
        return self.given

    def landline(self, side: str) -> str:
        """`+495115000012` or `0511/50000-12`."""
        digits = str(5_000_000 + self.number())
        return f"+49511{digits}" if side == ESPO else f"0511/{digits[:5]}-{digits[5:]}"

    def mobile(self, side: str) -> str:
        """`+491763000012` or `0176 3000012`."""
        digits = str(3_000_000 + self.number())
        return f"+49176{digits}" if side == ESPO else f"0176 {digits}"

    def mail(self) -> str:
        """Spelled alike in both."""
        return f"kanzlei{self.number()}@example.org"

    def either(self, side: str, phone: bool) -> str:
        """A number of some kind, or an address."""
        if not phone:
            return self.mail()
        return self.mobile(side) if self.rng.random() < 0.3 else self.landline(side)


class Numbers:
    """Acts on the phones and e-mails of records; a value is named by its meaning, an Advoware entry by its id."""

    def __init__(self, diary: Diary) -> None:
        self.diary = diary
        self.espo = diary.sandbox.people.espo
        self.advoware = diary.sandbox.people.advoware

    # --- a clerk in EspoCRM ---------------------------------------------------------------------

    def shown(self, record: str, data: str) -> list[dict[str, Any]]:
        """One of the two lists as the form shows it."""
        return [dict(one) for one in self.diary.espo(record)[data]]

    def add(self, record: str, raw: str, kind: str | None, by: str) -> None:
        """A further line: a phone of this type, or with None an e-mail."""
        data = EMAILS if kind is None else PHONES
        entries = self.shown(record, data)
        new: dict[str, Any] = {LISTS[data]: raw, "primary": not entries}
        self._save(record, data, [*entries, new | ({"type": kind} if kind else {})], by)
        self._wrote(record, None, raw, Did.ADDED, kind)
        self._tell(ESPO, record, by, f"adds {raw}")

    def change(self, record: str, value: str, raw: str, by: str) -> None:
        """Another value in the same line."""
        data, entries, line = self._line(record, value)
        line[LISTS[data]] = raw
        self._save(record, data, entries, by)
        self._wrote(record, value, raw, Did.CHANGED, line.get("type"))
        self._tell(ESPO, record, by, f"{value} is now {raw}")

    def remove(self, record: str, value: str, by: str) -> None:
        """The line is taken out; the form makes the next one primary where it was the primary one."""
        data, entries, line = self._line(record, value)
        rest = [one for one in entries if one is not line]
        if line["primary"] and rest:
            rest[0]["primary"] = True
        self._save(record, data, rest, by)
        self.diary.note_number(ESPO, record, value, None, Did.REMOVED)
        if line["primary"] and rest:
            self._stays(record, rest[0][LISTS[data]], Did.PREFERRED)
        self._tell(ESPO, record, by, f"removes {value}")

    def retype(self, record: str, value: str, kind: str, by: str) -> None:
        """The same number, another type."""
        data, entries, line = self._line(record, value)
        line["type"] = kind
        self._save(record, data, entries, by)
        self._stays(record, line[LISTS[data]], Did.RETYPED, kind)
        self._tell(ESPO, record, by, f"{value} is {kind}")

    def prefer(self, record: str, value: str, by: str) -> None:
        """Another line is the primary one."""
        data, entries, line = self._line(record, value)
        for one in entries:
            one["primary"] = one is line
        self._save(record, data, entries, by)
        self._stays(record, line[LISTS[data]], Did.PREFERRED)
        self._tell(ESPO, record, by, f"{value} is the first one")

    # --- somebody in Advoware -------------------------------------------------------------------

    def entries(self, record: str) -> list[Entry]:
        """What Advoware lists; nothing where there is no Beteiligter."""
        return list((self.diary.advoware(record) or {}).get("kommunikation", ()))

    def entry_of(self, record: str, value: str) -> Entry:
        """The living entry with this meaning; KeyError if there is none."""
        return {str(meaning(one["tlf"])): one for one in living(self.diary.advoware(record) or {})}[value]

    def slots(self, record: str) -> list[Entry]:
        """Entries that were emptied for a number EspoCRM no longer has."""
        found = []
        for one in self.entries(record):
            mark = marker(one["bemerkung"])
            if mark is not None and mark.value is None and meaning(one["tlf"]) is None:
                found.append(one)
        return found

    def enter(self, record: str, raw: str, kommkz: int, by: str, text: str = "") -> None:
        """A further entry, spelled as people spell."""
        body = {"kommKz": kommkz, "tlf": raw, "bemerkung": text, "online": False}
        number = self.advoware.add_kommunikation(self._betnr(record), body, by=by)
        self.diary.note_number(ADVOWARE, record, None, raw, Did.ADDED, raw=raw, entry=number, text=text)
        self._tell(ADVOWARE, record, by, f"adds {raw}")

    def correct(self, record: str, entry: Entry, raw: str, by: str) -> None:
        """Another value in the same entry; an empty one is typed into."""
        old, did = entry["tlf"], Did.ADDED if meaning(entry["tlf"]) is None else Did.CHANGED
        self.advoware.edit_kommunikation(self._betnr(record), entry["id"], {"tlf": raw}, by=by)
        text = user_text(entry["bemerkung"])
        self.diary.note_number(ADVOWARE, record, old, raw, did, raw=raw, entry=entry["id"], text=text)
        self._tell(ADVOWARE, record, by, f"{old or 'a free slot'} is now {raw}")

    def empty(self, record: str, entry: Entry, by: str) -> None:
        """The value is rubbed out, the entry stays."""
        self.advoware.edit_kommunikation(self._betnr(record), entry["id"], {"tlf": ""}, by=by)
        self.diary.note_number(ADVOWARE, record, entry["tlf"], None, Did.REMOVED, raw="", entry=entry["id"])
        self._tell(ADVOWARE, record, by, f"empties {entry['tlf']}")

    def strike(self, record: str, entry: Entry, by: str) -> None:
        """The entry is deleted, as only people can."""
        self.advoware.remove_child(self._betnr(record), "kommunikation", entry["id"])
        self.diary.note_number(ADVOWARE, record, entry["tlf"], None, Did.REMOVED, entry=entry["id"])
        self._tell(ADVOWARE, record, by, f"deletes {entry['tlf']}")

    def annotate(self, record: str, entry: Entry, text: str, by: str) -> None:
        """Text into the bemerkung, behind the marker where there is one."""
        old = str(entry["bemerkung"] or "")
        before = old[: len(old) - len(user_text(old))].rstrip()
        whole = f"{before} {text}" if before else text
        self.advoware.edit_kommunikation(self._betnr(record), entry["id"], {"bemerkung": whole}, by=by)
        value = entry["tlf"]
        self.diary.note_number(ADVOWARE, record, value, value, Did.NOTED, entry=entry["id"], text=text)
        self._tell(ADVOWARE, record, by, f"{value}: {text}")

    # --- inside -----------------------------------------------------------------------------------

    def _line(self, record: str, value: str) -> tuple[str, list[dict[str, Any]], dict[str, Any]]:
        """(list, all its lines, the line with this meaning); KeyError."""
        for data, name in LISTS.items():
            entries = self.shown(record, data)
            for one in entries:
                if meaning(one[name]) == value:
                    return data, entries, one
        raise KeyError(value)

    def _save(self, record: str, data: str, entries: list[dict[str, Any]], by: str) -> None:
        self.espo.edit(record, {data: entries}, by=by)

    def _wrote(self, record: str, before: str | None, raw: str, did: Did, kind: str | None) -> None:
        data, _, line = self._line(record, str(meaning(raw)))
        self.diary.note_number(ESPO, record, before, raw, did, raw=line[LISTS[data]], kind=kind)

    def _stays(self, record: str, raw: str, did: Did, kind: str | None = None) -> None:
        self.diary.note_number(ESPO, record, raw, raw, did, raw=raw, kind=kind)

    def _betnr(self, record: str) -> int:
        betnr = self.diary.betnr(record)
        assert betnr is not None
        return betnr

    def _tell(self, side: str, record: str, by: str, what: str) -> None:
        self.diary.tell(f"{by} · {LABELS[side]} · {self.diary.espo(record)['name']}: {what}")

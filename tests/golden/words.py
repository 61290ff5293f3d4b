"""A plan in the words of a clerk."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, assert_never

from mappers.adressen import ADRESSEN
from mappers.bankverbindungen import BANKVERBINDUNGEN
from mappers.beteiligte import BETEILIGTE
from mappers.kommunikation import KOMMUNIKATION, MAILS, TYPES, VALUES, form, split
from mappers.spec import Canonical, Side
from syncd.entries import TWIN_STAYS
from syncd.messages import sentence
from syncd.model import (
    Action,
    Agree,
    Ask,
    Base,
    Bear,
    Bury,
    Create,
    Dispute,
    EntryWrite,
    FieldWrite,
    Hold,
    Ignore,
    Keep,
    Link,
    Missed,
    Notice,
    Quarantine,
    Retire,
    Settle,
    Trust,
    Update,
    Vanished,
    Wait,
    WriteEntry,
)
from tests.golden.numbers import WORDS

FIELDS = {field.name: field for one in (BETEILIGTE, ADRESSEN, BANKVERBINDUNGEN) for field in one.fields}
SYSTEM = {Side.ESPO: "EspoCRM", Side.ADVOWARE: "Advoware"}
TRUST = {
    Trust.OWN: "selbst angelegt",
    Trust.CONFIRMED: "bestätigt",
    Trust.UNCONFIRMED: "unbestätigt",
}
TYPE_WORDS = {TYPES[kind]: WORDS[kind] for kind in (1, 2, 3, 6, 10)}


def told(actions: Sequence[Action]) -> list[str]:
    """One line for each thing that is done; an empty plan is `nichts zu tun`. No reason is given twice.

    While something waits for time, nothing is said of a status.
    """
    lines: list[str] = []
    waits = any(isinstance(action, Wait) for action in actions)
    for line in (line for action in actions for line in _lines(action) if not (waits and isinstance(action, Settle))):
        if not (line.startswith("  ") and any(said.endswith(line.strip()) for said in lines)):
            lines.append(line)
    return lines or ["nichts zu tun"]


def _lines(action: Action) -> list[str]:
    match action:
        case Ignore():
            return ["gehört nicht dazu, wird nicht angerührt"]
        case Vanished():
            return ["in EspoCRM nicht gefunden, eine vollständige Liste muss es bestätigen"]
        case Bury():
            return ["in EspoCRM gelöscht, in Advoware bleibt alles"]
        case Missed():
            return ["in Advoware nicht gefunden, wird später noch einmal nachgesehen"]
        case Hold(_, notice):
            return [f"angehalten: {_said(notice)}"]
        case Link(advoware_id, trust):
            return [f"verknüpfen mit {advoware_id} ({TRUST[trust]})"]
        case Create(writes):
            return ["in Advoware anlegen", *(f"  {_set(Side.ADVOWARE, write)}" for write in writes)]
        case Update(side, writes, entries, lists, partial):
            fields = [f"in {SYSTEM[side]} ändern: {_set(side, write)}" for write in writes]
            later = ["  weitere folgen, sobald diese angenommen sind"] if partial else []
            return [*fields, *_in_espo(entries, lists), *later]
        case WriteEntry(_, entry):
            return list(_in_advoware(entry))
        case Agree(names, bases):
            alike = [*names, *(_base(base) for base in bases.values() if base is not None)]
            lines = [f"gilt als gleich: {', '.join(alike)}"] if alike else []
            return lines + [f"auf beiden Seiten weg: {_name(name)}" for name, base in bases.items() if base is None]
        case Wait(names):
            return ["abwarten: die Antwort auf einen neuen Eintrag ging verloren, er kann noch ankommen"] * len(names)
        case Keep():
            lost = action.advoware if action.winner is Side.ESPO else action.espo
            return [f"aufbewahren: {_name(action.field)} {_shown(lost)} aus {SYSTEM[action.winner.other]}"]
        case Dispute(name, _, value, _, why) if why == TWIN_STAYS:
            return [f"in Advoware noch eingetragen: {_name(name)} {_shown(value)}"]
        case Dispute():
            values = f"{_shown(action.espo)} in EspoCRM, {_shown(action.advoware)} in Advoware"
            return [f"ein Mensch entscheidet: {_name(action.field)} {values}"]
        case Ask():
            return [
                f"von Hand in Advoware: {_name(action.field)} {_shown(action.value)} statt {_shown(action.present)}"
            ]
        case Quarantine(side, name, None, reason) if reason:
            return [f"in {SYSTEM[side.other]} nicht zu lesen: {name}"]
        case Quarantine(side, name, value, "full"):
            return [f"in {SYSTEM[side]} kein Platz mehr: {_name(name)} {_shown(value)}"]
        case Quarantine(side, name):
            return [f"{SYSTEM[side]} nimmt nicht an: {_name(name)} {_shown(action.value)}"]
        case Settle(status, notices):
            return [f"Status {status}", *(f"  {_said(notice)}" for notice in notices)]
        case Retire(number):
            return [f"trennt sich von Zeile {number}; ein Mensch entfernt sie in Advoware"]
        case Bear(one):
            return [f"legt in EspoCRM an: {one.entity} {one.id}"]
        case _:
            assert_never(action)


def _in_advoware(write: EntryWrite) -> Iterator[str]:
    """One POST or PUT of an entry; a PUT may do several things at once."""
    body, before = write.body, write.before or {}
    tlf, old = body["tlf"], before.get("tlf") or ""
    mark, text = split(body["bemerkung"])
    old_mark, old_text = split(before.get("bemerkung"))
    main = ", Haupt" if body["online"] else ""
    kept = f", Bemerkung „{text}“" if text else ""
    if write.id is None:
        yield f"in Advoware neuer Eintrag ({WORDS[body['kommKz']]}): {tlf}{main}{kept}"
        return
    kind = WORDS.get(before.get("kommKz", 0)) or ("E-Mail" if write.channel == MAILS else "Art unbekannt")
    if not tlf and old:
        place = "der Platz bleibt frei" if mark and mark.kind else "der Platz wird nicht wieder benutzt"
        yield f"in Advoware leeren, {place} ({kind}): {old}{kept}"
        return
    if tlf and not old:
        yield f"in Advoware den freien Platz benutzen ({kind}): {tlf}{main}{kept}"
        if old_text and not text:
            yield f"  Bemerkung „{old_text}“ nur noch in der Geschichte"
        return
    if tlf != old:
        yield f"in Advoware ändern ({kind}): {old} wird {tlf}{kept}"
    elif mark is None and old_mark is not None:
        yield f"in Advoware Merkzeichen wegnehmen ({kind}): {tlf}{kept}"
    elif mark != old_mark:
        yield f"in Advoware Merkzeichen setzen ({kind}): {tlf}{kept}"
    if body["online"] != bool(before.get("online")):
        yield f"in Advoware {'jetzt' if body['online'] else 'nicht mehr'} Haupt ({kind}): {tlf}"
    if text != old_text:
        yield f"in Advoware Bemerkung ({kind}): {_shown(text)}"


def _in_espo(entries: Sequence[EntryWrite], lists: Mapping[str, Sequence[Mapping[str, Any]]]) -> Iterator[str]:
    """What changes in EspoCRM's lists, and which entry is the main one where it was another."""
    for write in entries:
        rows = {form(row[VALUES[write.channel]]): row for row in lists[write.channel]}
        row = rows.get(write.after)
        main = " (Haupt)" if row is not None and row.get("primary") else ""
        if row is None:
            yield f"in EspoCRM entfernen: {_espo(write.before)}"
        elif write.before is None:
            yield f"in EspoCRM hinzufügen: {_espo(row)}{main}"
        elif _espo(write.before) != _espo(row):
            yield f"in EspoCRM ändern: {_espo(write.before)} wird {_espo(row)}{main}"
        first = next((row for row in rows.values() if row.get("primary")), None)
        was_first = write.before is not None and bool(write.before.get("primary"))
        if first is not None and was_first != (first is row) and (write.before is not None or not main):
            yield f"in EspoCRM Haupt: {_espo(first)}"


def _espo(raw: Mapping[str, Any]) -> str:
    kind = "E-Mail" if "emailAddress" in raw else TYPE_WORDS[raw["type"]]
    return f"{kind} {raw.get('emailAddress') or raw.get('phoneNumber')}"


def _base(base: Base) -> str:
    return _espo(base.espo) if base.espo is not None else f"{base.advoware['tlf']} (Zwilling)"


def _name(field: str) -> str:
    """A field as it is called in the tests; an entry of a list as people are told of it."""
    return KOMMUNIKATION.as_field(field).espo if KOMMUNIKATION.owns(field) else field


def _set(side: Side, write: FieldWrite) -> str:
    mapped = FIELDS[write.field]
    return f"{mapped.attribute(side)} = {_shown(mapped.codec.render(side, write.after))}"


def _shown(value: Canonical) -> str:
    return f"„{value}“" if value else "leer"


def _said(notice: Notice) -> str:
    return sentence(notice, "de")

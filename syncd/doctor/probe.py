"""`syncd doctor --probe-betnr N`: finds out by writing what reading cannot show, on one test record, and puts all back.

What was there is kept in a file before the first write, so that a probe that was killed is put right by the next one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mappers.spec import Direction, Entity, EntryList, Field, Side
from services.errors import Missing, PeerError, Refused
from syncd.commands import Refusal
from syncd.doctor import probe_values as values
from syncd.doctor.answers import listed, number
from syncd.doctor.assumed import form_of
from syncd.doctor.peers import PROBED, Peers
from syncd.doctor.probe_note import Note
from syncd.ledger import facts, pairs, partial
from syncd.model import Key, PairState

KEEPS = "keeps"


@dataclass
class Outcome:
    """What was found out, as people read it and as it is kept; and what a person must put back by hand."""

    told: list[tuple[str, str]] = field(default_factory=list)
    measured: dict[str, Any] = field(default_factory=dict)
    by_hand: list[str] = field(default_factory=list)
    note: str = ""

    def tell(self, question: str, answer: str, name: str = "", value: object = None) -> None:
        """One answer; under `name` it is kept for the doctor."""
        self.told.append((question, answer))
        if name:
            self.measured[name] = value


class Probe:
    """One probe of one record."""

    def __init__(self, peers: Peers, entity: Entity, betnr: int, note: Note) -> None:
        self._peers = peers
        self._entity = entity
        self._number = betnr
        self._note = note
        self._seen: Mapping[str, Any] = {}
        self.outcome = Outcome(note=str(note.path))

    # --- whether it may be done -------------------------------------------------------------

    async def check(self) -> None:
        """Raise `Refusal` where this record must not be touched."""
        if self._peers.settings.syncd_dry_run:
            raise Refusal("SYNCD_DRY_RUN is on, and a probe writes: unset it first")
        await self._check_pauses()
        known = await self._keys()
        states = {} if self._peers.ledger is None else await self._peers.ledger.read(pairs.get_many, known)
        living = [key for key in known if states.get(key, {}).get("state") != PairState.EXCLUDED]
        if living:
            raise Refusal(
                f"Beteiligter {self._number} is a real record ({living[0]} in EspoCRM): take a test record nobody "
                f"needs, or `syncd exclude {living[0].partition('/')[2]}` first"
            )
        try:
            self._seen = await self._read()
        except Missing:
            raise Refusal(f"Advoware has no Beteiligter {self._number}") from None

    async def _check_pauses(self) -> None:
        if self._peers.ledger is None:
            return
        paused = await self._peers.ledger.read(facts.list_pauses)
        scopes = {"all", f"entity:{self._entity.name}", f"side:{Side.ADVOWARE}"} & paused.keys()
        if scopes:
            raise Refusal(f"{min(scopes)} is paused, and a probe writes: see `syncd status`")

    async def _keys(self) -> list[str]:
        """Records that know this Beteiligter, on either side of our memory."""
        linked = {"type": "equals", "attribute": self._entity.link, "value": self._number}
        page = await self._peers.espo.list(self._entity.espo_type, where=[linked], select=["id"])
        keys = [str(Key(self._entity.name, str(row.get("id")))) for row in page.rows]
        if self._peers.ledger is not None:
            holders = await self._peers.ledger.read(pairs.holders, self._entity.name, [self._number])
            keys += holders.values()
        return [*dict.fromkeys(keys)]

    # --- the probe --------------------------------------------------------------------------

    async def run(self) -> Outcome:
        """Everything, and put back; raises `PeerError` where a system went away, after trying to put back."""
        left = self._note.read()
        if left is not None:
            await self._put_back(left)
            if self.outcome.by_hand:
                return self.outcome
            self.outcome.tell("an earlier probe had not ended", "what it left was put back")
        before = self._seen = await self._read()
        self._note.write(before)
        try:
            await self._fields()
            await self._missing_fields()
            for entries in self._entity.lists:
                await self._entries(entries)
        finally:
            await self._put_back(before)
        if self._peers.ledger is not None:
            now = self._peers.now()
            await self._peers.ledger.write(facts.put, PROBED, {**self.outcome.measured, "at": now})
            if self.outcome.measured.get("missing_fields"):
                keeps = self.outcome.measured["missing_fields"] == KEEPS
                names = [one.name for one in self._entity.fields] if keeps else []
                await self._peers.ledger.write(partial.measured, names, now)
        return self.outcome

    async def _fields(self) -> None:
        """Each mapped field once in a whole object: taken, ignored, or something else."""
        found: dict[str, list[str]] = {"taken": [], "ignored": [], "changed to another value": [], "refused": []}
        first = self._seen.get("rowId")
        for mapped in self._entity.fields:
            if mapped.direction is Direction.OFF:
                continue
            before, wish = values.shown(mapped, self._seen), values.trial(mapped, self._seen)
            try:
                answer = await self._put({**self._seen, mapped.advoware: _raw(mapped, wish)})
            except Refused:
                found["refused"].append(mapped.name)
                continue
            self.outcome.measured["answer"] = "an object" if answer else "nothing"
            now = values.shown(mapped, self._seen)
            what = "taken" if now == wish else "ignored" if now == before else "changed to another value"
            found[what].append(mapped.name)
            if mapped.name == "rechtsform":
                self.outcome.tell("an unknown rechtsform is kept", _yes(now == wish), "unknown_rechtsform", now == wish)
        for what, names in found.items():
            if names:
                self.outcome.tell(f"a PUT of the whole object: {what}", listed(names, 12))
        self.outcome.measured |= {"taken": found["taken"], "ignored": found["ignored"]}
        changed = self._seen.get("rowId") != first
        self.outcome.tell("rowId is another one after a PUT", _yes(changed), "row_id_changes", changed)

    async def _missing_fields(self) -> None:
        """Does a PUT without a field keep it? First one is left out; only if that is kept, all but one."""
        taken = [one for one in self._entity.fields if one.name in self.outcome.measured["taken"]]
        texts = [one for one in taken if one.codec.name == "text" and one.role is None]
        if len(texts) < 2:
            self.outcome.tell("a PUT without a field", "not tried: too few fields are taken")
            return
        left_out, sent = texts[0], texts[1]
        what = await self._without({name: raw for name, raw in self._seen.items() if name != left_out.advoware}, sent)
        if what == KEEPS:
            what = await self._without({}, sent)
        may = "ADVOWARE_PARTIAL_PUT may be set" if what == KEEPS else "ADVOWARE_PARTIAL_PUT must not be set"
        text = "keeps its value" if what == KEEPS else what
        self.outcome.tell("a PUT without a field", f"{text}: {may}", "missing_fields", what)

    async def _without(self, body: Mapping[str, Any], sent: Field) -> str:
        before, wish = self._seen, values.trial(sent, self._seen)
        try:
            await self._put({**body, sent.advoware: _raw(sent, wish)})
        except Refused:
            return "is refused"
        lost = values.emptied(self._entity, before, self._seen, sent.advoware)
        if lost:
            return "empties it"
        return KEEPS if values.shown(sent, self._seen) == wish else "is ignored"

    async def _entries(self, entries: EntryList) -> None:
        """What an emptied entry looks like and how long a remark may be, on an entry set aside for that."""
        rows = values.marked(entries, self._seen)
        if not rows:
            todo = f"not tried: give a phone number of this record the remark »{values.MARK}« to have it tried"
            self.outcome.tell(f"emptied {entries.label}, and the longest remark", todo)
            return
        row = values.entry_body(rows[0])
        entry_id = number(rows[0].get("id")) or 0
        now = await self._put_entry(entries, entry_id, {**row, "tlf": entries.emptied})
        raw = now.get("tlf")
        empty = raw is None or (isinstance(raw, str) and not raw.strip())
        seen = form_of(raw) if empty else "its old value: it cannot be emptied"
        self.outcome.tell("an emptied tlf reads back as", seen, "empty_tlf" if empty else "", seen)
        for length in values.LENGTHS:
            try:
                now = await self._put_entry(entries, entry_id, {**row, "bemerkung": values.long_remark(length)})
            except Refused:
                continue
            kept = now.get("bemerkung")
            count = len(kept) if isinstance(kept, str) else 0
            more = " or more" if count == length else ""
            self.outcome.tell("a remark may have", f"{count}{more} characters", "bemerkung_max", count)
            break

    # --- putting back -----------------------------------------------------------------------

    async def _put_back(self, before: Mapping[str, Any]) -> None:
        """Make everything as it was, read it back, and say what a person must do about the rest."""
        try:
            self._seen = await self._read()
            await self._put_back_fields(before)
            for entries in self._entity.lists:
                await self._put_back_entries(entries, before)
        except PeerError as error:
            self.outcome.by_hand.append(
                f"{error.side} does not answer as it should ({error.reason}): run the probe again"
            )
            return
        for one in values.still_other(self._entity, before, self._seen):
            line = values.instruction(self._number, one.advoware, before.get(one.advoware))
            self.outcome.by_hand.append(line)
        if not self.outcome.by_hand:
            self._note.remove()

    async def _put_back_fields(self, before: Mapping[str, Any]) -> None:
        changes = values.to_put_back(self._entity, before, self._seen)
        if not changes:
            return
        try:
            await self._put({**self._seen, **changes})
        except Refused:  # one of them is not taken: the others are put back one by one
            for name, raw in changes.items():
                try:
                    await self._put({**self._seen, name: raw})
                except Refused:
                    continue

    async def _put_back_entries(self, entries: EntryList, before: Mapping[str, Any]) -> None:
        for row in values.marked(entries, before):
            entry_id = number(row.get("id")) or 0
            now = values.entry(entries, self._seen, entry_id)
            if now and values.differs(row, now):
                now = await self._put_entry(entries, entry_id, values.entry_body(row))
            if not now or values.differs(row, now):
                for name in ("tlf", "bemerkung"):
                    what = f"{entries.label} {entry_id}, {name}"
                    self.outcome.by_hand.append(values.instruction(self._number, what, row.get(name)))

    # --- calls ------------------------------------------------------------------------------

    async def _read(self) -> Mapping[str, Any]:
        reply = await self._peers.advoware.read(self._entity.path(self._number))
        if number(reply.body.get(self._entity.advoware_id)) != self._number:
            raise Refusal(f"Advoware answered another record than Beteiligter {self._number}")
        return reply.body

    async def _put(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """PUT and read back; raises `Refusal` where somebody else has saved meanwhile."""
        if (await self._read()).get("rowId") != self._seen.get("rowId"):
            raise self._disturbed()
        reply = await self._peers.advoware.replace(self._entity.path(self._number), body)
        self._seen = await self._read()
        if self._seen.get("geaendertVon") not in (None, "", self._peers.settings.advoware_user):
            raise self._disturbed()
        return reply.body

    async def _put_entry(self, entries: EntryList, entry_id: int, body: Mapping[str, Any]) -> Mapping[str, Any]:
        path = f"{self._entity.path(self._number)}/{entries.path}/{entry_id}"
        await self._peers.advoware.replace(path, body)
        self._seen = await self._read()
        return values.entry(entries, self._seen, entry_id)

    def _disturbed(self) -> Refusal:
        return Refusal(f"somebody else saves Beteiligter {self._number}: the probe ended early; try again later")


def _raw(mapped: Field, value: str) -> Any:
    return mapped.codec.render(Side.ADVOWARE, value)


def _yes(holds: bool) -> str:
    return "yes" if holds else "no"

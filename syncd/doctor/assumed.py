"""What is only assumed of Advoware, and what the answers of this installation show of it. Pure.

Each assumption stands in one place of the code, which is named; one edit there corrects it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from mappers import kommunikation
from mappers.shape import Kind
from mappers.spec import Entity, Side, Unmappable
from services.advoware import local_time, one_object
from syncd.doctor.answers import listed, number, rows, table, word
from syncd.findings import Assumption, Verdict

SLACK = 120.0  # seconds between a write of ours and the time the record bears
HOUR = 3600.0


@dataclass(frozen=True)
class OwnWrite:
    """The time a record bears since our own write, read as we read such times, and when that write was."""

    shown: float | None
    at: float


@dataclass
class Evidence:
    """What was seen. `measured`: what a probe has written down; `search`: found, rows, rows of an impossible name."""

    entity: Entity
    our_user: str
    now: float
    staff: object = None
    answers: list[Any] = field(default_factory=list)
    bodies: list[Mapping[str, Any]] = field(default_factory=list)
    own_write: OwnWrite | None = None
    nobody: str = ""
    search: tuple[bool, int, int] | None = None
    measured: Mapping[str, Any] = field(default_factory=dict)


Judged = tuple[Verdict, str]
NO_RECORD: Judged = (Verdict.UNSEEN, "no Beteiligter is known to look at")
NO_ROW: Judged = (Verdict.UNSEEN, "no such row is known")
WRITES: Judged = (Verdict.UNSEEN, "only writing shows it: `syncd doctor --probe-betnr N` on a test record")


def judge(evidence: Evidence) -> list[Assumption]:
    """Every assumption, with what this installation shows of it."""
    return [Assumption(name, *look(evidence), where) for name, where, look in ASSUMED]


# --- answers ----------------------------------------------------------------------------------


def _form(seen: Evidence) -> Judged:
    forms = sorted({"list" if isinstance(body, list) else "object" for body in seen.answers if one_object(body)})
    if not seen.answers:
        return NO_RECORD
    if len([one for one in seen.answers if one_object(one)]) < len(seen.answers):
        return Verdict.DIFFERS, "an answer is neither"
    return Verdict.HOLDS, f"{' and '.join(forms)} seen"


def _path(seen: Evidence) -> Judged:
    return (Verdict.HOLDS, f"{len(seen.bodies)} read there") if seen.bodies else NO_RECORD


def _written(seen: Evidence) -> Judged:
    return _measured(seen, "answer", lambda told: (Verdict.HOLDS, f"a PUT answers {told}"))


def _gone(seen: Evidence) -> Judged:
    if not seen.nobody:
        return Verdict.UNSEEN, "not asked"
    if seen.nobody == "certain":
        return Verdict.HOLDS, "a number nobody has is answered with a bare 404"
    return Verdict.DIFFERS, f"a number nobody has is answered with {word(seen.nobody)}"


def _refused(seen: Evidence) -> Judged:
    return Verdict.UNSEEN, "no value was refused while looking"


def _search(seen: Evidence) -> Judged:
    if seen.search is None:
        return Verdict.UNSEEN, "no search was made"
    found, count, strangers = seen.search
    if strangers:
        return Verdict.DIFFERS, f"they are ignored: {strangers} found under a name nobody has"
    return (Verdict.HOLDS, f"they work: {count} found") if found else (Verdict.DIFFERS, "who is there is not found")


def _ascending(seen: Evidence) -> Judged:
    born = [(number(body.get(seen.entity.advoware_id)), local_time(body.get("angelegtAm"))) for body in seen.bodies]
    known = sorted((one, at) for one, at in born if one is not None and at is not None)
    if len({at for _, at in known}) < 2:
        return Verdict.UNSEEN, "too few Beteiligte of different age are known"
    rising = all(earlier[1] <= later[1] for earlier, later in pairwise(known))
    return (Verdict.HOLDS, f"{len(known)} compared") if rising else (Verdict.DIFFERS, "a lower number is younger")


def _staff(seen: Evidence) -> Judged:
    people = rows(seen.staff)
    if not people:
        return Verdict.UNSEEN, "no row was answered"
    lacking = sorted({name for one in people for name in ("kuerzel", "name", "aktiv") if name not in table(one)})
    return (Verdict.DIFFERS, f"rows lack {', '.join(lacking)}") if lacking else (Verdict.HOLDS, f"{len(people)} rows")


# --- time and versions ------------------------------------------------------------------------


def _zone(seen: Evidence) -> Judged:
    if seen.own_write is not None and seen.own_write.shown is not None:
        off = seen.own_write.shown - seen.own_write.at
        if abs(off) <= SLACK:
            return Verdict.HOLDS, f"a write of ours bears its time to {abs(off):.0f} s"
        if abs(off - round(off / HOUR) * HOUR) <= SLACK and abs(off) < 15 * HOUR:
            return Verdict.DIFFERS, f"a write of ours bears a time {off / HOUR:+.0f} h off"
    changed = [at for body in seen.bodies if (at := local_time(body.get("geaendertAm"))) is not None]
    if not changed:
        return NO_RECORD if not seen.bodies else (Verdict.DIFFERS, "no record bears a time of this form")
    if max(changed) > seen.now + SLACK:
        return Verdict.DIFFERS, f"a record was changed {(max(changed) - seen.now) / HOUR:.1f} h from now"
    return Verdict.UNSEEN, "plausible: no record was changed in the future; a write of ours would prove it"


def _row_id(seen: Evidence) -> Judged:
    ids = [body.get("rowId") for body in seen.bodies]
    if not ids:
        return NO_RECORD
    fine = all(isinstance(one, str) and len(one) == 40 and one.isalpha() and one.isupper() for one in ids)
    if not fine:
        return Verdict.DIFFERS, "a rowId of another form"
    told = table(seen.measured).get("row_id_changes")
    return Verdict.HOLDS, "40 capital letters" + (
        "" if told is None else f"; {'new' if told else 'not new'} after a PUT"
    )


# --- what PUT does ----------------------------------------------------------------------------


def _takes(seen: Evidence) -> Judged:
    def told(ignored: object) -> Judged:
        create_only = {one.name for one in seen.entity.fields if one.can.value == "create_only"}
        names = {one for one in rows(ignored) if isinstance(one, str)}
        if names == create_only:
            return Verdict.HOLDS, f"ignored: {', '.join(sorted(names))}"
        return Verdict.DIFFERS, f"ignored: {', '.join(sorted(names)) or 'none'}"

    return _measured(seen, "ignored", told)


def _partial(seen: Evidence) -> Judged:
    def told(what: object) -> Judged:
        keeps = what == "keeps"
        return (Verdict.DIFFERS, "it keeps them") if keeps else (Verdict.HOLDS, f"a PUT without a field: {word(what)}")

    return _measured(seen, "missing_fields", told)


def _unknown_form(seen: Evidence) -> Judged:
    def told(passes: object) -> Judged:
        return (
            (Verdict.HOLDS, "an unknown one was kept") if passes else (Verdict.DIFFERS, "an unknown one was not kept")
        )

    return _measured(seen, "unknown_rechtsform", told)


def _measured(seen: Evidence, name: str, told: Callable[[Any], Judged]) -> Judged:
    """What a probe has written down, with its day."""
    value, at = table(seen.measured).get(name), table(seen.measured).get("at")
    if value is None or not isinstance(at, int | float):
        return WRITES
    verdict, text = told(value)
    return verdict, f"{text} (measured {datetime.fromtimestamp(min(max(0, at), 4e9), UTC):%Y-%m-%d})"


# --- Kommunikation ----------------------------------------------------------------------------


def _entries(seen: Evidence) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    """Every Kommunikation, with the record it belongs to."""
    for body in seen.bodies:
        for row in rows(body.get("kommunikation")):
            yield table(row), body


def _kind_reads(seen: Evidence) -> Judged:
    kinds = [row.get("kommKz") for row, _ in _entries(seen)]
    if not kinds:
        return Verdict.UNSEEN, "no Kommunikation was seen"
    shown = sorted({one for one in map(number, kinds) if one})
    return (Verdict.DIFFERS, f"{len(shown)} kinds are told") if shown else (Verdict.HOLDS, f"{len(kinds)} seen, all 0")


def _kinds(seen: Evidence) -> Judged:
    """A kind we know from our marker, or are told, against the convenience copy that Advoware makes of it."""
    proven: set[int] = set()
    against: set[int] = set()
    for row, body in _entries(seen):
        mark, _ = kommunikation.split(row.get("bemerkung")) if isinstance(row.get("bemerkung"), str) else (None, "")
        kind = number(row.get("kommKz")) or (mark.kind if mark is not None else 0)
        name = next((copy for copy, one in kommunikation.COPIES.items() if one == kind), None)
        if not kind or name is None or name not in body:
            continue
        try:
            value, copied = kommunikation.value(row.get("tlf")), kommunikation.value(body.get(name))
        except Unmappable:
            continue
        if value is not None and copied is not None:
            (proven if value == copied else against).add(kind)
    if proven:
        return Verdict.HOLDS, f"seen of {', '.join(map(str, sorted(proven)))}"
    if against:
        return Verdict.UNSEEN, f"the copies of {', '.join(map(str, sorted(against)))} show other entries"
    return Verdict.UNSEEN, "no entry whose kind is known was seen"


def _emptied(seen: Evidence) -> Judged:
    told = table(seen.measured).get("empty_tlf")
    forms: set[str] = {told} if isinstance(told, str) else set()
    for row, _ in _entries(seen):
        mark, _text = kommunikation.split(row.get("bemerkung")) if isinstance(row.get("bemerkung"), str) else (None, "")
        raw = row.get("tlf")
        if mark is not None and mark.value is None and (raw is None or (isinstance(raw, str) and not raw.strip())):
            forms.add(form_of(raw))
    if not forms:
        return Verdict.UNSEEN, "no emptied entry was seen"
    # Any of these is understood; what is sent is the one form that is assumed.
    return Verdict.HOLDS, f"reads back as {' and '.join(sorted(forms))}"


def form_of(raw: object) -> str:
    """How an empty value looks."""
    return "null" if raw is None else '""' if raw == "" else "blanks"


def _remark(seen: Evidence) -> Judged:
    longest = max((len(text) for row, _ in _entries(seen) if isinstance(text := row.get("bemerkung"), str)), default=0)
    told = number(table(seen.measured).get("bemerkung_max"))
    if told is not None:
        verdict = Verdict.HOLDS if told >= kommunikation.BEMERKUNG_MAX else Verdict.DIFFERS
        return verdict, f"{told} characters were kept when measured"
    if longest > kommunikation.BEMERKUNG_MAX:
        return Verdict.DIFFERS, f"{longest} characters seen: it may be longer than is used"
    return Verdict.UNSEEN, f"longest seen: {longest} characters" if longest else "no remark was seen"


# --- records that belong to a Beteiligter -------------------------------------------------------


def _children(seen: Evidence, entity: Entity) -> Iterator[list[Any]]:
    """One of its lists, from each record that has it."""
    for body in seen.bodies:
        if entity.child is not None and isinstance(body.get(entity.child.advoware), list):
            yield rows(body[entity.child.advoware])


def _lists(seen: Evidence) -> Judged:
    if not seen.bodies:
        return NO_RECORD
    names = [one.child.advoware for one in seen.entity.children if one.child is not None]
    lacking = [name for name in names if not all(isinstance(body.get(name), list) for body in seen.bodies)]
    return (Verdict.DIFFERS, f"not seen: {', '.join(lacking)}") if lacking else (Verdict.HOLDS, "seen in every answer")


def _row_ids(seen: Evidence) -> Judged:
    known = [[table(row) for row in one] for child in seen.entity.children for one in _children(seen, child)]
    ids = [[(number(row.get("id")), word(row.get("rowId"))) for row in one] for one in known]
    if not any(ids):
        return NO_ROW
    if any(number is None or number <= 0 or not row_id for one in ids for number, row_id in one):
        return Verdict.DIFFERS, "a row lacks one of them"
    if any(len({number for number, _ in one}) < len(one) for one in ids):
        return Verdict.DIFFERS, "two rows have the same id"
    return Verdict.HOLDS, f"{sum(map(len, ids))} rows seen"


def _places(seen: Evidence) -> Judged:
    names = {one.child.index: one for one in seen.entity.children if one.child is not None and one.child.index}
    known = [
        [number(table(row).get(name)) for row in one] for name, child in names.items() for one in _children(seen, child)
    ]
    if not any(known):
        return NO_ROW
    if any(None in one or len(set(one)) < len(one) for one in known):
        return Verdict.DIFFERS, "a row has none, or two have the same"
    return Verdict.HOLDS, f"{sum(map(len, known))} rows seen"


def _row_forms(seen: Evidence) -> Judged:
    """Of values nobody types as text: what is wrong with an IBAN was typed by a person."""
    read = 0
    unread: set[str] = set()
    for child in seen.entity.children:
        formed = [one for one in child.fields if one.shape is not None and one.shape.kind in (Kind.YES_NO, Kind.DAY)]
        for row in (table(row) for one in _children(seen, child) for row in one):
            read += len(formed)
            for one in formed:
                try:
                    one.parse(Side.ADVOWARE, row)
                except Unmappable:
                    unread.add(one.advoware)
    if not read:
        return NO_ROW
    if unread:
        return Verdict.DIFFERS, f"not of {listed(sorted(unread))}"
    return Verdict.HOLDS, f"{read} values read"


def _stored(seen: Evidence) -> Judged:
    return Verdict.UNSEEN, "only creating one shows it, and what was created cannot be removed again"


_CLIENT, _LISTS = "services/advoware.py", "mappers/kommunikation.py"
ASSUMED: tuple[tuple[str, str, Callable[[Evidence], Judged]], ...] = (
    ("one Beteiligter is answered as an object or a list with it", f"{_CLIENT}: one_object", _form),
    ("Beteiligte are at api/v1/advonet/Beteiligte", f"{_CLIENT}: BETEILIGTE", _path),
    ("POST and PUT answer an object, a list with it, or nothing", f"{_CLIENT}: one_object", _written),
    ("a 404 is about the record", f"{_CLIENT}: gone_for_certain", _gone),
    ("a refused field is named as ASP.NET does", f"{_CLIENT}: refused_field", _refused),
    ("search parameters name and vorname", f"{_CLIENT}: SEARCH_PARAMETERS", _search),
    ("a later Beteiligter has a higher betNr", "syncd/load.py: PROBE_AHEAD", _ascending),
    ("Mitarbeiter have kuerzel, name, aktiv", f"{_CLIENT}: PROBE_PATH", _staff),
    ("geaendertAm is Europe/Berlin local time", f"{_CLIENT}: TIME_ZONE", _zone),
    ("rowId has 40 capital letters", "syncd/doctor/fields.py: ROW_ID", _row_id),
    (
        "PUT ignores register number and court, and nothing else that is mapped",
        "mappers/beteiligte.py: CREATE_ONLY",
        _takes,
    ),
    ("PUT empties fields it does not carry", "ADVOWARE_PARTIAL_PUT", _partial),
    ("an unknown rechtsform is kept as it is", "mappers/beteiligte.py: rechtsform", _unknown_form),
    ("kommKz reads back as 0", f"{_LISTS}: read_advoware", _kind_reads),
    ("kommKz 1 to 12 mean what the convenience copies say", f"{_LISTS}: COPIES", _kinds),
    ("an emptied tlf reads back as something blank", f"{_LISTS}: EMPTY_TLF", _emptied),
    ("a Beteiligter carries its adressen and bankkverbindungen whole", "mappers: Child.advoware", _lists),
    ("every row of them has an id and a rowId", "mappers/spec.py: Entity.row_id", _row_ids),
    ("reihenfolgeIndex is another one in each row", "mappers/adressen.py: index", _places),
    ("rows show ticks as true or false, and days as dates", "mappers/normal.py", _row_forms),
    ("a POST of a row stores every field, a bemerkung of any length too", "mappers: Can", _stored),
    ("a bemerkung holds 255 characters", f"{_LISTS}: BEMERKUNG_MAX", _remark),
)

"""What `syncd doctor` looks at in Advoware: login, clock, answers, search. Reads only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import config
from mappers.spec import Direction, Entity, Role, Side, Unmappable
from services.advoware import BETEILIGTE, PROBE_PATH, SEARCH_PARAMETERS, Looked, local_time, one_object
from services.errors import Credentials, Missing, Outage, PeerError
from syncd.doctor.answers import number, rows, table, word
from syncd.doctor.assumed import Evidence, OwnWrite, judge
from syncd.doctor.peers import PROBED, Examined, Peers, clock
from syncd.findings import Check, Finding, fail, ok, warn
from syncd.ledger import facts, partial, samples

SAMPLES = 5
NOBODY = "Zzyqxw-Nobody"  # a name no Beteiligter has
NO_NUMBER = 999_999_999


async def examine(peers: Peers) -> Examined:
    """Everything of Advoware; raises `Outage` and `Credentials`, any other answer is a finding."""
    found = Examined()
    staff: Looked | None = None
    try:
        staff = await peers.advoware.look(PROBE_PATH)
    except (Outage, Credentials):
        raise
    except PeerError as error:  # it lets us in; only this list is not for us
        found.findings.append(warn(Check.ADVO_ANSWER, error.reason, "nothing, if all else here is well", PROBE_PATH))
    found.findings.append(ok(Check.ADVO_LOGIN, f"as {peers.settings.advoware_user}"))
    for entity in peers.entities.values():
        if entity.child is not None:  # a part of its parent's answer
            continue
        evidence = Evidence(
            entity, peers.settings.advoware_user, peers.now(), staff=None if staff is None else staff.body
        )
        await _look(peers, entity, evidence, found.findings)
        if peers.ledger is not None:
            evidence.measured = table(await peers.ledger.read(facts.get, PROBED, {}))
        found.assumptions += judge(evidence)
    found.findings.append(await _partial_put(peers))
    return found


async def _look(peers: Peers, entity: Entity, evidence: Evidence, findings: list[Finding]) -> None:
    known = await _known(peers, entity)
    dated = False
    for one in known:
        try:
            looked = await peers.advoware.look(entity.path(one))
        except (Outage, Credentials):
            raise
        except PeerError as error:
            todo = "see whether this Beteiligter exists, and what our Advoware user may read"
            findings.append(warn(Check.ADVO_SAMPLE, f"cannot be read ({error.reason})", todo, str(one)))
            continue
        if looked.date is not None and not dated:
            findings.append(clock(Check.ADVO_CLOCK, peers.now() - looked.date))
            dated = True
        evidence.answers.append(looked.body)
        body = one_object(looked.body)
        if body is None or number(body.get(entity.advoware_id)) != one:
            todo = "see whether ADVOWARE_API_BASE_URL is Advoware's own address: the answer is not the record"
            findings.append(fail(Check.ADVO_ANSWER, "another answer than was asked for", todo, str(one)))
            continue
        evidence.bodies.append(body)
    if not evidence.bodies:
        todo = "link one record by its number: then the search can be proven and Beteiligte be created"
        findings.append(warn(Check.ADVO_SAMPLE, "nobody known to look at", todo, entity.name))
    for sample in evidence.bodies[:1]:
        findings += answer(entity, sample, peers.mapping)
    await _own_write(peers, entity, evidence)
    await _gone(peers, entity, evidence)
    findings.append(await _search(peers, entity, evidence))


def answer(entity: Entity, body: Mapping[str, Any], mapping: config.Mapping) -> list[Finding]:
    """One record as it was answered: what the engine relies on."""
    tell = "tell us: the engine relies on it (services/advoware.py names all that is assumed)"
    found: list[Finding] = []
    if not word(body.get("rowId")):
        found.append(fail(Check.ADVO_ANSWER, "a record has no rowId", tell, entity.name))
    if local_time(body.get("geaendertAm")) is None:
        found.append(warn(Check.ADVO_ANSWER, "geaendertAm is missing or of another form", tell, entity.name))
    found += _values(entity, body, mapping)
    for entries in entity.lists:
        if entries.direction is not Direction.OFF and entries.read_advoware(body, {}) is None:
            todo = f"see whether our Advoware user may read it; until then {entries.label} is left alone on both sides"
            found.append(fail(Check.ADVO_ANSWER, f"an answer has no list {entries.advoware}", todo, entity.name))
    for child in entity.children:
        assert child.child is not None
        listed = child.rows(body)
        if listed is None:
            todo = "see whether our Advoware user may read it; until then these records are left alone on both sides"
            found.append(fail(Check.ADVO_ANSWER, f"an answer has no list {child.child.advoware}", todo, entity.name))
        for row in listed[:1] if listed else ():
            found += _values(child, row, mapping)
    return found or [ok(Check.ADVO_ANSWER, "of the form that is relied on", entity.name)]


def _values(entity: Entity, body: Mapping[str, Any], mapping: config.Mapping) -> list[Finding]:
    """Whether every mapped field is there, in a form we can read."""
    found: list[Finding] = []
    own = mapping.entities.get(entity.name, config.EntityMapping()).fields
    for field in entity.fields:
        if field.direction is Direction.OFF:
            continue
        if field.advoware not in body:
            named = field.name in own and own[field.name].advoware is not None
            todo = "correct the name in syncd.toml" if named else "name yours in syncd.toml"
            found.append(
                fail(Check.ADVO_FIELD, "no answer has it", f"{todo}, or set its direction to off", field.advoware)
            )
            continue
        try:
            field.parse(Side.ADVOWARE, body)
        except Unmappable:
            todo = "correct the value in Advoware, or tell us its form"
            found.append(warn(Check.ADVO_FIELD, "a value of another form than expected", todo, field.advoware))
    return found


async def _known(peers: Peers, entity: Entity) -> list[int]:
    """Numbers of people who are known to be there."""
    if peers.ledger is not None:
        known = await peers.ledger.read(samples.numbers, entity.name, SAMPLES)
        if known:
            return known
    linked = {"type": "isNotNull", "attribute": entity.link}
    try:
        page = await peers.espo.list(entity.espo_type, where=[linked], select=["id", entity.link], max_size=SAMPLES)
    except PeerError:
        return []  # EspoCRM's own part has told of it
    found = [number(row.get(entity.link)) for row in page.rows]
    return [one for one in found if one is not None and one > 0]


async def _own_write(peers: Peers, entity: Entity, evidence: Evidence) -> None:
    """A record that bears the time of a write of ours, whose time we know, shows the zone of Advoware's clock."""
    last = None if peers.ledger is None else await peers.ledger.read(samples.last_write, entity.name)
    if last is None:
        return
    try:
        body = one_object((await peers.advoware.look(entity.path(last[0]))).body)
    except (Outage, Credentials):
        raise
    except PeerError:
        return
    if body is not None and body.get("geaendertVon") == peers.settings.advoware_user:
        evidence.own_write = OwnWrite(local_time(body.get("geaendertAm")), last[1])


async def _gone(peers: Peers, entity: Entity, evidence: Evidence) -> None:
    try:
        await peers.advoware.look(entity.path(NO_NUMBER))
    except Missing as error:
        evidence.nobody = "certain" if error.certain else "a page of a web server"
    except (Outage, Credentials):
        raise
    except PeerError as error:
        evidence.nobody = error.reason
    else:
        evidence.nobody = "a success"


async def _search(peers: Peers, entity: Entity, evidence: Evidence) -> Finding:
    """Whether the search finds who is there, and does not find who is not."""
    if peers.settings.advoware_search != "list":
        return ok(Check.ADVO_SEARCH, f"not used: ADVOWARE_SEARCH={peers.settings.advoware_search}", entity.name)
    wanted = next((one for body in evidence.bodies if (one := _names(entity, body))), None)
    if wanted is None:
        todo = "link one record by its number: until then nothing is created by itself"
        return warn(Check.ADVO_SEARCH, "nobody known to try it with", todo, entity.name)
    known, given = wanted
    params = {SEARCH_PARAMETERS[name]: value for name, value in given.items() if value}
    try:
        found = rows((await peers.advoware.look(BETEILIGTE, params)).body)
        strangers = rows((await peers.advoware.look(BETEILIGTE, {SEARCH_PARAMETERS["name"]: NOBODY})).body)
    except (Outage, Credentials):
        raise
    except PeerError as error:
        todo = "nothing is created by itself now: ask the vendor for the search, or set ADVOWARE_SEARCH=probe"
        return fail(Check.ADVO_SEARCH, f"cannot be used ({error.reason})", todo, entity.name)
    numbers = [number(table(row).get(entity.advoware_id)) for row in found]
    evidence.search = (known in numbers, len(found), len(strangers))
    if known not in numbers:
        todo = "nothing is created by itself now: ask the vendor for its parameters, or set ADVOWARE_SEARCH=probe"
        return fail(Check.ADVO_SEARCH, "does not find somebody who is known to be there", todo, entity.name)
    if strangers:
        todo = "ask the vendor for its parameters: every search brings all there are, and some may be cut off"
        return warn(Check.ADVO_SEARCH, "finds people also under a name nobody has", todo, entity.name)
    return ok(
        Check.ADVO_SEARCH, "finds somebody who is known to be there, and nobody under an impossible name", entity.name
    )


def _names(entity: Entity, body: Mapping[str, Any]) -> tuple[int, dict[str, str]] | None:
    """Number and names of a record, as a search would be given them."""
    known = number(body.get(entity.advoware_id))
    given: dict[str, str] = {}
    for field in entity.fields:
        if field.role in (Role.NAME, Role.FIRST_NAME):
            try:
                given[field.name] = field.parse(Side.ADVOWARE, body) or ""
            except Unmappable:
                return None
    return (known, given) if known is not None and given.get("name") else None


async def _partial_put(peers: Peers) -> Finding:
    """Whether the setting goes with what was seen of Advoware's PUT."""
    wanted = peers.settings.advoware_partial_put
    known = {} if peers.ledger is None else await peers.ledger.read(partial.look)
    return partial_put(wanted, known.get("keeps"), word(known.get("by")))


def partial_put(wanted: bool, keeps: object, by: str) -> Finding:
    """`keeps`: what was seen (true, false, None = never looked), `by` the probe or the daemon."""
    if keeps is False and wanted:
        todo = "unset ADVOWARE_PARTIAL_PUT: whole objects are sent whatever it says"
        return fail(
            Check.ADVO_PARTIAL_PUT, f"on, but Advoware empties what a PUT does not carry (seen by the {by})", todo
        )
    if keeps is True and not wanted:
        seen = (
            "off, although Advoware keeps what a PUT does not carry: ADVOWARE_PARTIAL_PUT=true would close the window"
        )
        return ok(Check.ADVO_PARTIAL_PUT, seen)
    if wanted and keeps is None:
        todo = "measure it with `syncd doctor --probe-betnr N` on a test record before you rely on it"
        return warn(Check.ADVO_PARTIAL_PUT, "on, and never measured here", todo)
    return ok(Check.ADVO_PARTIAL_PUT, f"{'on' if wanted else 'off'}{'' if keeps is None else f', as seen by the {by}'}")

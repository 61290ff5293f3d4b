"""Whether EspoCRM's fields can hold what is put there: there, of a fitting type, long enough, not closed. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mappers.beteiligte import SALUTATION
from mappers.kommunikation import KIND_NAMES
from mappers.shape import FITTING, STATUS_SHAPES, Kind
from mappers.spec import Direction, Entity, EntryList, Field, Role, Side
from syncd.doctor.answers import listed, number, rows, table, word, words
from syncd.findings import Check, Finding, fail, ok, warn
from syncd.model import Status
from syncd.setup.wanted import FINGERPRINT

SETUP = "run `syncd setup espocrm`"
ROW_ID = 40  # capital letters
SHORT = 50  # characters; a shorter field of the firm's refuses values people have
LEGAL_FORMS = ("Herr", "Frau", "Divers", "GmbH", "AG", "KG", "OHG", "GbR", "e.K.", "e.V.")
SALUTATIONS = ("Herr", "Frau")
TITLE = "name"  # of a child's record, made of what it says
CHANNEL_TYPES = {"phoneNumber": "phone", "emailAddress": "email"}


def judge(entity: Entity, definition: object) -> list[Finding]:
    """All fields of an entity, by its `entityDefs`."""
    defined = table(table(definition).get("fields"))
    found: list[Finding] = []
    for mapped in entity.fields:
        if mapped.direction is not Direction.OFF:
            found += _mapped(mapped, defined)
    found += _present(entity.link, FITTING[Kind.NUMBER], defined, "writes")
    for name, shape in STATUS_SHAPES.items():
        found += _present(getattr(entity.status, name), FITTING[shape.kind], defined, "writes")
    found += _long_enough(entity.status.row_id, ROW_ID, defined)
    found += _states(entity, defined)
    for entries in entity.lists:
        if entries.direction is not Direction.OFF:
            found += _list(entity, entries, defined)
    found += _required(entity, defined)
    fine = ok(Check.ESPO_FIELD, "all that are needed, of fitting types", entity.espo_type)
    return found if any(one.check is Check.ESPO_FIELD for one in found) else [fine, *found]


def belongs(entity: Entity, parent_type: str, definition: object) -> list[Finding]:
    """A child's link leads to its parent."""
    assert entity.child is not None
    name = entity.child.espo.removesuffix("Id")
    link = table(table(table(definition).get("links")).get(name))
    if link.get("entity") == parent_type:
        return []
    seen = f"leads to {word(link.get('entity')) or 'nothing known'}" if link else "does not exist"
    todo = f"{SETUP}, which links it to {parent_type}; one that leads elsewhere must be renamed first"
    return [fail(Check.ESPO_FIELD, seen, todo, name)]


def _mapped(mapped: Field, defined: Mapping[str, Any]) -> list[Finding]:
    found = _present(
        mapped.espo, FITTING[Kind.LINE if mapped.shape is None else mapped.shape.kind], defined, _written(mapped)
    )
    definition = table(defined.get(mapped.espo))
    length = number(definition.get("maxLength"))
    least = min(SHORT, SHORT if mapped.shape is None else mapped.shape.length or SHORT)
    if length is not None and 0 < length < least and mapped.direction.allows(Side.ESPO):
        todo = "make it longer in the entity manager: EspoCRM refuses what is longer, and the value waits"
        found.append(warn(Check.ESPO_LENGTH, f"{length} characters", todo, mapped.espo))
    if definition.get("type") == "enum" and mapped.direction.allows(Side.ESPO):
        found += _options(mapped, words(definition.get("options")))
    return found


def _written(mapped: Field) -> str:
    return "writes" if mapped.direction.allows(Side.ESPO) else "reads"


def _present(attribute: str, types: tuple[str, ...], defined: Mapping[str, Any], use: str) -> list[Finding]:
    """The field is there, of a type that fits, and open to us."""
    if not attribute:
        return []
    definition = defined.get(attribute)
    if not isinstance(definition, Mapping):
        return [fail(Check.ESPO_FIELD, "does not exist", f"{SETUP}, or name yours in syncd.toml", attribute)]
    kind = definition.get("type")
    if kind not in types:
        todo = f"make it of type {types[0]}, or name another field in syncd.toml"
        return [fail(Check.ESPO_FIELD, f"is of type {word(kind) or 'unknown'}", todo, attribute)]
    closed = [name for name in ("readOnly", "disabled", "utility") if definition.get(name) is True]
    if use == "writes" and closed:
        todo = "switch that off in the entity manager: EspoCRM drops what is written to it without a word"
        return [fail(Check.ESPO_FIELD, f"is {closed[0]}", todo, attribute)]
    return []


def _long_enough(attribute: str, least: int, defined: Mapping[str, Any]) -> list[Finding]:
    length = number(table(defined.get(attribute)).get("maxLength"))
    if length is None or length >= least or length == 0:
        return []
    todo = f"make it at least {least} long in the entity manager: EspoCRM refuses what is longer"
    return [fail(Check.ESPO_LENGTH, f"{length} characters", todo, attribute)]


def _options(mapped: Field, options: list[str]) -> list[Finding]:
    """An enum takes its options only; what it lacks stays in Advoware and waits."""
    wanted: tuple[str, ...] = ()
    if mapped.codec is SALUTATION:
        wanted = tuple(str(SALUTATION.render_espo(one)) for one in SALUTATIONS)
    elif mapped.name == "rechtsform":
        wanted = LEGAL_FORMS
    lacking = [one for one in wanted if one not in options]
    if not lacking:
        return []
    todo = "add them to the field's options, or make it a varchar: other values of Advoware are refused and wait"
    return [warn(Check.ESPO_OPTIONS, f"lack {listed(lacking)}", todo, mapped.espo)]


def _states(entity: Entity, defined: Mapping[str, Any]) -> list[Finding]:
    definition = table(defined.get(entity.status.status))
    if definition.get("type") != "enum":
        return []
    options = words(definition.get("options"))
    lacking = [str(one) for one in Status if one not in options]
    if lacking:
        return [
            fail(Check.ESPO_OPTIONS, f"lack {', '.join(lacking)}", f"{SETUP}, which adds them", entity.status.status)
        ]
    if definition.get("default") != Status.PENDING_SYNC:
        todo = f"make {Status.PENDING_SYNC} the field's default, so that people see what was never synced"
        return [warn(Check.ESPO_OPTIONS, f"the default is not {Status.PENDING_SYNC}", todo, entity.status.status)]
    return [ok(Check.ESPO_OPTIONS, "all eight states", entity.status.status)]


def _required(entity: Entity, defined: Mapping[str, Any]) -> list[Finding]:
    """Fields EspoCRM insists on: those we cannot fill make every import fail, and edits of records without them."""
    always = {field.espo for field in entity.fields if field.role is Role.NAME}
    always |= {TITLE, entity.child.espo.removesuffix("Id")} if entity.child is not None else set()
    sometimes = {field.espo for field in entity.fields} - always
    named = {attribute for one in entity.lists for attribute in one.channels.values()}
    shown = {getattr(entity.status, name) for name in STATUS_SHAPES}
    required = [
        name for name, one in sorted(defined.items()) if table(one).get("required") is True and _no_default(one)
    ]
    strange = [name for name in required if name not in always | sometimes | named | shown]
    blank = [name for name in required if name in sometimes | named]
    found: list[Finding] = []
    if strange:
        what = "`syncd import`" if entity.child is None else "what comes from Advoware"
        todo = f"give them a default or make them optional: {what} cannot fill them, so it fails"
        found.append(warn(Check.ESPO_REQUIRED, listed(strange), todo, entity.espo_type))
    if blank:
        todo = "make them optional: where Advoware has nothing there, EspoCRM refuses the record"
        found.append(warn(Check.ESPO_REQUIRED, listed(blank), todo, entity.espo_type))
    return found or [ok(Check.ESPO_REQUIRED, "no field that we cannot fill", entity.espo_type)]


def _no_default(definition: object) -> bool:
    one = table(definition)
    return one.get("default") is None and one.get("type") not in ("autoincrement", "number", "bool")


def _list(entity: Entity, entries: EntryList, defined: Mapping[str, Any]) -> list[Finding]:
    """EspoCRM has the list's fields, takes its types, and can show the fingerprint."""
    found: list[Finding] = []
    without = f'or set direction = "off" for {entries.name} in syncd.toml'
    for attribute in entries.channels.values():
        wanted = CHANNEL_TYPES[attribute]
        definition = defined.get(attribute)
        if not isinstance(definition, Mapping):
            todo = f"make {entity.espo_type} of type Person or Company, which have it, {without}"
            found.append(fail(Check.ESPO_LIST, "does not exist", todo, attribute))
        elif definition.get("type") != wanted:
            todo = f"make it of type {wanted}, as in entities of type Person and Company, {without}"
            found.append(
                fail(Check.ESPO_LIST, f"is of type {word(definition.get('type')) or 'unknown'}", todo, attribute)
            )
        elif wanted == "phone":
            found += _types(entries, attribute, definition.get("typeList"))
    found += _present(entries.shown_in, FITTING[Kind.LINE], defined, "writes")
    found += _long_enough(entries.shown_in, FINGERPRINT, defined)
    wrong = [one for one in found if one.check is Check.ESPO_LIST]
    return (
        found if wrong else [*found, ok(Check.ESPO_LIST, f"{' and '.join(entries.channels)} as needed", entries.name)]
    )


def _types(entries: EntryList, attribute: str, allowed: object) -> list[Finding]:
    """EspoCRM takes every type a number may have; where nothing is said, those it comes with."""
    if not isinstance(allowed, list):
        return []
    needed = dict.fromkeys(known for kind in KIND_NAMES if (known := entries.type_of(kind)) is not None)
    lacking = [one for one in needed if one not in rows(allowed)]
    if not lacking:
        return []
    todo = "add them to the field's types: EspoCRM refuses a whole list for one type it does not know"
    return [fail(Check.ESPO_LIST, f"lacks the types {', '.join(lacking)}", todo, attribute)]

"""Prints what EspoCRM must have, for those who set it up by hand: the same that `syncd setup espocrm` makes."""

from __future__ import annotations

from collections.abc import Iterator

from syncd.app import ENTITIES
from syncd.model import Status
from syncd.setup import formula, rights
from syncd.setup.run import DEFAULT_USER
from syncd.setup.wanted import WantedEntity, WantedField, wanted
from syncd.setup.words import STATES, STYLES


def espocrm_fields() -> str:
    """Every field of every entity: name, type, size, label in both languages."""
    return "\n\n".join("\n".join(_entity(one)) for one in wanted(ENTITIES))


def _entity(one: WantedEntity) -> Iterator[str]:
    stream = ", with stream" if one.stream else ""
    yield f"**`{one.espo_type}`** ({one.made.one.de} / {one.made.one.en}), of type {one.made.base}{stream}:\n"
    yield "| field | type | | German | English |"
    yield "|---|---|---|---|---|"
    for field in one.fields:
        words = field.shape.words
        yield f"| `{field.name}` | {field.shape.kind} | {_size(field)} | {words.de} | {words.en} |"


def _size(field: WantedField) -> str:
    if field.options:
        return f"{len(field.options)} options, default `{field.default}`"
    return f"at most {field.shape.length} characters" if field.shape.length else ""


def espocrm_states() -> str:
    """The options of the status, what clerks read, and the colours."""
    rows = [f"| `{one}` | {STATES[one].de} | {STATES[one].en} | {STYLES[one]} |" for one in Status]
    return "\n".join(["| option | German | English | style |", "|---|---|---|---|", *rows])


def espocrm_rights() -> str:
    """What the role must allow."""
    rows = []
    for scope, allowed in rights.needed(wanted(ENTITIES)).items():
        said = "allowed" if allowed is True else ", ".join(f"{action} {level}" for action, level in allowed.items())
        rows.append(f"| `{scope}` | {said} |")
    return "\n".join(["| scope | rights |", "|---|---|", *rows, "| assignment permission | all |"])


def espocrm_formula() -> str:
    """The status formula of each entity."""
    scripts = [formula.block(one.watched, one.status, DEFAULT_USER) for one in wanted(ENTITIES)]
    return "\n\n".join(f"```\n{script}\n```" for script in scripts)

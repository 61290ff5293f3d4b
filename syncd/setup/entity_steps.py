"""What an entity lacks in EspoCRM: itself, fields, labels, layouts, status formula. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mappers.shape import Kind, Parent, Words
from syncd.setup import formula, layouts
from syncd.setup.have import NAMES, Have, HaveEntity
from syncd.setup.steps import Left, SaveLabels, Send, Step, fail
from syncd.setup.wanted import WantedEntity, WantedField
from syncd.setup.words import ENGLISH, PANEL_WORDS

PREFIX = "C"  # EspoCRM puts it before the name of every entity that is made
Todo = tuple[list[Step], list[Left]]


def steps(wanted: WantedEntity, have: Have, user: str) -> Todo:
    """Everything about one entity, in the order in which it must be done."""
    found = have.entities.get(wanted.espo_type)
    done: list[Step] = []
    wrong = obstacle(wanted, have)
    if wrong is not None:
        return [], [wrong]
    if found is None:
        done.append(_made(wanted, have.language))
        found = HaveEntity(True, wanted.stream, False, {}, {}, "", (), (), (), {})
    fields, findings = _fields(wanted, found, have.language)
    link, more = _link(wanted, found, have)
    done += [*_switches(wanted, found), *link, *_parents_labels(wanted, have), *fields, *_labels(wanted, found, have)]
    done += [*_layouts(wanted, found, have), *_formula(wanted, found, user)]
    return done, [*findings, *more]


def obstacle(wanted: WantedEntity, have: Have) -> Left | None:
    """Why nothing can be done about an entity."""
    found, name = have.entities.get(wanted.espo_type), wanted.espo_type
    if found is not None:
        return None if found.custom else _foreign(wanted, found)
    if name.startswith(PREFIX) and len(name) > len(PREFIX):
        return None
    todo = f"name it with a {PREFIX} before it (espo_type in syncd.toml): EspoCRM does so with every new entity"
    return fail(f"entity {name}", "does not exist and cannot be made by this name", todo)


def _made(wanted: WantedEntity, language: str) -> Step:
    body = {
        "name": wanted.espo_type.removeprefix(PREFIX),
        "type": wanted.made.base,
        "labelSingular": wanted.made.one.of(language),
        "labelPlural": wanted.made.many.of(language),
        "stream": wanted.stream,
    }
    send = Send("POST", "EntityManager/action/createEntity", body, opens=True)
    stream = ", with stream" if wanted.stream else ""
    return Step(wanted.espo_type, "entity", "none", f"made, of type {wanted.made.base}{stream}", send)


def _switches(wanted: WantedEntity, found: HaveEntity) -> list[Step]:
    """Options of an entity that only an update takes."""
    body: dict[str, Any] = {}
    if not found.optimistic:
        body["optimisticConcurrencyControl"] = True
    if wanted.stream and not found.stream:
        body["stream"] = True
    if not body:
        return []
    names = {"optimisticConcurrencyControl": "optimistic concurrency control", "stream": "stream"}
    what = " and ".join(names[key] for key in body)
    send = Send("POST", "EntityManager/action/updateEntity", {"name": wanted.espo_type, **body})
    return [Step(wanted.espo_type, what, "off", "on", send)]


def _link(wanted: WantedEntity, found: HaveEntity, have: Have) -> Todo:
    """A child's link to its parent, with the list of children on the parent."""
    parent = wanted.parent
    if parent is None or wanted.parent_type is None:
        return [], []
    there = found.links.get(parent.foreign)
    if isinstance(there, Mapping):
        if there.get("entity") == wanted.parent_type:
            return [], []
        seen, todo = f"leads to {there.get('entity')}", f"it must lead to {wanted.parent_type}: rename yours"
        return [], [fail(f"link {wanted.espo_type}.{parent.foreign}", seen, todo)]
    assert wanted.parent_words is not None
    body = {
        "entity": wanted.parent_type,
        "entityForeign": wanted.espo_type,
        "link": parent.link,
        "linkForeign": parent.foreign,
        "label": wanted.made.many.of(have.language),
        "labelForeign": wanted.parent_words.of(have.language),
        "linkType": "oneToMany",
        "relationName": None,
        "linkMultipleField": False,
        "linkMultipleFieldForeign": False,
        "audited": False,
        "auditedForeign": False,
    }
    send = Send("POST", "EntityManager/action/createLink", body)
    return [Step(wanted.espo_type, f"link {parent.foreign}", "none", f"to {wanted.parent_type}", send)], []


# --- fields -----------------------------------------------------------------------------------


def _foreign(wanted: WantedEntity, found: HaveEntity) -> Left | None:
    missing = [one.name for one in wanted.fields if one.name not in found.fields]
    if not missing:
        return None
    todo = "EspoCRM would put a c before new names there: name a custom entity as espo_type in syncd.toml"
    return fail(f"fields of {wanted.espo_type}", f"lack {', '.join(missing)} in an entity of EspoCRM's own", todo)


def _fields(wanted: WantedEntity, found: HaveEntity, language: str) -> Todo:
    done, findings = [], []
    for one in wanted.fields:
        there = found.fields.get(one.name)
        if there is None:
            done.append(_new_field(wanted.espo_type, one, language))
        elif there.get("type") not in one.fitting:
            findings.append(_other_type(wanted.espo_type, one, str(there.get("type"))))
        else:
            done += _changed_field(wanted.espo_type, one, there)
    return done, findings


def _new_field(scope: str, one: WantedField, language: str) -> Step:
    body = {**one.definition(), "label": one.shape.words.of(language)}
    if one.options:
        # Without them EspoCRM silently takes no label of an option later on.
        body["translatedOptions"] = {key: words.of(language) for key, words in one.options.items()}
    about = [str(one.shape.kind)]
    about += [f"at most {one.shape.length} characters"] if one.shape.length else []
    about += [f"{len(one.options)} options, in colour"] if one.options else []
    return Step(scope, f"field {one.name}", "none", ", ".join(about), Send("POST", f"Admin/fieldManager/{scope}", body))


def _other_type(scope: str, one: WantedField, there: str) -> Left:
    renamed = f"name another field in syncd.toml (espo = …), or rename yours: it must be {one.shape.kind}"
    kept = f"rename yours in EspoCRM and run this again: it must be {one.shape.kind}"
    return fail(f"field {scope}.{one.name}", f"is of type {there}; left as it is", kept if one.ours else renamed)


def _changed_field(scope: str, one: WantedField, there: Mapping[str, Any]) -> list[Step]:
    """A field that is there gets what it lacks; what the firm has given it stays."""
    changes: dict[str, Any] = {}
    now, will = [], []
    options = [*(there.get("options") or ())]
    lacking = [option for option in one.options if option not in options]
    if lacking:
        changes["options"] = [*options, *lacking]
        now.append(f"{len(options)} options")
        will.append(f"also {', '.join(lacking)}")
    style = there.get("style") if isinstance(there.get("style"), Mapping) else {}
    colourless = {option: colour for option, colour in one.styles.items() if not (style or {}).get(option)}
    if colourless:
        changes["style"] = {**(style or {}), **colourless}
    if one.options and (colourless or there.get("displayAsLabel") is not True):
        changes["displayAsLabel"] = True
        now.append("no colours")
        will.append("in colour")
    if one.default is not None and there.get("default") != one.default:
        changes["default"] = one.default
        now.append(f"default {there.get('default') or 'none'}")
        will.append(f"default {one.default}")
    length = there.get("maxLength")
    needed = one.shape.length if one.ours and one.shape.kind is Kind.LINE else None
    if needed is not None and isinstance(length, int) and length < needed:
        changes["maxLength"] = needed
        now.append(f"{length} characters")
        will.append(f"{needed} characters")
    if not changes:
        return []
    send = Send("PUT", f"Admin/fieldManager/{scope}/{one.name}", {**there, **changes, "name": one.name})
    return [Step(scope, f"field {one.name}", ", ".join(now), ", ".join(will), send)]


# --- labels -----------------------------------------------------------------------------------


def _labels(wanted: WantedEntity, found: HaveEntity, have: Have) -> list[Step]:
    scope = wanted.espo_type
    usable = [one for one in wanted.fields if _is_ours(one, found)]
    words: dict[str, Words] = {f"fields[.]{one.name}": one.shape.words for one in usable}
    words |= {f"options[.]{one.name}[.]{key}": text for one in usable for key, text in one.options.items()}
    if wanted.parent is not None and wanted.parent_words is not None:
        words |= {f"{kind}[.]{wanted.parent.foreign}": wanted.parent_words for kind in ("fields", "links")}
    layout, _ = layouts.detail(found.detail, wanted)
    shown = {panel.get("label") for panel in layout if isinstance(panel, Mapping)}
    words |= {f"labels[.]{label}": text for label, text in PANEL_WORDS.items() if label in shown}
    options = {one.name: one.options for one in usable if one.options}
    names = {f"scopeNames[.]{scope}": wanted.made.one, f"scopeNamesPlural[.]{scope}": wanted.made.many}
    named, labelled = _unsaid(names, have.names, have.languages), _unsaid(words, found.labels, have.languages)
    done = []
    for language in have.languages:
        if named[language]:
            now = ", ".join(filter(None, (have.names.get(language, {}).get(key) for key in named[language])))
            save = SaveLabels(NAMES, language, named[language])
            will = ", ".join(named[language].values())
            done.append(Step(scope, f"name in {language}", now or "none", will, save))
        if labelled[language]:
            save = SaveLabels(scope, language, labelled[language], _choices(options, labelled[language], language))
            will = f"{len(labelled[language])} labels"
            done.append(Step(scope, f"labels in {language}", "none of these", will, save))
    return done


def _parents_link(child: str, wanted: Parent, have: Have) -> str:
    """What the list of children is called at their parent, which may be a name of the firm's."""
    there = have.entities.get(child)
    link = there.links.get(wanted.foreign) if there is not None else None
    return str(link.get("foreign") or wanted.link) if isinstance(link, Mapping) else wanted.link


def _parents_labels(wanted: WantedEntity, have: Have) -> list[Step]:
    """What people read over the list of children."""
    if wanted.parent is None or wanted.parent_type is None:
        return []
    scope, parent = wanted.parent_type, have.entities.get(wanted.parent_type)
    link = _parents_link(wanted.espo_type, wanted.parent, have)
    words = {f"links[.]{link}": wanted.made.many}
    todo = _unsaid(words, parent.labels if parent is not None else {}, have.languages)
    done = []
    for language, labels in todo.items():
        if labels:
            save, will = SaveLabels(scope, language, labels), ", ".join(labels.values())
            done.append(Step(scope, f"name of {link} in {language}", "none", will, save))
    return done


def _is_ours(one: WantedField, found: HaveEntity) -> bool:
    there = found.fields.get(one.name)
    return there is None or there.get("type") in one.fitting


def _unsaid(
    words: Mapping[str, Words], have: Mapping[str, Mapping[str, str]], languages: tuple[str, ...]
) -> dict[str, dict[str, str]]:
    """By language the labels nobody has given yet. One in another language is EspoCRM's own choice, not a person's.

    What a language lacks falls back to English and would change with it, so it is then said there too.
    """
    todo: dict[str, dict[str, str]] = {language: {} for language in languages}
    for key, text in words.items():
        free = {"", key.rpartition("[.]")[2], text.de, text.en}
        for language in languages:
            now, label = have.get(language, {}).get(key, ""), text.of(language)
            if now in free and (now != label or key in todo.get(ENGLISH, {})):
                todo[language][key] = label
    return todo


def _choices(
    options: Mapping[str, Mapping[str, Words]], labels: Mapping[str, str], language: str
) -> dict[str, dict[str, str]]:
    """The labels of all options of those fields of which one is spoken of."""
    return {
        name: {key: text.of(language) for key, text in choices.items()}
        for name, choices in options.items()
        if any(key.startswith(f"options[.]{name}[.]") for key in labels)
    }


# --- what people see, and the formula -----------------------------------------------------------


def _layouts(wanted: WantedEntity, found: HaveEntity, have: Have) -> list[Step]:
    scope, done = wanted.espo_type, []
    listing, column = layouts.listing(found.listing, wanted.status)
    if column:
        send = Send("PUT", f"{scope}/layout/list", listing)
        done.append(Step(scope, "list layout", f"{len(found.listing)} columns", f"also {wanted.status}", send))
    below, lists = layouts.panels(found.below, [_parents_link(name, one, have) for name, one in wanted.below])
    if lists:
        send = Send("PUT", f"{scope}/layout/relationships", below)
        done.append(Step(scope, "lists below", f"{len(found.below)} lists", f"also {', '.join(lists)}", send))
    detail, added = layouts.detail(found.detail, wanted)
    if added:
        known = {panel.get("label") for panel in found.detail if isinstance(panel, Mapping)}
        panels = [str(panel["label"]) for panel in detail if panel.get("label") not in known]
        what = f"panels {', '.join(panels)} with" if panels else "also"
        send = Send("PUT", f"{scope}/layout/detail", detail)
        done.append(Step(scope, "detail layout", f"{len(known)} panels", f"{what} {', '.join(added)}", send))
    return done


def _formula(wanted: WantedEntity, found: HaveEntity, user: str) -> list[Step]:
    if formula.fits(found.script, wanted.watched, wanted.status, user):
        return []
    script = formula.with_block(found.script, formula.block(wanted.watched, wanted.status, user))
    body = {"scope": wanted.espo_type, "data": {"beforeSaveCustomScript": script}}
    now = "a script of the firm's" if found.script.strip() else "none"
    if formula.BEGIN[:17] in found.script:
        now = "ours, of another mapping or user"
    will = f"an edit by anybody but {user} sets {wanted.status} to dirty"
    return [Step(wanted.espo_type, "status formula", now, will, Send("POST", "EntityManager/action/formula", body))]

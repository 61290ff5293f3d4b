"""EspoCRM's labels by language: what its label manager shows and takes, oddities included (read in its source).

A language falls back to English. A label of an option is taken only where that enum has labels of options already.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from syncd.sandbox.espocrm_errors import EspoError
from syncd.sandbox.espocrm_schema import EntityDef

BASE = "en_US"
LANGUAGE = "de_DE"
"""Of the instance: what its field manager writes to besides English."""

SEPARATOR = "[.]"
Categories = dict[str, dict[str, Any]]


class LabelBook:
    """All labels people have given. `schema` tells which fields and entities there are."""

    def __init__(self, schema: Mapping[str, EntityDef]) -> None:
        self.schema = schema
        self.said: dict[str, dict[str, Categories]] = {}

    def set(self, language: str, scope: str, category: str, name: str, value: Any) -> None:
        """One label, or all labels of the options of an enum."""
        self.said.setdefault(language, {}).setdefault(scope, {}).setdefault(category, {})[name] = value

    def made_entity(self, definition: EntityDef, sent: Mapping[str, Any]) -> None:
        """Names of a new entity go into English alone; its template brings labels of buttons."""
        self.set(BASE, "Global", "scopeNames", definition.name, sent.get("labelSingular") or definition.name)
        self.set(BASE, "Global", "scopeNamesPlural", definition.name, sent.get("labelPlural") or definition.name)
        for language, verb in ((BASE, "Create {}"), (LANGUAGE, "{} erstellen")):
            text = verb.format(sent.get("labelSingular") or definition.name)
            self.set(language, definition.name, "labels", f"Create {definition.name}", text)

    def made_field(self, scope: str, name: str, sent: Mapping[str, Any]) -> None:
        """What a field manager's request says goes into the instance's language and English."""
        for language in (LANGUAGE, BASE):
            if sent.get("label"):
                self.set(language, scope, "fields", name, sent["label"])
            if isinstance(sent.get("translatedOptions"), Mapping):
                self.set(language, scope, "options", name, dict(sent["translatedOptions"]))

    def made_link(self, parent: str, child: str, sent: Mapping[str, Any]) -> None:
        """What a new link is called goes into the instance's language and English, on both sides."""
        for language in (LANGUAGE, BASE):
            for category in ("links", "fields"):
                self.set(language, parent, category, sent["link"], sent["label"])
                self.set(language, child, category, sent["linkForeign"], sent.get("labelForeign"))

    def shown(self, sent: Mapping[str, Any]) -> dict[str, dict[str, str]]:
        """`getScopeData`: by category, keys with the category in front."""
        language, scope = _asked(sent)
        data = self._merged(language, scope)
        if not data and scope != "Global":
            return {}
        if scope == "Global":
            for category in ("scopeNames", "scopeNamesPlural"):
                data[category] = dict.fromkeys(self.schema, "") | data.get(category, {})
        else:
            fields = self.schema[scope].fields if scope in self.schema else {}
            data["fields"] = dict.fromkeys(fields, "") | data.get("fields", {})
            for one in fields.values():
                if one.options and one.type != "varchar":
                    known = data.setdefault("options", {}).get(one.name) or {}
                    data["options"][one.name] = {key: known.get(key) or key for key in one.options if key}
        return {category: _flat(category, items) for category, items in data.items() if items}

    def save(self, sent: Mapping[str, Any]) -> dict[str, str]:
        """`saveLabels`: what was taken, by scope and key."""
        language, scope = _asked(sent)
        if not isinstance(sent.get("labels"), Mapping):
            raise EspoError(400, "")
        taken = {}
        for key, value in sent["labels"].items():
            category, name, *option = key.split(SEPARATOR)
            if not option:
                self.set(language, scope, category, name, value)
            else:
                known = self._merged(language, scope).get(category, {}).get(name)
                if not isinstance(known, Mapping):
                    continue
                self.set(language, scope, category, name, {**known, option[0]: value})
            taken[SEPARATOR.join((scope, category, name, *option))] = value
        return taken

    def _merged(self, language: str, scope: str) -> Categories:
        merged: Categories = {}
        for one in (BASE, language):
            for category, items in self.said.get(one, {}).get(scope, {}).items():
                into = merged.setdefault(category, {})
                for name, value in items.items():
                    both = isinstance(value, Mapping) and isinstance(into.get(name), Mapping)
                    into[name] = {**into[name], **value} if both else value
        return merged


def _asked(sent: Mapping[str, Any]) -> tuple[str, str]:
    if not sent.get("scope") or not sent.get("language"):
        raise EspoError(400, "")
    return str(sent["language"]), str(sent["scope"])


def _flat(category: str, items: Mapping[str, Any]) -> dict[str, str]:
    flat: dict[str, str] = {}
    for name, value in items.items():
        if isinstance(value, Mapping):
            flat |= {SEPARATOR.join((category, name, key)): text for key, text in value.items()}
        else:
            flat[f"{category}{SEPARATOR}{name}"] = value
    return flat

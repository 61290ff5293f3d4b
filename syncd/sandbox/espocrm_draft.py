"""A write to EspoCRM between being sent and being stored: checked columns, lists and single values.

Knows the entity's definition and the shared values; nothing of users, versions, webhooks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from syncd.sandbox.espocrm_channels import EMAIL, PHONE, Book, Links
from syncd.sandbox.espocrm_schema import EntityDef
from syncd.sandbox.espocrm_table import Row
from syncd.sandbox.espocrm_values import clean, fold


@dataclass
class Draft:
    """A checked write, not applied yet."""

    columns: dict[str, Any]
    lists: dict[str, list[dict[str, Any]]]
    singles: dict[str, str | None]


@dataclass
class Books:
    """The shared e-mail addresses and phone numbers."""

    emails: Book = field(default_factory=lambda: Book(EMAIL))
    phones: Book = field(default_factory=lambda: Book(PHONE))

    def check(self, entity: str, body: Mapping[str, Any], draft: Draft) -> None:
        """Take over lists and single values of a body; a list wins, a null list is as if not sent."""
        for book in (self.emails, self.phones):
            if body.get(book.data_attribute) is not None:
                draft.lists[book.attribute] = book.check_list(entity, body[book.data_attribute])
            elif book.attribute in body:
                value = body[book.attribute]
                if value is None or (value == "" and book is self.emails):
                    draft.singles[book.attribute] = None
                else:
                    draft.singles[book.attribute] = book.check_value(entity, value)

    def changed(self, row: Row, draft: Draft) -> set[str]:
        """Names of the attributes that count as changed."""
        changed = set()
        for book, links in self._of(row):
            sent = draft.lists.get(book.attribute)
            if sent is not None and not book.same(links, sent):
                changed.add(book.data_attribute)
            if book.attribute in draft.singles and draft.singles[book.attribute] != book.primary_text(links):
                changed.add(book.attribute)
        return changed

    def store(self, entity: str, row: Row, draft: Draft) -> None:
        """Relink the row to what was sent."""
        who = (entity, row.id)
        row.emails = _stored(self.emails, who, row.emails, draft)
        row.phones = _stored(self.phones, who, row.phones, draft)

    def sent(self, draft: Draft) -> dict[str, Any]:
        """Lists and single values as a webhook's update carries them."""
        shown: dict[str, Any] = {}
        for book in (self.emails, self.phones):
            if book.attribute in draft.lists:
                sent = draft.lists[book.attribute]
                shown[book.data_attribute] = sent
                shown[book.attribute] = book.sent_single(sent)
            elif book.attribute in draft.singles:
                shown[book.attribute] = draft.singles[book.attribute]
        return shown

    def sent_in_create(self, draft: Draft) -> dict[str, Any]:
        """The same in a webhook's create: only what is set, the e-mail in lower case."""
        shown = {name: value for name, value in self.sent(draft).items() if value is not None}
        if EMAIL in shown:
            shown[EMAIL] = shown[EMAIL].lower()
        return shown

    def current(self, row: Row, names: set[str]) -> dict[str, Any]:
        """The stored list and single field of each named channel."""
        values: dict[str, Any] = {}
        for book, links in self._of(row):
            if book.data_attribute in names or book.attribute in names:
                values[book.data_attribute] = book.read(links)
                values[book.attribute] = book.primary_text(links)
        return values

    def holders(self, entity: str, draft: Draft) -> list[str]:
        """Ids of living records that hold one of the sent e-mail addresses."""
        sent = [str(one[EMAIL]) for one in draft.lists.get(EMAIL, ())]
        single = draft.singles.get(EMAIL)
        found: list[str] = []
        for address in [*sent, *([single] if single else [])]:
            holding = self.emails.holders.get(self.emails.key(address), ())
            found += sorted(record for where, record in holding if where == entity)
        return found

    def remember(self, entity: str, row: Row) -> None:
        """The row is there again."""
        for book, links in self._of(row):
            book.remember((entity, row.id), links)

    def forget(self, entity: str, row: Row) -> None:
        """The row was deleted."""
        for book, links in self._of(row):
            book.forget((entity, row.id), links)

    def _of(self, row: Row) -> Iterator[tuple[Book, Links]]:
        yield self.emails, row.emails
        yield self.phones, row.phones


@dataclass
class Names:
    """Living persons by folded first and last name, for the duplicate check."""

    ids: dict[tuple[str, str, str], set[str]] = field(default_factory=dict)

    def add(self, entity: str, row: Row) -> None:
        """The row has this name now."""
        self.ids.setdefault(_key(entity, row.values), set()).add(row.id)

    def discard(self, entity: str, row: Row) -> None:
        """The row is about to lose this name."""
        self.ids.get(_key(entity, row.values), set()).discard(row.id)

    def find(self, entity: str, columns: Mapping[str, Any]) -> list[str]:
        """Ids of living records of the same name."""
        return sorted(self.ids.get(_key(entity, columns), ()))


def check(books: Books, definition: EntityDef, body: Mapping[str, Any]) -> Draft:
    """The body as it would be stored; unknown attributes are ignored. EspoError 400."""
    draft = Draft({}, {}, {})
    for one in definition.fields.values():
        if one.attribute in body:
            draft.columns[one.attribute] = clean(definition.name, one, body[one.attribute])
    if definition.person:
        books.check(definition.name, body, draft)
    return draft


def compose_name(definition: EntityDef, values: dict[str, Any]) -> None:
    """A person's `name` is composed, never written."""
    if definition.person:
        parts = [values.get("firstName"), values.get("lastName")]
        values["name"] = " ".join(part for part in parts if part) or None


def stems(names: set[str]) -> set[str]:
    """The channels' single names."""
    return {name.removesuffix("Data") for name in names}


def _stored(book: Book, who: tuple[str, str], links: Links, draft: Draft) -> Links:
    if book.attribute in draft.lists:
        return book.store_list(who, links, draft.lists[book.attribute])
    if book.attribute in draft.singles:
        return book.store_single(who, links, draft.singles[book.attribute])
    return links


def _key(entity: str, values: Mapping[str, Any]) -> tuple[str, str, str]:
    return entity, fold(values.get("firstName") or ""), fold(values.get("lastName") or "")

"""Addresses and accounts in a story: typed in either system, and looked at there."""

from __future__ import annotations

from typing import Any

from tests.engine.story import Story

ADRESSE = {"adresseStreet": "Lange Gasse 3", "adressePostalCode": "30159", "adresseCity": "Hannover"}
ZEILE = {"strasse": "Lange Gasse 3", "plz": "30159", "ort": "Hannover"}
IBAN, OTHER_IBAN, THIRD_IBAN = "DE89370400440532013000", "DE02120300000000202051", "DE02500105170137075030"


def address(story: Story, parent: str, by: str = "anna", **values: Any) -> str:
    """A clerk types an address; returns its id."""
    return story.espo.create({**ADRESSE, "beteiligterId": parent, **values}, "CAdressen", by)


def account(story: Story, parent: str, iban: str = IBAN, by: str = "anna", **values: Any) -> str:
    """A clerk types an account; returns its id."""
    body = {"iban": iban, "kontoinhaber": "Ida Neumann", "beteiligterId": parent, **values}
    return story.espo.create(body, "CBankverbindungen", by)


def edit(story: Story, entity: str, child_id: str, **values: Any) -> None:
    """A clerk changes one."""
    story.espo.edit(child_id, values, entity, by="anna")


def rows(story: Story, betnr: int, kind: str = "adressen") -> list[dict[str, Any]]:
    """A list as Advoware has it."""
    return list(story.advoware.see(betnr)[kind])


def here(story: Story, entity: str = "CAdressen") -> list[dict[str, Any]]:
    """Living children of all records in EspoCRM."""
    return story.espo.all(entity)


def see(story: Story, child_id: str, entity: str = "CAdressen") -> dict[str, Any]:
    """One child in EspoCRM."""
    return story.espo.see(child_id, entity)


def open_tasks(story: Story) -> list[str]:
    """What the Tasks that are not done say."""
    return [task["description"] for task in story.tasks() if task["status"] != "Completed"]

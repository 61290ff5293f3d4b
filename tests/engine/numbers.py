"""Phones, faxes and e-mails in a story: how people type them, and what both systems show of them."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from syncd.sandbox.reachability import differences, meaning
from tests.engine.story import Story

OFFICE, MOBILE, HOME, FAX = "+4951112345", "+491712345678", "+495119876", "+4951155555"
ADDRESS = "ida.neumann@example.org"


def phone(number: str, kind: str = "Office", *, primary: bool = False) -> dict[str, Any]:
    """A number as EspoCRM has it in its list."""
    return {"phoneNumber": number, "type": kind, "primary": primary, "optOut": False, "invalid": False}


def mail(address: str, *, primary: bool = False) -> dict[str, Any]:
    """An e-mail address as EspoCRM has it in its list."""
    return {"emailAddress": address, "primary": primary, "optOut": False, "invalid": False}


def typed(tlf: str, kind: int, text: str = "", *, online: bool = False) -> dict[str, Any]:
    """An entry as a person types it in Advoware."""
    return {"tlf": tlf, "kommKz": kind, "bemerkung": text, "online": online}


def marker(value: str, kind: int) -> str:
    """What stands before people's text once an entry is kept the same."""
    return f"[ESPOCRM:{base64.b64encode(value.encode()).decode()}:{kind}]"


def entries(story: Story, betnr: int) -> list[dict[str, Any]]:
    """Advoware's entries with the kommKz that is really stored."""
    return list(story.advoware.see(betnr)["kommunikation"])


def entry(story: Story, betnr: int, tlf: str) -> dict[str, Any]:
    """The one entry that says this."""
    [found] = [one for one in entries(story, betnr) if one["tlf"] == tlf]
    return found


def living(story: Story, betnr: int) -> list[tuple[int, str]]:
    """kommKz and number of all entries that say something."""
    return sorted((one["kommKz"], one["tlf"]) for one in entries(story, betnr) if (one["tlf"] or "").strip())


def rows(story: Story, espo_id: str) -> list[dict[str, Any]]:
    """EspoCRM's phones as read, to be saved again with a change."""
    return [dict(one) for one in story.espo.see(espo_id)["phoneNumberData"]]


def phones(story: Story, espo_id: str) -> list[tuple[str, str]]:
    """Numbers and types EspoCRM shows."""
    return sorted((one["phoneNumber"], one["type"]) for one in rows(story, espo_id))


def mails(story: Story, espo_id: str) -> list[str]:
    """Addresses EspoCRM shows."""
    return sorted(one["emailAddress"] for one in story.espo.see(espo_id)["emailAddressData"])


def save(story: Story, espo_id: str, *numbers: Mapping[str, Any], by: str = "anna") -> None:
    """A person saves the record's phones, all of them."""
    story.espo.edit(espo_id, {"phoneNumberData": [dict(one) for one in numbers]}, by=by)


async def known(story: Story, *numbers: dict[str, Any], addresses: tuple[dict[str, Any], ...] = ()) -> tuple[str, int]:
    """A person of Anna's whose numbers both systems have."""
    lists = {"phoneNumberData": list(numbers), "emailAddressData": list(addresses)}
    espo_id, betnr = await story.pair({**lists, "assignedUserId": story.anna()})
    assert len(entries(story, betnr)) == len(numbers) + len(addresses)
    story.forget_calls()
    return espo_id, betnr


async def shown(story: Story, espo_id: str) -> set[str]:
    """Numbers a person has been told of: they may be missing on one side."""
    found = {meaning(value) for row in await story.conflicts(espo_id) for value in (row["espo"], row["advoware"])}
    return {value for value in found if value is not None}


async def agree(story: Story, espo_id: str, betnr: int, *excused: str) -> None:
    """Both systems say the same of a person, and nothing is written any more."""
    assert differences(story.espo.see(espo_id), story.advoware.see(betnr), set(excused)) == []
    story.forget_calls()
    await story.settle()
    wrote = [(call.method, call.path, call.names) for call in story.calls() if call.method != "GET"]
    assert wrote == [], f"not quiet: {wrote}"

"""Where people see a record: on our own page, and in EspoCRM. Pure."""

from __future__ import annotations

from mappers.spec import Entity


def page(public_url: str, key: str) -> str:
    """Our page of a record."""
    return f"{public_url.rstrip('/')}/ui/records/{key}"


def in_espocrm(api_url: str, entity: Entity, key: str) -> str:
    """The record in EspoCRM, whose API is at `api_url` (…/api/v1)."""
    return f"{api_url.rstrip('/').removesuffix('/api/v1')}/#{entity.espo_type}/view/{key.partition('/')[2]}"

"""How EspoCRM refuses: one exception carrying status, X-Status-Reason and body (espocrm.md §1)."""

from __future__ import annotations

from typing import Any


class EspoError(Exception):
    """A refusal. `reason` None = no X-Status-Reason and text/html; "" = the header is there, empty."""

    def __init__(self, status: int, reason: str | None, body: Any = None) -> None:
        super().__init__(f"{status} {reason}")
        self.status = status
        self.reason = reason
        self.body = body


def invalid(entity: str, field: str, rule: str) -> EspoError:
    """400 of a field: `rule` is valid, required, maxLength, min, pattern, maxCount …"""
    return EspoError(
        400,
        f"Field validation failure; entityType: {entity}, field: {field}, type: {rule}.",
        {
            "messageTranslation": {
                "label": "validationFailure",
                "scope": None,
                "data": {"field": field, "type": rule},
            }
        },
    )


def missing(record_id: str) -> EspoError:
    """404 of a GET."""
    return EspoError(404, f"Record {record_id} does not exist.")


def not_found(record_id: str) -> EspoError:
    """404 of PATCH and DELETE."""
    return EspoError(404, f"Record {record_id} not found.")


def unrelatable(entity: str, link: str) -> EspoError:
    """403 of a link to a record that is not there."""
    return EspoError(403, f"Can't relate with non-existing record. entity type: {entity}, link: {link}.")

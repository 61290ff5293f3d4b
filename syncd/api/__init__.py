"""The HTTP doors: webhooks, health, metrics, and the API for people and scripts.

They translate between HTTP and `intake`, `inspect`, `commands`, `keeper`; they decide nothing. Every error is one line
of JSON that tells nothing about a record.
"""

from syncd.api.app import LIMIT, WEBHOOK_LIMIT, create_api
from syncd.api.deps import ApiDeps

__all__ = ["LIMIT", "WEBHOOK_LIMIT", "ApiDeps", "create_api"]

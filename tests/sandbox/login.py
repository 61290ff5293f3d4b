"""A token request as a client would send it."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import count
from typing import Any

from syncd.sandbox import defaults
from syncd.sandbox.advoware_token import signature

_numbers = count(1)


def token_request(now: float, **changed: Any) -> dict[str, Any]:
    """A valid request at this time, some keys overridden after signing."""
    stamp = datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    nonce = f"00000000-0000-4000-8000-{next(_numbers):012d}"
    product, app = defaults.ADVOWARE_PRODUCT, defaults.ADVOWARE_APP_ID
    return {
        "AppID": app,
        "Kanzlei": defaults.ADVOWARE_KANZLEI,
        "Database": defaults.ADVOWARE_DATABASE,
        "User": defaults.ADVOWARE_USER,
        "Role": defaults.ADVOWARE_ROLE,
        "Product": product,
        "Password": defaults.ADVOWARE_PASSWORD,
        "Nonce": nonce,
        "HMAC512Signature": signature(defaults.ADVOWARE_API_KEY, product, app, nonce, stamp),
        "RequestTimeStamp": stamp,
    } | changed

"""Who may see the pages: names, roles, and whether a password is right. Knows no HTTP and keeps nothing."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.profiles import RFC_9106_LOW_MEMORY

SHORTEST_PASSWORD, LONGEST_PASSWORD = 10, 500
AT_A_TIME = 2  # each check takes 64 MiB for a moment
# Of a password nobody has: a name that is not known takes as long as one that is.
_NOBODY = "$argon2id$v=19$m=65536,t=3,p=4$q3lIYC0Ys4t4o3d6Gez1og$PKRL3eoMkEqfP8nekAYViWRxbYm2n+0nyzsEy8/pDhY"


class Role(StrEnum):
    """What a person may do."""

    READ = "read"
    DECIDE = "decide"


@dataclass(frozen=True)
class User:
    """A person, or whoever has the API token. `secret` is the hash or the token, of which sessions are made."""

    name: str
    role: Role
    secret: str = field(repr=False)
    by_token: bool = False

    @property
    def may_decide(self) -> bool:
        """Whether requests of this person are taken."""
        return self.role is Role.DECIDE


class Users:
    """Everybody who may sign in. `configured` as in `Deps.users`; an empty token is none."""

    def __init__(self, configured: Mapping[str, str], api_token: str) -> None:
        self._by_name = {name: _user(name, told) for name, told in configured.items()}
        self._holder = User("token", Role.DECIDE, api_token, by_token=True) if api_token else None
        self._turns = asyncio.Semaphore(AT_A_TIME)

    def __bool__(self) -> bool:
        return bool(self._by_name) or self._holder is not None

    def known(self, name: str, *, by_token: bool) -> User | None:
        """Who a session was begun for, if they may still come."""
        return self._holder if by_token else self._by_name.get(name)

    async def check(self, name: str, password: str) -> User | None:
        """Who this is; None if the password is wrong or nobody is called so. Without a name the token is meant."""
        if len(password) > LONGEST_PASSWORD:
            return None
        if not name:
            right = self._holder is not None and _same(password, self._holder.secret)
            return self._holder if right else None
        user = self._by_name.get(name)
        async with self._turns:
            right = await asyncio.to_thread(_verified, user.secret if user is not None else _NOBODY, password)
        return user if right else None


def _user(name: str, told: str) -> User:
    role, _, secret = told.partition(":")
    return User(name, Role(role), secret)


def hashed(password: str) -> str:
    """What the configuration keeps of a password."""
    return PasswordHasher.from_parameters(RFC_9106_LOW_MEMORY).hash(password)


def _verified(secret: str, password: str) -> bool:
    try:
        return PasswordHasher().verify(secret, password)
    except (VerificationError, InvalidHashError):
        return False


def _same(one: str, other: str) -> bool:
    """Whether two texts are the same; takes as long for any."""
    digests = [hashlib.sha256(text.encode("utf-8", "replace")).digest() for text in (one, other)]
    return hmac.compare_digest(*digests)

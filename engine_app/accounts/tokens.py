"""Signed tokens: JWT with HS256, the only algorithm accepted, each of one kind that no other place accepts.

A session token says which row of `sessions` it stands for; the row alone decides whether it still holds. A device
token says that somebody logged in to the account on this device before; it opens nothing.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

import jwt

from engine_app.accounts.errors import Unauthorized

ALGORITHM = "HS256"
ISSUER = "order-engine"
_REQUIRED = ["iss", "aud", "sub", "jti", "iat", "nbf", "exp"]
_USER_ID = re.compile(r"[1-9][0-9]{0,8}")


class Kind(StrEnum):
    """What a token is for: the `typ` of its header, and its audience."""

    SESSION = "session+jwt"
    DEVICE = "device+jwt"

    @property
    def audience(self) -> str:
        """The `aud` of such a token."""
        return f"{ISSUER}:{self.name.lower()}"


@dataclass(frozen=True, slots=True)
class TokenClaims:
    """What a valid token says: whose it is, its own id, and when it was issued and ends."""

    user_id: int
    token_id: str
    issued_at: datetime
    expires_at: datetime


class Tokens:
    """Issues and reads the tokens of one kind.

    Args:
        keys: secrets of 32 bytes or more. The first signs; each of them is accepted, so that a new one can take over
            while tokens of the old one still hold.
        kind: what the tokens are for.
        life: from issue to expiry.
    """

    def __init__(self, keys: Sequence[str], *, kind: Kind, life: timedelta) -> None:
        self._keys = tuple(keys)
        self._kind = kind
        self.life = life

    def issue(self, user_id: int, *, token_id: str | None = None, now: datetime | None = None) -> str:
        """A token of `user_id` that holds from `now` (this moment) on; its id is drawn where none is given."""
        issued_at = now or datetime.now(UTC)
        claims = {
            "iss": ISSUER,
            "aud": self._kind.audience,
            "sub": str(user_id),
            "jti": token_id or new_token_id(),
            "iat": issued_at,
            "nbf": issued_at,
            "exp": issued_at + self.life,
        }
        return jwt.encode(claims, self._keys[0], algorithm=ALGORITHM, headers={"typ": self._kind.value})

    def read(self, token: str) -> TokenClaims:
        """The claims of a token of this kind that one of the keys signed and that holds now.

        Raises:
            Unauthorized: anything else, with one sentence that does not tell which.
        """
        for key in self._keys:
            if (claims := self._read(token, key)) is not None:
                return claims
        raise Unauthorized

    def _read(self, token: str, key: str) -> TokenClaims | None:
        try:
            read = jwt.decode_complete(
                token,
                key,
                algorithms=[ALGORITHM],
                audience=self._kind.audience,
                issuer=ISSUER,
                options={"require": _REQUIRED, "strict_aud": True},
            )
            claims = read["payload"]
            issued_at, expires_at = (datetime.fromtimestamp(claims[name], UTC) for name in ("iat", "exp"))
        except (jwt.InvalidTokenError, ValueError, TypeError, OverflowError, OSError):
            return None
        usable = read["header"].get("typ") == self._kind.value and _USER_ID.fullmatch(claims["sub"]) and claims["jti"]
        return TokenClaims(int(claims["sub"]), claims["jti"], issued_at, expires_at) if usable else None


def session_tokens(keys: Sequence[str], *, hours: int) -> Tokens:
    """The tokens of sessions, which hold for so many hours; keys as `Tokens` takes them."""
    return Tokens(keys, kind=Kind.SESSION, life=timedelta(hours=hours))


def new_token_id() -> str:
    """A fresh id of a token: 128 random bits."""
    return secrets.token_urlsafe(16)

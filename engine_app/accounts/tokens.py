"""Session tokens: JWT signed with HS256, the only algorithm accepted."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import jwt

from engine_app.accounts.errors import Unauthorized

ALGORITHM = "HS256"
_USER_ID = re.compile(r"[1-9][0-9]{0,8}")


@dataclass(frozen=True, slots=True)
class TokenClaims:
    """What a valid token says: whose it is, its own id, and when it was issued and ends."""

    user_id: int
    token_id: str
    issued_at: datetime
    expires_at: datetime


class Tokens:
    """Issues and reads session tokens. `secret` has 32 bytes or more."""

    def __init__(self, secret: str, *, life: timedelta) -> None:
        self._secret = secret
        self._life = life

    def issue(self, user_id: int, *, now: datetime | None = None) -> str:
        """A token of `user_id` that ends after the session's life, counted from `now`."""
        issued_at = now or datetime.now(UTC)
        claims = {
            "sub": str(user_id),
            "jti": secrets.token_urlsafe(16),
            "iat": issued_at,
            "exp": issued_at + self._life,
        }
        return jwt.encode(claims, self._secret, algorithm=ALGORITHM)

    def read(self, token: str) -> TokenClaims:
        """The claims of a token that this secret signed and that has not ended.

        Raises:
            Unauthorized: anything else, with one sentence that does not tell which.
        """
        try:
            claims = jwt.decode(
                token,
                self._secret,
                algorithms=[ALGORITHM],
                options={"require": ["exp", "iat", "sub", "jti"]},
            )
            issued_at, expires_at = (datetime.fromtimestamp(claims[name], UTC) for name in ("iat", "exp"))
        except (jwt.InvalidTokenError, ValueError, TypeError, OverflowError, OSError):
            raise Unauthorized from None
        if not _USER_ID.fullmatch(claims["sub"]) or not claims["jti"]:
            raise Unauthorized
        return TokenClaims(int(claims["sub"]), claims["jti"], issued_at, expires_at)

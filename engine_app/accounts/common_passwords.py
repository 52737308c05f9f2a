"""Passwords that are tried first: the 30,000 most common ones of leaked lists, as the package zxcvbn ships them."""

from __future__ import annotations

from functools import cache

from zxcvbn.frequency_lists import FREQUENCY_LISTS

from engine_app.accounts.errors import CommonPassword
from engine_app.accounts.passwords import MIN_BYTES, require_usable
from engine_app.telemetry.logging import get_logger

log = get_logger(__name__)

WARNING = "This password is among those that are tried first: choose another one."


def judge(password: str, username: str, *, strict: bool) -> str | None:
    """What to tell a person about a new password; None where there is nothing to say.

    Raises:
        InvalidPassword: not 8 to 72 bytes of UTF-8.
        CommonPassword: it is tried first, and the production checks apply (`strict`).
    """
    require_usable(password)
    if not is_common(password, username):
        return None
    if strict:
        raise CommonPassword
    log.warning("a common password was chosen")
    return WARNING


def is_common(password: str, username: str) -> bool:
    """Whether somebody who guesses would try this password early: it is on the list, or it is the name itself.

    Case does not count; nothing else is asked of a password.
    """
    folded = password.casefold()
    return folded in _listed() or folded == username.casefold()


@cache
def _listed() -> frozenset[str]:
    """Those of the list that are long enough to be chosen at all."""
    return frozenset(word for word in FREQUENCY_LISTS["passwords"] if len(word.encode()) >= MIN_BYTES)

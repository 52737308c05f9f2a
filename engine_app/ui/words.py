"""What the page says about errors and waiting. Pure."""

from __future__ import annotations

from engine_app import errors
from engine_app.accounts.errors import InvalidKeyRequest
from engine_app.errors import EngineError
from engine_app.markets.errors import InvalidAmount
from engine_app.orders.errors import InvalidSlippage
from engine_app.storage.postgres import DATABASE_AWAY, DATABASE_UNAVAILABLE

TOLD = (EngineError, *DATABASE_AWAY)
"""What can go wrong and is told to the person; anything else nobody foresaw."""


def told(error: Exception) -> str:
    """An error of `TOLD` as the page says it: what happened, and what to do about it.

    Of an unusable amount or API key the error itself knows best what is wrong. Slippage is a fraction everywhere but
    on the page, which says it in percent.
    """
    if isinstance(error, InvalidAmount | InvalidKeyRequest):
        return sentence(error.detail)
    if isinstance(error, InvalidSlippage):
        return "Slippage goes from 0.01% to just below 50%."
    known = errors.explain(code_of(error))
    if (retry_after := retry_after_of(error)) is not None:
        return f"{known.happened} Try again in {wait_words(retry_after)}."
    return f"{known.happened} {known.next_step}"


def code_of(error: Exception) -> str:
    """The published code of an error of `TOLD`."""
    return error.code if isinstance(error, EngineError) else DATABASE_UNAVAILABLE


def retry_after_of(error: Exception) -> int | None:
    """In how many seconds a person may try again, where the error says so."""
    return error.retry_after if isinstance(error, EngineError) else None


def may_pass(error: Exception) -> bool:
    """Whether an error of `TOLD` may be gone when the same is asked again: its cause is not in what was asked."""
    return not isinstance(error, EngineError) or error.status >= 500 or error.retry_after is not None


def sentence(text: str) -> str:
    """A text with a capital at its start and a full stop at its end."""
    return f"{text[:1].upper()}{text[1:].rstrip('.')}."


def wait_words(seconds: int) -> str:
    """A waiting time as people say it."""
    if seconds < 90:
        return f"{max(seconds, 1)} s"
    return f"{-(-seconds // 60)} minutes"

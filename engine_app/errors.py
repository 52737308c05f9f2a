"""The base of every error the engine tells a person or a program about, and the registry of their codes.

Each room defines its own errors below this base. A code never changes its meaning once published.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ErrorCode:
    """What one stable code tells its reader.

    Attributes:
        code: stable, upper case, as sent to clients.
        happened: one sentence: what happened.
        money: one sentence: what happened to the money.
        next_step: one sentence: what to do next.
    """

    code: str
    happened: str
    money: str
    next_step: str


_registry: dict[str, ErrorCode] = {}


def register(code: str, happened: str, money: str, next_step: str) -> str:
    """Add a code to the registry and return it; raises ValueError where the code exists already."""
    if code in _registry:
        raise ValueError(f"error code {code} is registered twice")
    _registry[code] = ErrorCode(code, happened, money, next_step)
    return code


def explain(code: str) -> ErrorCode:
    """The registered explanation of a code; raises KeyError for an unknown one."""
    return _registry[code]


def all_codes() -> tuple[ErrorCode, ...]:
    """Every registered code, sorted by name."""
    return tuple(_registry[name] for name in sorted(_registry))


class EngineError(Exception):
    """An error with a stable code, an HTTP status and a sentence for the reader.

    Subclasses set `code` and `status`; the message is the `detail` of the problem document.
    """

    code: str = "INTERNAL"
    status: int = 500

    def __init__(self, detail: str, *, retry_after: int | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.retry_after = retry_after
        """Seconds after which trying again makes sense (Retry-After), or None."""


register(
    "INTERNAL",
    "Something went wrong inside the engine.",
    "An order that was accepted is safe in the database and goes on by itself.",
    "Look at the order's page before trying again; tell the operator if it stays.",
)

"""How an account's sessions, API keys and security log read. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from engine_app.accounts.api_keys import PREFIX
from engine_app.accounts.models import ApiKey, OpenedSession
from engine_app.accounts.scopes import Scope
from engine_app.accounts.security_log import SecurityEvent, SecurityRecord
from engine_app.ui.figures import in_full, shortened

SCOPE_WORDS: Mapping[Scope, tuple[str, str]] = {
    Scope.READ: ("Read", "Look at orders, balances and quotes"),
    Scope.TRADE: ("Trade", "Place and cancel orders"),
    Scope.WITHDRAW: ("Withdraw", "Send funds to another address"),
}
DAY_CHOICES = (("30", "30 days"), ("90", "90 days"), ("365", "1 year"), ("", "Until it is revoked"))

LONGEST_WORD = 24

_BROWSERS = (("Edg/", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari"))
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)
_EVENTS: Mapping[str, str] = {
    SecurityEvent.ACCOUNT_CREATED: "Account created",
    SecurityEvent.LOGIN: "Logged in",
    SecurityEvent.LOGIN_FAILED: "Log-in failed",
    SecurityEvent.LOGOUT: "Logged out",
    SecurityEvent.LOGOUT_EVERYWHERE: "Logged out everywhere",
    SecurityEvent.SESSION_ENDED: "Session ended",
    SecurityEvent.PASSWORD_CHANGED: "Password changed",
    SecurityEvent.PASSWORD_REFUSED: "Wrong password",
    SecurityEvent.PASSWORD_RESET: "Password reset by the operator",
    SecurityEvent.API_KEY_CREATED: "API key created",
    SecurityEvent.API_KEY_REVOKED: "API key revoked",
    SecurityEvent.ADDRESS_ADDED: "Withdrawal address added",
    SecurityEvent.ADDRESS_REMOVED: "Withdrawal address removed",
    SecurityEvent.WITHDRAWAL_REQUESTED: "Withdrawal requested",
}
_FACT_WORDS = {"ip": "from", "destination": "to"}
_ALARMING = frozenset({SecurityEvent.LOGIN_FAILED, SecurityEvent.PASSWORD_REFUSED, SecurityEvent.PASSWORD_RESET})


@dataclass(frozen=True)
class SessionRow:
    """One open session; the moments are ISO 8601."""

    session_id: int
    name: str
    agent: str
    ip: str
    opened_at: str
    expires_at: str
    current: bool


@dataclass(frozen=True)
class KeyRow:
    """One API key that holds; a moment that there is not is empty."""

    key_id: int
    name: str
    hint: str
    scopes: list[str]
    created_at: str
    last_used_at: str
    expires_at: str


@dataclass(frozen=True)
class LogRow:
    """One entry of the security log."""

    label: str
    facts: str
    at: str
    tone: str


def session_row(opened: OpenedSession, current: int | None) -> SessionRow:
    """A session, and whether it is the one that asks."""
    return SessionRow(
        session_id=opened.id,
        name=device(opened.agent),
        agent=opened.agent,
        ip=opened.ip,
        opened_at=opened.created_at.isoformat(),
        expires_at=opened.expires_at.isoformat(),
        current=opened.id == current,
    )


def key_row(key: ApiKey) -> KeyRow:
    """An API key."""
    return KeyRow(
        key_id=key.id,
        name=key.name,
        hint=f"{PREFIX}…{key.hint}",
        scopes=[SCOPE_WORDS[Scope(scope)][0] for scope in key.scopes],
        created_at=key.created_at.isoformat(),
        last_used_at=_moment(key.last_used_at),
        expires_at=_moment(key.expires_at),
    )


def missing_of_key(name: str, scopes: Collection[Scope]) -> str:
    """What the form of a new key still lacks, as the page asks for it; empty where nothing."""
    if not name.strip():
        return "Give it a name."
    return "" if scopes else "Tick at least one right."


def log_row(record: SecurityRecord, decimals_of: Callable[[str], int | None]) -> LogRow:
    """An entry of the security log; `decimals_of` knows those of a token by its symbol, None of one of no list."""
    return LogRow(
        label=_EVENTS.get(record.event, record.event.replace("_", " ").capitalize()),
        facts=" · ".join(_fact(name, value) for name, value in _in_words(record.facts, decimals_of).items()),
        at=record.at.isoformat(),
        tone="bad" if record.event in _ALARMING else "",
    )


def device(agent: str) -> str:
    """What a client that calls itself so runs on, as people say it: `Chrome on Linux`."""
    browser = next((name for mark, name in _BROWSERS if mark in agent), "")
    system = next((name for mark, name in _SYSTEMS if mark in agent), "")
    if browser:
        return f"{browser} on {system}" if system else browser
    return agent.partition(" ")[0] or "Unknown client"


def _in_words(facts: Mapping[str, Any], decimals_of: Callable[[str], int | None]) -> dict[str, Any]:
    """The facts with an amount's base units as whole tokens, where it is known how many of them make one."""
    token, units = str(facts.get("token", "")), facts.get("amount_units")
    decimals = decimals_of(token)
    if units is None or decimals is None:
        return dict(facts)
    rest = {name: value for name, value in facts.items() if name not in ("token", "amount_units")}
    return {"amount": f"{in_full(Decimal(units).scaleb(-decimals))} {token}"} | rest


def _fact(name: str, value: Any) -> str:
    text = str(value)
    text = shortened(text) if len(text) > LONGEST_WORD and " " not in text else text
    if name == "amount":
        return text
    return f"{_FACT_WORDS.get(name, name.replace('_', ' '))} {text}"


def _moment(at: datetime | None) -> str:
    return "" if at is None else at.isoformat()

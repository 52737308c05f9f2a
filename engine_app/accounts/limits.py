"""How often one may fail to log in, and how many accounts one address may make."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address

from engine_app.settings import Settings
from engine_app.storage.rate_limits import Limit, RateLimited, RateLimits

QUARTER_HOUR = 15 * 60
HOUR = 60 * 60


@dataclass(frozen=True, slots=True)
class Entrance:
    """Who tries to log in.

    Attributes:
        name_key: the folded name that was given.
        ip: the address the request comes from.
        device: the id of a device on which this very account was logged in to before; None for a stranger's.
    """

    name_key: str
    ip: str
    device: str | None = None


class AccountLimits:
    """The limits on logging in and on creating accounts. A success uses up nothing of the limits on logging in.

    A known device counts for itself alone, so that no crowd of strangers can shut its owner out.
    """

    def __init__(self, limits: RateLimits, settings: Settings) -> None:
        self._limits = limits
        self._used_up = _UsedUp()
        self._per_name = Limit("login-name", settings.login_failures_per_name, QUARTER_HOUR)
        self._per_device = Limit("login-device", settings.login_failures_per_name, QUARTER_HOUR)
        self._per_ip = Limit("login-ip", settings.login_failures_per_ip, QUARTER_HOUR)
        self._confirmations = Limit("password-again", settings.login_failures_per_name, QUARTER_HOUR)
        self._creations = Limit("create-ip", settings.accounts_per_ip_hour, HOUR)

    async def require_login(self, entrance: Entrance) -> None:
        """Raise RateLimited where too many tries of the kind failed, LimitsUnavailable without Redis."""
        for limit, subject in self._counted(entrance):
            self._used_up.refuse(limit, subject)
            try:
                await self._limits.require_room(limit, subject)
            except RateLimited as refusal:
                self._used_up.remember(limit, subject, refusal.retry_after or 1)
                raise

    async def login_failed(self, entrance: Entrance) -> None:
        """Count a failed login; raises as `require_login` where others used up the limit meanwhile."""
        for limit, subject in reversed(self._counted(entrance)):
            await self._limits.use(limit, subject)

    def _counted(self, entrance: Entrance) -> tuple[tuple[Limit, str], ...]:
        if entrance.device is not None:
            return ((self._per_device, entrance.device),)
        return ((self._per_name, entrance.name_key), (self._per_ip, network_of(entrance.ip)))

    async def require_confirmation(self, user_id: int) -> None:
        """Raise RateLimited where this account's password was asked again and missed too often, LimitsUnavailable
        without Redis."""
        await self._limits.require_room(self._confirmations, str(user_id))

    async def confirmation_failed(self, user_id: int) -> None:
        """Count a password that was asked again and missed; raises as `require_confirmation`."""
        await self._limits.use(self._confirmations, str(user_id))

    async def require_creation(self, ip: str) -> None:
        """Raise RateLimited where this address made too many accounts, LimitsUnavailable without Redis."""
        await self._limits.require_room(self._creations, network_of(ip))

    async def creation(self, ip: str) -> None:
        """Count an account that is being made; raises as `require_creation`."""
        await self._limits.use(self._creations, network_of(ip))


class _UsedUp:
    """Limits that are known to be used up, and until when: a crowd that asks again costs no look at Redis."""

    MOST = 10_000

    def __init__(self) -> None:
        self._until: dict[tuple[str, str], float] = {}

    def refuse(self, limit: Limit, subject: str) -> None:
        """Raise RateLimited where the limit is known to be used up still."""
        wait = math.ceil(self._until.get((limit.name, subject), 0.0) - time.monotonic())
        if wait > 0:
            raise RateLimited(f"too many requests; try again in {wait} s", retry_after=wait)

    def remember(self, limit: Limit, subject: str, seconds: int) -> None:
        """Nothing makes room in the limit for so many seconds."""
        if len(self._until) >= self.MOST:
            now = time.monotonic()
            self._until = {subject: until for subject, until in self._until.items() if until > now}
        if len(self._until) < self.MOST:
            self._until[limit.name, subject] = time.monotonic() + seconds


def network_of(ip: str) -> str:
    """The subject an address counts for: itself, or its /64 for IPv6, which one customer holds whole."""
    try:
        address = ip_address(ip)
    except ValueError:
        return ip
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped:
            return str(address.ipv4_mapped)
        return f"{IPv6Address(int(address) >> 64 << 64)}/64"
    return str(address)

"""Who may trade: making accounts, logging in, and telling whose a session token is."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from weakref import WeakValueDictionary

from engine_app.accounts import repository, security_log
from engine_app.accounts.errors import (
    NameTaken,
    ScopeMissing,
    StockEmpty,
    Unauthorized,
    WrongCredentials,
    WrongPassword,
)
from engine_app.accounts.limits import AccountLimits
from engine_app.accounts.models import User
from engine_app.accounts.names import clean_name, name_key
from engine_app.accounts.passwords import Passwords, require_usable
from engine_app.accounts.scopes import EVERY_SCOPE, Scope
from engine_app.accounts.security_log import SecurityEvent
from engine_app.accounts.tokens import Tokens
from engine_app.settings import Settings
from engine_app.storage.postgres import Database
from engine_app.storage.rate_limits import RateLimits
from engine_app.telemetry.logging import get_logger
from engine_app.wallets import repository as wallets

log = get_logger(__name__)

STOCK_WAIT_SECONDS = 5.0
STOCK_POLL_SECONDS = 0.25


@dataclass(frozen=True, slots=True)
class Session:
    """A session that was just opened.

    Attributes:
        user_id: the account's id.
        username: the name as it was chosen at creation.
        token: the bearer token.
        created: whether the account was made by this very call.
    """

    user_id: int
    username: str
    token: str
    created: bool


@dataclass(frozen=True, slots=True)
class Identity:
    """Who asks, as a valid token tells.

    Attributes:
        user_id: the account's id.
        username: the name as it was chosen at creation.
        scopes: what the caller may do in the account's name.
    """

    user_id: int
    username: str
    scopes: frozenset[Scope] = EVERY_SCOPE

    def require(self, scope: Scope) -> None:
        """Raise ScopeMissing where the caller may not do this."""
        if scope not in self.scopes:
            raise ScopeMissing(scope.value)


class Accounts:
    """Accounts of one process.

    Args:
        jwt_secret: 32 bytes or more; every web process has the same.
    """

    def __init__(self, database: Database, rate_limits: RateLimits, settings: Settings, *, jwt_secret: str) -> None:
        self._database = database
        self._limits = AccountLimits(rate_limits, settings)
        self._passwords = Passwords(settings.bcrypt_cost)
        self._tokens = Tokens(jwt_secret, life=timedelta(hours=settings.session_hours))
        self._one_login_per_name: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def create(self, username: str, password: str, ip: str) -> Session:
        """Make an account with its own fresh trading address.

        Raises:
            InvalidUsername, InvalidPassword: unusable.
            NameTaken: the name exists, in whatever case.
            RateLimited, LimitsUnavailable: too many accounts from this address, or nobody can tell.
            StockEmpty: no address became free within 5 s; no account was made.
        """
        name = clean_name(username)
        key = name_key(name)
        require_usable(password)
        if await self._find(key):
            raise NameTaken
        await self._limits.require_creation(ip)
        async with self._passwords.slots:
            await self._limits.require_creation(ip)
            password_hash = await self._passwords.hash(password)
        user_id = await self._insert(name, key, password_hash, ip)
        log.info("account created", user_id=user_id)
        return Session(user_id, name, self._tokens.issue(user_id), created=True)

    async def log_in(self, username: str, password: str, ip: str) -> Session:
        """Open a session of an existing account. No rule for new passwords is applied.

        Raises:
            InvalidUsername: no account can have this name.
            WrongCredentials: no such account, or another password.
            RateLimited, LimitsUnavailable: too many failures for this name or address, or nobody can tell.
        """
        key = name_key(clean_name(username))
        await self._limits.require_login(key, ip)
        # One check at a time for a name keeps the limit exact: those that wait see the failures before them.
        async with self._one_login_per_name.setdefault(key, asyncio.Lock()), self._passwords.slots:
            await self._limits.require_login(key, ip)
            user = await self._find(key)
            if not await self._passwords.matches(password, user.password_hash if user else None):
                await self._limits.login_failed(key, ip)
                raise WrongCredentials
        if user is None:
            raise WrongCredentials
        return Session(user.id, user.username, self._tokens.issue(user.id), created=False)

    async def log_in_or_create(self, username: str, password: str, ip: str) -> Session:
        """Log in where the name exists, else make the account; raises what those two raise, but NameTaken."""
        if not await self._find(name_key(clean_name(username))):
            try:
                return await self.create(username, password, ip)
            except NameTaken:
                log.info("the name was taken meanwhile, logging in instead")
        return await self.log_in(username, password, ip)

    async def authenticate(self, token: str) -> Identity:
        """Whose token this is.

        Raises:
            Unauthorized: the token is not valid, or its account does not exist.
        """
        claims = self._tokens.read(token)
        async with self._database.transaction() as session:
            user = await repository.by_id(session, claims.user_id)
        if user is None:
            raise Unauthorized
        return Identity(user.id, user.username)

    async def require_password(self, user_id: int, password: str, ip: str) -> None:
        """Check the password of who is logged in once more, before something that cannot be undone.

        Raises:
            WrongPassword: it is another one.
            RateLimited, LimitsUnavailable: it was missed too often, or nobody can tell.
            Unauthorized: there is no such account.
        """
        await self._limits.require_confirmation(user_id)
        async with self._one_login_per_name.setdefault(f"again {user_id}", asyncio.Lock()), self._passwords.slots:
            await self._limits.require_confirmation(user_id)
            async with self._database.transaction() as session:
                user = await repository.by_id(session, user_id)
            if user is None:
                raise Unauthorized
            if await self._passwords.matches(password, user.password_hash):
                return
            await self._limits.confirmation_failed(user_id)
        async with self._database.transaction() as session:
            await security_log.record(session, user_id, SecurityEvent.PASSWORD_REFUSED, ip=ip)
        raise WrongPassword

    async def close(self) -> None:
        """Stop the hashing threads."""
        self._passwords.close()

    async def _find(self, key: str) -> User | None:
        async with self._database.transaction() as session:
            return await repository.by_key(session, key)

    async def _insert(self, name: str, key: str, password_hash: str, ip: str) -> int:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + STOCK_WAIT_SECONDS
        while True:
            try:
                async with self._database.transaction() as session:
                    user_id = await repository.insert_user(
                        session, username=name, name_key=key, password_hash=password_hash
                    )
                    if user_id is None:
                        raise NameTaken
                    if not await wallets.take(session, user_id):
                        raise StockEmpty
                    await self._limits.creation(ip)
                    return user_id
            except StockEmpty:
                if loop.time() >= deadline:
                    log.warning("no fresh address for a new account")
                    raise
            await asyncio.sleep(STOCK_POLL_SECONDS)

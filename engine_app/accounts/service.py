"""Who may trade: making accounts, logging in, and telling whose a session token or an API key is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from weakref import WeakValueDictionary

from sqlmodel.ext.asyncio.session import AsyncSession

from engine_app.accounts import api_keys, repository, security_log, sessions
from engine_app.accounts.common_passwords import judge
from engine_app.accounts.errors import (
    NameTaken,
    ScopeMissing,
    SessionNeeded,
    StockEmpty,
    Unauthorized,
    WrongCredentials,
    WrongPassword,
)
from engine_app.accounts.limits import AccountLimits, Entrance
from engine_app.accounts.models import User
from engine_app.accounts.names import clean_name, name_key
from engine_app.accounts.passwords import Lane, Passwords
from engine_app.accounts.scopes import EVERY_SCOPE, Scope
from engine_app.accounts.security_log import SecurityEvent
from engine_app.accounts.tokens import Kind, Tokens, new_token_id, session_tokens
from engine_app.settings import Settings
from engine_app.storage.postgres import Database
from engine_app.storage.rate_limits import RateLimits
from engine_app.telemetry.logging import get_logger
from engine_app.wallets import repository as wallets

log = get_logger(__name__)

STOCK_WAIT_SECONDS = 5.0
STOCK_POLL_SECONDS = 0.25
DEVICE_LIFE = timedelta(days=180)
MOST_DEVICES = 8
"""Device tokens that one log-in looks at."""


@dataclass(frozen=True, slots=True)
class Session:
    """A session that was just opened.

    Attributes:
        user_id: the account's id.
        username: the name as it was chosen at creation.
        token: the bearer token.
        created: whether the account was made by this very call.
        device_token: proves, at a later log-in, that this device is known.
        warning: what to tell the person, or None.
    """

    user_id: int
    username: str
    token: str
    created: bool
    device_token: str
    warning: str | None = None


@dataclass(frozen=True, slots=True)
class Identity:
    """Who asks, as a valid token or API key tells.

    Attributes:
        user_id: the account's id.
        username: the name as it was chosen at creation.
        scopes: what the caller may do in the account's name.
        session_id: the session; None where an API key was used.
        key_id: the API key; None where a session's token was used.
    """

    user_id: int
    username: str
    scopes: frozenset[Scope] = EVERY_SCOPE
    session_id: int | None = None
    key_id: int | None = None

    def require(self, scope: Scope) -> None:
        """Raise ScopeMissing where the caller may not do this."""
        if scope not in self.scopes:
            raise ScopeMissing(scope.value)

    def require_session(self) -> int:
        """The session's id. Raises SessionNeeded where an API key was used."""
        if self.session_id is None:
            raise SessionNeeded
        return self.session_id

    @property
    def credential(self) -> str:
        """What ends when the session or the key does: `session:7` or `key:7`."""
        return f"key:{self.key_id}" if self.session_id is None else f"session:{self.session_id}"


class Accounts:
    """Accounts of one process.

    Args:
        jwt_secrets: 32 bytes or more each; every web process has the same. The first signs, all are accepted.
    """

    def __init__(
        self, database: Database, rate_limits: RateLimits, settings: Settings, *, jwt_secrets: Sequence[str]
    ) -> None:
        self._database = database
        self._limits = AccountLimits(rate_limits, settings)
        self._strict = settings.strict
        self.passwords = Passwords(settings.bcrypt_cost)
        self._tokens = session_tokens(jwt_secrets, hours=settings.session_hours)
        self._devices = Tokens(jwt_secrets, kind=Kind.DEVICE, life=DEVICE_LIFE)
        self._one_at_a_time: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def create(self, username: str, password: str, ip: str, *, agent: str = "") -> Session:
        """Make an account with its own fresh trading address, and open a session.

        Raises:
            InvalidUsername, InvalidPassword, CommonPassword: unusable.
            NameTaken: the name exists, in whatever case.
            RateLimited, LimitsUnavailable: too many accounts from this address, or nobody can tell.
            StockEmpty: no address became free within 5 s; no account was made.
        """
        name = clean_name(username)
        key = name_key(name)
        warning = self.judge(password, name)
        if await self._find(key):
            raise NameTaken
        await self._limits.require_creation(ip)
        async with self.passwords.everyone.slots:
            await self._limits.require_creation(ip)
            password_hash = await self.passwords.hash(password)
        user_id, token = await self._insert(name, key, password_hash, ip, agent)
        log.info("account created", user_id=user_id)
        return Session(user_id, name, token, created=True, device_token=self._devices.issue(user_id), warning=warning)

    async def log_in(
        self, username: str, password: str, ip: str, *, devices: Sequence[str] = (), agent: str = ""
    ) -> Session:
        """Open a session of an existing account. No rule for new passwords is applied.

        Args:
            username: the name, in whatever case.
            password: its password.
            ip: the address the request comes from.
            devices: device tokens that earlier log-ins on this device gave.
            agent: how the client calls itself, for the list of sessions.

        Raises:
            InvalidUsername: no account can have this name.
            WrongCredentials: no such account, or another password.
            RateLimited, LimitsUnavailable: too many failures for this name, address or device, or nobody can tell.
        """
        key = name_key(clean_name(username))
        entrance = Entrance(key, ip, await self._known_device(key, devices))
        lane = self.passwords.everyone if entrance.device is None else self.passwords.known
        await self._limits.require_login(entrance)
        # One check at a time for a name keeps the limit exact: those that wait see the failures before them.
        async with self._alone(entrance.device or key, lane):
            await self._limits.require_login(entrance)
            user = await self._find(key)
            matches = await self.passwords.matches(password, user.password_hash if user else None, lane)
            if user is None or not matches:
                await self._limits.login_failed(entrance)
                await self._record(user.id if user else None, SecurityEvent.LOGIN_FAILED, ip)
                raise WrongCredentials
        async with self._database.transaction() as session:
            if not await repository.keep_password(session, user):
                raise WrongCredentials
            token = await self._open(session, user.id, ip, agent)
            await security_log.record(session, user.id, SecurityEvent.LOGIN, ip=ip)
        device_token = self._devices.issue(user.id, token_id=entrance.device)
        return Session(user.id, user.username, token, created=False, device_token=device_token)

    async def log_in_or_create(
        self, username: str, password: str, ip: str, *, devices: Sequence[str] = (), agent: str = ""
    ) -> Session:
        """Log in where the name exists, else make the account; raises what those two raise, but NameTaken."""
        if not await self._find(name_key(clean_name(username))):
            try:
                return await self.create(username, password, ip, agent=agent)
            except NameTaken:
                log.info("the name was taken meanwhile, logging in instead")
        return await self.log_in(username, password, ip, devices=devices, agent=agent)

    async def authenticate(self, credential: str) -> Identity:
        """Whose session token or API key this is.

        One read over unique indexes and no cache: what is ended or revoked in Postgres is so for the very next call,
        in every process, whether Redis is there or not.

        Raises:
            Unauthorized: it is neither, or no longer.
        """
        if not api_keys.is_key(credential):
            return await self.authenticate_session(credential)
        async with self._database.transaction() as session:
            found = await api_keys.of_key(session, credential)
            if found is None:
                raise Unauthorized
            key, user = found
            if key.last_used_at is None or datetime.now(UTC) - key.last_used_at > api_keys.USE_NOTED_EVERY:
                await api_keys.note_use(session, key.id)
        return Identity(user.id, user.username, frozenset(map(Scope, key.scopes)), key_id=key.id)

    async def authenticate_session(self, token: str) -> Identity:
        """The same for a session token alone.

        Raises:
            Unauthorized: the token is not valid, or its session has ended.
        """
        claims = self._tokens.read(token)
        async with self._database.at_once() as session:
            found = await sessions.holder(session, claims.token_id)
        if found is None or found.user_id != claims.user_id:
            raise Unauthorized
        return Identity(found.user_id, found.username, session_id=found.session_id)

    async def require_password(self, user_id: int, password: str, ip: str) -> None:
        """Check the password of who is logged in once more, before something that cannot be undone.

        Raises:
            WrongPassword: it is another one.
            RateLimited, LimitsUnavailable: it was missed too often, or nobody can tell.
            Unauthorized: there is no such account.
        """
        await self.confirmed(user_id, password, ip)

    async def confirmed(self, user_id: int, password: str, ip: str) -> User:
        """The user, whose password was checked as `require_password` does; raises what that raises."""
        lane = self.passwords.known
        await self._limits.require_confirmation(user_id)
        async with self._alone(f"user {user_id}", lane):
            await self._limits.require_confirmation(user_id)
            async with self._database.transaction() as session:
                user = await repository.by_id(session, user_id)
            if user is None:
                raise Unauthorized
            if await self.passwords.matches(password, user.password_hash, lane):
                return user
            await self._limits.confirmation_failed(user_id)
        await self._record(user_id, SecurityEvent.PASSWORD_REFUSED, ip)
        raise WrongPassword

    def judge(self, password: str, name: str) -> str | None:
        """What to tell the person about a new password, or None; raises InvalidPassword, CommonPassword."""
        return judge(password, name, strict=self._strict)

    def device_token(self, user_id: int) -> str:
        """A token that makes this device known, for who has just shown the password."""
        return self._devices.issue(user_id)

    async def close(self) -> None:
        """Stop the hashing threads."""
        self.passwords.close()

    @asynccontextmanager
    async def _alone(self, subject: str, lane: Lane) -> AsyncIterator[None]:
        """Hold a slot of the lane, one check at a time for a subject."""
        async with self._one_at_a_time.setdefault(subject, asyncio.Lock()), lane.slots:
            yield

    async def _known_device(self, key: str, devices: Sequence[str]) -> str | None:
        """The id of the first of the devices on which the account of this name was logged in to before."""
        user: User | None = None
        for token in devices[:MOST_DEVICES]:
            try:
                claims = self._devices.read(token)
            except Unauthorized:
                continue
            user = user or await self._find(key)
            if user is None:
                return None
            if claims.user_id == user.id and claims.issued_at >= user.devices_since.replace(microsecond=0):
                return claims.token_id
        return None

    async def _find(self, key: str) -> User | None:
        async with self._database.transaction() as session:
            return await repository.by_key(session, key)

    async def _record(self, user_id: int | None, event: SecurityEvent, ip: str) -> None:
        async with self._database.transaction() as session:
            await security_log.record(session, user_id, event, ip=ip)

    async def _open(self, session: AsyncSession, user_id: int, ip: str, agent: str) -> str:
        """Open a session within the transaction; its token."""
        token_id, now = new_token_id(), datetime.now(UTC)
        await sessions.open_session(
            session, user_id=user_id, token_id=token_id, expires_at=now + self._tokens.life, ip=ip, agent=agent
        )
        return self._tokens.issue(user_id, token_id=token_id, now=now)

    async def _insert(self, name: str, key: str, password_hash: str, ip: str, agent: str) -> tuple[int, str]:
        """The new account's id and the token of its first session."""
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
                    token = await self._open(session, user_id, ip, agent)
                    await security_log.record(session, user_id, SecurityEvent.ACCOUNT_CREATED, ip=ip)
                    await self._limits.creation(ip)
                    return user_id, token
            except StockEmpty:
                if loop.time() >= deadline:
                    log.warning("no fresh address for a new account")
                    raise
            await asyncio.sleep(STOCK_POLL_SECONDS)

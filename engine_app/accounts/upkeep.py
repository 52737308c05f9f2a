"""What the owner of an account does with it: the password, the sessions, the API keys, the security log."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from redis.asyncio import Redis

from engine_app.accounts import api_keys, repository, security_log, sessions
from engine_app.accounts.common_passwords import judge
from engine_app.accounts.endings import tell
from engine_app.accounts.errors import (
    InvalidKeyRequest,
    KeyNotFound,
    SessionNotFound,
    TooManyKeys,
    WrongPassword,
)
from engine_app.accounts.models import LONGEST_KEY_NAME, ApiKey, OpenedSession
from engine_app.accounts.names import clean_name, name_key
from engine_app.accounts.passwords import Passwords
from engine_app.accounts.scopes import Scope
from engine_app.accounts.security_log import SecurityEvent, SecurityRecord
from engine_app.accounts.service import Accounts, Identity
from engine_app.settings import Settings
from engine_app.storage.postgres import Database


@dataclass(frozen=True, slots=True)
class ChangedPassword:
    """What came of changing a password.

    Attributes:
        sessions_ended: how many other sessions ended.
        device_token: makes this device known again, after every device became a stranger.
        warning: what to tell the person about the new password, or None.
    """

    sessions_ended: int
    device_token: str
    warning: str | None


@dataclass(frozen=True, slots=True)
class NewKey:
    """An API key that was just made; `secret` is the key itself, which is never told again."""

    key: ApiKey
    secret: str


class Upkeep:
    """Every method acts for who is logged in, by a session: an API key is refused with SessionNeeded.

    What ends is told to whoever holds a connection open with it, once that is committed.
    """

    def __init__(self, database: Database, accounts: Accounts, redis: Redis) -> None:
        self._database = database
        self._accounts = accounts
        self._redis = redis

    async def change_password(self, identity: Identity, password: str, new: str, ip: str) -> ChangedPassword:
        """Change the password and end every other session; API keys stay.

        Raises:
            WrongPassword: `password` is not the account's.
            InvalidPassword, CommonPassword: the new one is unusable.
            RateLimited, LimitsUnavailable: the password was missed too often, or nobody can tell.
        """
        own = identity.require_session()
        warning = self._accounts.judge(new, identity.username)
        user = await self._accounts.confirmed(identity.user_id, password, ip)
        lane = self._accounts.passwords.known
        async with lane.slots:
            new_hash = await self._accounts.passwords.hash(new, lane)
        async with self._database.transaction() as session:
            if not await repository.set_password(session, user.id, new_hash, instead_of=user.password_hash):
                raise WrongPassword
            ended = await sessions.end(session, user.id, but=own)
            await security_log.record(
                session, user.id, SecurityEvent.PASSWORD_CHANGED, ip=ip, sessions_ended=len(ended)
            )
        await self._tell(ended)
        return ChangedPassword(len(ended), self._accounts.device_token(user.id), warning)

    async def log_out(self, identity: Identity, ip: str) -> None:
        """End the session that asks."""
        own = identity.require_session()
        async with self._database.transaction() as session:
            ended = await sessions.end(session, identity.user_id, only=own)
            if ended:
                await security_log.record(session, identity.user_id, SecurityEvent.LOGOUT, ip=ip)
        await self._tell(ended)

    async def log_out_everywhere(self, identity: Identity, ip: str) -> int:
        """End every session, the one that asks too, and make every device a stranger; how many sessions ended."""
        identity.require_session()
        async with self._database.transaction() as session:
            await repository.forget_devices(session, identity.user_id)
            ended = await sessions.end(session, identity.user_id)
            await security_log.record(
                session, identity.user_id, SecurityEvent.LOGOUT_EVERYWHERE, ip=ip, sessions_ended=len(ended)
            )
        await self._tell(ended)
        return len(ended)

    async def sessions(self, identity: Identity) -> Sequence[OpenedSession]:
        """The open sessions, newest first."""
        identity.require_session()
        async with self._database.transaction() as session:
            return await sessions.open_of(session, identity.user_id)

    async def end_session(self, identity: Identity, session_id: int, ip: str) -> None:
        """End one session. Raises SessionNotFound where the account has no such open one."""
        identity.require_session()
        async with self._database.transaction() as session:
            if not await sessions.end(session, identity.user_id, only=session_id):
                raise SessionNotFound
            await security_log.record(session, identity.user_id, SecurityEvent.SESSION_ENDED, ip=ip, session=session_id)
        await self._tell([session_id])

    async def keys(self, identity: Identity) -> Sequence[ApiKey]:
        """The API keys that hold, newest first."""
        identity.require_session()
        async with self._database.transaction() as session:
            return await api_keys.of_user(session, identity.user_id)

    async def create_key(
        self, identity: Identity, *, name: str, scopes: Iterable[Scope], days: int | None, password: str, ip: str
    ) -> NewKey:
        """Make an API key.

        Args:
            identity: who asks.
            name: what the owner calls it, 1 to 50 visible characters.
            scopes: what it may do, one or more.
            days: how long it holds; None: until it is revoked.
            password: the account's, asked again.
            ip: the address the request comes from.

        Raises:
            InvalidKeyRequest: the name or the scopes are unusable.
            WrongPassword, RateLimited, LimitsUnavailable: as `Accounts.require_password`.
            TooManyKeys: the account has as many as one may have.
        """
        identity.require_session()
        called, wanted = _key_name(name), frozenset(scopes)
        if not wanted:
            raise InvalidKeyRequest("a key needs one scope or more")
        await self._accounts.require_password(identity.user_id, password, ip)
        secret = api_keys.new_key()
        async with self._database.transaction() as session:
            made = await api_keys.insert(
                session,
                user_id=identity.user_id,
                name=called,
                key=secret,
                scopes=wanted,
                expires_at=None if days is None else datetime.now(UTC) + timedelta(days=days),
            )
            if made is None:
                raise TooManyKeys(api_keys.MOST_PER_USER)
            await security_log.record(
                session,
                identity.user_id,
                SecurityEvent.API_KEY_CREATED,
                ip=ip,
                key=made.id,
                name=called,
                scopes=" ".join(made.scopes),
            )
        return NewKey(made, secret)

    async def revoke_key(self, identity: Identity, key_id: int, ip: str) -> None:
        """Revoke an API key. Raises KeyNotFound where the account has no such one that holds."""
        identity.require_session()
        async with self._database.transaction() as session:
            revoked = await api_keys.revoke(session, identity.user_id, only=key_id)
            if not revoked:
                raise KeyNotFound
            await security_log.record(
                session, identity.user_id, SecurityEvent.API_KEY_REVOKED, ip=ip, key=key_id, name=revoked[0].name
            )
        await tell(self._redis, [f"key:{key_id}"])

    async def security_log(
        self, identity: Identity, *, limit: int, before: int | None = None
    ) -> Sequence[SecurityRecord]:
        """A page of the account's security log, newest first."""
        identity.require_session()
        async with self._database.transaction() as session:
            return await security_log.page(session, identity.user_id, limit=limit, before=before)

    async def _tell(self, ended: Iterable[int]) -> None:
        await tell(self._redis, [f"session:{session_id}" for session_id in ended])


@dataclass(frozen=True, slots=True)
class Reset:
    """What an operator's reset of a password ended."""

    sessions: int
    keys: int


async def reset_password(database: Database, username: str, password: str, settings: Settings) -> Reset | None:
    """Give an account another password, as an operator; ends every session and revokes every API key.

    Returns:
        None where there is no account of this name.

    Raises:
        InvalidUsername, InvalidPassword, CommonPassword: unusable.
    """
    name = clean_name(username)
    judge(password, name, strict=settings.strict)
    passwords = Passwords(settings.bcrypt_cost)
    try:
        new_hash = await passwords.hash(password)
    finally:
        passwords.close()
    async with database.transaction() as session:
        user = await repository.by_key(session, name_key(name))
        if user is None:
            return None
        await repository.set_password(session, user.id, new_hash)
        ended = await sessions.end(session, user.id)
        revoked = await api_keys.revoke(session, user.id)
        await security_log.record(
            session,
            user.id,
            SecurityEvent.PASSWORD_RESET,
            by="operator",
            sessions_ended=len(ended),
            keys_revoked=len(revoked),
        )
    return Reset(len(ended), len(revoked))


def _key_name(text: str) -> str:
    name = text.strip()
    if not 1 <= len(name) <= LONGEST_KEY_NAME or not name.isprintable():
        raise InvalidKeyRequest(f"a key's name has 1 to {LONGEST_KEY_NAME} visible characters")
    return name

"""What the owner of an account does with it, over a real Postgres and a real Valkey."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from engine_app.accounts import api_keys
from engine_app.accounts.scopes import EVERY_SCOPE, Scope
from engine_app.accounts.service import Accounts, Session
from engine_app.accounts.upkeep import Upkeep, reset_password
from engine_app.settings import Settings
from engine_app.storage.postgres import Database
from tests.accounts.conftest import IP, PASSWORD, count, outcome

pytestmark = pytest.mark.usefixtures("stock")

NEW = "another horse"


@pytest.fixture
async def opened(accounts: Accounts) -> Session:
    return await accounts.create("Alice", PASSWORD, IP, agent="a browser\x00\n")


async def events(database: Database) -> list[str]:
    async with database.connection() as connection:
        found = await connection.execute(text("SELECT event FROM security_log ORDER BY id"))
        return list(found.scalars())


async def test_a_session_that_was_logged_out_is_refused_at_once(
    accounts: Accounts, upkeep: Upkeep, opened: Session, database: Database
) -> None:
    other = await accounts.log_in("alice", PASSWORD, IP)
    await upkeep.log_out(await accounts.authenticate(opened.token), IP)
    assert await outcome(accounts.authenticate(opened.token)) == "UNAUTHORIZED"
    assert (await accounts.authenticate(other.token)).user_id == opened.user_id
    assert await events(database) == ["account_created", "login", "logout"]


async def test_logging_out_everywhere_ends_every_session_and_forgets_devices(
    accounts: Accounts, upkeep: Upkeep, opened: Session
) -> None:
    tokens = [opened.token, (await accounts.log_in("alice", PASSWORD, IP)).token]
    await asyncio.sleep(1.1)  # a device token tells its second
    assert await upkeep.log_out_everywhere(await accounts.authenticate(opened.token), IP) == 2
    for token in tokens:
        assert await outcome(accounts.authenticate(token)) == "UNAUTHORIZED"
    assert await accounts._known_device("alice", [opened.device_token]) is None


async def test_a_changed_password_ends_the_other_sessions(
    accounts: Accounts, upkeep: Upkeep, opened: Session, database: Database
) -> None:
    other = await accounts.log_in("alice", PASSWORD, IP)
    identity = await accounts.authenticate(opened.token)
    assert await outcome(upkeep.change_password(identity, "wrong horse", NEW, IP)) == "WRONG_PASSWORD"
    assert await outcome(upkeep.change_password(identity, PASSWORD, "short", IP)) == "INVALID_PASSWORD"
    changed = await upkeep.change_password(identity, PASSWORD, NEW, IP)
    assert (changed.sessions_ended, changed.warning) == (1, None)
    assert await accounts._known_device("alice", [changed.device_token])
    assert await outcome(accounts.authenticate(other.token)) == "UNAUTHORIZED"
    assert await outcome(accounts.authenticate(opened.token)) == "ok"
    assert await outcome(accounts.log_in("alice", PASSWORD, IP)) == "WRONG_CREDENTIALS"
    assert await outcome(accounts.log_in("alice", NEW, IP)) == "ok"
    told = ["account_created", "login", "password_refused", "password_changed", "login_failed", "login"]
    assert await events(database) == told


async def test_a_log_in_that_a_change_overtakes_opens_nothing(
    accounts: Accounts, upkeep: Upkeep, opened: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    matches = accounts.passwords.matches
    identity = await accounts.authenticate(opened.token)

    async def overtaken(*given: object) -> bool:
        found = await matches(*given)  # type: ignore[arg-type]
        monkeypatch.undo()
        await upkeep.change_password(identity, PASSWORD, NEW, IP)
        return found

    monkeypatch.setattr(accounts.passwords, "matches", overtaken)
    assert await outcome(accounts.log_in("alice", PASSWORD, IP)) == "WRONG_CREDENTIALS"
    assert len(await upkeep.sessions(identity)) == 1


async def test_sessions_are_listed_and_ended_one_by_one(accounts: Accounts, upkeep: Upkeep, opened: Session) -> None:
    other = await accounts.log_in("alice", PASSWORD, "2001:db8::1", agent="x" * 500)
    stranger = await accounts.create("mallory", PASSWORD, IP)
    alice, mallory = [await accounts.authenticate(one.token) for one in (opened, stranger)]
    newest, oldest = await upkeep.sessions(alice)
    assert (oldest.id, oldest.agent, oldest.ip) == (alice.session_id, "a browser", IP)
    assert (newest.ip, len(newest.agent)) == ("2001:db8::1", 200)
    assert await outcome(upkeep.end_session(mallory, newest.id, IP)) == "SESSION_NOT_FOUND"
    await upkeep.end_session(alice, newest.id, IP)
    assert await outcome(upkeep.end_session(alice, newest.id, IP)) == "SESSION_NOT_FOUND"
    assert await outcome(accounts.authenticate(other.token)) == "UNAUTHORIZED"
    assert [one.id for one in await upkeep.sessions(alice)] == [alice.session_id]


async def test_a_key_does_what_it_was_made_for_and_nothing_of_an_owner(
    accounts: Accounts, upkeep: Upkeep, opened: Session, database: Database
) -> None:
    owner = await accounts.authenticate(opened.token)
    assert owner.scopes == EVERY_SCOPE
    made = await upkeep.create_key(
        owner, name=" bot ", scopes=[Scope.READ, Scope.TRADE], days=None, password=PASSWORD, ip=IP
    )
    assert api_keys.is_key(made.secret)
    assert (made.key.name, made.key.hint) == ("bot", made.secret[-4:])
    identity = await accounts.authenticate(made.secret)
    assert (identity.user_id, identity.scopes) == (opened.user_id, frozenset({Scope.READ, Scope.TRADE}))
    assert identity.credential == f"key:{made.key.id}"
    for refused in (
        upkeep.change_password(identity, PASSWORD, NEW, IP),
        upkeep.log_out(identity, IP),
        upkeep.log_out_everywhere(identity, IP),
        upkeep.sessions(identity),
        upkeep.end_session(identity, 1, IP),
        upkeep.keys(identity),
        upkeep.create_key(identity, name="more", scopes=EVERY_SCOPE, days=None, password=PASSWORD, ip=IP),
        upkeep.revoke_key(identity, made.key.id, IP),
        upkeep.security_log(identity, limit=1),
    ):
        assert await outcome(refused) == "SESSION_NEEDED"
    assert await outcome(accounts.authenticate_session(made.secret)) == "UNAUTHORIZED"
    assert await count(database, f"SELECT count(*) FROM api_keys k WHERE k::text LIKE '%{made.secret[4:40]}%'") == 0  # noqa: S608
    await upkeep.revoke_key(owner, made.key.id, IP)
    assert await outcome(accounts.authenticate(made.secret)) == "UNAUTHORIZED"
    assert await outcome(upkeep.revoke_key(owner, made.key.id, IP)) == "API_KEY_NOT_FOUND"
    assert await events(database) == ["account_created", "api_key_created", "api_key_revoked"]


async def test_the_use_of_a_key_is_noted_once_a_minute(
    accounts: Accounts, upkeep: Upkeep, opened: Session, database: Database
) -> None:
    owner = await accounts.authenticate(opened.token)
    made = await upkeep.create_key(owner, name="bot", scopes=[Scope.READ], days=1, password=PASSWORD, ip=IP)
    assert made.key.last_used_at is None
    for _ in range(5):
        await accounts.authenticate(made.secret)
    first = (await upkeep.keys(owner))[0].last_used_at
    assert first is not None
    async with database.connection() as connection:
        await connection.execute(text("UPDATE api_keys SET last_used_at = last_used_at - interval '2 minutes'"))
    await accounts.authenticate(made.secret)
    second = (await upkeep.keys(owner))[0].last_used_at
    assert second is not None
    assert second >= first


async def test_an_expired_key_is_refused(
    accounts: Accounts, upkeep: Upkeep, opened: Session, database: Database
) -> None:
    owner = await accounts.authenticate(opened.token)
    made = await upkeep.create_key(owner, name="bot", scopes=[Scope.READ], days=1, password=PASSWORD, ip=IP)
    async with database.connection() as connection:
        await connection.execute(text("ALTER TABLE api_keys DISABLE TRIGGER api_keys_keep_the_rules"))
        await connection.execute(text("UPDATE api_keys SET expires_at = now() - interval '1 second'"))
    assert await outcome(accounts.authenticate(made.secret)) == "UNAUTHORIZED"
    assert await upkeep.keys(owner) == []


async def test_unusable_keys_are_not_made(
    accounts: Accounts, upkeep: Upkeep, opened: Session, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = await accounts.authenticate(opened.token)

    async def make(name: str = "bot", scopes: tuple[Scope, ...] = (Scope.READ,), password: str = PASSWORD) -> str:
        return await outcome(upkeep.create_key(owner, name=name, scopes=scopes, days=None, password=password, ip=IP))

    for name in ("", "  ", "x" * 51, "a\nb"):
        assert await make(name=name) == "INVALID_API_KEY_REQUEST"
    assert await make(scopes=()) == "INVALID_API_KEY_REQUEST"
    assert await make(password="wrong horse") == "WRONG_PASSWORD"
    monkeypatch.setattr(api_keys, "MOST_PER_USER", 2)
    assert [await make() for _ in range(3)] == ["ok", "ok", "TOO_MANY_API_KEYS"]
    assert await count(database, "SELECT count(*) FROM api_keys") == 2


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE sessions SET ended_at = NULL",
        "UPDATE sessions SET expires_at = expires_at + interval '1 day'",
        "UPDATE sessions SET user_id = user_id + 1",
        "UPDATE api_keys SET revoked_at = NULL",
        "UPDATE api_keys SET scopes = ARRAY['withdraw']",
        "UPDATE api_keys SET expires_at = NULL",
        "UPDATE api_keys SET scopes = ARRAY['everything']",
    ],
)
async def test_the_database_keeps_what_has_ended_ended(
    accounts: Accounts, upkeep: Upkeep, opened: Session, database: Database, change: str
) -> None:
    owner = await accounts.authenticate(opened.token)
    made = await upkeep.create_key(owner, name="bot", scopes=[Scope.READ], days=1, password=PASSWORD, ip=IP)
    await upkeep.revoke_key(owner, made.key.id, IP)
    await upkeep.log_out_everywhere(owner, IP)
    with pytest.raises(IntegrityError):
        async with database.connection() as connection:
            await connection.execute(text(change))


async def test_an_operators_reset_leaves_no_way_in_but_the_new_password(
    accounts: Accounts, upkeep: Upkeep, opened: Session, database: Database
) -> None:
    owner = await accounts.authenticate(opened.token)
    made = await upkeep.create_key(owner, name="bot", scopes=[Scope.READ], days=1, password=PASSWORD, ip=IP)
    done = await reset_password(database, "ALICE", NEW, Settings())
    assert done is not None
    assert (done.sessions, done.keys) == (1, 1)
    for credential in (opened.token, made.secret):
        assert await outcome(accounts.authenticate(credential)) == "UNAUTHORIZED"
    assert await outcome(accounts.log_in("alice", PASSWORD, IP)) == "WRONG_CREDENTIALS"
    assert await outcome(accounts.log_in("alice", NEW, IP)) == "ok"
    assert await reset_password(database, "nobody", NEW, Settings()) is None
    assert (await events(database))[2] == "password_reset"

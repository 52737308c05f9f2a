"""Accounts over a real Postgres and a real Valkey."""

from __future__ import annotations

import asyncio

import pytest
from redis.asyncio import Redis
from sqlalchemy import text

from engine_app.accounts import service
from engine_app.accounts.errors import (
    InvalidPassword,
    InvalidUsername,
    NameTaken,
    StockEmpty,
    Unauthorized,
    WrongCredentials,
)
from engine_app.accounts.service import Accounts
from engine_app.errors import EngineError
from engine_app.settings import Settings
from engine_app.storage.postgres import Database
from engine_app.storage.rate_limits import LimitsUnavailable, RateLimited, RateLimits
from engine_app.storage.redis import connect
from engine_app.wallets import repository as wallets
from tests.accounts.conftest import IP, PASSWORD, SECRET, MakeAccounts, count, outcome


@pytest.mark.usefixtures("stock")
async def test_a_new_account_gets_its_own_address(accounts: Accounts, database: Database) -> None:
    sessions = await asyncio.gather(*(accounts.create(f"user {n}", PASSWORD, IP) for n in range(4)))
    async with database.transaction() as session:
        found = [await wallets.wallet_of_user(session, opened.user_id) for opened in sessions]
    addresses = {wallet.address for wallet in found}
    assert len(addresses) == 4
    assert all(wallet.assigned_at for wallet in found)
    for opened in sessions:
        identity = await accounts.authenticate(opened.token)
        assert (identity.user_id, identity.username) == (opened.user_id, opened.username)
        assert opened.created


@pytest.mark.usefixtures("stock")
async def test_names_are_unique_without_regard_to_case(accounts: Accounts, database: Database) -> None:
    made = await accounts.create("Straße", PASSWORD, IP)
    with pytest.raises(NameTaken):
        await accounts.create("STRASSE", PASSWORD, IP)
    again = await accounts.log_in("strasse", PASSWORD, IP)
    assert (again.user_id, again.username, again.created) == (made.user_id, "Straße", False)
    assert await count(database, "SELECT count(*) FROM users") == 1


@pytest.mark.usefixtures("stock")
async def test_creations_of_one_name_at_once_make_one_account(accounts: Accounts, database: Database) -> None:
    outcomes = await asyncio.gather(*(outcome(accounts.create(name, PASSWORD, IP)) for name in ("Alice", "aLICE") * 5))
    assert sorted(outcomes) == ["NAME_TAKEN"] * 9 + ["ok"]
    assert await count(database, "SELECT count(*) FROM users") == 1
    assert await count(database, "SELECT count(*) FROM wallets WHERE user_id IS NOT NULL") == 1


@pytest.mark.usefixtures("stock")
async def test_without_a_mode_the_name_decides(accounts: Accounts) -> None:
    made = await accounts.log_in_or_create("Alice", PASSWORD, IP)
    again = await accounts.log_in_or_create("alice", PASSWORD, IP)
    assert (made.created, again.created) == (True, False)
    assert made.user_id == again.user_id
    with pytest.raises(WrongCredentials):
        await accounts.log_in_or_create("ALICE", "another password", IP)


@pytest.mark.usefixtures("stock")
async def test_log_in_never_makes_an_account(accounts: Accounts, database: Database) -> None:
    with pytest.raises(WrongCredentials):
        await accounts.log_in("nobody", PASSWORD, IP)
    assert await count(database, "SELECT count(*) FROM users") == 0


@pytest.mark.usefixtures("stock")
@pytest.mark.parametrize(
    ("username", "password", "error"),
    [
        ("", PASSWORD, InvalidUsername),
        ("a\nb", PASSWORD, InvalidUsername),
        ("alice", "short", InvalidPassword),
        ("alice", "x" * 73, InvalidPassword),
    ],
)
async def test_unusable_names_and_passwords_make_nothing(
    accounts: Accounts, database: Database, username: str, password: str, error: type[EngineError]
) -> None:
    with pytest.raises(error):
        await accounts.create(username, password, IP)
    assert await count(database, "SELECT count(*) FROM users") == 0


@pytest.mark.usefixtures("stock")
async def test_passwords_are_stored_hashed(accounts: Accounts, database: Database) -> None:
    await accounts.create("alice", PASSWORD, IP)
    assert await count(database, "SELECT count(*) FROM users WHERE password_hash LIKE '$2b$12$%'") == 1
    assert await count(database, "SELECT count(*) FROM users u WHERE u::text LIKE '%correct horse%'") == 0


async def test_an_empty_stock_makes_no_account(
    accounts: Accounts, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "STOCK_WAIT_SECONDS", 0.6)
    with pytest.raises(StockEmpty) as refused:
        await accounts.create("alice", PASSWORD, IP)
    assert (refused.value.status, refused.value.code) == (503, "STOCK_EMPTY")
    assert refused.value.retry_after
    assert await count(database, "SELECT count(*) FROM users") == 0


async def test_a_creation_waits_for_the_stock(accounts: Accounts, database: Database) -> None:
    creation = asyncio.create_task(accounts.create("alice", PASSWORD, IP))
    await asyncio.sleep(1.5)
    assert not creation.done()
    async with database.transaction() as session:
        await wallets.add_to_stock(session, [(5, "the address")])
    assert (await creation).created


@pytest.mark.usefixtures("stock")
async def test_failures_close_a_name_and_nothing_else(make: MakeAccounts) -> None:
    accounts = make(login_failures_per_name=3)
    await accounts.create("alice", PASSWORD, IP)
    await accounts.create("bob", PASSWORD, IP)
    outcomes = await asyncio.gather(*(outcome(accounts.log_in("alice", "wrong horse", IP)) for _ in range(12)))
    assert sorted(outcomes) == ["RATE_LIMITED"] * 9 + ["WRONG_CREDENTIALS"] * 3
    with pytest.raises(RateLimited) as refused:
        await accounts.log_in("ALICE", PASSWORD, "192.0.2.99")
    assert refused.value.retry_after
    assert 1 <= refused.value.retry_after <= 900
    assert (await accounts.log_in("bob", PASSWORD, IP)).user_id


async def test_the_limit_is_one_over_all_processes(make: MakeAccounts) -> None:
    processes = [make(login_failures_per_name=3) for _ in range(3)]
    outcomes = await asyncio.gather(*(outcome(processes[n % 3].log_in("alice", "wrong horse", IP)) for n in range(9)))
    assert sorted(outcomes) == ["RATE_LIMITED"] * 6 + ["WRONG_CREDENTIALS"] * 3


@pytest.mark.usefixtures("stock")
async def test_failures_of_many_names_close_an_address(make: MakeAccounts) -> None:
    accounts = make(login_failures_per_ip=4)
    await accounts.create("alice", PASSWORD, IP)
    outcomes = await asyncio.gather(
        *(outcome(accounts.log_in(f"name {n}", "wrong horse", "2001:db8::1")) for n in range(9))
    )
    assert sorted(outcomes) == ["RATE_LIMITED"] * 5 + ["WRONG_CREDENTIALS"] * 4
    assert await outcome(accounts.log_in("alice", PASSWORD, "2001:db8::ffff")) == "RATE_LIMITED"
    assert await outcome(accounts.log_in("alice", PASSWORD, "2001:db8:1::1")) == "ok"


@pytest.mark.usefixtures("stock")
async def test_a_success_uses_up_nothing(make: MakeAccounts) -> None:
    accounts = make(login_failures_per_name=1, login_failures_per_ip=1)
    await accounts.create("alice", PASSWORD, IP)
    outcomes = await asyncio.gather(*(outcome(accounts.log_in("alice", PASSWORD, IP)) for _ in range(6)))
    assert outcomes == ["ok"] * 6


@pytest.mark.usefixtures("stock")
async def test_creations_are_limited_per_address(make: MakeAccounts, database: Database) -> None:
    accounts = make(accounts_per_ip_hour=3)
    outcomes = await asyncio.gather(*(outcome(accounts.create(f"user {n}", PASSWORD, IP)) for n in range(7)))
    assert sorted(outcomes) == ["RATE_LIMITED"] * 4 + ["ok"] * 3
    assert await count(database, "SELECT count(*) FROM users") == 3
    assert await count(database, "SELECT count(*) FROM wallets WHERE user_id IS NOT NULL") == 3
    assert await outcome(accounts.create("elsewhere", PASSWORD, "192.0.2.99")) == "ok"


@pytest.mark.usefixtures("stock")
async def test_a_creation_that_fails_uses_up_nothing(make: MakeAccounts) -> None:
    accounts = make(accounts_per_ip_hour=2)
    await accounts.create("alice", PASSWORD, IP)
    for _ in range(3):
        assert await outcome(accounts.create("alice", PASSWORD, IP)) == "NAME_TAKEN"
    assert await outcome(accounts.create("bob", PASSWORD, IP)) == "ok"


@pytest.mark.usefixtures("stock")
async def test_the_password_is_asked_again_within_its_own_limit(make: MakeAccounts, database: Database) -> None:
    accounts = make(login_failures_per_name=2)
    made = await accounts.create("alice", PASSWORD, IP)
    await accounts.require_password(made.user_id, PASSWORD, IP)
    outcomes = await asyncio.gather(
        *(outcome(accounts.require_password(made.user_id, "wrong horse", IP)) for _ in range(5))
    )
    assert sorted(outcomes) == ["RATE_LIMITED"] * 3 + ["WRONG_PASSWORD"] * 2
    assert await outcome(accounts.require_password(made.user_id, PASSWORD, IP)) == "RATE_LIMITED"
    assert await outcome(accounts.log_in("alice", PASSWORD, IP)) == "ok"
    assert await count(database, "SELECT count(*) FROM security_log WHERE event = 'password_refused'") == 2


async def test_without_redis_logins_stay_shut(database: Database, stock: None, unused_tcp_port: int) -> None:
    absent = connect(f"redis://127.0.0.1:{unused_tcp_port}/0")
    accounts = Accounts(database, RateLimits(absent), Settings(), jwt_secrets=(SECRET,))
    with pytest.raises(LimitsUnavailable):
        await accounts.log_in("alice", PASSWORD, IP)
    with pytest.raises(LimitsUnavailable):
        await accounts.create("alice", PASSWORD, IP)
    await accounts.close()
    await absent.aclose()


@pytest.mark.usefixtures("stock")
async def test_the_token_of_an_account_that_is_gone_is_refused(accounts: Accounts, database: Database) -> None:
    opened = await accounts.create("alice", PASSWORD, IP)
    async with database.connection() as connection:
        await connection.execute(text("UPDATE wallets SET user_id = NULL, assigned_at = NULL"))
        await connection.execute(text("ALTER TABLE security_log DISABLE TRIGGER security_log_is_append_only"))
        for table in ("security_log", "sessions", "users"):
            await connection.execute(text(f"DELETE FROM {table}"))  # noqa: S608
    with pytest.raises(Unauthorized):
        await accounts.authenticate(opened.token)


@pytest.mark.usefixtures("stock")
async def test_redis_holds_neither_names_nor_addresses(accounts: Accounts, redis: Redis) -> None:
    await outcome(accounts.log_in("canary-name", "canary-password", "203.0.113.77"))
    keys = [key async for key in redis.scan_iter()]
    assert keys
    assert all(key.startswith("rate:") for key in keys)
    assert not any(word in key for key in keys for word in ("canary", "203.0.113"))

"""Withdrawals and the address book over REST."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio
from solders.keypair import Keypair
from sqlalchemy import text

from engine_app.accounts import security_log
from engine_app.orders.address_book import MOST_ADDRESSES, AddressBook
from engine_app.orders.transfers import Withdrawals
from engine_app.services import WebServices
from engine_app.settings import Settings
from tests.api.conftest import PASSWORD, Account, NewAccount
from tests.api.problems import assert_problem

pytestmark = pytest.mark.asyncio(loop_scope="module")

BONK = "DezXAZ8z7PnrnRJjz3wXBoRgixCa6xjnB7YaB1pPB263"


def wallet() -> str:
    return str(Keypair().pubkey())


def wish(**changed: Any) -> dict[str, Any]:
    return {"token": "SOL", "amount": "0.5", "address": wallet(), "password": PASSWORD} | changed


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def funded(client: httpx.AsyncClient, new_account: NewAccount) -> Account:
    account = await new_account()
    answer = await client.post("/api/wallet/airdrop", headers=account.headers)
    assert answer.status_code == 200, answer.text
    return account


async def log_of(services: WebServices, account: Account) -> list[tuple[str, dict[str, Any]]]:
    async with services.database.transaction() as session:
        entries = await security_log.page(session, account.user_id, limit=100)
    return [(entry.event, entry.facts) for entry in entries]


async def orders_of(client: httpx.AsyncClient, account: Account) -> list[dict[str, Any]]:
    answer = await client.get("/api/orders/history", headers=account.headers)
    return list(answer.json()["orders"])


async def test_a_withdrawal_is_accepted_as_an_order(
    client: httpx.AsyncClient, new_account: NewAccount, services: WebServices
) -> None:
    account, to = await new_account(), wallet()
    answer = await client.post("/api/wallet/withdraw", json=wish(address=to), headers=account.headers)
    assert answer.status_code == 202, answer.text
    accepted = answer.json()
    assert set(accepted) == {"orderId", "status", "socketUrl"}
    order = (await client.get(f"/api/orders/{accepted['orderId']}", headers=account.headers)).json()
    assert (order["kind"], order["tokenIn"], order["tokenOut"], order["destination"]) == ("transfer", "SOL", "SOL", to)
    assert (order["amountInUnits"], order["slippage"], order["selectedDex"]) == ("500000000", 0, None)
    assert (order["quotedOut"], order["executionPrice"], order["routing"]) == (None, None, None)
    assert [shown["orderId"] for shown in await orders_of(client, account)] == [accepted["orderId"]]
    ((event, facts), *_) = await log_of(services, account)
    assert event == "withdrawal_requested"
    assert facts == {
        "order": accepted["orderId"],
        "token": "SOL",
        "amount_units": "500000000",
        "destination": to,
        "ip": "192.0.2.1",
    }


async def test_the_password_is_asked_again(
    client: httpx.AsyncClient, new_account: NewAccount, services: WebServices
) -> None:
    account = await new_account()
    for path, body in (("withdraw", wish()), ("addresses", {"address": wallet(), "password": PASSWORD})):
        for password, status, code in ((PASSWORD + "!", 403, "WRONG_PASSWORD"), (None, 422, "INVALID_REQUEST")):
            answer = await client.post(
                f"/api/wallet/{path}", json=body | {"password": password}, headers=account.headers
            )
            assert_problem(answer, status, code)
        without = {name: value for name, value in body.items() if name != "password"}
        answer = await client.post(f"/api/wallet/{path}", json=without, headers=account.headers)
        assert_problem(answer, 422, "INVALID_REQUEST")
    assert await orders_of(client, account) == []
    assert {event for event, _ in await log_of(services, account)} <= {"account_created", "login", "password_refused"}


async def test_nobody_withdraws_without_a_session(client: httpx.AsyncClient) -> None:
    assert_problem(await client.post("/api/wallet/withdraw", json=wish()), 401, "UNAUTHORIZED")
    assert_problem(await client.get("/api/wallet/addresses"), 401, "UNAUTHORIZED")
    assert_problem(await client.delete(f"/api/wallet/addresses/{wallet()}"), 401, "UNAUTHORIZED")


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"token": "DOGE"}, "UNKNOWN_TOKEN"),
        ({"token": str(Keypair().pubkey())}, "UNKNOWN_TOKEN"),
        ({"token": "\x00"}, "UNKNOWN_TOKEN"),
        ({"amount": 0}, "INVALID_AMOUNT"),
        ({"amount": -1}, "INVALID_AMOUNT"),
        ({"amount": "0.0000000001"}, "INVALID_AMOUNT"),
        ({"amount": "all"}, "INVALID_AMOUNT"),
        ({"amount": "1e30"}, "INVALID_AMOUNT"),
        ({"amount": True}, "INVALID_AMOUNT"),
        ({"address": ""}, "INVALID_DESTINATION"),
        ({"address": "alice"}, "INVALID_DESTINATION"),
        ({"address": BONK}, "INVALID_DESTINATION"),
        ({"address": "\x00" * 32}, "INVALID_DESTINATION"),
        ({"address": 7}, "INVALID_REQUEST"),
        ({"memo": "x"}, "INVALID_REQUEST"),
    ],
)
async def test_what_needs_no_chain_is_refused_at_once(
    client: httpx.AsyncClient, account: Account, changed: dict[str, Any], code: str
) -> None:
    answer = await client.post("/api/wallet/withdraw", json=wish(**changed), headers=account.headers)
    assert_problem(answer, 422, code)
    assert await orders_of(client, account) == []


async def test_the_own_address_is_no_destination(client: httpx.AsyncClient, account: Account) -> None:
    own = (await client.get("/api/wallet", headers=account.headers)).json()["address"]
    answer = await client.post("/api/wallet/withdraw", json=wish(address=own), headers=account.headers)
    assert "own address" in assert_problem(answer, 422, "INVALID_DESTINATION")


async def test_the_same_key_gives_the_same_withdrawal(client: httpx.AsyncClient, new_account: NewAccount) -> None:
    account, body = await new_account(), wish()
    headers = account.headers | {"Idempotency-Key": uuid4().hex}
    first, again = [
        (await client.post("/api/wallet/withdraw", json=body, headers=headers)).json()["orderId"] for _ in range(2)
    ]
    assert first == again
    assert len(await orders_of(client, account)) == 1
    other = await client.post("/api/wallet/withdraw", json=body | {"amount": "0.6"}, headers=headers)
    assert_problem(other, 422, "IDEMPOTENCY_KEY_REUSED")
    swap = {"tokenIn": "SOL", "tokenOut": "USDC", "amount": "0.5"}
    assert_problem(await client.post("/api/orders/execute", json=swap, headers=headers), 422, "IDEMPOTENCY_KEY_REUSED")


async def test_max_is_everything_that_no_order_holds(
    client: httpx.AsyncClient, funded: Account, services: WebServices
) -> None:
    key = {"Idempotency-Key": uuid4().hex}
    sol = wish(amount="max")
    for token, units in (("SOL", 10**10 - 10_000), ("USDC", 1_500_000_000)):
        body = sol if token == "SOL" else wish(token=token, amount="max")
        answer = await client.post(
            "/api/wallet/withdraw", json=body, headers=funded.headers | (key if token == "SOL" else {})
        )
        order = (await client.get(f"/api/orders/{answer.json()['orderId']}", headers=funded.headers)).json()
        assert order["amountInUnits"] == str(units)
        async with services.database.connection() as connection:
            await connection.execute(
                text(
                    "INSERT INTO reservations (order_id, mint, wallet_id, amount) "
                    "SELECT id, token_in, wallet_id, amount_in / 2 FROM orders WHERE id = :id"
                ),
                {"id": order["orderId"]},
            )
    answer = await client.post("/api/wallet/withdraw", json=wish(amount="max"), headers=funded.headers)
    assert_problem(answer, 409, "ORDERS_HOLD_SOL")
    answer = await client.post("/api/wallet/withdraw", json=sol, headers=funded.headers | key)
    assert answer.status_code == 202
    answer = await client.post("/api/wallet/withdraw", json=wish(token="USDC", amount="max"), headers=funded.headers)
    order = (await client.get(f"/api/orders/{answer.json()['orderId']}", headers=funded.headers)).json()
    assert order["amountInUnits"] == "750000000"


async def test_max_of_nothing_is_refused(client: httpx.AsyncClient, new_account: NewAccount) -> None:
    account = await new_account()
    for token in ("SOL", "USDC"):
        answer = await client.post(
            "/api/wallet/withdraw", json=wish(token=token, amount="max"), headers=account.headers
        )
        assert_problem(answer, 409, "INSUFFICIENT_FUNDS")


async def test_the_address_book_is_kept_by_its_user_alone(
    client: httpx.AsyncClient, new_account: NewAccount, services: WebServices
) -> None:
    mine, other, to = await new_account(), await new_account(), wallet()
    entry = {"address": to, "label": "Ledger", "password": PASSWORD}
    added = await client.post("/api/wallet/addresses", json=entry, headers=mine.headers)
    assert added.status_code == 201, added.text
    assert added.json() | {"usable": True, "label": "Ledger"} == added.json()
    named = await client.post("/api/wallet/addresses", json=entry | {"label": "Safe"}, headers=mine.headers)
    assert (named.status_code, named.json()["label"], named.json()["addedAt"]) == (200, "Safe", added.json()["addedAt"])
    listed = (await client.get("/api/wallet/addresses", headers=mine.headers)).json()
    assert listed == {"addresses": [named.json()]}
    assert (await client.get("/api/wallet/addresses", headers=other.headers)).json() == {"addresses": []}
    assert_problem(await client.delete(f"/api/wallet/addresses/{to}", headers=other.headers), 404, "ADDRESS_UNKNOWN")
    removed = await client.delete(f"/api/wallet/addresses/{to}", headers=mine.headers)
    assert (removed.status_code, removed.content) == (204, b"")
    for address in (to, "%00", "nonsense"):
        answer = await client.delete(f"/api/wallet/addresses/{address}", headers=mine.headers)
        assert_problem(answer, 404, "ADDRESS_UNKNOWN")
    events = [event for event, _ in await log_of(services, mine) if event.startswith("address")]
    assert events == ["address_removed", "address_added"]


@pytest.mark.parametrize(
    ("changed", "status", "code"),
    [
        ({"address": "alice"}, 422, "INVALID_DESTINATION"),
        ({"address": BONK}, 422, "INVALID_DESTINATION"),
        ({"label": "x" * 51}, 422, "INVALID_REQUEST"),
        ({"label": "a\x00b"}, 422, "INVALID_REQUEST"),
        ({"label": "\ud800"}, 422, "INVALID_REQUEST"),
        ({"label": None}, 422, "INVALID_REQUEST"),
    ],
)
async def test_an_odd_entry_is_refused(
    client: httpx.AsyncClient, account: Account, changed: dict[str, Any], status: int, code: str
) -> None:
    entry = json.dumps({"address": wallet(), "password": PASSWORD} | changed)
    headers = account.headers | {"Content-Type": "application/json"}
    assert_problem(await client.post("/api/wallet/addresses", content=entry, headers=headers), status, code)


async def test_a_book_is_not_endless(client: httpx.AsyncClient, new_account: NewAccount, services: WebServices) -> None:
    account = await new_account()
    async with services.database.connection() as connection:
        await connection.execute(
            text("INSERT INTO withdraw_addresses (user_id, address, label) VALUES (:user, :address, '')"),
            [{"user": account.user_id, "address": wallet()} for _ in range(MOST_ADDRESSES)],
        )
    entry = {"address": wallet(), "password": PASSWORD}
    answer = await client.post("/api/wallet/addresses", json=entry, headers=account.headers)
    assert_problem(answer, 409, "ADDRESS_BOOK_FULL")


@pytest_asyncio.fixture(loop_scope="module")
async def waiting(services: WebServices, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    """The same services where new addresses wait, as on mainnet."""
    chosen = Settings(withdraw_address_wait_hours=24)
    book = AddressBook(services.database, services.tokens, services.accounts, chosen)
    withdrawals = Withdrawals(services.orders, book, services.wallets, services.token_lookup, services.accounts, chosen)
    changed = replace(services, address_book=book, withdrawals=withdrawals)
    monkeypatch.setattr("engine_app.services._running", changed)
    yield


@pytest.mark.usefixtures("waiting")
async def test_where_addresses_wait_a_new_one_takes_nothing(
    client: httpx.AsyncClient, new_account: NewAccount, services: WebServices
) -> None:
    account, to = await new_account(), wallet()
    answer = await client.post("/api/wallet/withdraw", json=wish(address=to), headers=account.headers)
    assert_problem(answer, 409, "ADDRESS_NOT_IN_BOOK")
    added = (
        await client.post("/api/wallet/addresses", json={"address": to, "password": PASSWORD}, headers=account.headers)
    ).json()
    assert added["usable"] is False
    usable_at = datetime.fromisoformat(added["usableAt"])
    assert usable_at - datetime.fromisoformat(added["addedAt"]) == timedelta(hours=24)
    answer = await client.post("/api/wallet/withdraw", json=wish(address=to), headers=account.headers)
    assert usable_at.isoformat(timespec="seconds") in assert_problem(answer, 409, "ADDRESS_WAITS")
    assert await orders_of(client, account) == []
    async with services.database.connection() as connection:
        await connection.execute(
            text("UPDATE withdraw_addresses SET added_at = added_at - interval '24 hours' WHERE address = :address"),
            {"address": to},
        )
    (known,) = (await client.get("/api/wallet/addresses", headers=account.headers)).json()["addresses"]
    assert known["usable"] is True
    answer = await client.post("/api/wallet/withdraw", json=wish(address=to), headers=account.headers)
    assert answer.status_code == 202
    await client.delete(f"/api/wallet/addresses/{to}", headers=account.headers)
    answer = await client.post("/api/wallet/withdraw", json=wish(address=to), headers=account.headers)
    assert_problem(answer, 409, "ADDRESS_NOT_IN_BOOK")
    assert [event for event, _ in await log_of(services, account)].count("withdrawal_requested") == 1

"""Wallets as they change, for whoever looks at them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest
from solders.pubkey import Pubkey

from engine_app.chain.errors import RpcUnavailable
from engine_app.chain.rpc import Rpc
from engine_app.chain.stream import Stream
from engine_app.embedded.processes import LocalChain
from engine_app.markets.tokens import TokenList
from engine_app.storage.postgres import Database
from engine_app.wallets import feed as feeding
from engine_app.wallets.balances import Wallets
from engine_app.wallets.deposits import Deposits
from engine_app.wallets.feed import WalletFeed, WalletNews
from tests.waiting import until
from tests.wallets.conftest import LOCALNET, nothing_reserved
from tests.wallets.test_deposits import no_own

SOL = 10**9
TOKENS = TokenList(LOCALNET)
USDC = TOKENS.resolve("USDC").mint
PATIENCE_SECONDS = 20.0

NewFeed = Callable[[Rpc], WalletFeed]


@pytest.fixture
async def stream(localnet: LocalChain) -> AsyncIterator[Stream]:
    opened = Stream([localnet.ws_url])
    await opened.start()
    await until(lambda: _true(opened.connected))
    yield opened
    await opened.close()


async def _true(value: bool) -> bool:
    return value


@pytest.fixture
def new_feed(database: Database, stream: Stream) -> NewFeed:
    def make(rpc: Rpc) -> WalletFeed:
        wallets = Wallets(database, rpc, TOKENS, nothing_reserved)
        return WalletFeed(rpc, stream, wallets, Deposits(rpc, wallets, TOKENS, no_own), TOKENS)

    return make


async def address_of(database: Database, rpc: Rpc, user: int) -> Pubkey:
    return await Wallets(database, rpc, TOKENS, nothing_reserved).address(user)


async def first(news: AsyncIterator[WalletNews], wanted: Callable[[WalletNews], bool]) -> WalletNews:
    """The first news that is wanted."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        async for each in news:
            if wanted(each):
                return each
    raise AssertionError("the news ended")


def holds(token: str, units: int) -> Callable[[WalletNews], bool]:
    return lambda news: (
        news.wallet is not None
        and any((balance.token, balance.amount_units) == (token, units) for balance in news.wallet.balances)
    )


async def test_what_arrives_is_told_with_the_new_balance(
    new_feed: NewFeed, rpc: Rpc, database: Database, user: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feeding, "SURE_SECONDS", 3600.0)
    feed, address = new_feed(rpc), await address_of(database, rpc, user)
    async with feed.follow(user) as news:
        assert (await first(news, holds("SOL", 0))).deposits == ()
        await rpc.airdrop(address, 2 * SOL)
        told = await first(news, lambda each: bool(each.deposits))
        assert [(deposit.token, deposit.amount_units) for deposit in told.deposits] == [("SOL", 2 * SOL)]
        assert holds("SOL", 2 * SOL)(told)
        await rpc.airdrop(address, 7_000_000, USDC)
        told = await first(news, lambda each: bool(each.deposits))
        assert [(deposit.token, deposit.amount_units) for deposit in told.deposits] == [("USDC", 7_000_000)]


async def test_what_was_there_before_anybody_looked_is_no_news(
    new_feed: NewFeed, rpc: Rpc, database: Database, user: int
) -> None:
    feed, address = new_feed(rpc), await address_of(database, rpc, user)
    await rpc.airdrop(address, SOL)
    await until(lambda: rpc.balance(address))
    async with feed.follow(user) as news:
        await first(news, holds("SOL", SOL))
        await rpc.airdrop(address, SOL)
        told = await first(news, lambda each: bool(each.deposits))
        assert [deposit.amount_units for deposit in told.deposits] == [SOL]


async def test_all_who_look_at_a_wallet_share_one_reader(
    new_feed: NewFeed, rpc: Rpc, database: Database, user: int
) -> None:
    feed, address = new_feed(rpc), await address_of(database, rpc, user)
    async with feed.follow(user) as one, feed.follow(user) as other:
        await asyncio.gather(first(one, holds("SOL", 0)), first(other, holds("SOL", 0)))
        before = rpc.totals.of("getTransaction")
        await rpc.airdrop(address, SOL)
        told = await asyncio.gather(*(first(news, lambda each: bool(each.deposits)) for news in (one, other)))
        assert told[0].deposits == told[1].deposits
        assert rpc.totals.of("getTransaction") == before + 1
    assert not feed.is_watched(user)


async def test_beyond_the_bound_a_wallet_is_polled(
    new_feed: NewFeed, rpc: Rpc, database: Database, user: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feeding, "MOST_WATCHED", 0)
    monkeypatch.setattr(feeding, "POLL_SECONDS", 0.3)
    monkeypatch.setattr(feeding, "SURE_SECONDS", 3600.0)
    feed, address = new_feed(rpc), await address_of(database, rpc, user)
    async with feed.follow(user) as news:
        await first(news, holds("SOL", 0))
        await rpc.airdrop(address, SOL)
        told = await first(news, lambda each: bool(each.deposits))
        assert [deposit.token for deposit in told.deposits] == ["SOL"]


async def test_who_does_not_read_is_told_of_every_deposit_at_once(
    new_feed: NewFeed, rpc: Rpc, database: Database, user: int
) -> None:
    feed, address = new_feed(rpc), await address_of(database, rpc, user)
    async with feed.follow(user) as quick, feed.follow(user) as slow:
        await first(quick, holds("SOL", 0))
        for number in (1, 2):
            await rpc.airdrop(address, number * SOL)
            await first(quick, lambda each: bool(each.deposits))
        told = await first(slow, lambda each: bool(each.deposits))
        assert [deposit.amount_units for deposit in told.deposits] == [SOL, 2 * SOL]
        assert holds("SOL", 3 * SOL)(told)


async def test_what_orders_reserve_is_read_again_when_asked(new_feed: NewFeed, rpc: Rpc, user: int) -> None:
    feed = new_feed(rpc)
    async with feed.follow(user) as news:
        await first(news, holds("SOL", 0))
        feed.look(user)
        assert (await first(news, lambda _: True)).wallet is not None


async def test_a_transaction_that_a_node_knows_a_little_later_is_looked_for_soon(  # noqa: PLR0917 - fixtures
    new_feed: NewFeed, rpc: Rpc, database: Database, user: int, localnet: LocalChain, monkeypatch: pytest.MonkeyPatch
) -> None:
    for pause in ("RETRY_SECONDS", "POLL_SECONDS", "SURE_SECONDS"):
        monkeypatch.setattr(feeding, pause, 3600.0)
    feed, address = new_feed(rpc), await address_of(database, rpc, user)
    async with feed.follow(user) as news:
        await first(news, holds("SOL", 0))
        admin(localnet, "/faults", kind="hidden_status", methods=["getTransaction"], limit=2)
        await rpc.airdrop(address, SOL)
        told = await first(news, lambda each: bool(each.deposits))
        assert [deposit.amount_units for deposit in told.deposits] == [SOL]


async def test_a_node_that_lags_behind_the_one_that_told_is_read_until_it_has_caught_up(  # noqa: PLR0917 - fixtures
    new_feed: NewFeed, rpc: Rpc, database: Database, user: int, localnet: LocalChain, monkeypatch: pytest.MonkeyPatch
) -> None:
    for pause in ("RETRY_SECONDS", "POLL_SECONDS", "SURE_SECONDS"):
        monkeypatch.setattr(feeding, pause, 3600.0)
    port = admin(localnet, "/endpoints", lag_slots=12)["port"]
    behind = Rpc([f"http://127.0.0.1:{port}"], LOCALNET)
    await behind.start()
    feed, address = new_feed(behind), await address_of(database, rpc, user)
    async with feed.follow(user) as news:
        await first(news, holds("SOL", 0))
        await rpc.airdrop(address, SOL)
        assert (await first(news, lambda each: bool(each.deposits))).deposits[0].amount_units == SOL
    await behind.close()


def admin(localnet: LocalChain, path: str, **body: Any) -> dict[str, Any]:
    """Have the chain misbehave, or answer at one more endpoint."""
    answer = httpx.post(f"{localnet.admin_url}{path}", json=body)
    answer.raise_for_status()
    return dict(answer.json())


async def test_where_no_node_tells_that_is_told_and_tried_again(
    new_feed: NewFeed, user: int, unused_tcp_port: int
) -> None:
    silent = Rpc([f"http://127.0.0.1:{unused_tcp_port}"], LOCALNET)
    async with new_feed(silent).follow(user) as news:
        for _ in range(2):
            told = await first(news, lambda _: True)
            assert isinstance(told.trouble, RpcUnavailable)
            assert told.wallet is None
    await silent.close()

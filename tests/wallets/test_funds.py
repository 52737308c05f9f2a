"""Balances and test funds where the chain or the cluster is not as one wishes."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest
from redis.asyncio import Redis
from solders.pubkey import Pubkey

from engine_app.chain.clusters import CLUSTERS
from engine_app.chain.errors import RpcUnavailable
from engine_app.chain.rpc import Rpc
from engine_app.markets.tokens import TokenList
from engine_app.settings import Settings
from engine_app.storage.postgres import Database
from engine_app.storage.rate_limits import LimitsUnavailable, RateLimits
from engine_app.storage.redis import connect
from engine_app.wallets import faucet
from engine_app.wallets.balances import Wallets
from engine_app.wallets.faucet import Faucet, FaucetRefused, NoFaucet
from tests.wallets.conftest import LOCALNET, nothing_reserved

USDC = "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v"

MakeFaucet = Callable[..., Faucet]


@pytest.fixture
def wallets(database: Database, rpc: Rpc) -> Wallets:
    return Wallets(database, rpc, TokenList(LOCALNET), nothing_reserved)


@pytest.fixture
def make(rpc: Rpc, wallets: Wallets, redis: Redis) -> MakeFaucet:
    def with_settings(**changed: object) -> Faucet:
        settings = Settings.model_validate({"solana_rpc_url": "http://127.0.0.1:1", **changed})
        tokens = TokenList(CLUSTERS[settings.solana_cluster])
        return Faucet(rpc, tokens, wallets, RateLimits(redis), settings)

    return with_settings


async def test_amounts_follow_the_setting(make: MakeFaucet, user: int) -> None:
    grant = await make(airdrop_sol="0.3").grant(user)
    assert {balance.token: balance.amount_units for balance in grant.wallet.balances} == {
        "SOL": 300_000_000,
        "USDC": 45_000_000,
        "USDT": 45_000_000,
        "BONK": 225_000_000_000,
    }


async def test_mainnet_has_none(make: MakeFaucet, user: int) -> None:
    with pytest.raises(NoFaucet) as refused:
        await make(solana_cluster="mainnet-beta", allow_mainnet=True).grant(user)
    assert (refused.value.status, refused.value.code) == (409, "NO_FAUCET")


async def test_devnet_gives_sol_alone_and_little(make: MakeFaucet, user: int) -> None:
    devnet = make(solana_cluster="devnet")
    with pytest.raises(NoFaucet):
        await devnet.grant(user, "USDC")
    grant = await devnet.grant(user)
    assert [(balance.token, balance.amount_units) for balance in grant.wallet.balances] == [("SOL", 10**9)]


async def test_more_than_the_faucet_has_is_refused(make: MakeFaucet, user: int) -> None:
    with pytest.raises(FaucetRefused) as refused:
        await make(airdrop_sol="1000000000").grant(user, "SOL")
    assert (refused.value.status, refused.value.code) == (502, "FAUCET_REFUSED")


async def test_funds_that_stay_away_are_told(make: MakeFaucet, user: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faucet, "CONFIRMED_WITHIN_SECONDS", 0.0)
    with pytest.raises(FaucetRefused, match="not confirmed"):
        await make().grant(user, "SOL")


async def test_without_redis_no_funds(rpc: Rpc, wallets: Wallets, user: int, unused_tcp_port: int) -> None:
    absent = connect(f"redis://127.0.0.1:{unused_tcp_port}/0")
    shut = Faucet(rpc, TokenList(LOCALNET), wallets, RateLimits(absent), Settings())
    with pytest.raises(LimitsUnavailable):
        await shut.grant(user)
    await absent.aclose()


async def test_a_token_that_is_not_listed_shows_by_its_mint(
    make: MakeFaucet, database: Database, rpc: Rpc, user: int
) -> None:
    await make().grant(user, "USDC")
    view = await Wallets(database, rpc, TokenList(CLUSTERS["devnet"]), nothing_reserved).view(user)
    assert [(balance.token, balance.amount_units) for balance in view.balances] == [("SOL", 0), (USDC, 1_500_000_000)]


async def test_reservations_above_the_balance_leave_nothing(
    make: MakeFaucet, database: Database, rpc: Rpc, user: int
) -> None:
    await make().grant(user, "USDC")

    async def much_reserved(user_id: int) -> Mapping[str, int]:
        return {USDC: 2**63, str(Pubkey.default()): 1}

    view = await Wallets(database, rpc, TokenList(LOCALNET), much_reserved).view(user)
    assert [balance.available for balance in view.balances] == [0, 0]


async def test_a_silent_node_is_told(database: Database, user: int, unused_tcp_port: int) -> None:
    silent = Rpc([f"http://127.0.0.1:{unused_tcp_port}"], LOCALNET)
    with pytest.raises(RpcUnavailable):
        await Wallets(database, silent, TokenList(LOCALNET), nothing_reserved).view(user)
    await silent.close()

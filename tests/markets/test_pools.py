"""Finding a pair's pools and reading them together."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from solders.pubkey import Pubkey

from engine_app.chain.accounts import Account
from engine_app.chain.call_counts import count_calls
from engine_app.chain.errors import RpcUnavailable
from engine_app.chain.rpc import Rpc
from engine_app.localnet.server import Localnet
from engine_app.markets.errors import NoPool
from engine_app.markets.pools import ROOM_FOR_EXTRA, Pools
from engine_app.markets.tokens import TokenList
from engine_app.markets.venues.raydium_clmm import ClmmPool
from engine_app.markets.venues.registry import venues_for
from tests.markets.conftest import LOCALNET, RefusingNode, put
from tests.markets.venues.vectors import load, state

TOKENS = TokenList(LOCALNET)
SOL, USDC, USDT, BONK = (TOKENS.resolve(symbol).mint for symbol in ("SOL", "USDC", "USDT", "BONK"))
SEEDED = ((SOL, USDC), (SOL, USDT), (SOL, BONK), (USDC, USDT), (BONK, USDC))
FIRST_POOLS = {"raydium_cpmm": "cpmm-sol-usdc-25bp", "meteora_damm_v2": "dammv2-sol-usdc-5bp"}


@pytest.fixture
async def pools(rpc: Rpc) -> AsyncIterator[Pools]:
    """Pools without a background search."""
    made = Pools(rpc, LOCALNET, refresh_seconds=3600)
    yield made
    await made.close()


async def _finds(pools: Pools, count: int) -> None:
    """Wait until so many pools of SOL and USDC are known."""
    async with asyncio.timeout(20):
        while len(await pools.known(SOL, USDC)) != count:  # noqa: ASYNC110
            await asyncio.sleep(0.02)


def _copies(venue: str, count: int) -> dict[Pubkey, Account]:
    """Further pools of SOL and USDC at addresses of their own, all with the vaults of the measured one."""
    measured = state(venue, FIRST_POOLS[venue])
    pool = measured.cases[0].pool
    vaults = {key: account for key, account in measured.accounts.items() if key not in (SOL, USDC)}
    return vaults | {Pubkey.new_unique(): measured.accounts[pool] for _ in range(count)}


@pytest.mark.parametrize("pair", SEEDED, ids=lambda pair: "-".join(TOKENS.symbol(str(mint)) for mint in pair))
async def test_every_seeded_pair_is_found_on_both_venues(pools: Pools, pair: tuple[Pubkey, Pubkey]) -> None:
    snapshot = await pools.snapshot(*pair)
    assert {pool.venue for pool in snapshot.pools} == {"raydium_cpmm", "meteora_damm_v2"}
    assert all(set(pool.mints) == set(pair) for pool in snapshot.pools)
    assert snapshot.refused == ()
    assert snapshot.slot == snapshot.accounts.slot
    assert 0 <= snapshot.clock.slot - snapshot.slot <= 2
    assert (await pools.known(*pair)) == (await pools.known(*pair[::-1]))


async def test_a_known_pair_costs_one_call(pools: Pools) -> None:
    await pools.known(USDC, SOL)
    wallet, nobody = Pubkey.new_unique(), Pubkey.new_unique()
    with count_calls() as calls:
        snapshot = await pools.snapshot(SOL, USDC, extra=[USDC, wallet, nobody])
    assert dict(calls) == {"getMultipleAccounts": 1}
    assert USDC in snapshot.accounts.accounts
    assert wallet not in snapshot.accounts.accounts


async def test_askers_share_one_search(pools: Pools) -> None:
    with count_calls() as calls:
        first, *others = await asyncio.gather(*(pools.known(SOL, USDC) for _ in range(8)))
    searches = sum(len(venue.pool_filters(SOL, USDC)) for venue in venues_for(LOCALNET))
    assert dict(calls) == {"getProgramAccounts": searches, "getMultipleAccounts": 1}
    assert all(other == first for other in others)


async def test_a_cancelled_asker_leaves_the_search_to_the_others(pools: Pools) -> None:
    hasty = asyncio.create_task(pools.known(SOL, USDC))
    patient = asyncio.create_task(pools.known(SOL, USDC))
    await asyncio.sleep(0)
    hasty.cancel()
    assert len(await patient) == 2
    assert hasty.cancelled()


async def test_a_pair_without_a_pool(pools: Pools) -> None:
    with pytest.raises(NoPool):
        await pools.snapshot(BONK, USDT)
    with count_calls() as calls, pytest.raises(NoPool):
        await pools.snapshot(USDT, BONK)
    assert not calls


async def test_a_pool_made_later_is_found_in_the_background(chain: Localnet, rpc: Rpc) -> None:
    pools = Pools(rpc, LOCALNET, refresh_seconds=0.05, pairs=[(SOL, USDC)])
    await pools.start()
    await _finds(pools, 2)
    await put(chain, _copies("raydium_cpmm", 1))
    with count_calls() as calls:
        await _finds(pools, 3)
    assert not calls
    snapshot = await pools.snapshot(SOL, USDC)
    assert len(snapshot.pools) == 3
    await pools.close()


async def test_arrays_that_the_price_came_to_are_read_at_once_and_then_known(chain: Localnet, pools: Pools) -> None:
    measured = state("raydium_clmm", "clmm-sol-usdc-4bp/+5s")
    address = measured.cases[0].pool
    around = {key: account for key, account in measured.accounts.items() if key not in (SOL, USDC)}
    pool = around[address]
    elsewhere = replace(pool, data=pool.data[:904] + bytes(128) + pool.data[1032:])
    await put(chain, around | {address: elsewhere})
    [before] = [known for known in await pools.known(SOL, USDC) if known.address == address]

    await put(chain, {address: pool})
    with count_calls() as calls:
        snapshot = await pools.snapshot(SOL, USDC)
    assert dict(calls) == {"getMultipleAccounts": 1}
    [clmm] = [pool for pool in snapshot.pools if pool.address == address]
    assert isinstance(clmm, ClmmPool)
    arrays = {array.key for array in (*clmm.down.arrays, *clmm.up.arrays)}
    assert len(arrays) > 2
    assert snapshot.missing == arrays
    assert snapshot.accounts.slots_apart == 0

    [after] = [known for known in await pools.known(SOL, USDC) if known.address == address]
    assert arrays <= set(after.needed)
    assert not arrays & set(before.needed)
    again = await pools.snapshot(SOL, USDC)
    assert again.missing == frozenset()
    assert clmm in again.pools


async def test_vaults_that_a_pool_names_tell_the_rest(chain: Localnet, pools: Pools) -> None:
    measured = state("meteora_damm_v1", "dammv1-sol-usdc-25bp")
    await put(chain, {key: account for key, account in measured.accounts.items() if key not in (SOL, USDC)})
    snapshot = await pools.snapshot(SOL, USDC)
    assert snapshot.missing == frozenset()
    assert measured.cases[0].pool in {pool.address for pool in snapshot.pools}


async def test_what_is_no_pool_is_left_out(chain: Localnet, pools: Pools) -> None:
    fake = state("raydium_cpmm", FIRST_POOLS["raydium_cpmm"])
    account = fake.accounts[fake.cases[0].pool]
    await put(chain, {Pubkey.new_unique(): replace(account, data=bytes(8) + account.data[8:])})
    assert len(await pools.known(SOL, USDC)) == 2


async def test_a_pool_that_cannot_be_read_is_refused_with_the_reason(chain: Localnet, pools: Pools) -> None:
    known = {pool.venue.name: pool for pool in await pools.known(SOL, USDC)}
    config, *_ = known["raydium_cpmm"].needed
    await put(chain, {config: Account(Pubkey.default(), 1, b"")})
    snapshot = await pools.snapshot(SOL, USDC)
    assert [pool.venue for pool in snapshot.pools] == ["meteora_damm_v2"]
    [refused] = snapshot.refused
    assert (refused.pool, refused.venue) == (known["raydium_cpmm"].address, "raydium_cpmm")
    assert "fee configuration" in refused.reason


async def test_more_pools_than_one_call_reads_leave_the_deepest(chain: Localnet, rpc: Rpc, pools: Pools) -> None:
    seeded = {pool.address for pool in await Pools(rpc, LOCALNET, 3600).known(SOL, USDC)}
    shallow = _copies("meteora_damm_v2", 120)
    liquidity = (10**20).to_bytes(16, "little")
    venue = load("meteora_damm_v2").venue
    await put(
        chain,
        {
            key: replace(account, data=account.data[:360] + liquidity + account.data[376:])
            for key, account in shallow.items()
            if account.owner == venue.program_id and key not in seeded
        },
    )
    known = await pools.known(SOL, USDC)
    assert seeded < {pool.address for pool in known}
    assert 80 < len(known) < 100
    with count_calls() as calls:
        extra = [Pubkey.new_unique() for _ in range(ROOM_FOR_EXTRA)]
        snapshot = await pools.snapshot(SOL, USDC, extra=extra)
    assert dict(calls) == {"getMultipleAccounts": 1}
    assert snapshot.accounts.slots_apart == 0
    assert len(snapshot.pools) == len(known)


async def test_a_node_without_the_index_degrades_to_derived_pools(refusing_node: RefusingNode, chain: Localnet) -> None:
    refusing_node.refused = {"getProgramAccounts"}
    rpc = Rpc([refusing_node.url], LOCALNET)
    await rpc.start()
    pools = Pools(rpc, LOCALNET, refresh_seconds=0.05, pairs=[(SOL, USDC)])
    assert {pool.venue.name for pool in await pools.known(SOL, USDC)} == set(FIRST_POOLS)
    assert pools.venues_without_search == {venue.name for venue in venues_for(LOCALNET)}

    # A pool at a random key is out of reach until the node searches again.
    await put(chain, _copies("raydium_cpmm", 1))
    await pools.start()
    refusing_node.refused = set()
    await _finds(pools, 3)
    assert not pools.venues_without_search
    await pools.close()
    await rpc.close()


async def test_a_node_that_is_down_is_no_answer(refusing_node: RefusingNode) -> None:
    rpc = Rpc([refusing_node.url], LOCALNET)
    await rpc.start()
    pools = Pools(rpc, LOCALNET, refresh_seconds=3600)
    await pools.known(SOL, USDC)
    refusing_node.down = True
    with pytest.raises(RpcUnavailable):
        await pools.known(SOL, USDT)
    with pytest.raises(RpcUnavailable):
        await pools.snapshot(SOL, USDC)
    refusing_node.down = False
    async with asyncio.timeout(20):
        while True:
            with contextlib.suppress(RpcUnavailable):
                assert (await pools.snapshot(SOL, USDC)).pools
                break
            await asyncio.sleep(0.05)
    await pools.close()
    await rpc.close()

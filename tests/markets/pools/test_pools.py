"""Finding a pair's pools and reading them together."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

import pytest
from solders.pubkey import Pubkey

from engine_app.chain.accounts import Account
from engine_app.chain.call_counts import count_calls
from engine_app.chain.errors import RpcUnavailable
from engine_app.chain.rpc import Rpc
from engine_app.localnet.server import Localnet
from engine_app.markets.errors import NoPool
from engine_app.markets.pools import ROOM_FOR_EXTRA, KnownPool, Pools, Snapshot
from engine_app.markets.pools.discovery import PAIR_ACCOUNTS
from engine_app.markets.pools.reading import READ_AGAIN
from engine_app.markets.venues.raydium_clmm import ClmmPool
from engine_app.markets.venues.registry import venues_for
from tests.markets.conftest import LOCALNET, RefusingNode, put
from tests.markets.pools.conftest import BONK, FIRST_POOLS, SOL, TOKENS, USDC, USDT, copies, shallow
from tests.markets.venues.vectors import state
from tests.waiting import until

SEEDED = ((SOL, USDC), (SOL, USDT), (SOL, BONK), (USDC, USDT), (BONK, USDC))


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


@pytest.mark.parametrize("pair", SEEDED, ids=lambda pair: "-".join(TOKENS.symbol(str(mint)) for mint in pair))
async def test_every_seeded_pair_is_found_on_both_venues(pools: Pools, pair: tuple[Pubkey, Pubkey]) -> None:
    snapshot = await pools.snapshot(*pair)
    assert {pool.venue for pool in snapshot.pools} == {"raydium_cpmm", "meteora_damm_v2"}
    assert all(set(pool.mints) == set(pair) for pool in snapshot.pools)
    assert snapshot.refused == ()
    assert set(snapshot.slots.values()) == {snapshot.slot} == {snapshot.accounts.slot}
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
    # What the vaults hold, the pools, and what those need.
    assert dict(calls) == {"getProgramAccounts": searches, "getMultipleAccounts": 3}
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
    await put(chain, copies("raydium_cpmm", 1))
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


async def test_more_pools_than_one_call_reads_take_several_at_one_slot(chain: Localnet, pools: Pools) -> None:
    await put(chain, shallow(150))
    known = await pools.known(SOL, USDC)
    assert len(known) == 152
    with count_calls() as calls:
        extra = [Pubkey.new_unique() for _ in range(ROOM_FOR_EXTRA)]
        snapshot = await pools.snapshot(SOL, USDC, extra=extra)
    assert dict(calls) == {"getMultipleAccounts": 1}, "further chunks are counted apart"
    assert len(snapshot.pools) == 152
    assert set(snapshot.slots) == {pool.address for pool in known}
    assert set(snapshot.slots.values()) == {snapshot.slot} == {snapshot.accounts.slot}


async def test_of_very_many_pools_the_deepest_are_known(chain: Localnet, rpc: Rpc, pools: Pools) -> None:
    seeded = {pool.address for pool in await Pools(rpc, LOCALNET, 3600).known(SOL, USDC)}
    await put(chain, shallow(PAIR_ACCOUNTS))
    known = await pools.known(SOL, USDC)
    assert {pool.address for pool in known[:2]} == seeded
    assert len({key for pool in known for key in pool.accounts}) == PAIR_ACCOUNTS


LAG_SLOTS = 8


class Lagging:
    """Pools of SOL and USDC that take two calls, and a node of which a part lags `LAG_SLOTS` behind."""

    def __init__(self, node: RefusingNode, behind: str, pools: Pools, known: Sequence[KnownPool]) -> None:
        self.node = node
        self.behind = behind
        self.pools = pools
        self.known = known

    def answers(self, times: int) -> None:
        """Have the part that lags answer so many of the next reads that hold the last pool."""
        self.node.elsewhere[str(self.known[-1].address)] = [self.behind] * times


@pytest.fixture
async def lagging(chain: Localnet, refusing_node: RefusingNode) -> AsyncIterator[Lagging]:
    """The node, which lags nowhere yet."""
    await put(chain, shallow(150))
    endpoint = await chain.add_endpoint(lag_slots=LAG_SLOTS)
    rpc = Rpc([refusing_node.url], LOCALNET)
    await rpc.start()
    began = await rpc.slot("processed")

    async def old_enough() -> bool:
        return await rpc.slot("processed") > began + LAG_SLOTS

    # No endpoint lags behind the chain's first slot.
    await until(old_enough)
    pools = Pools(rpc, LOCALNET, refresh_seconds=3600, max_slot_spread=2)
    known = await pools.known(SOL, USDC)
    refusing_node.reads.clear()
    yield Lagging(refusing_node, f"http://127.0.0.1:{endpoint.port}", pools, known)
    await pools.close()
    await rpc.close()


async def test_a_part_that_was_read_at_an_older_slot_is_read_again(lagging: Lagging) -> None:
    lagging.answers(1)
    with count_calls() as calls:
        snapshot = await lagging.pools.snapshot(SOL, USDC)
    assert dict(calls) == {"getMultipleAccounts": 1}
    first, second, *again = lagging.node.reads
    assert again[0] == max(first, second, key=lambda read: str(lagging.known[-1].address) in read)
    assert len(again) <= READ_AGAIN
    assert (len(snapshot.pools), snapshot.refused) == (152, ())
    assert max(snapshot.slots.values()) - min(snapshot.slots.values()) <= 2


async def test_what_stays_too_far_behind_is_refused_and_not_compared(lagging: Lagging) -> None:
    lagging.answers(1 + READ_AGAIN)
    snapshot = await lagging.pools.snapshot(SOL, USDC)
    assert len(lagging.node.reads) >= 2 + READ_AGAIN
    assert len(snapshot.pools) + len(snapshot.refused) == 152
    assert lagging.known[-1].address in {pool.pool for pool in snapshot.refused}
    for pool in snapshot.refused:
        apart = snapshot.slot - snapshot.slots[pool.pool]
        assert apart > 2
        assert pool.reason == f"read {apart} slots behind the others"
    assert snapshot.pools
    assert all(snapshot.slot - snapshot.slots[pool.address] <= 2 for pool in snapshot.pools)


async def test_ways_over_other_mints_are_read_where_they_are_whole(pools: Pools) -> None:
    pairs = ((SOL, BONK), (SOL, USDC), (BONK, USDC))
    for pair in (*pairs, (SOL, USDT), (BONK, USDT)):
        await pools.known(*pair)
    with count_calls() as calls:
        snapshot = await pools.snapshot(SOL, BONK, through=[SOL, USDC, USDT])
    assert dict(calls) == {"getMultipleAccounts": 1}
    read = [frozenset(pool.mints) for pool in snapshot.pools]
    assert set(read) == {frozenset(pair) for pair in pairs}, "no pool leads from USDT to BONK"
    assert len(read) == 6
    assert set(read[:2]) == {frozenset((SOL, BONK))}
    assert set(snapshot.slots.values()) == {snapshot.slot}


async def test_nobody_waits_while_a_half_that_had_no_pool_is_searched_anew(
    chain: Localnet, pools: Pools, monkeypatch: pytest.MonkeyPatch
) -> None:
    await pools.snapshot(SOL, BONK, through=[USDT])
    monkeypatch.setattr("engine_app.markets.pools.memory.EMPTY_SECONDS", 0)
    searches = chain.endpoint.node.calls["getProgramAccounts"]
    with count_calls() as calls:
        snapshot = await pools.snapshot(SOL, BONK, through=[USDT])
    assert dict(calls) == {"getMultipleAccounts": 1}
    assert len(snapshot.pools) == 2

    async def searched() -> bool:
        return chain.endpoint.node.calls["getProgramAccounts"] > searches

    await until(searched)


async def test_a_pair_without_a_pool_of_its_own_has_a_way_over_another_mint(pools: Pools) -> None:
    snapshot = await pools.snapshot(USDT, BONK, through=[USDC])
    assert {frozenset(pool.mints) for pool in snapshot.pools} == {frozenset((USDT, USDC)), frozenset((USDC, BONK))}
    with pytest.raises(NoPool):
        await pools.snapshot(USDT, BONK)


async def test_a_node_without_the_index_degrades_to_derived_pools(refusing_node: RefusingNode, chain: Localnet) -> None:
    refusing_node.refused = {"getProgramAccounts"}
    rpc = Rpc([refusing_node.url], LOCALNET)
    await rpc.start()
    pools = Pools(rpc, LOCALNET, refresh_seconds=0.05, pairs=[(SOL, USDC)])
    assert {pool.venue.name for pool in await pools.known(SOL, USDC)} == set(FIRST_POOLS)
    assert pools.venues_without_search == {venue.name for venue in venues_for(LOCALNET)}

    # A pool at a random key is out of reach until the node searches again.
    await put(chain, copies("raydium_cpmm", 1))
    await pools.start()
    refusing_node.refused = set()
    await _finds(pools, 3)
    assert not pools.venues_without_search
    await pools.close()
    await rpc.close()


async def test_where_no_node_searches_configured_pools_are_known_too(
    refusing_node: RefusingNode, chain: Localnet
) -> None:
    refusing_node.refused = {"getProgramAccounts"}
    further = copies("raydium_cpmm", 1)
    [configured] = further.keys() - state("raydium_cpmm", FIRST_POOLS["raydium_cpmm"]).accounts.keys()
    await put(chain, further)
    rpc = Rpc([refusing_node.url], LOCALNET)
    await rpc.start()
    pools = Pools(rpc, LOCALNET, refresh_seconds=3600, configured=[configured, USDC, Pubkey.new_unique()])
    known = {pool.address for pool in await pools.known(SOL, USDC)}
    assert configured in known
    assert len(known) == 3
    assert configured not in {pool.address for pool in await pools.known(SOL, USDT)}, "it is a pool of another pair"
    last = pools.last_search(SOL, USDC)
    assert last is not None
    assert last.without == {venue.name for venue in venues_for(LOCALNET)}
    await pools.close()
    await rpc.close()


async def test_closed_pools_and_dust_are_not_read(chain: Localnet, rpc: Rpc, pools: Pools) -> None:
    seeded = await Pools(rpc, LOCALNET, 3600).known(SOL, USDC)
    by_venue = {pool.venue.name: pool for pool in seeded}
    cpmm, damm = by_venue["raydium_cpmm"], by_venue["meteora_damm_v2"]
    bank = chain.chain.bank
    account = bank.newest(cpmm.address)
    assert account is not None
    empty = Pubkey.new_unique()
    damm_account = bank.newest(damm.address)
    assert damm_account is not None
    await put(
        chain,
        {
            cpmm.address: Account(account.owner, account.lamports, account.data[:329] + b"\x04" + account.data[330:]),
            empty: Account(
                damm_account.owner,
                damm_account.lamports,
                damm_account.data[:232] + bytes(Pubkey.new_unique()) * 2 + damm_account.data[296:],
            ),
        },
    )
    assert [pool.address for pool in await pools.known(SOL, USDC)] == [damm.address]


async def test_orders_that_read_at_the_same_moment_share_the_call_and_each_counts_it(
    chain: Localnet, pools: Pools
) -> None:
    await pools.known(SOL, USDC)
    before = chain.endpoint.node.calls["getMultipleAccounts"]
    wallets = [[Pubkey.new_unique() for _ in range(3)] + [mint] for mint in (USDC, USDT, BONK)]

    async def order(extra: list[Pubkey]) -> tuple[Snapshot, dict[str, int]]:
        with count_calls() as calls:
            return await pools.snapshot(SOL, USDC, extra=extra), dict(calls)

    orders = await asyncio.gather(*(order(extra) for extra in wallets))
    assert chain.endpoint.node.calls["getMultipleAccounts"] - before == 1
    for (snapshot, calls), (*_, mint) in zip(orders, wallets, strict=True):
        assert calls == {"getMultipleAccounts": 1}
        assert mint in snapshot.accounts.accounts
        assert snapshot.accounts.slot == snapshot.slot


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

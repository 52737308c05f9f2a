"""A local chain born with the pools of another cluster, here of another local chain."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from solders.pubkey import Pubkey

from engine_app.chain.clusters import CLUSTERS
from engine_app.chain.rpc import Rpc
from engine_app.cli.cloned_chain import cloned_chain
from engine_app.cli.cloning import CloneFailed, clone
from engine_app.embedded.background import BackgroundSupervisor
from engine_app.embedded.ports import free_port
from engine_app.embedded.probes import chain_is_ready
from engine_app.embedded.processes import PROJECT, LocalChain
from engine_app.embedded.service import Service
from engine_app.localnet.programs_dir import METEORA_DAMM_V2, RAYDIUM_CPMM
from engine_app.markets.pools import Pools
from engine_app.markets.tokens import TokenList
from engine_app.markets.venues.venue import Pool
from tests.conftest import plain_environment
from tests.waiting import until
from tests.whale import Whale, whale

CLUSTER = CLUSTERS["localnet"]
SOL, USDC = (TokenList(CLUSTER).resolve(symbol).mint for symbol in ("SOL", "USDC"))


@pytest.fixture(scope="module")
def source(new_localnet: Callable[[int], LocalChain]) -> LocalChain:
    """The cluster to copy from."""
    return new_localnet(50)


async def pools_of(chain: LocalChain) -> tuple[Pool, ...]:
    """SOL/USDC as it stands, in the order of the addresses."""
    rpc = Rpc([chain.rpc_url], CLUSTER)
    await rpc.start()
    pools = Pools(rpc, CLUSTER, refresh_seconds=3600)
    try:
        found = (await pools.snapshot(SOL, USDC)).pools
        return tuple(sorted(found, key=lambda pool: bytes(pool.address)))
    finally:
        await pools.close()
        await rpc.close()


def started(source: LocalChain, pools: list[Pubkey], directory: Path, supervisor: BackgroundSupervisor) -> LocalChain:
    """A chain that the command line has cloned and started."""
    chain = LocalChain(directory, free_port(), free_port(), 50)
    plain = chain.service(plain_environment(), "clone")
    asked = [part for pool in pools for part in ("--pool", str(pool))]
    service = Service(
        name="clone",
        argv=(*plain.argv, "--clone", source.rpc_url, *asked),
        ready=lambda pid: chain_is_ready(pid, chain.rpc_url),
        env=plain.env,
        cwd=PROJECT,
        stop_seconds=15.0,
    )
    assert plain.argv[0] == sys.executable
    supervisor.start(service)
    return chain


async def trade_on(pool: Pool, trader: Whale) -> None:
    """A swap in each direction, landed without an error."""
    for token_in, token_out, amount in (("SOL", "USDC", 10**9), ("USDC", "SOL", 10**8)):
        await trader.landed(await trader.swap(pool, token_in, token_out, amount))


async def test_a_clone_has_the_pools_as_they_stood_and_trades_on_them(
    source: LocalChain, supervisor: BackgroundSupervisor, tmp_path: Path
) -> None:
    seeded = await pools_of(source)
    async with whale(source.rpc_url) as trader:
        landed = [await trader.landed(await trader.swap(pool, "SOL", "USDC", 2_000 * 10**9)) for pool in seeded]

        async def final() -> bool:
            return await trader.rpc.slot("finalized") >= max(landed)

        # What is copied is what is final.
        await until(final)
    moved = await pools_of(source)
    assert moved != seeded
    copy = started(source, [pool.address for pool in moved], tmp_path / "copy", supervisor)
    try:
        assert await pools_of(copy) == moved
        for program in (RAYDIUM_CPMM, METEORA_DAMM_V2):
            assert (tmp_path / "copy" / "clone" / "programs" / f"{program}.so").stat().st_size > 1_000
        async with whale(copy.rpc_url) as trader:
            for pool in moved:
                await trade_on(pool, trader)
    finally:
        supervisor.stop("clone")


def test_an_address_that_is_no_pool_is_refused_and_nothing_is_left(source: LocalChain, tmp_path: Path) -> None:
    for address in (USDC, Pubkey.new_unique()):
        with pytest.raises(CloneFailed, match=f"{address} is no pool of a venue"):
            clone(source.rpc_url, [address], tmp_path / "clone")
    assert not (tmp_path / "clone").exists()


def test_a_chain_that_exists_is_not_founded_anew(source: LocalChain, tmp_path: Path) -> None:
    (tmp_path / "chain.sqlite3").touch()
    with pytest.raises(CloneFailed, match="takes an empty --data-dir"):
        cloned_chain(tmp_path, source.rpc_url, [])


def test_a_pool_is_copied_from_somewhere(tmp_path: Path) -> None:
    with pytest.raises(CloneFailed, match="--pool needs --clone"):
        cloned_chain(tmp_path, None, [str(USDC)])


def test_a_cluster_that_does_not_answer_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(CloneFailed, match="does not answer getMultipleAccounts: ConnectError"):
        clone("http://127.0.0.1:1", [USDC], tmp_path / "clone")

"""What a quote asks of the node, cold and warm: RPC calls, bytes and time: `python -m bench.quotes`.

One local chain in this process with the seeded pools, and in the last three rows every measured pool of SOL and USDC
besides (tests/vectors): all six venues, ticks and bins included. Bytes are what the node sends, uncompressed.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from statistics import median
from time import perf_counter

from solders.pubkey import Pubkey

from engine_app.chain.call_counts import count_calls
from engine_app.chain.clusters import CLUSTERS
from engine_app.chain.rpc import Rpc
from engine_app.localnet.server import Localnet, LocalnetOptions
from engine_app.markets.pools import Pools
from engine_app.markets.tokens import TokenList
from tests.chain.relay import Relay
from tests.markets.conftest import put
from tests.markets.venues.vectors import FILES, load

CLUSTER = CLUSTERS["localnet"]
TOKENS = TokenList(CLUSTER)
SOL, USDC, BONK = (TOKENS.resolve(symbol).mint for symbol in ("SOL", "USDC", "BONK"))
ROUNDS = 30
TAKERS_ACCOUNTS = 5


async def add_measured_pools(localnet: Localnet) -> None:
    """Put the first measured state of every pool of SOL and USDC on the chain."""
    seen: set[Pubkey] = set()
    for name in FILES:
        for state in load(name).states:
            pools = {case.pool for case in state.cases if {case.mint_in, case.mint_out} == {SOL, USDC}} - seen
            if pools:
                seen |= pools
                await put(localnet, {key: account for key, account in state.accounts.items() if key not in (SOL, USDC)})


async def measure(
    relay: Relay,
    rpc: Rpc,
    what: str,
    pair: tuple[Pubkey, Pubkey],
    through: Sequence[Pubkey] = (),
    *,
    at_once: int = 1,
) -> None:
    """Print one row: the first snapshot of a process that knows nothing, and those after it, of each taker."""
    pools = Pools(rpc, CLUSTER, refresh_seconds=3600)
    with count_calls() as cold:
        first = await pools.snapshot(*pair, through=through)
    takers = [[Pubkey.new_unique() for _ in range(TAKERS_ACCOUNTS)] for _ in range(at_once)]
    took: list[float] = []
    before, calls = relay.answered, rpc.totals.of("getMultipleAccounts")
    for _ in range(ROUNDS):
        began = perf_counter()
        await asyncio.gather(*(pools.snapshot(*pair, extra=extra, through=through) for extra in takers))
        took.append((perf_counter() - began) * 1000)
    warm = (rpc.totals.of("getMultipleAccounts") - calls) / ROUNDS / at_once
    size = (relay.answered - before) / ROUNDS / at_once / 1024
    sys.stdout.write(
        f"{what:<28}{len(first.pools):>6}{cold.total():>12}{warm:>12.2f}{size:>14.1f}{median(took):>10.1f}\n"
    )
    await pools.close()


async def run() -> None:
    """Measure and print a table."""
    heads = ("pools", "calls cold", "calls warm", "KiB a snapshot", "ms")
    sys.stdout.write(f"{'':<28}{heads[0]:>6}{heads[1]:>12}{heads[2]:>12}{heads[3]:>14}{heads[4]:>10}\n")
    options = LocalnetOptions(port=0, ws_port=0, slot_ms=400)
    async with Localnet(options) as localnet, Relay("127.0.0.1", localnet.endpoint.port) as relay:
        rpc = Rpc([f"http://127.0.0.1:{relay.port}"], CLUSTER)
        await rpc.start()
        await measure(relay, rpc, "SOL/USDC, seeded", (SOL, USDC))
        await measure(relay, rpc, "SOL/BONK over two hubs", (SOL, BONK), TOKENS.hubs())
        await add_measured_pools(localnet)
        await measure(relay, rpc, "SOL/USDC, six venues", (SOL, USDC))
        await measure(relay, rpc, "SOL/USDC, 8 orders at once", (SOL, USDC), at_once=8)
        await measure(relay, rpc, "SOL/BONK over two hubs", (SOL, BONK), TOKENS.hubs())
        await rpc.close()


if __name__ == "__main__":
    asyncio.run(run())

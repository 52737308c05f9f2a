"""What a routing decision takes, by pools, size and ways: `python -m bench.decisions`.

Pools are measured ones of all six venues (tests/vectors) whose prices lie within a few percent of each other, so that
splits and second hops are worth looking for. Times are of the processor, so that others on the machine do not count.
"""

from __future__ import annotations

import random
import sys
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from time import thread_time

from solders.pubkey import Pubkey

from bench.figures import no_garbage, spread
from engine_app.chain.token_accounts import WRAPPED_SOL_MINT as SOL
from engine_app.markets.routing import decide
from engine_app.markets.venues.venue import Pool
from tests.markets.routing.measured import CLOCK, USDC, USDT, at, paid, pools_of

ROUNDS = 200
WARM_UP = 20
POOLS = (2, 10, 50)
AMOUNTS = (10**9, 10**11)
CLOSE = Decimal("0.06")
LEG_LAMPORTS = 100
LIMITS: dict[str, tuple[int, tuple[Pubkey, ...]]] = {
    "one pool": (1, ()),
    "splits": (3, ()),
    "splits and two hops": (3, (SOL, USDC, USDT)),
}


def close_ones(one: Pubkey, other: Pubkey, amount: int) -> list[Pool]:
    """Measured pools of a pair whose prices are close to that of the one in the middle."""
    offers = sorted((paid(pool, one, amount), pool.address, pool) for pool in pools_of(one, other))
    middle = offers[len(offers) // 2][0]
    return [pool for offer, _, pool in offers if abs(offer - middle) < middle * CLOSE]


def some(pools: Sequence[Pool], count: int, dice: random.Random) -> list[Pool]:
    """So many of some pools, each at an address of its own where they have to come again."""
    return [at(pool, Pubkey.new_unique()) for pool in dice.choices(pools, k=count)]


def measured(count: int, amount: int) -> dict[str, tuple[list[float], Counter[str]]]:
    """What decisions over so many pools of the pair, and as many on each way over a hub, take in µs, and what they are.

    Each round decides about the same pools by all ways in turn, so that neither which pools they are nor what else the
    machine does at the moment stands between the ways. The same pools come at every call.
    """
    dice, dice_of_hubs = random.Random(count), random.Random(count + 1)
    direct, first, second = (close_ones(*pair, 10**9) for pair in ((SOL, USDC), (SOL, USDT), (USDT, USDC)))
    found: dict[str, tuple[list[float], Counter[str]]] = {ways: ([], Counter()) for ways in LIMITS}
    for number in range(WARM_UP + ROUNDS):
        pools = some(direct, count, dice)
        over_hubs = [*some(first, count // 2, dice_of_hubs), *some(second, count // 2, dice_of_hubs)]
        for ways, (max_legs, hubs) in LIMITS.items():
            began = thread_time()
            decision = decide(
                [*pools, *over_hubs] if hubs else pools,
                clock=CLOCK,
                mint_in=SOL,
                mint_out=USDC,
                amount_in=amount,
                slippage=Decimal("0.01"),
                max_legs=max_legs,
                hubs=hubs,
                leg_lamports=LEG_LAMPORTS,
            )
            took = (thread_time() - began) * 1e6
            if number >= WARM_UP:
                found[ways][0].append(took)
                found[ways][1]["none" if decision.way is None else decision.way.kind.value] += 1
    return found


def measure() -> dict[str, dict[str, float]]:
    """µs of a decision about 1 SOL, by the pools and what is looked for."""
    with no_garbage():
        return {
            f"{count} pools, {ways}": spread(took)
            for count in POOLS
            for ways, (took, _) in measured(count, AMOUNTS[0]).items()
        }


def main() -> None:
    """Measure and print a table."""
    sys.stdout.write(
        f"{'pools of the pair':<20}{'SOL':>5}  {'ways':<22}{'median µs':>10}{'p10':>8}{'p90':>8}{'most':>8}   taken\n"
    )
    with no_garbage():
        for count in POOLS:
            for amount in AMOUNTS:
                for ways, (took, taken) in measured(count, amount).items():
                    told = ", ".join(f"{kind} {times}" for kind, times in taken.most_common())
                    of_all = spread(took)
                    sys.stdout.write(
                        f"{count:<20}{amount // 10**9:>5}  {ways:<22}{of_all['median']:>10.0f}{of_all['p10']:>8.0f}"
                        f"{of_all['p90']:>8.0f}{max(took):>8.0f}   {told}\n"
                    )


if __name__ == "__main__":
    main()

"""Which pools are worth reading."""

from __future__ import annotations

from solders.pubkey import Pubkey

from engine_app.markets.pools.selection import DUST, FoundPool, worth_reading
from engine_app.markets.venues.registry import venues_for
from tests.markets.conftest import LOCALNET

VENUE = venues_for(LOCALNET)[0]
SOL, USDC, MEME = (Pubkey.new_unique() for _ in range(3))
HUBS = {SOL, USDC}
WHOLE = 10**6


def pool(first: int, second: int, *, is_open: bool = True) -> FoundPool:
    return FoundPool(Pubkey.new_unique(), VENUE, is_open, (first, second))


def test_closed_pools_are_dropped_unless_there_is_no_other() -> None:
    closed, shallow, deep = pool(9, 9, is_open=False), pool(5, 5), pool(6, 6)
    assert worth_reading([closed, shallow, deep], (SOL, USDC), HUBS) == [deep, shallow]
    assert worth_reading([closed], (SOL, USDC), HUBS) == [closed]


def test_dust_is_what_holds_less_than_a_ten_thousandth_of_the_fullest_in_both_tokens() -> None:
    full = pool(DUST * WHOLE, DUST * WHOLE)
    just_enough, one_sided = pool(WHOLE, WHOLE), pool(0, 3 * WHOLE)
    dust, nothing = pool(WHOLE - 1, WHOLE - 1), pool(0, 0)
    kept = worth_reading([nothing, dust, one_sided, just_enough, full], (SOL, USDC), HUBS)
    assert kept == [full, just_enough, one_sided]
    assert worth_reading([dust, nothing], (SOL, USDC), HUBS) == [dust], "alone it is the fullest"
    assert worth_reading([nothing], (SOL, USDC), HUBS) == []


def test_what_a_closed_pool_holds_makes_no_dust_of_open_ones() -> None:
    closed, small = pool(10**15, 10**15, is_open=False), pool(10, 10)
    assert worth_reading([closed, small], (SOL, USDC), HUBS) == [small]


def test_nobody_pushes_pools_aside_with_a_token_he_makes_himself() -> None:
    honest, smaller = pool(500 * WHOLE, 10**12), pool(50 * WHOLE, 10**11)
    # Next to no SOL beside all that a mint authority can make.
    fake = pool(WHOLE // 100, 2**64 - 1)
    kept = worth_reading([fake, smaller, honest], (SOL, MEME), HUBS)
    assert kept == [honest, smaller, fake]
    # The same with the hub on the other side.
    turned = [FoundPool(found.address, VENUE, True, found.holds[::-1]) for found in (fake, smaller, honest)]
    assert [found.address for found in worth_reading(turned, (MEME, USDC), HUBS)] == [found.address for found in kept]


def test_the_order_in_which_pools_were_found_makes_no_difference() -> None:
    found = [pool(7, 7) for _ in range(6)] + [pool(8, 7)]
    assert worth_reading(found, (SOL, USDC), HUBS) == worth_reading(found[::-1], (SOL, USDC), HUBS)

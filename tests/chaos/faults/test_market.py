"""What others do on the chain between an order's quote and its landing."""

from __future__ import annotations

import asyncio
from typing import Any

from solders.instruction import AccountMeta, Instruction
from solders.keypair import Keypair
from solders.pubkey import Pubkey
from solders.system_program import TransferParams, transfer
from solders.transaction import VersionedTransaction

from engine_app.chain.clusters import CLUSTERS
from engine_app.chain.rpc import Rpc
from engine_app.chain.token_accounts import TOKEN_PROGRAM, WRAPPED_SOL_MINT, ata
from engine_app.chain.token_instructions import create_ata_idempotent
from engine_app.chain.transactions import compose
from engine_app.localnet.seed.tokens import BONK, SOL, USDC
from tests.chaos.engine_site import Site
from tests.chaos.pools import SOL_BONK_DRAIN, SOL_USDC_MOVES, pools
from tests.trading import Bot
from tests.waiting import until, wait_until

LATE_BLOCKS = 30
"""Long enough for somebody else to come first, on a busy machine too; four times as many still fit into the life of a
blockhash."""

UNWRAPPED = 2 * 10**9
SYNC_NATIVE = b"\x11"


def codes(order: dict[str, Any]) -> list[str | None]:
    """The error of each try."""
    return [attempt["error"] and attempt["error"]["code"] for attempt in order["tries"]]


def wait_for_try(trader: Bot, order_id: str, number: int) -> dict[str, Any]:
    """The order once this try of it is on its way."""
    return wait_until(
        lambda: trader.wait(order_id, until=("submitted",)), lambda order: order["attempts"] == number, seconds=60
    )


def wait_for_landed_errors(trader: Bot, order_id: str, number: int) -> None:
    """Return once so many tries were seen to have landed with an error."""
    trader.wait_for_event(order_id, "landed_with_error", times=number)


def test_a_pool_that_moves_costs_a_try(site: Site, trader: Bot) -> None:
    with site.admin.fault("late_send", signer=trader.address(), blocks=LATE_BLOCKS):
        order_id = trader.place(amount="0.1")
        first = trader.wait(order_id, until=("submitted",))
        pool, (moved, back) = pools(SOL, USDC)[first["selectedDex"]], SOL_USDC_MOVES[first["selectedDex"]]
        site.admin.swap(pool, str(SOL.mint), moved)
        trader.wait_for_event(order_id, "attempt_dead")
    site.admin.swap(pool, str(USDC.mint), back)
    order = trader.wait(order_id)
    assert (order["status"], codes(order)) == ("confirmed", ["SLIPPAGE", None])


def test_a_pool_that_moves_three_times_fails_the_order(site: Site, trader: Bot) -> None:
    with site.admin.fault("late_send", signer=trader.address(), blocks=LATE_BLOCKS):
        order_id = trader.place(amount="0.1")
        for number in (1, 2, 3):
            chosen = wait_for_try(trader, order_id, number)["selectedDex"]
            pool, (moved, back) = pools(SOL, USDC)[chosen], SOL_USDC_MOVES[chosen]
            site.admin.swap(pool, str(SOL.mint), moved)
            wait_for_landed_errors(trader, order_id, number)
            site.admin.swap(pool, str(USDC.mint), back)
        order = trader.wait(order_id)
    assert (order["status"], order["error"]["code"]) == ("failed", "SLIPPAGE")
    assert codes(order) == ["SLIPPAGE"] * 3


def test_a_pool_that_is_drained(site: Site, trader: Bot) -> None:
    """The pool of a first hop: the second is not carried out either, and another way is taken."""
    before = trader.balances()
    drained = pools(SOL, BONK)["meteora"]
    with site.admin.fault("late_send", signer=trader.address(), blocks=LATE_BLOCKS):
        order_id = trader.place("BONK", "USDT", "500000", slippage="0.05")
        first = trader.wait(order_id, until=("submitted",))["routing"]["route"]
        assert ([leg["hop"] for leg in first], first[0]["pool"]) == ([1, 2], drained)
        site.admin.swap(drained, str(BONK.mint), SOL_BONK_DRAIN[0])
        trader.wait_for_event(order_id, "attempt_dead")
    order = trader.wait(order_id)
    site.admin.swap(drained, str(SOL.mint), SOL_BONK_DRAIN[1])
    assert (order["status"], codes(order)) == ("confirmed", ["SLIPPAGE", None])
    assert drained not in {leg["pool"] for leg in order["routing"]["route"]}
    after = trader.balances()
    assert after["USDT"] - before["USDT"] == int(order["amountOutUnits"])
    assert before["BONK"] - after["BONK"] == int(order["execution"]["spentUnits"])


def test_a_pool_that_closes(site: Site, trader: Bot) -> None:
    direct, over_usdc = pools(SOL, BONK).values(), pools(BONK, USDC).values()
    with site.admin.fault("late_send", signer=trader.address(), blocks=LATE_BLOCKS):
        order_id = trader.place("SOL", "BONK", "0.1")
        closed = trader.wait(order_id, until=("submitted",))["routing"]["route"][0]["pool"]
        site.admin.close_pool(closed)
        trader.wait_for_event(order_id, "attempt_dead")
    order = trader.wait(order_id)
    assert (order["status"], codes(order)) == ("confirmed", ["SWAP_FAILED", None])
    assert closed not in {leg["pool"] for leg in order["routing"]["route"]}
    site.admin.open_pool(closed)
    for pool in direct:
        site.admin.close_pool(pool)
    detour = trader.wait(trader.place("SOL", "BONK", "0.1"))
    assert detour["status"] == "confirmed"
    assert {leg["hop"] for leg in detour["routing"]["route"]} == {1, 2}
    for pool in over_usdc:
        site.admin.close_pool(pool)
    refused = trader.wait(trader.place("SOL", "BONK", "0.1"))
    assert (refused["status"], refused["error"]["code"]) == ("failed", "NO_POOL")
    for pool in (*direct, *over_usdc):
        site.admin.open_pool(pool)
    assert trader.wait(trader.place("SOL", "BONK", "0.1"))["status"] == "confirmed"


async def test_the_users_own_wrapped_sol_stays_untouched(site: Site, traders: list[Bot]) -> None:
    seller, buyer = traders[3], traders[4]
    rpc = Rpc(site.rpc_urls[:1], CLUSTERS["localnet"])
    await rpc.start()
    try:
        for trader, token_in, token_out, amount in ((seller, "SOL", "USDC", "0.1"), (buyer, "USDC", "SOL", "15")):
            owner = Pubkey.from_string(trader.address())
            account = ata(owner, WRAPPED_SOL_MINT, TOKEN_PROGRAM)
            with site.admin.fault("late_send", signer=str(owner), blocks=4 * LATE_BLOCKS):
                order_id = trader.place(token_in, token_out, amount)
                await asyncio.to_thread(trader.wait, order_id, until=("submitted",))
                await give_wrapped_sol(rpc, owner)
                before = (await rpc.accounts([account])).accounts[account]
                assert trader.order(order_id)["status"] == "submitted", "it landed before the account was there"
            assert (await asyncio.to_thread(trader.wait, order_id))["status"] == "confirmed"
            again = await asyncio.to_thread(trader.wait, trader.place(token_in, token_out, amount))
            assert again["status"] == "confirmed"
            assert (await rpc.accounts([account])).accounts[account] == before
    finally:
        await rpc.close()


async def give_wrapped_sol(rpc: Rpc, owner: Pubkey) -> None:
    """Have a stranger make the owner's wrapped SOL account and put something in."""
    stranger = Keypair()
    account = ata(owner, WRAPPED_SOL_MINT, TOKEN_PROGRAM)
    await rpc.airdrop(stranger.pubkey(), 2 * UNWRAPPED)

    async def funded() -> bool:
        return await rpc.balance(stranger.pubkey()) > 0

    async def given() -> bool:
        return account in (await rpc.accounts([account])).accounts

    await until(funded)
    message = compose(
        stranger.pubkey(),
        [
            create_ata_idempotent(stranger.pubkey(), owner, WRAPPED_SOL_MINT, TOKEN_PROGRAM),
            transfer(TransferParams(from_pubkey=stranger.pubkey(), to_pubkey=account, lamports=UNWRAPPED)),
            Instruction(TOKEN_PROGRAM, SYNC_NATIVE, [AccountMeta(account, is_signer=False, is_writable=True)]),
        ],
        blockhash=(await rpc.latest_blockhash()).hash,
        compute_unit_limit=100_000,
        compute_unit_price=0,
    )
    await rpc.send(bytes(VersionedTransaction(message, [stranger])))
    await until(given)

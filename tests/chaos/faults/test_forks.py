"""What a fork takes back is put right, and told."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.chaos.engine_site import Site
from tests.trading import Bot

DEEPEST = 25
"""Slots: less than to what is final."""

MARGIN = 4
"""Slots that may pass before the fork."""


@pytest.fixture(autouse=True)
def everything_is_final(site: Site, books_are_the_chains: None) -> Iterator[None]:
    """Until then an order that a fork has moved to another slot tells of the first one."""
    yield
    found = site.settled(finalized=True)
    assert (found.lost, found.doubled, found.differences) == ([], [], [])


def confirmed_then_forked(site: Site, trader: Bot, *, requeue: bool) -> dict[str, Any]:
    """A confirmed order whose transaction a fork has just taken back, and whose blockhash it has not."""
    while True:
        order = trader.wait(trader.place(amount="0.05"))
        assert order["status"] == "confirmed"
        ((landed, blockhash),) = site.rows(
            "SELECT observed_slot, blockhash_slot FROM attempts WHERE order_id = %s", order["orderId"]
        )
        depth = site.slot() - int(str(landed)) + 1
        near = depth <= DEEPEST and int(str(blockhash)) < int(str(landed)) - MARGIN
        # Where more slots went by than the margin has, the fork left it where it was.
        if near and order["txHash"] in site.admin.fork(depth + MARGIN, requeue=requeue):
            return order


def test_a_confirmed_order_whose_transaction_lands_again_by_itself(site: Site, trader: Bot) -> None:
    order = confirmed_then_forked(site, trader, requeue=True)
    after = trader.wait_for_event(order["orderId"], "finalized")
    assert (after["status"], after["txHash"], after["attempts"]) == ("confirmed", order["txHash"], 1)


def test_a_confirmed_order_whose_transaction_is_forgotten_is_sent_again(site: Site, trader: Bot) -> None:
    order = confirmed_then_forked(site, trader, requeue=False)
    after = trader.wait_for_event(order["orderId"], "finalized")
    assert (after["status"], after["txHash"], after["attempts"]) == ("confirmed", order["txHash"], 1)
    statuses = [event["status"] for event in after["events"] if event["name"] in ("confirmed", "rolled_back")]
    assert statuses == ["confirmed", "submitted", "confirmed"]


def test_a_confirmed_order_whose_transaction_never_lands_again(site: Site, trader: Bot) -> None:
    order = confirmed_then_forked(site, trader, requeue=False)
    with site.admin.fault("dropped_send", signer=trader.address()):
        after = trader.wait(order["orderId"], until=("failed",))
    assert (after["error"]["code"], after["attempts"]) == ("ROLLED_BACK", 1)
    assert after["amountOut"] is None


def test_many_orders_over_one_fork(site: Site, traders: list[Bot]) -> None:
    placed = [(trader, trader.place(amount="0.05")) for trader in traders for _ in range(4)]
    for trader, order_id in placed[::2]:
        trader.wait(order_id, until=("submitted", "confirmed"))
    kept = site.slot() - DEEPEST // 2
    site.admin.fork(DEEPEST // 2, requeue=False)
    site.settled(finalized=True)
    orders = [trader.order(order_id) for trader, order_id in placed]
    assert "confirmed" in {order["status"] for order in orders}
    for order in orders:
        # Only what was signed with the hash of a block that the fork took back can never land.
        if order["status"] != "confirmed":
            assert order["error"]["code"] == "ROLLED_BACK"
            ((blockhash,),) = site.rows("SELECT blockhash_slot FROM attempts WHERE order_id = %s", order["orderId"])
            assert int(str(blockhash)) >= kept

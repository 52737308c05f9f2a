"""What becomes of a send: dropped, late, landed unheard, refused, landed with an error; and what nobody can prove."""

from __future__ import annotations

from typing import Any

from tests.chaos.engine_site import Site
from tests.trading import Bot
from tests.waiting import wait_until


def place(trader: Bot) -> str:
    """A small order."""
    return trader.place(amount="0.1")


def verdicts(order: dict[str, Any]) -> list[str | None]:
    """The verdict of each try."""
    return [attempt["verdict"] for attempt in order["tries"]]


def test_sends_that_are_dropped_are_sent_again(site: Site, trader: Bot) -> None:
    with site.admin.fault("dropped_send", signer=trader.address(), limit=4):
        order = trader.wait(place(trader))
    assert (order["status"], order["attempts"]) == ("confirmed", 1)


def test_a_try_that_is_dropped_for_good_is_proven_dead_before_the_next(site: Site, trader: Bot) -> None:
    with site.admin.fault("dropped_send", signer=trader.address()):
        order_id = place(trader)
        submitted = trader.wait(order_id, until=("submitted",))
        assert submitted["waitingFor"]["reason"] == "landing"
        assert submitted["waitingFor"]["blocksLeft"] > 0
        trader.wait_for_event(order_id, "attempt_dead")
    order = trader.wait(order_id)
    assert (order["status"], verdicts(order)[0], order["attempts"]) == ("confirmed", "expired", 2)
    assert order["txHash"] != submitted["txHash"]


def test_sends_whose_response_is_lost(site: Site, trader: Bot) -> None:
    with site.admin.fault("lost_response", signer=trader.address()):
        order = trader.wait(place(trader))
    assert (order["status"], order["attempts"]) == ("confirmed", 1)


def test_sends_that_land_late_or_in_the_last_block_they_can(site: Site, traders: list[Bot]) -> None:
    late, last = traders[1], traders[2]
    with (
        site.admin.fault("late_send", signer=late.address(), blocks=40),
        site.admin.fault("late_send", signer=last.address()),
    ):
        orders = [(trader, place(trader)) for trader in (late, last)]
        for trader, order_id in orders:
            order = trader.wait(order_id)
            assert (order["status"], order["attempts"]) == ("confirmed", 1)
    ((height,),) = site.rows("SELECT last_valid_block_height FROM attempts WHERE order_id = %s", orders[1][1])
    landed = next(entry for entry in site.admin.ledger(last.address()) if entry["signature"] == order["txHash"])
    assert landed["slot"] > int(str(height)), "a block's height is below its slot"


def test_a_blockhash_that_a_node_does_not_know_yet(site: Site, trader: Bot) -> None:
    with site.admin.fault("refused_blockhash", signer=trader.address(), limit=4):
        order = trader.wait(place(trader))
    assert (order["status"], order["attempts"]) == ("confirmed", 1)


def test_a_transaction_that_fails_in_the_simulation_is_not_sent_and_is_tried_again(site: Site, trader: Bot) -> None:
    landed = len(site.admin.ledger(trader.address()))
    with site.admin.fault("failed_simulation", signer=trader.address(), limit=1):
        order = trader.wait(place(trader))
    assert (order["status"], verdicts(order)[0], order["attempts"]) == ("confirmed", "not_sent", 2)
    assert len(site.admin.ledger(trader.address())) == landed + 1


def test_a_wallet_that_is_short_of_sol_in_the_simulation_sends_nothing(site: Site, trader: Bot) -> None:
    short = {"InsufficientFundsForRent": {"account_index": 0}}
    landed = site.admin.ledger(trader.address())
    with site.admin.fault("failed_simulation", signer=trader.address(), error=short):
        order = trader.wait(place(trader))
    assert (order["status"], order["error"]["code"]) == ("failed", "INSUFFICIENT_FUNDS")
    assert site.admin.ledger(trader.address()) == landed


def test_a_transaction_that_lands_with_an_error_is_tried_again_once_that_is_final(site: Site, trader: Bot) -> None:
    with site.admin.fault("failed_transaction", signer=trader.address(), limit=1):
        order = trader.wait(place(trader))
    assert (order["status"], verdicts(order)[0], order["attempts"]) == ("confirmed", "landed_error", 2)


def test_transactions_that_land_with_an_error_three_times(site: Site, trader: Bot) -> None:
    with site.admin.fault("failed_transaction", signer=trader.address()):
        order = trader.wait(place(trader))
    assert (order["status"], verdicts(order)) == ("failed", ["landed_error"] * 3)


def test_what_nobody_can_prove_waits_until_somebody_can(site: Site, trader: Bot) -> None:
    with (
        site.admin.fault("pruned_history", kept_slots=40),
        site.admin.fault("dropped_send", signer=trader.address()),
    ):
        order_id = place(trader)
        waiting = wait_until(
            lambda: trader.order(order_id),
            lambda order: (order["waitingFor"] or {}).get("code") == "OUTCOME_UNKNOWN",
            seconds=60,
        )
        assert (waiting["status"], waiting["waitingFor"]["reason"]) == ("submitted", "operator")
    order = trader.wait(order_id)
    assert (order["status"], verdicts(order)[0]) == ("confirmed", "expired")

"""How an order reads: its row, its steps, what it waits for, how it failed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from engine_app.ui.order_view import MAX_TRIES, failure, order_progress, order_row, routing_words, steps, waiting_words

START = datetime(2026, 11, 23, 8, 0, 0, tzinfo=UTC)
EXPLORER = "https://explorer.solana.com/tx/abc"


def at(milliseconds: int) -> str:
    return (START + timedelta(milliseconds=milliseconds)).isoformat()


def order(status: str, **changes: Any) -> dict[str, Any]:
    return {
        "orderId": "5f1c7a8e-0000-4000-8000-000000000001",
        "tokenIn": "SOL",
        "tokenOut": "USDC",
        "amountIn": "1.5",
        "quotedOut": "224.7",
        "minOut": "222.453",
        "amountOut": None,
        "status": status,
        "selectedDex": None,
        "txHash": None,
        "executionPrice": None,
        "error": None,
        "waitingFor": None,
        "slippage": "0.01",
        "attempts": 1,
        "createdAt": at(0),
        "updatedAt": at(500),
    } | changes


def events(*reached: tuple[str, int]) -> list[dict[str, Any]]:
    return [{"status": status, "at": at(milliseconds)} for status, milliseconds in reached]


ALL_EVENTS = events(("pending", 0), ("routing", 14), ("building", 62), ("submitted", 95), ("confirmed", 790))


def test_an_open_order_shows_what_it_should_receive() -> None:
    row = order_row(order("routing"), EXPLORER)
    assert (row.paid, row.received, row.received_is_final) == ("1.5 SOL", "≈ 224.7 USDC", False)
    assert row.open
    assert row.explorer == ""


def test_a_confirmed_order_shows_what_it_received() -> None:
    done = order(
        "confirmed", amountOut=224.516322, executionPrice=149.677548, selectedDex="meteora", txHash="5VERv8NM" * 8
    )
    row = order_row(done, EXPLORER)
    assert (row.received, row.received_is_final) == ("224.5163 USDC", True)
    assert (row.price, row.venue, row.tx_short) == ("149.678", "Meteora", "5VERv8…v8NM")
    assert row.explorer == EXPLORER
    assert not row.open


def test_a_failed_order_promises_nothing() -> None:
    row = order_row(order("failed", error={"code": "PRICE_MOVED", "message": "…"}), EXPLORER)
    assert row.received == ""
    assert row.error_words == "Price moved"
    assert row.tone == "bad"


@pytest.mark.parametrize(
    ("status", "states"),
    [
        ("pending", ["active", "todo", "todo", "todo", "todo"]),
        ("routing", ["done", "active", "todo", "todo", "todo"]),
        ("building", ["done", "done", "active", "todo", "todo"]),
        ("submitted", ["done", "done", "done", "active", "todo"]),
        ("confirmed", ["done", "done", "done", "done", "done"]),
    ],
)
def test_the_steps_follow_the_status(status: str, states: list[str]) -> None:
    assert [step.state for step in steps(order(status), ALL_EVENTS)] == states


def test_each_step_tells_when_it_was_reached() -> None:
    elapsed = [step.elapsed for step in steps(order("confirmed"), ALL_EVENTS)]
    assert elapsed == ["", "+14 ms", "+62 ms", "+95 ms", "+790 ms"]


def test_news_within_a_step_does_not_move_its_time() -> None:
    later = [*ALL_EVENTS, *events(("confirmed", 13_000))]
    assert steps(order("confirmed"), later)[-1].elapsed == "+790 ms"


def test_a_further_try_shows_its_own_times() -> None:
    tried = events(("pending", 0), ("routing", 14), ("building", 62), ("routing", 2_080), ("building", 2_100))
    shown = steps(order("building", attempts=2), tried)
    assert [step.elapsed for step in shown[1:3]] == ["+2.08 s", "+2.10 s"]


def test_a_failed_order_stops_at_the_step_it_reached() -> None:
    failed = order("failed", error={"code": "INSUFFICIENT_FUNDS", "message": "…"})
    states = [step.state for step in steps(failed, events(("pending", 0), ("routing", 14), ("failed", 20)))]
    assert states == ["done", "failed", "todo", "todo", "todo"]


@pytest.mark.parametrize(
    ("waiting", "words"),
    [
        (None, ""),
        (
            {"reason": "landing", "blocksLeft": 87, "aboutSeconds": 35},
            (
                "Not seen on chain yet. It may still land for 87 blocks (about 35 s); "
                "we will not sign another before that."
            ),
        ),
        (
            {"reason": "landing", "blocksLeft": 1},
            "Not seen on chain yet. It may still land for 1 block; we will not sign another before that.",
        ),
        (
            {"reason": "landing", "blocksLeft": None},
            "Not seen on chain yet. It may still land; we will not sign another before that is ruled out.",
        ),
        ({"reason": "retry", "notBefore": at(2_500)}, "Trying again with a fresh quote in about 2 s."),
        ({"reason": "retry", "notBefore": at(400)}, "Trying again with a fresh quote in a moment."),
        ({"reason": "retry"}, "Trying again with a fresh quote."),
    ],
)
def test_waiting_is_said_in_words(waiting: dict[str, Any] | None, words: str) -> None:
    assert waiting_words(order("submitted", waitingFor=waiting)) == words


@pytest.mark.parametrize("reason", ["finality", "expiry", "node", "operator"])
def test_every_other_reason_has_its_own_words(reason: str) -> None:
    words = waiting_words(order("submitted", waitingFor={"reason": reason}))
    assert words.endswith(".")
    assert words != waiting_words(order("submitted", waitingFor={"reason": "not one of ours"}))


def test_a_failure_says_what_happened_to_the_money_and_what_to_do() -> None:
    told = failure(order("failed", error={"code": "INSUFFICIENT_FUNDS", "message": "…"}))
    assert told is not None
    assert told.code == "INSUFFICIENT_FUNDS"
    assert all((told.happened, told.money, told.next_step))


@pytest.mark.parametrize("name", ["dexQuotes", "quotes"])
def test_the_routing_step_shows_what_both_venues_offered(name: str) -> None:
    quotes = {"raydium": Decimal("149.551234"), "meteora": Decimal("149.8")}
    routed = order("building", selectedDex="meteora", **{name: quotes})
    told = "Meteora pays best, in USDC per SOL: Raydium 149.551 · Meteora 149.8"
    assert steps(routed, ALL_EVENTS)[1].detail == told


def test_a_venue_without_a_pool_is_said_to_have_none() -> None:
    routed = order("building", selectedDex="raydium", dexQuotes={"raydium": "0.0000201", "meteora": None})
    assert routing_words(routed) == "Raydium pays best, in USDC per SOL: Raydium 0.0000201 · Meteora no pool"


def test_of_several_pools_the_venue_of_the_larger_part_is_not_called_the_best_where_the_other_pays_more() -> None:
    quotes = {"raydium": Decimal("149.324"), "meteora": Decimal("149.306")}
    told = (
        "Several pools together pay best, most of it Meteora; alone, in USDC per SOL: Raydium 149.324 · Meteora 149.306"
    )
    assert routing_words(order("building", selectedDex="meteora", dexQuotes=quotes)) == told


def test_venues_that_carry_an_order_together_are_both_named_and_said_to_pay_best_together() -> None:
    quotes = {"raydium": Decimal("0.000000133608"), "meteora": Decimal("0.000000133471")}
    split = order("building", selectedDex="raydium", dexes=["raydium", "meteora"], dexQuotes=quotes)
    assert routing_words(split) == (
        "Raydium + Meteora together pay best; alone, in USDC per SOL: Raydium 0.000000133608 · Meteora 0.000000133471"
    )
    assert order_row(split, EXPLORER).venue == "Raydium + Meteora"
    assert order_row(order("building", selectedDex="meteora", dexes=["meteora"]), EXPLORER).venue == "Meteora"


def test_the_last_step_says_all_that_was_received() -> None:
    done = order("confirmed", tokenOut="SOL", amountOut=Decimal("8061.814670203"))
    assert steps(done, ALL_EVENTS)[-1].detail == "Received 8,061.814670203 SOL"


def test_before_its_quotes_are_known_an_order_names_the_best_venue() -> None:
    assert routing_words(order("building", selectedDex="raydium")) == "Raydium pays best"


def test_an_order_that_did_not_fail_tells_no_failure() -> None:
    assert failure(order("confirmed")) is None
    assert failure(order("submitted", error={"code": "SLIPPAGE", "message": "the last try's"})) is None


ADDRESS = "9xQeWvG816bUx9EPjHmaT23yvVM2ZWbrrpZb9PusVFin"


def withdrawal(status: str, **changes: Any) -> dict[str, Any]:
    sent = {"kind": "transfer", "tokenOut": "SOL", "destination": ADDRESS, "slippage": "0"}
    return order(status, **(sent | {"quotedOut": "1.5", "minOut": "1.5"} | changes))


def test_a_withdrawal_shows_where_it_goes() -> None:
    row = order_row(withdrawal("submitted"), EXPLORER)
    assert (row.kind, row.paid, row.token_in, row.token_out) == ("transfer", "1.5 SOL", "SOL", "9xQe…VFin")
    assert (row.target, row.icon_out, row.venue, row.price) == ("9xQe…VFin", "", "", "")
    assert row.received == "1.5 SOL"
    done = order_row(withdrawal("confirmed", amountOut="1.5"), EXPLORER)
    assert (done.received, done.received_is_final, done.target) == ("1.5 SOL", True, "9xQe…VFin")


def test_a_withdrawals_steps_speak_of_no_price() -> None:
    shown = steps(withdrawal("confirmed", amountOut="1.5"), ALL_EVENTS)
    assert [step.label for step in shown] == [
        "Accepted",
        "Checking wallet and destination",
        "Building the transaction",
        "Sent to the chain",
        "Confirmed",
    ]
    assert [step.detail for step in shown] == [f"To {ADDRESS}", "", "", "", "There arrived 1.5 SOL"]
    waiting = withdrawal("routing", waitingFor={"reason": "retry", "notBefore": at(2_500)})
    assert waiting_words(waiting) == "Trying again in about 2 s."


def test_a_swaps_title_says_what_it_brings() -> None:
    assert order_row(order("routing"), EXPLORER).target == "≈ 224.7 USDC"
    assert order_row(order("pending", quotedOut=None), EXPLORER).target == "USDC"


def test_further_tries_are_counted() -> None:
    assert order_progress(order("routing", attempts=1), [], "").tries == ""
    assert order_progress(order("routing", attempts=2), [], "").tries == f"Try 2 of {MAX_TRIES}"


def test_each_step_that_was_left_tells_how_long_it_took_over_all_tries() -> None:
    assert [step.took for step in steps(order("confirmed"), ALL_EVENTS)] == ["14 ms", "48 ms", "33 ms", "695 ms", ""]
    tried = events(("pending", 0), ("routing", 14), ("building", 62), ("routing", 82), ("building", 2_100))
    assert [step.took for step in steps(order("building"), tried)][:3] == ["14 ms", "2.07 s", ""]

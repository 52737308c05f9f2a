"""How one order reads in full."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from engine_app.ui.order_page import order_page, outcome
from engine_app.ui.routing_view import Unit
from tests.ui.test_order_view import at, order
from tests.ui.test_routing_view import SOL, USDC, decision, leg

SIGNATURE = "5VERv8NM" * 11


def event(seq: int, name: str, status: str, milliseconds: int, **data: Any) -> dict[str, Any]:
    return {"seq": seq, "name": name, "status": status, "at": at(milliseconds), "data": data}


def attempt(**changes: Any) -> dict[str, Any]:
    return {
        "number": 1,
        "signature": SIGNATURE,
        "selectedDex": "meteora",
        "minOut": Decimal("222.453"),
        "lastValidBlockHeight": 1234,
        "observedSlot": None,
        "verdict": None,
        "error": None,
        "createdAt": at(90),
    } | changes


def detail(status: str, **changes: Any) -> dict[str, Any]:
    return (
        order(status, kind="swap", maxPriceImpact="0.05", minAmountOut=None, expiresAt=at(300_000))
        | {
            "destination": None,
            "finalizedAt": None,
            "amountInUnits": "1500000000",
            "quotedOutUnits": "224700000",
            "routing": None,
            "execution": None,
            "costs": None,
            "rpcCalls": {},
            "tries": [],
            "events": [event(1, "placed", "pending", 0), event(2, "routing", "routing", 14)],
        }
        | changes
    )


def page(status: str, **changes: Any) -> Any:
    return order_page(detail(status, **changes), {}, lambda signature: f"https://explorer/{signature}")


CONFIRMED: dict[str, Any] = {
    "amountOut": Decimal("224.25"),
    "executionPrice": Decimal("149.5"),
    "txHash": SIGNATURE,
    "execution": {"differenceBps": Decimal("-20.03"), "difference": Decimal("-0.45")},
}


def test_a_confirmed_order_is_compared_with_its_quote() -> None:
    shown = page("confirmed", **CONFIRMED)
    assert (shown.outcome.state, shown.outcome.title) == ("confirmed", "Received 224.25 USDC")
    assert shown.comparison.difference == "−0.45 USDC (−20.03 bps)"
    assert (shown.comparison.tone, shown.comparison.rate) == ("bad", "1 SOL = 149.5 USDC")
    assert not shown.can_cancel


def test_an_orders_own_floor_holds_before_a_transaction_names_one() -> None:
    own = page("failed", error={"code": "PRICE_MOVED", "message": "…"}, minOut=None, minAmountOut=Decimal(99_999))
    assert own.comparison.floor == "99,999 USDC"
    assert page("routing", minOut=None).comparison.floor == ""
    assert page("building", minAmountOut=Decimal(100)).comparison.floor == "222.453 USDC"


def test_only_what_is_final_is_called_so() -> None:
    assert "final in a few seconds" in outcome(detail("confirmed", **CONFIRMED)).words
    assert "nothing can take it back" in outcome(detail("confirmed", **CONFIRMED, finalizedAt=at(9_000))).words


def test_a_withdrawal_says_where_it_arrived() -> None:
    to = "9WzDXwBbmkg8ZTbNMqUxvQRAyrZzDsGYdLVL9zYtAWWM"
    sent = detail("confirmed", kind="transfer", destination=to, tokenOut="SOL", amountOut="0.1", slippage="0")
    assert outcome(sent).title == "0.1 SOL arrived at 9WzD…AWWM"
    shown = order_page(sent, {}, str)
    assert [(fact.label, fact.exact) for fact in shown.facts][1] == ("To", to)


def test_a_failed_order_says_what_to_do_and_can_be_copied_whole() -> None:
    failed = page("failed", error={"code": "PRICE_MOVED", "message": "3 % below the floor"}, txHash=SIGNATURE).outcome
    assert (failed.state, failed.code) == ("failed", "PRICE_MOVED")
    assert failed.next_step
    assert failed.words
    assert failed.details.splitlines() == [
        "Order 5f1c7a8e-0000-4000-8000-000000000001",
        "PRICE_MOVED: 3 % below the floor",
        f"Transaction {SIGNATURE}",
    ]


@pytest.mark.parametrize(
    ("waiting", "blocks", "width"),
    [
        ({"reason": "landing", "blocksLeft": 75, "aboutSeconds": 30}, "75", "50.0%"),
        ({"reason": "landing", "blocksLeft": 151}, "151", "100.0%"),
        ({"reason": "landing"}, "", ""),
        ({"reason": "expiry"}, "", ""),
        ({"reason": "operator"}, "", ""),
    ],
)
def test_what_is_sent_and_not_seen_counts_down_in_blocks(waiting: dict[str, Any], blocks: str, width: str) -> None:
    shown = outcome(detail("submitted", waitingFor=waiting))
    assert (shown.state, shown.blocks, shown.width) == ("unknown", blocks, width)
    assert shown.words


def test_a_live_try_says_how_long_it_can_land() -> None:
    waiting = {"reason": "landing", "blocksLeft": 75}
    shown = page("submitted", waitingFor=waiting, tries=[attempt()]).attempts[0]
    assert (shown.state_label, shown.life, shown.live) == ("May still land", "75 blocks left", True)
    assert shown.explorer == f"https://explorer/{SIGNATURE}"
    seen = page("confirmed", **CONFIRMED, tries=[attempt(observedSlot=77)]).attempts[0]
    assert seen.state_label == "Seen, not final yet"
    assert "slot 77" in seen.words


def test_a_try_that_ended_says_how() -> None:
    tries = [
        attempt(
            verdict="not_sent", signature=None, lastValidBlockHeight=None, error={"code": "PRICE_MOVED", "message": "…"}
        ),
        attempt(number=2, verdict="expired"),
        attempt(number=3, verdict="landed", observedSlot=88),
    ]
    shown = page("confirmed", **CONFIRMED, tries=tries).attempts
    assert [(one.title, one.state_label, one.life) for one in shown] == [
        ("Try 1", "Not sent", ""),
        ("Try 2", "Expired, proven", "Could land up to block 1,234"),
        ("Try 3", "Landed", ""),
    ]
    assert "Price moved: …" in shown[0].words
    assert shown[0].explorer == ""


def test_a_try_names_every_venue_of_the_route_that_is_kept() -> None:
    tries = [attempt(quotedOutUnits="224700001"), attempt(number=2, quotedOutUnits="224600002")]
    routing = decision(leg("Pooa"), leg("Poob", dex="raydium"), amountOutUnits="224600002")
    split = page("confirmed", **CONFIRMED, dexes=["meteora", "raydium"], routing=routing, tries=tries)
    assert [one.words.partition(" · ")[0] for one in split.attempts] == ["Meteora", "Raydium + Meteora"]


def test_each_event_tells_its_moment() -> None:
    shown = page(
        "routing",
        events=[
            event(1, "placed", "pending", 0),
            event(2, "submitted", "submitted", 95, signature=SIGNATURE, slot=None),
        ],
    )
    assert [(line.label, line.elapsed, line.facts) for line in shown.events] == [
        ("Placed", "+0 ms", ""),
        ("Signed and sent", "+95 ms", "signature 5VERv8NM…5VERv8NM"),
    ]


def test_cancelling_is_offered_once_and_only_while_it_is_under_way() -> None:
    assert page("routing").can_cancel
    asked = page("routing", events=[event(1, "placed", "pending", 0), event(2, "cancel_requested", "pending", 5)])
    assert (asked.can_cancel, asked.cancelling) == (False, True)
    assert not page("failed", error={"code": "CANCELLED", "message": "…"}).can_cancel


def test_tokens_that_are_not_listed_are_read_from_the_order_itself() -> None:
    shown = order_page(detail("routing", routing=decision(leg("Pooa"))), {SOL: Unit("SOL", 9)}, str)
    assert shown.routing.legs[0].gets == "224.5163 USDC"
    assert USDC not in shown.routing.legs[0].gets


def test_costs_leave_out_rents_that_were_not_paid() -> None:
    costs = {"networkFee": "0.000005035", "rentPaid": 0, "rentReturned": 0, "computeUnits": 19_988, "slot": 1_681}
    shown = page("confirmed", **CONFIRMED, costs=costs, rpcCalls={"a": 1, "b": 3}).costs
    assert [(fact.label, fact.value) for fact in shown] == [
        ("Network and priority fee", "0.000005035 SOL"),
        ("Compute units", "19,988"),
        ("Landed in slot", "1,681"),
        ("Calls to Solana nodes", "4"),
    ]
    rented = page("confirmed", **CONFIRMED, costs=costs | {"rentPaid": "0.00203928"}).costs
    assert [fact.label for fact in rented][1] == "Rent of new accounts"

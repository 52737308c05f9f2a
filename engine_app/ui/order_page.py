"""How one order reads in full: its outcome, its tries, quoted against executed, what it cost, all that happened.

Pure: takes the order's detail in the engine's JSON form, with Python's own decimals and times or their texts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from engine_app.exact_json import number
from engine_app.ui.figures import amount, exact, in_full, moment, percent, price, shortened, since
from engine_app.ui.order_view import (
    FINAL,
    OrderProgress,
    code_words,
    failure,
    kind_of,
    order_progress,
    symbol_of,
    venues_of,
    waiting_words,
)
from engine_app.ui.routing_view import Routing, Unit, Units, routing_board

LIFE_BLOCKS = 150
"""Blocks for which a blockhash is good, and so the longest that a transaction can still land."""
LONGEST_WORD = 64

_EVENTS = {
    "placed": "Placed",
    "routing": "A worker took it up",
    "routed": "Route decided",
    "submitted": "Signed and sent",
    "confirmed": "Confirmed on chain",
    "finalized": "Final",
    "failed": "Failed",
    "try_failed": "Try failed",
    "waiting": "Waits",
    "landed_with_error": "Failed on chain",
    "attempt_dead": "Proven that it can no longer land",
    "withdrawn": "Taken back by a fork",
    "rolled_back": "Taken back by a fork",
    "cancel_requested": "Cancel asked for",
    "redriven": "Taken up anew by an operator",
}
_VERDICTS = {
    "landed": ("Landed", "good"),
    "landed_error": ("Failed on chain", "bad"),
    "expired": ("Expired, proven", "warn"),
    "not_sent": ("Not sent", ""),
}


@dataclass(frozen=True)
class Outcome:
    """What became of the order, or what is known so far.

    Attributes:
        state: open, unknown (sent, and not seen yet), confirmed or failed.
        title, words: what happened; what becomes of the money.
        next_step, code, details: of a failure: what to do, its code, and all of it to be copied.
        blocks: in how many blocks it may still land; empty where that is not counted.
        width: how much of that life is left, as a CSS width.
    """

    state: str
    tone: str
    title: str
    words: str
    next_step: str = ""
    code: str = ""
    details: str = ""
    blocks: str = ""
    width: str = ""


@dataclass(frozen=True)
class Comparison:
    """Quoted against executed; `executed` is empty before it is known."""

    quoted: str = ""
    floor: str = ""
    executed: str = ""
    difference: str = ""
    tone: str = ""
    rate: str = ""


@dataclass(frozen=True)
class Attempt:
    """One try. `life` is how long it can still land, or could."""

    title: str
    state_label: str
    tone: str
    live: bool
    words: str
    life: str
    signature: str
    signature_short: str
    explorer: str
    at: str


@dataclass(frozen=True)
class Fact:
    """A name and a value; `exact` is the whole value where the shown one is shortened, to be copied."""

    label: str
    value: str
    exact: str = ""


@dataclass(frozen=True)
class EventLine:
    """One thing that happened, as the database keeps it."""

    seq: int
    label: str
    facts: str
    at: str
    elapsed: str


@dataclass(frozen=True)
class OrderPage:
    """All that an order's page shows."""

    progress: OrderProgress
    outcome: Outcome
    comparison: Comparison = field(default_factory=Comparison)
    attempts: list[Attempt] = field(default_factory=list)
    routing: Routing = field(default_factory=Routing)
    costs: list[Fact] = field(default_factory=list)
    facts: list[Fact] = field(default_factory=list)
    events: list[EventLine] = field(default_factory=list)
    placed_at: str = ""
    expires_at: str = ""
    finalized_at: str = ""
    can_cancel: bool = False
    cancelling: bool = False


def order_page(detail: Mapping[str, Any], units: Units, explorer: Callable[[str], str]) -> OrderPage:
    """The order's page.

    Args:
        detail: the order with its quotes, tries and events.
        units: symbol and decimals of the listed tokens, by mint.
        explorer: gives a transaction's address in the explorer.
    """
    events: Sequence[Mapping[str, Any]] = detail["events"]
    tx = detail.get("txHash")
    is_open = detail["status"] not in FINAL
    asked = any(event["name"] == "cancel_requested" for event in events)
    finalized = detail.get("finalizedAt")
    return OrderPage(
        progress=order_progress(detail, events, explorer(tx) if tx else ""),
        outcome=outcome(detail),
        comparison=_comparison(detail),
        attempts=[_attempt(attempt, detail, explorer) for attempt in detail["tries"]],
        routing=routing_board(detail.get("routing"), {**_own_units(detail), **units}),
        costs=_costs(detail),
        facts=_facts(detail),
        events=[_event(event, detail) for event in events],
        placed_at=moment(detail["createdAt"]).isoformat(),
        expires_at=moment(detail["expiresAt"]).isoformat(),
        finalized_at="" if finalized is None else moment(finalized).isoformat(),
        can_cancel=is_open and not asked,
        cancelling=is_open and asked,
    )


def outcome(order: Mapping[str, Any]) -> Outcome:
    """What became of an order, or what is known so far."""
    status = order["status"]
    if status == "confirmed":
        return _confirmed(order)
    failed = failure(order)
    if failed is not None:
        error = order["error"]
        details = [f"Order {order['orderId']}", f"{error['code']}: {error['message']}"]
        if order.get("txHash"):
            details.append(f"Transaction {order['txHash']}")
        return Outcome(
            state="failed",
            tone="bad",
            title=failed.happened,
            words=failed.money,
            next_step=failed.next_step,
            code=failed.code,
            details="\n".join(details),
        )
    waiting = order.get("waitingFor") or {}
    words = waiting_words(order)
    if status == "submitted" and waiting.get("reason") in ("landing", "expiry", "operator"):
        blocks = waiting.get("blocksLeft")
        return Outcome(
            state="unknown",
            tone="bad" if waiting["reason"] == "operator" else "warn",
            title="Sent. Its outcome is not known yet",
            words=words,
            blocks="" if blocks is None else str(blocks),
            width="" if blocks is None else f"{min(100 * int(blocks) / LIFE_BLOCKS, 100):.1f}%",
        )
    return Outcome(
        state="open", tone="busy", title="Under way", words=words or "Each step stands below as soon as it is taken."
    )


def _confirmed(order: Mapping[str, Any]) -> Outcome:
    final = order.get("finalizedAt") is not None
    got = f"{in_full(exact(order['amountOut']))} {symbol_of(order['tokenOut'])}"
    if kind_of(order) == "swap":
        title = f"Received {got}"
    else:
        title = f"{got} arrived at {shortened(str(order['destination']))}"
    words = "Final: nothing can take it back." if final else "Confirmed. It is final in a few seconds."
    return Outcome(state="confirmed", tone="good", title=title, words=words)


def _comparison(order: Mapping[str, Any]) -> Comparison:
    unit = symbol_of(order["tokenOut"])
    executed = order.get("execution") or {}
    bps = exact(executed["differenceBps"]) if executed else None
    rate = order.get("executionPrice")
    # Nothing may be built below the order's own floor: it holds before a transaction names one.
    floor = order.get("minAmountOut") if order.get("minOut") is None else order["minOut"]
    return Comparison(
        quoted=_whole(order.get("quotedOut"), unit),
        floor=_whole(floor, unit),
        executed=_whole(order.get("amountOut"), unit),
        difference="" if bps is None else _difference(bps, exact(executed["difference"]), unit),
        tone="" if not bps else "good" if bps > 0 else "bad",
        rate="" if rate is None else f"1 {symbol_of(order['tokenIn'])} = {price(exact(rate))} {unit}",
    )


def _difference(bps: Decimal, difference: Decimal, unit: str) -> str:
    if difference == 0:
        return "None: exactly as quoted"
    sign = "+" if difference > 0 else "−"
    return f"{sign}{amount(abs(difference))} {unit} ({sign}{number(abs(bps))} bps)"


def _attempt(attempt: Mapping[str, Any], order: Mapping[str, Any], explorer: Callable[[str], str]) -> Attempt:
    verdict, signature = attempt.get("verdict"), attempt.get("signature") or ""
    seen, height = attempt.get("observedSlot"), attempt.get("lastValidBlockHeight")
    live = verdict is None
    if verdict is not None:
        label, tone = _VERDICTS[verdict]
    else:
        label, tone = ("May still land", "warn") if seen is None else ("Seen, not final yet", "busy")
    blocks = (order.get("waitingFor") or {}).get("blocksLeft") if live and seen is None else None
    if blocks is not None:
        life = "1 block left" if blocks == 1 else f"{blocks} blocks left"
    elif height is None or verdict in ("landed", "landed_error"):
        life = ""
    else:
        life = f"Can land up to block {height:,}" if live else f"Could land up to block {height:,}"
    error = attempt.get("error")
    unit = symbol_of(order["tokenOut"])
    told = [_venues(attempt, order)]
    told.append(f"at least {_whole(attempt['minOut'], unit)}" if attempt.get("minOut") is not None else "")
    told.append(f"slot {seen:,}" if seen is not None else "")
    told.append(f"{code_words(error['code'])}: {error['message']}" if error else "")
    return Attempt(
        title=f"Try {attempt['number']}",
        state_label=label,
        tone=tone,
        live=live,
        words=" · ".join(filter(None, told)),
        life=life,
        signature=signature,
        signature_short=shortened(signature, 8, 8),
        explorer=explorer(signature) if signature else "",
        at=moment(attempt["createdAt"]).isoformat(),
    )


def _venues(attempt: Mapping[str, Any], order: Mapping[str, Any]) -> str:
    """The venues of a try: of the one whose route the order keeps, all of them; of an earlier one, that of the larger
    part."""
    routed = (order.get("routing") or {}).get("amountOutUnits")
    is_kept = routed is not None and attempt.get("quotedOutUnits") == routed
    return venues_of(order if is_kept else attempt)


def _costs(order: Mapping[str, Any]) -> list[Fact]:
    costs = order.get("costs")
    if costs is None:
        return []
    lines = [Fact("Network and priority fee", _sol(costs["networkFee"]))]
    if exact(costs["rentPaid"]):
        lines.append(Fact("Rent of new accounts", _sol(costs["rentPaid"])))
    if exact(costs["rentReturned"]):
        lines.append(Fact("Rent returned", _sol(costs["rentReturned"])))
    calls = order.get("rpcCalls") or {}
    return [
        *lines,
        Fact("Compute units", f"{costs['computeUnits']:,}"),
        Fact("Landed in slot", f"{costs['slot']:,}"),
        Fact("Calls to Solana nodes", f"{sum(calls.values()):,}"),
    ]


def _facts(order: Mapping[str, Any]) -> list[Fact]:
    order_id = str(order["orderId"])
    lines = [Fact("Order", shortened(order_id, 8, 4), order_id)]
    if kind_of(order) == "transfer":
        destination = str(order["destination"])
        lines.append(Fact("To", shortened(destination, 6, 6), destination))
    else:
        lines += [
            Fact("Max. slippage", percent(exact(order["slippage"]))),
            Fact("Max. price impact", percent(exact(order["maxPriceImpact"]))),
        ]
        if order.get("minAmountOut") is not None:
            lines.append(Fact("Own floor", _whole(order["minAmountOut"], symbol_of(order["tokenOut"]))))
    if order.get("txHash"):
        lines.append(Fact("Transaction", shortened(order["txHash"], 8, 8), order["txHash"]))
    return lines


def _event(event: Mapping[str, Any], order: Mapping[str, Any]) -> EventLine:
    facts = (f"{name} {_short(value)}" for name, value in event["data"].items() if value is not None)
    return EventLine(
        seq=event["seq"],
        label=_EVENTS.get(event["name"], event["name"].replace("_", " ").capitalize()),
        facts=" · ".join(facts),
        at=moment(event["at"]).isoformat(),
        elapsed=since(moment(order["createdAt"]), moment(event["at"])),
    )


def _short(value: object) -> str:
    """A fact of an event; signatures, which the tries show whole, by their ends."""
    text = str(value)
    return shortened(text, 8, 8) if len(text) > LONGEST_WORD and " " not in text else text


def _own_units(order: Mapping[str, Any]) -> dict[str, Unit]:
    """Units of the order's own two tokens, found from its amounts: they need not be listed."""
    routing = order.get("routing") or {}
    known = {}
    for mint, token, name in (
        (routing.get("mintIn"), order["tokenIn"], "amountIn"),
        (routing.get("mintOut"), order["tokenOut"], "quotedOut"),
    ):
        units, tokens = order.get(f"{name}Units"), order.get(name)
        if mint is not None and units is not None and exact(tokens):
            known[mint] = Unit(symbol_of(token), (Decimal(units) / exact(tokens)).adjusted())
    return known


def _whole(value: Any, unit: str) -> str:
    return "" if value is None else f"{in_full(exact(value))} {unit}"


def _sol(value: Any) -> str:
    return f"{number(exact(value))} SOL"

"""How an order reads on the page: its row, its steps, and what it waits for, in words.

Pure: takes an order in the engine's JSON form (the same from REST, history and the live feed) and gives plain
text for the components. Names of fields are those of the REST interface.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import pairwise
from typing import Any

from engine_app import errors
from engine_app.ui.figures import amount, duration, exact, in_full, moment, percent, price, shortened, since
from engine_app.ui.token_marks import token_icon

STEPS = ("pending", "routing", "building", "submitted", "confirmed")
FINAL = ("confirmed", "failed")
MAX_TRIES = 3

_STEP_LABELS = {
    "pending": "Accepted",
    "routing": "Finding the best price",
    "building": "Building the transaction",
    "submitted": "Sent to the chain",
    "confirmed": "Confirmed",
}
_TRANSFER_STEP_LABELS = _STEP_LABELS | {"routing": "Checking wallet and destination"}
_STATUS = {
    "pending": ("Pending", "busy"),
    "routing": ("Routing", "busy"),
    "building": ("Building", "busy"),
    "submitted": ("Submitted", "busy"),
    "confirmed": ("Confirmed", "good"),
    "failed": ("Failed", "bad"),
}
DEX_NAMES = {"raydium": "Raydium", "meteora": "Meteora"}


@dataclass(frozen=True)
class OrderRow:
    """One order as text. `tone` is a tone of the style sheet; empty strings are what is not known yet.

    Of a withdrawal, `token_out` is the address it goes to, shortened, without an icon. `target` is what the order is
    for, as its title says it: what is or will be received, or that address.
    """

    order_id: str
    kind: str
    token_in: str
    token_out: str
    icon_in: str
    icon_out: str
    paid: str
    received: str
    received_is_final: bool
    target: str
    price: str
    venue: str
    status: str
    status_label: str
    tone: str
    open: bool
    waiting: str
    error_words: str
    created_at: str
    tx: str
    tx_short: str
    explorer: str


@dataclass(frozen=True)
class Step:
    """One step of an order's way.

    Attributes:
        state: todo, active, done or failed.
        elapsed: from placing until it was reached; the latest try's where there were several.
        took: how long the order was in it, over all tries; empty while it is.
    """

    name: str
    label: str
    detail: str
    state: str
    elapsed: str
    took: str = ""


@dataclass(frozen=True)
class Failure:
    """Why an order ended without moving anything."""

    code: str
    happened: str
    money: str
    next_step: str


@dataclass(frozen=True)
class OrderProgress:
    """The order under way: its row, its steps, and how it failed if it did."""

    row: OrderRow
    steps: list[Step] = field(default_factory=list)
    failure: Failure | None = None
    tries: str = ""
    floor: str = ""


def order_row(order: Mapping[str, Any], explorer: str) -> OrderRow:
    """An order's row.

    Args:
        order: the order's JSON.
        explorer: the address of its newest transaction in the explorer, or empty.
    """
    token_in, unit = symbol_of(order["tokenIn"]), symbol_of(order["tokenOut"])
    destination = order.get("destination")
    token_out = shortened(destination) if destination else unit
    label, tone = _STATUS[order["status"]]
    got, quoted = order.get("amountOut"), order.get("quotedOut")
    final = got is not None
    shown = got if final else quoted
    if shown is None or (order["status"] == "failed" and not final):
        received = ""
    else:
        received = f"{'' if final or destination else '≈ '}{amount(exact(shown))} {unit}"
    executed = order.get("executionPrice")
    tx = order.get("txHash") or ""
    error = order.get("error") or {}
    return OrderRow(
        order_id=str(order["orderId"]),
        kind=kind_of(order),
        token_in=token_in,
        token_out=token_out,
        icon_in=token_icon(token_in),
        icon_out="" if destination else token_icon(token_out),
        paid=f"{amount(exact(order['amountIn']))} {token_in}",
        received=received,
        received_is_final=final,
        target=token_out if destination or not received else received,
        price="" if executed is None else price(exact(executed)),
        venue=venues_of(order),
        status=order["status"],
        status_label=label,
        tone=tone,
        open=order["status"] not in FINAL,
        waiting=waiting_words(order),
        error_words=code_words(error.get("code", "")),
        created_at=moment(order["createdAt"]).isoformat(),
        tx=tx,
        tx_short=shortened(tx, 6, 4),
        explorer=explorer if tx else "",
    )


def headline(row: OrderRow) -> str:
    """An order in the few words that a tab's title has room for."""
    return f"{row.status_label}: {row.paid} → {row.target}"


def order_progress(order: Mapping[str, Any], events: Sequence[Mapping[str, Any]], explorer: str) -> OrderProgress:
    """All that the card of an order under way shows.

    Args:
        order: the order's JSON, as new as is known.
        events: its events so far, `{seq, at, status, …}`, oldest first.
        explorer: the address of its newest transaction in the explorer, or empty.
    """
    attempts = int(order.get("attempts") or 0)
    floor = order.get("minOut")
    return OrderProgress(
        row=order_row(order, explorer),
        steps=steps(order, events),
        failure=failure(order),
        tries=f"Try {attempts} of {MAX_TRIES}" if attempts > 1 else "",
        floor="" if floor is None else f"{amount(exact(floor))} {symbol_of(order['tokenOut'])}",
    )


def steps(order: Mapping[str, Any], events: Sequence[Mapping[str, Any]]) -> list[Step]:
    """The five steps of an order, each with how far it is and when it was reached (the latest try's time)."""
    status = order["status"]
    start = moment(order["createdAt"])
    reached = {"pending": start}
    before = ""
    for event in events:
        if event["status"] != before:
            reached[event["status"]] = moment(event["at"])
        before = event["status"]
    if status == "failed":
        last = [event["status"] for event in events if event["status"] in STEPS]
        position = STEPS.index(last[-1]) if last else 0
    else:
        position = STEPS.index(status)
    spent = _time_spent(events)
    labels = _STEP_LABELS if kind_of(order) == "swap" else _TRANSFER_STEP_LABELS
    rows = []
    for index, name in enumerate(STEPS):
        if index < position or status == "confirmed":
            state = "done"
        elif index > position:
            state = "todo"
        else:
            state = "failed" if status == "failed" else "active"
        seen = reached.get(name) if state != "todo" else None
        rows.append(
            Step(
                name=name,
                label=labels[name],
                detail=_detail(name, state, order),
                state=state,
                elapsed="" if seen is None or name == "pending" else since(start, seen),
                took=duration(spent[name]) if state in ("done", "failed") and name in spent else "",
            )
        )
    return rows


def _time_spent(events: Sequence[Mapping[str, Any]]) -> dict[str, timedelta]:
    """How long an order was in each status that it has left."""
    spent: dict[str, timedelta] = {}
    for event, following in pairwise(events):
        if event["status"] not in FINAL:
            lasted = moment(following["at"]) - moment(event["at"])
            spent[event["status"]] = spent.get(event["status"], timedelta(0)) + lasted
    return spent


def waiting_words(order: Mapping[str, Any]) -> str:
    """What an order waits for, as one sentence; empty where it waits for nothing."""
    waiting = order.get("waitingFor")
    if not waiting:
        return ""
    words = {
        "landing": _landing_words(waiting),
        "finality": "It failed on the chain. Once that is final, a fresh try is safe.",
        "expiry": "Not seen on chain in time. Once it is proven that it can no longer land, a fresh try is safe.",
        "retry": _retry_words(order, waiting),
        "node": "No Solana node answers. Nothing is lost: the order goes on when one does.",
        "operator": "Its outcome is not known yet and an operator must look. Do not place it again.",
    }
    return words.get(str(waiting.get("reason")), "Waiting.")


def routing_words(order: Mapping[str, Any]) -> str:
    """Each venue's price when the order was last routed, and whose it takes: both where they carry it together, and of
    several pools of one venue, which alone may pay less than the other, that one.

    The live feed calls the quotes `dexQuotes`, the order's detail `quotes`; just after it was placed it has none.
    """
    quotes = order.get("dexQuotes") or order.get("quotes") or {}
    selected = order["selectedDex"]
    name = venues_of(order) or selected
    together = len(order.get("dexes") or ()) > 1
    best = f"{name} together pay best" if together else f"{name} pays best"
    alone = {dex: exact(quotes[dex]) for dex in DEX_NAMES if quotes.get(dex) is not None}
    if not alone:
        return best
    if together:
        best = f"{best}; alone"
    elif selected in alone and alone[selected] < max(alone.values()):
        best = f"Several pools together pay best, most of it {name}; alone"
    told = (
        f"{name} {'no pool' if quotes.get(dex) is None else price(exact(quotes[dex]))}"
        for dex, name in DEX_NAMES.items()
    )
    return f"{best}, in {symbol_of(order['tokenOut'])} per {symbol_of(order['tokenIn'])}: {' · '.join(told)}"


def failure(order: Mapping[str, Any]) -> Failure | None:
    """Why a failed order failed: what happened, what became of the money, what to do; None for any other."""
    error = order.get("error")
    if order["status"] != "failed" or not error:
        return None
    code = str(error["code"])
    try:
        known = errors.explain(code)
    except KeyError:
        known = errors.explain("INTERNAL")
    return Failure(code, known.happened, known.money, known.next_step)


def _landing_words(waiting: Mapping[str, Any]) -> str:
    blocks, seconds = waiting.get("blocksLeft"), waiting.get("aboutSeconds")
    if blocks is None:
        return "Not seen on chain yet. It may still land; we will not sign another before that is ruled out."
    life = "1 block" if blocks == 1 else f"{blocks} blocks"
    about = "" if seconds is None else f" (about {seconds} s)"
    return f"Not seen on chain yet. It may still land for {life}{about}; we will not sign another before that."


def _retry_words(order: Mapping[str, Any], waiting: Mapping[str, Any]) -> str:
    not_before = waiting.get("notBefore")
    again = "Trying again with a fresh quote" if kind_of(order) == "swap" else "Trying again"
    if not_before is None:
        return f"{again}."
    seconds = round((moment(not_before) - moment(order["updatedAt"])).total_seconds())
    soon = "in a moment" if seconds < 1 else f"in about {seconds} s"
    return f"{again} {soon}."


def _detail(name: str, state: str, order: Mapping[str, Any]) -> str:
    """The line below a step's label."""
    if state == "todo":
        return ""
    if name == "pending" and order.get("destination"):
        return f"To {order['destination']}"
    if name == "pending":
        return f"At most {percent(exact(order['slippage']))} below the quote" if order.get("slippage") else ""
    if state == "active":
        return waiting_words(order)
    if name == "routing" and state == "done" and order.get("selectedDex"):
        return routing_words(order)
    if name == "confirmed" and order.get("amountOut") is not None:
        came = "Received" if kind_of(order) == "swap" else "There arrived"
        return f"{came} {in_full(exact(order['amountOut']))} {symbol_of(order['tokenOut'])}"
    return ""


def code_words(code: object) -> str:
    """An error's code in words: `Price moved`."""
    return str(code).replace("_", " ").capitalize()


def kind_of(order: Mapping[str, Any]) -> str:
    """`swap` or `transfer`."""
    return str(order.get("kind", "swap"))


def venues_of(order: Mapping[str, Any]) -> str:
    """The venues that an order's route goes over, `Raydium + Meteora`; empty before it has one."""
    over = order.get("dexes") or [order.get("selectedDex")]
    return " + ".join(name for dex, name in DEX_NAMES.items() if dex in over)


def symbol_of(token: str) -> str:
    """A token as people name it; a mint without a symbol by its two ends."""
    return shortened(token) if len(token) > 12 else token

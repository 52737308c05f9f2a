"""What a quote says: both venues side by side, the route, what is received at least, and what it costs."""

from __future__ import annotations

from typing import Any

import reflex as rx

from engine_app.ui.components.pieces import badge, skeleton
from engine_app.ui.quote_view import Cost, VenueQuote
from engine_app.ui.route_view import RouteLeg
from engine_app.ui.states.swap import SwapState


def refresh_ring() -> rx.Component:
    """How old the price is, and the button that asks for a fresh one."""
    return rx.cond(
        SwapState.quote.slot != "",
        rx.el.button(
            rx.el.span(
                "Slot ",
                SwapState.quote.slot,
                class_name="faint small num",
                title="The slot at which all pools were read",
                data_testid="quote-slot",
            ),
            rx.el.svg(
                rx.el.svg.circle(cx="10", cy="10", r="8", class_name="ring-track"),
                rx.el.svg.circle(
                    cx="10",
                    cy="10",
                    r="8",
                    class_name="ring-left",
                    custom_attrs={"pathLength": "1"},
                    key=SwapState.ring,
                ),
                view_box="0 0 20 20",
                class_name="ring",
                aria_hidden=True,
                data_ring=SwapState.ring,
                data_testid="refresh-ring",
            ),
            class_name="button button-quiet ring-button",
            type="button",
            aria_label="Ask for a fresh price",
            title="A fresh price every ten seconds. Press for one now.",
            on_click=SwapState.requote,
            data_testid="refresh",
        ),
    )


def is_outdated() -> rx.Var[str]:
    """Whether what is shown is the price of something else than is asked by now."""
    outdated: rx.Var[str] = rx.cond(SwapState.quoting & (SwapState.quote.amount_out != ""), "true", "false")
    return outdated


def venue_quotes() -> rx.Component:
    """What each venue pays, the better one marked with its lead."""
    return rx.el.div(
        rx.foreach(SwapState.quote.venues, _venue),
        class_name="venues",
        data_stale=is_outdated(),
        aria_label="What each venue pays",
        role="group",
    )


def quote_facts() -> rx.Component:
    """Rate, minimum, impact; route and costs unfold."""
    quote = SwapState.quote
    return rx.fragment(
        rx.el.dl(
            _rate(),
            _fact("Minimum received", quote.floor, "quote-floor"),
            _fact("Price impact", quote.impact, "quote-impact", tone=quote.impact_tone),
            class_name="facts",
            data_stale=is_outdated(),
        ),
        _route(),
        _costs(),
    )


def _venue(venue: VenueQuote) -> rx.Component:
    return rx.el.div(
        rx.el.div(
            rx.el.span(venue.name),
            rx.cond(venue.best, badge("Best", "good", data_testid="quote-best")),
            class_name="venue-head",
        ),
        rx.cond(
            venue.out != "",
            rx.fragment(
                rx.el.span(venue.out, class_name="venue-out num", title=venue.out),
                rx.el.span(
                    rx.el.span(venue.rate, class_name="venue-rate num"),
                    rx.el.span(
                        venue.lead,
                        class_name="toned num",
                        data_tone=rx.cond(venue.best, "good", ""),
                        title="Against the other venue, in basis points",
                        data_testid=f"lead-{venue.dex}",
                    ),
                    class_name="venue-foot",
                ),
                rx.cond(
                    venue.lead_money != "",
                    rx.el.span(
                        venue.lead_money,
                        class_name="venue-money toned num",
                        data_tone=rx.cond(venue.best, "good", ""),
                        title="Against the other venue, in what you receive",
                        data_testid=f"money-{venue.dex}",
                    ),
                ),
            ),
            rx.cond(
                SwapState.quoting,
                rx.fragment(skeleton("7rem"), rx.el.span("\u00a0", class_name="venue-rate")),
                rx.el.span(
                    rx.cond(SwapState.quote.amount_out != "", "No pool for this pair", "Type an amount to compare"),
                    class_name="venue-hint",
                ),
            ),
        ),
        class_name="venue",
        data_best=rx.cond(venue.best, "true", "false"),
        data_testid=f"venue-{venue.dex}",
    )


def _rate() -> rx.Component:
    rate = rx.cond(SwapState.rate_back, SwapState.quote.rate_back, SwapState.quote.rate)
    return rx.el.div(
        rx.el.dt("Rate"),
        rx.el.dd(
            rx.cond(
                SwapState.quote.rate != "",
                rx.el.button(
                    rate,
                    rx.icon("arrow-left-right", class_name="icon", aria_hidden=True),
                    class_name="rate-button",
                    type="button",
                    title="The other way round",
                    on_click=SwapState.turn_rate,
                    data_testid="turn-rate",
                ),
                _none_yet(),
            ),
            class_name="num",
            data_testid="quote-rate",
        ),
        class_name="fact",
    )


def _fact(name: str, value: Any, test_id: str, tone: Any = "") -> rx.Component:
    return rx.el.div(
        rx.el.dt(name),
        rx.el.dd(
            rx.cond(value != "", rx.el.span(value, class_name="toned", data_tone=tone), _none_yet()),
            class_name="num",
            data_testid=test_id,
        ),
        class_name="fact",
    )


def _none_yet() -> rx.Component:
    return rx.cond(SwapState.quoting, skeleton(), rx.el.span("–", class_name="faint"))


def _route() -> rx.Component:
    quote = SwapState.quote
    return rx.el.details(
        rx.el.summary(
            rx.el.span("Route", class_name="soft"),
            rx.el.span(
                rx.cond(
                    quote.route != "",
                    rx.fragment(quote.route, rx.el.span(" · ", quote.age, class_name="faint", data_testid="quote-age")),
                    _none_yet(),
                ),
                class_name="fold-value",
            ),
            rx.icon("chevron-down", class_name="icon", aria_hidden=True),
        ),
        rx.cond(
            quote.legs.length() > 0,
            rx.el.ol(rx.foreach(quote.legs, _leg), class_name="route-legs", data_testid="route-legs"),
            rx.el.div(
                rx.el.div("The pools that carry the swap, with shares and fees", class_name="route-leg faint"),
                class_name="route-legs",
            ),
        ),
        rx.cond(
            quote.better_than_one != "",
            rx.el.p(
                rx.el.span(quote.better_than_one, class_name="toned num", data_tone="good"),
                " against the best single pool",
                class_name="soft small",
                data_testid="better-than-one",
            ),
        ),
        rx.cond(
            quote.left_over != "",
            rx.el.p(
                "Stays in your wallet: ",
                rx.el.span(quote.left_over, class_name="num"),
                class_name="soft small",
                data_testid="left-over",
            ),
        ),
        class_name="fold",
        open=True,
        data_testid="route",
    )


def _leg(leg: RouteLeg) -> rx.Component:
    return rx.el.li(
        rx.cond(leg.hop != "", badge(f"Hop {leg.hop}", "busy")),
        rx.el.span(leg.share, class_name="num route-share"),
        rx.el.span(
            rx.el.span(leg.venue, class_name="route-venue"),
            rx.el.span(leg.way, class_name="faint"),
            class_name="route-names",
        ),
        rx.el.span(
            rx.el.span(leg.pool_short, class_name="mono", title=leg.pool),
            rx.cond(leg.fee != "", rx.el.span("fee ", leg.fee, class_name="faint num")),
            class_name="route-end",
        ),
        class_name="route-leg",
        key=leg.pool,
        data_testid="route-leg",
    )


def _costs() -> rx.Component:
    return rx.el.details(
        rx.el.summary(
            rx.el.span("Fees and rents", class_name="soft"),
            rx.el.span("paid in SOL", class_name="fold-value faint"),
            rx.icon("chevron-down", class_name="icon", aria_hidden=True),
        ),
        rx.el.dl(
            rx.foreach(SwapState.costs, _cost),
            rx.cond(SwapState.costs.length() == 0, rx.el.div(_none_yet(), class_name="fact")),
            class_name="facts",
        ),
        class_name="fold",
        data_testid="costs",
    )


def _cost(cost: Cost) -> rx.Component:
    return rx.el.div(
        rx.el.dt(cost.name, rx.el.div(cost.note, class_name="faint small")),
        rx.el.dd(cost.sol, class_name="num", data_testid=cost.test_id),
        class_name="fact",
        key=cost.test_id,
    )

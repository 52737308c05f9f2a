"""The routing decision: the legs that were taken, every other offer and why it lost."""

from __future__ import annotations

from typing import Any

import reflex as rx

from engine_app.ui.components.pieces import badge, card, empty
from engine_app.ui.routing_view import Leg, Offer, OtherWay, Refusal


def routing_card(routing: Any) -> rx.Component:
    """A decision with all of its candidates."""
    return card(
        rx.cond(
            routing.slot != "",
            rx.fragment(
                rx.el.ol(rx.foreach(routing.legs, _leg), class_name="taken-legs", aria_label="Route"),
                rx.cond(
                    routing.gain != "",
                    rx.el.p(
                        rx.icon("trending-up", class_name="icon", aria_hidden=True), routing.gain, class_name="gain"
                    ),
                ),
                rx.cond(routing.left_over != "", rx.el.p(routing.left_over, class_name="row-detail")),
                rx.el.h3("What every pool offered alone", class_name="card-part"),
                rx.el.ul(rx.foreach(routing.offers, _offer), class_name="rows"),
                rx.cond(
                    routing.others.length() > 0,
                    rx.fragment(
                        rx.el.h3("Other ways", class_name="card-part"),
                        rx.el.ul(rx.foreach(routing.others, _other), class_name="rows"),
                    ),
                ),
                rx.cond(
                    routing.refused.length() > 0,
                    rx.fragment(
                        rx.el.h3("Pools that offered nothing", class_name="card-part"),
                        rx.el.ul(rx.foreach(routing.refused, _refusal), class_name="rows"),
                    ),
                ),
            ),
            empty("route", "Not routed yet", "All pools of the pair are asked at one slot, and the best offer wins."),
        ),
        title="Routing decision",
        aside=rx.cond(
            routing.slot != "",
            rx.el.span(
                routing.summary, " at slot ", routing.slot, class_name="faint small num", data_testid="routing-summary"
            ),
        ),
        data_testid="routing",
    )


def _leg(leg: Leg) -> rx.Component:
    return rx.el.li(
        rx.el.div(
            rx.cond(leg.hop != "", badge(leg.hop)),
            rx.el.span(leg.venue, class_name="row-name"),
            rx.el.span(leg.share, class_name="num soft"),
            class_name="attempt-head",
        ),
        rx.el.div(
            rx.el.span(class_name="share-part", style={"width": leg.width}, data_dex=leg.dex), class_name="share-bar"
        ),
        rx.el.div(
            rx.el.span(leg.pays, " → ", leg.gets, class_name="num"),
            rx.el.span(leg.pool_short, class_name="mono faint", title=leg.pool),
            class_name="taken-foot",
        ),
        class_name="taken-leg",
        data_testid="leg",
    )


def _offer(offer: Offer) -> rx.Component:
    return rx.el.li(
        rx.el.div(
            rx.el.div(
                rx.el.span(offer.venue, class_name="row-name"),
                rx.el.span(offer.pool_short, class_name="mono faint", title=offer.pool),
                class_name="attempt-head",
            ),
            rx.el.div(
                offer.why,
                class_name="row-detail",
                data_testid="why",
            ),
            rx.cond(offer.fees != "", rx.el.div("Fees: ", offer.fees, class_name="row-detail num")),
            class_name="row-words",
        ),
        rx.el.div(
            rx.el.div(offer.gets, class_name="num"),
            rx.cond(
                offer.impact != "",
                rx.el.div(
                    rx.el.span("impact ", class_name="faint"),
                    rx.el.span(offer.impact, class_name="toned", data_tone=offer.impact_tone),
                    class_name="row-detail num",
                ),
            ),
            class_name="row-figures",
        ),
        rx.cond(offer.taken, badge("Chosen", "good"), badge("Lost")),
        class_name="row",
        data_testid="offer",
    )


def _other(way: OtherWay) -> rx.Component:
    return rx.el.li(
        rx.el.div(
            rx.el.div(way.name, class_name="row-name"),
            rx.el.div(way.why, class_name="row-detail"),
            class_name="row-words",
        ),
        rx.el.div(way.gets, class_name="num row-figures"),
        badge("Lost"),
        class_name="row",
        data_testid="other-way",
    )


def _refusal(refusal: Refusal) -> rx.Component:
    return rx.el.li(
        rx.el.div(
            rx.el.div(
                rx.el.span(refusal.venue, class_name="row-name"),
                rx.el.span(refusal.pool_short, class_name="mono faint", title=refusal.pool),
                class_name="attempt-head",
            ),
            rx.el.div(refusal.reason, class_name="row-detail"),
            class_name="row-words",
        ),
        class_name="row",
        data_testid="refusal",
    )

"""The chart of what each exchange pays for smaller and larger amounts."""

from __future__ import annotations

import reflex as rx

from engine_app.ui.components.pieces import card, empty
from engine_app.ui.states.swap import SwapState

HEIGHT = 190
# One digit more than a price has elsewhere: lines that lie close together have ticks that do.
FIGURE = '(value) => value.toLocaleString("en-US", { maximumSignificantDigits: 7 })'
LINES = (("raydium", "Raydium"), ("meteora", "Meteora"))


def size_card() -> rx.Component:
    """Output price against size, this order marked and the overtakings named."""
    return card(
        rx.cond(
            SwapState.sizes.points.length() > 0,
            _chart(),
            rx.el.div(
                rx.cond(
                    SwapState.sizes.none != "",
                    empty(
                        "chart-line",
                        "No pool of its own",
                        SwapState.sizes.none,
                        data_testid="size-none",
                    ),
                    _lesson(),
                ),
                class_name="chart-place",
            ),
        ),
        title="Price by size",
        aside=rx.el.div(
            *(rx.el.span(name, class_name="chart-key", data_line=dex) for dex, name in LINES),
            class_name="chart-keys",
        ),
        data_testid="size-card",
    )


def _lesson() -> rx.Component:
    return empty(
        "chart-line",
        "Who pays most depends on the size",
        "Type an amount: the lines show what each exchange pays for a tenth to tenfold of it.",
    )


def _chart() -> rx.Component:
    chart = SwapState.sizes
    recharts = rx.recharts
    return rx.el.figure(
        rx.el.div(
            recharts.line_chart(
                recharts.cartesian_grid(stroke="var(--border)", vertical=False),
                *(
                    recharts.line(
                        data_key=dex,
                        name=name,
                        stroke=f"var(--line-{dex})",
                        stroke_width=2,
                        dot=False,
                        type_="monotone",
                        is_animation_active=False,
                        connect_nulls=True,
                    )
                    for dex, name in LINES
                ),
                rx.foreach(
                    chart.changes,
                    lambda change: recharts.reference_line(
                        x=change["size"].to(int), stroke="var(--text-faint)", stroke_dasharray="2 4"
                    ),
                ),
                recharts.reference_line(
                    recharts.label(value="This order", position="insideBottomLeft", offset=6),
                    x=chart.mine.to(int),
                    stroke="var(--accent-text)",
                ),
                recharts.x_axis(
                    data_key="size",
                    type_="number",
                    scale="log",
                    domain=["dataMin", "dataMax"],
                    tick_line=False,
                    axis_line=False,
                    ticks=chart.ticks.to(list[int]),
                    tick_formatter=FIGURE,
                ),
                recharts.y_axis(
                    domain=["auto", "auto"],
                    width=chart.price_width,
                    tick_line=False,
                    axis_line=False,
                    tick_formatter=FIGURE,
                    orientation="right",
                ),
                recharts.graphing_tooltip(custom_attrs={"formatter": rx.Var(FIGURE), "labelFormatter": rx.Var(FIGURE)}),
                data=chart.points,
                height=HEIGHT,
                # The words below say what the lines show; the keyboard has no business here.
                custom_attrs={"accessibilityLayer": False},
                width="100%",
            ),
            aria_hidden=True,
            class_name="chart-place",
        ),
        rx.el.figcaption(
            rx.foreach(chart.words, rx.el.div),
            class_name="soft small",
            data_testid="size-words",
        ),
    )

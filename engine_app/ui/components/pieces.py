"""Small pieces that every card uses: cards, badges, notices, empty states, skeletons, copy buttons, times."""

from __future__ import annotations

import reflex as rx

from engine_app.ui import browser

Text = str | rx.Var[str]


def card(
    *children: rx.Component, title: Text | rx.Component, aside: rx.Component | None = None, **props: object
) -> rx.Component:
    """A card with its heading and, at the heading's end, something small."""
    heading = title if isinstance(title, rx.Component) else rx.el.h2(title)
    return rx.el.section(
        rx.el.div(heading, aside or rx.fragment(), class_name="card-head"),
        *children,
        class_name="card",
        **props,
    )


def badge(label: Text, tone: Text = "", *, dot: bool | rx.Var[bool] = False, **props: object) -> rx.Component:
    """A word with a tone; the dot says that it may change."""
    return rx.el.span(
        rx.cond(dot, rx.el.span(class_name="dot", aria_hidden=True)),
        label,
        class_name="badge",
        data_tone=tone,
        **props,
    )


def notice(*children: rx.Component | Text, tone: str, icon: str, **props: object) -> rx.Component:
    """Something to know, in its tone."""
    return rx.el.div(
        rx.icon(icon, class_name="icon", aria_hidden=True),
        rx.el.div(*children),
        class_name="notice",
        data_tone=tone,
        role="alert" if tone == "bad" else "status",
        **props,
    )


def trouble(words: rx.Var[str], test_id: str) -> rx.Component:
    """What went wrong, as long as there is something to say of it."""
    return rx.cond(words != "", notice(words, tone="bad", icon="circle-alert", data_testid=test_id))


def empty(icon: str, title: Text, words: Text, *actions: rx.Component, **props: object) -> rx.Component:
    """What a place without content says: what will be here, and how it gets here."""
    return rx.el.div(
        rx.icon(icon, class_name="icon", aria_hidden=True),
        rx.el.strong(title),
        rx.el.p(words),
        *actions,
        class_name="empty",
        **props,
    )


def skeleton(width: str = "6rem") -> rx.Component:
    """The place of a text that is not there yet."""
    return rx.el.span(class_name="skeleton", aria_hidden=True, style={"width": width})


def copy_button(value: Text, what: str, test_id: str) -> rx.Component:
    """A button that copies a value and says so."""
    return rx.el.button(
        rx.icon("copy", class_name="icon", aria_hidden=True),
        class_name="button button-quiet button-icon",
        type="button",
        aria_label=f"Copy {what}",
        title=f"Copy {what}",
        data_testid=test_id,
        on_click=browser.copy(value, what.capitalize()),
    )


def out_link(label: Text, address: Text, **props: object) -> rx.Component:
    """A link that leaves the page for a new tab."""
    return rx.el.a(
        label,
        rx.icon("arrow-up-right", class_name="icon", aria_hidden=True),
        class_name="link",
        href=address,
        target="_blank",
        rel="noopener noreferrer",
        **props,
    )


def local_time(moment: rx.Var[str]) -> rx.Component:
    """A moment in the reader's own time zone; the same in UTC where the pointer rests."""
    words = _of_date(moment, "toLocaleString([], {dateStyle: 'medium', timeStyle: 'medium'})")
    utc = _of_date(moment, "toISOString().replace('T', ' ').replace('Z', ' UTC')")
    return rx.el.time(words, date_time=moment, title=utc)


def _of_date(moment: rx.Var[str], told: str) -> rx.Var[str]:
    """What a date tells of itself; nothing without a date, which React may render for a moment while its owner goes."""
    return rx.Var(
        f"((at) => isNaN(at) ? '' : at.{told})(new Date({moment!s} ?? NaN))",
        _var_type=str,
        _var_data=moment._get_all_var_data(),
    )


def token_mark(icon: Text, *, small: bool = False) -> rx.Component:
    """A token's round mark; its name stands beside it."""
    size = "20" if small else "28"
    return rx.el.img(
        src=icon,
        alt="",
        width=size,
        height=size,
        class_name="token-icon token-icon-small" if small else "token-icon",
    )

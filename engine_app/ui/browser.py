"""What the server asks of the browser: tell something, leave the page, copy, show, fill in, open.

Reflex would have the browser evaluate a script for each of these, which the page's Content-Security-Policy refuses. So
an errand is plain data, sent as the value of an element that exists only for this; `components.errands` carries it out.
"""

from __future__ import annotations

from typing import Any, Literal
from urllib.parse import urlencode

import reflex as rx
from reflex.event import EventSpec

from engine_app.ui.places import NEXT

ERRANDS = "errands"
"""The element that takes errands."""

LOGIN = "/login/"

Tone = Literal["success", "error", "warning", "info", "loading"]


def toast(tone: Tone, title: str, description: str = "", *, subject: str, milliseconds: int = 6_000) -> EventSpec:
    """Tell something in the corner of the page.

    Args:
        tone: what kind of news it is; `loading` stays until its subject is told otherwise.
        title: what happened.
        description: a line below it.
        subject: what it is about; what is told of the same subject later takes its place.
        milliseconds: how long it stays.
    """
    told: dict[str, Any] = {"tone": tone, "title": title, "description": description, "subject": subject}
    return _errand(toast=told | {"milliseconds": milliseconds})


def forget_loading() -> EventSpec:
    """Take away what was told as under way and stays until it is told otherwise."""
    return _errand(forgetLoading=True)


def leave(address: str) -> EventSpec:
    """Leave for another page by a full load, which gives the socket the cookies of then."""
    return _errand(leave=address)


def to_login() -> EventSpec:
    """Leave for the log-in page, from which one comes back."""
    return _errand(leave=LOGIN, comeBack=True)


def log_in_at(back: str, page: str = LOGIN) -> str:
    """The address of the log-in page, or of another page of the door, from which one goes on to `back`."""
    return page if back == "/" else f"{page}?{urlencode({NEXT: back})}"


def copy(value: str | rx.Var[str], what: str) -> EventSpec:
    """Put a text on the clipboard and say so, or say that the browser refused."""
    return _errand(copy=value, what=what)


def copy_field(element: str, what: str) -> EventSpec:
    """Put what stands in a field on the clipboard and say so; it is not sent to the server."""
    return _errand(copyField=element, what=what)


def scroll_to(element: str) -> EventSpec:
    """Bring an element into sight."""
    return _errand(scrollTo=element)


def keep_focus(element: str) -> EventSpec:
    """Give an element the focus where what had it is gone or can be pressed no more."""
    return _errand(keepFocus=element)


def fill(element: str, value: str) -> EventSpec:
    """Put a text into a field, unless something was typed there already."""
    return _errand(fill=element, value=value)


def clear(element: str) -> EventSpec:
    """Take out what was typed into a field."""
    return _errand(clear=element)


def open_dialog(element: str) -> EventSpec:
    """Open a dialog in front of everything else."""
    return _errand(openDialog=element)


def close_dialog(element: str) -> EventSpec:
    """Close a dialog."""
    return _errand(closeDialog=element)


def show_once(element: str, secret: str) -> EventSpec:
    """Put a secret into a field of a dialog, until the dialog closes. It passes through no state of the tab."""
    return _errand(showOnce=element, secret=secret)


def _errand(**errand: Any) -> EventSpec:
    asked: EventSpec = rx.set_value(ERRANDS, errand)
    return asked

"""Forms and their fields."""

from __future__ import annotations

import reflex as rx
from reflex_components_core.core.banner import has_connection_errors

from engine_app.ui.states.session import SessionState


def secret_form(*fields: rx.Component, wish: rx.Var[str] | None = None, **props: object) -> rx.Component:
    """A form whose fields go over the tab's websocket. One that a browser sends by itself, because the page's scripts
    did not come, is a POST: what was typed is in no address.

    Args:
        fields: what stands in it.
        wish: names what is asked for; sent along as `wish`.
        props: of the form.
    """
    hidden = rx.fragment() if wish is None else rx.el.input(type="hidden", name="wish", value=wish)
    return rx.el.form(hidden, *fields, method="post", **props)


def submit(label: str, class_name: str, test_id: str) -> rx.Component:
    """The button of such a form: it cannot be pressed before the page's scripts run, nor while a form is dealt with.

    Nor while nobody listens: what is pressed then would reach a server that knows nothing of the form.
    """
    return rx.el.button(
        label,
        class_name=class_name,
        type="submit",
        disabled=~SessionState.is_hydrated | SessionState.busy | has_connection_errors,
        data_testid=test_id,
    )


def field(
    label: str,
    name: str,
    kind: str,
    auto_complete: str,
    *,
    hint: str | None = None,
    prefix: str = "",
    required: bool = True,
    **props: object,
) -> rx.Component:
    """A field below its label.

    Args:
        label: what it is called.
        name: the name that its value is sent under.
        kind: the input's type.
        auto_complete: what the browser may fill in.
        hint: a line below it.
        prefix: sets its id apart where another form of the page has a field of this name.
        required: whether it must be filled in.
        props: of the input.
    """
    known_as = f"{prefix}-{name}" if prefix else name
    return rx.el.div(
        rx.el.label(label, html_for=known_as),
        rx.el.input(
            id=known_as,
            name=name,
            type=kind,
            auto_complete=auto_complete,
            auto_capitalize="none",
            spell_check=False,
            required=required,
            class_name="text-input",
            data_testid=known_as,
            **props,
        ),
        rx.el.span(hint, class_name="faint small") if hint else rx.fragment(),
        class_name="form-field",
    )

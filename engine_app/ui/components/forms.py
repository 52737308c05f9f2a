"""Fields of forms."""

from __future__ import annotations

import reflex as rx


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

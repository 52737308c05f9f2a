"""What the server asks of the browser is data: nothing in it is a script that would have to be evaluated."""

from __future__ import annotations

from typing import Any

import pytest
from reflex.event import Event, EventSpec

from engine_app.ui import browser


def sent(asked: EventSpec) -> dict[str, Any]:
    """The payload of the one event that the browser is sent."""
    (event,) = Event.from_event_type(asked)
    assert event.name == "_set_value"
    return dict(event.payload)


@pytest.mark.parametrize(
    ("asked", "errand"),
    [
        (browser.leave("/"), {"leave": "/"}),
        (browser.forget_loading(), {"forgetLoading": True}),
        (browser.to_login(), {"leave": "/login/", "comeBack": True}),
        (browser.scroll_to("progress"), {"scrollTo": "progress"}),
        (browser.keep_focus("progress"), {"keepFocus": "progress"}),
        (browser.fill("username", 'a"b</script>'), {"fill": "username", "value": 'a"b</script>'}),
        (browser.copy("9xQe", "Address"), {"copy": "9xQe", "what": "Address"}),
        (browser.open_dialog("keys"), {"openDialog": "keys"}),
        (browser.close_dialog("keys"), {"closeDialog": "keys"}),
    ],
)
def test_an_errand_is_sent_as_the_value_of_the_element_that_takes_errands(
    asked: EventSpec, errand: dict[str, Any]
) -> None:
    assert sent(asked) == {"ref": "ref_errands", "value": errand}


def test_the_log_in_page_is_told_where_one_goes_on() -> None:
    assert browser.log_in_at("/") == "/login/"
    assert browser.log_in_at("/orders?status=failed&page=2") == "/login/?next=%2Forders%3Fstatus%3Dfailed%26page%3D2"


def test_what_is_told_later_of_the_same_subject_takes_the_place_of_the_first() -> None:
    first = sent(browser.toast("loading", "On its way", subject="order-1"))["value"]["toast"]
    later = sent(browser.toast("success", "There", "1 SOL", subject="order-1"))["value"]["toast"]
    assert first["subject"] == later["subject"]
    assert (later["tone"], later["title"], later["description"]) == ("success", "There", "1 SOL")

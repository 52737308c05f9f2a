"""What the log-in and create-account pages say after a refused try."""

from __future__ import annotations

from typing import Any

import reflex as rx

from engine_app import errors
from engine_app.accounts.names import MAX_CHARACTERS
from engine_app.ui import browser, sent
from engine_app.ui.places import NEXT, way_back
from engine_app.ui.states.session import SessionState
from engine_app.ui.words import wait_words

MOST_DIGITS = 6


class DoorState(SessionState):
    """The refusal that the address of the page names."""

    problem: str = ""
    advice: str = ""
    back: str = ""
    """Where one goes on from here."""
    query: str = ""
    """What hands that on to the other page of the door."""

    @rx.event
    async def enter(self) -> Any:
        """Send on who is logged in already; else show why the last try was refused."""
        asked = self.router.url.query_parameters
        self.back = way_back(asked.get(NEXT))
        self.query = browser.log_in_at(self.back, "")
        if await self._identity() is not None:
            return browser.leave(self.back)
        self.problem, self.advice = refusal(asked.get("error", ""), asked.get("retry", ""))
        return browser.fill("username", sent.text(asked.get("name", ""), MAX_CHARACTERS))


def refusal(code: str, retry_after: str) -> tuple[str, str]:
    """What happened and what to do, for a code from the page's address; empty texts for one that is not known.

    Args:
        code: an error code of the registry.
        retry_after: seconds to wait, or empty; a number of more than `MOST_DIGITS` digits counts for nothing.
    """
    try:
        known = errors.explain(code)
    except KeyError:
        return "", ""
    if retry_after.isdecimal() and len(retry_after) <= MOST_DIGITS:
        return known.happened, f"Try again in {wait_words(int(retry_after))}."
    return known.happened, known.next_step

"""What the log-in and create-account pages say after a refused try."""

from __future__ import annotations

import reflex as rx

from engine_app import errors
from engine_app.ui.cookies import session_token
from engine_app.services import services
from engine_app.accounts.errors import Unauthorized


class DoorState(rx.State):
    """The refusal that the address of the page names."""

    problem: str = ""
    advice: str = ""
    name: str = ""

    @rx.event
    async def enter(self):  # type: ignore[no-untyped-def]
        """Send on who is logged in already; else show why the last try was refused."""
        if await self._logged_in():
            return rx.call_script("window.location.replace('/')")
        asked = self.router.url.query_parameters
        self.problem, self.advice = refusal(asked.get("error", ""), asked.get("retry", ""))
        self.name = asked.get("name", "")[:50]
        return None

    async def _logged_in(self) -> bool:
        token = session_token(self.router_data)
        if not token:
            return False
        try:
            await services().accounts.authenticate(token)
        except Unauthorized:
            return False
        return True


def refusal(code: str, retry_after: str) -> tuple[str, str]:
    """What happened and what to do, for a code from the page's address; empty texts for one that is not known.

    Args:
        code: an error code of the registry.
        retry_after: seconds to wait, or empty.
    """
    try:
        known = errors.explain(code)
    except KeyError:
        return "", ""
    if retry_after.isdecimal():
        return known.happened, f"Try again in {wait_words(int(retry_after))}."
    return known.happened, known.next_step


def wait_words(seconds: int) -> str:
    """A waiting time as people say it."""
    if seconds < 90:
        return f"{max(seconds, 1)} s"
    return f"{-(-seconds // 60)} minutes"

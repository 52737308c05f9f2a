"""The navigation's pages are pages of the site, and all of them are kept from who has no session."""

from __future__ import annotations

import pytest

from engine_app.ui.places import PLACES, needs_session


@pytest.mark.parametrize("path", [place.address for place in PLACES])
def test_every_place_needs_a_session(path: str) -> None:
    assert needs_session(path)
    assert needs_session(f"{path.rstrip('/')}/")


@pytest.mark.parametrize("path", ["/login/", "/create-account/", "/api/health", "/favicon.svg", "/_event"])
def test_nothing_else_does(path: str) -> None:
    assert not needs_session(path)


def test_a_place_has_one_address() -> None:
    assert len({place.address for place in PLACES}) == len(PLACES)

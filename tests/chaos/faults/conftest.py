"""One engine for every fault; after each of them the books must be those of the chain."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.chaos.engine_site import Site
from tests.trading import Bot, bot


@pytest.fixture(scope="package")
def site(page: Callable[[int], Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A whole engine on slots of 50 ms; at its end every order is final and equals the ledger."""
    made = Site(tmp_path_factory.mktemp("site"), page, slot_ms=int(os.environ.get("CHAOS_SLOT_MS", "50")))
    try:
        yield made
        made.heal()
        found = made.settled(finalized=True)
        assert (found.lost, found.doubled, found.differences) == ([], [], [])
    finally:
        made.close()


@pytest.fixture(autouse=True)
def books_are_the_chains(site: Site) -> Iterator[None]:
    """After the test every order is done, none was executed twice, and books and ledger agree to the unit."""
    yield
    site.heal()
    found = site.settled(finalized=False)
    open_orders = {str(order_id) for order_id in found.lost} & {
        str(row[0]) for row in site.rows("SELECT id FROM orders WHERE status <> 'confirmed'")
    }
    assert (open_orders, found.doubled, found.differences) == (set(), [], [])


@pytest.fixture(scope="package")
def traders(site: Site) -> Iterator[list[Bot]]:
    """Accounts with test funds for small orders of every test."""
    with ExitStack() as opened:
        made = [opened.enter_context(bot(site.base_url)) for _ in range(6)]
        for trader in made:
            for _ in range(2):
                trader.funds()
        yield made


@pytest.fixture
def trader(traders: list[Bot]) -> Bot:
    """One of them."""
    return traders[0]

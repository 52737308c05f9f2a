"""Every statement that is made when its module is loaded is one that psycopg knows by its text."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from types import ModuleType

import pytest
from psycopg import _queries

from engine_app import accounts, execution, orders, storage, wallets
from engine_app.storage.prepared import Prepared
from tests.statements import MOST_BYTES, MOST_VALUES

ROOMS = (accounts, execution, orders, storage, wallets)
FEWEST = 20
"""There are more; fewer would mean that this looks in the wrong place."""


def modules() -> Iterator[ModuleType]:
    for room in ROOMS:
        for found in pkgutil.iter_modules(room.__path__, f"{room.__name__}."):
            yield importlib.import_module(found.name)


STATEMENTS = {
    f"{module.__name__}.{name}": value
    for module in modules()
    for name, value in vars(module).items()
    if isinstance(value, Prepared)
}


def test_they_are_found() -> None:
    assert len(STATEMENTS) >= FEWEST


def test_the_limits_are_psycopgs() -> None:
    assert (_queries.MAX_CACHED_STATEMENT_LENGTH, _queries.MAX_CACHED_STATEMENT_PARAMS) == (MOST_BYTES, MOST_VALUES)


@pytest.mark.parametrize("name", sorted(STATEMENTS))
def test_psycopg_keeps_what_it_has_found_in_its_text(name: str) -> None:
    """Which values a statement takes is in the text; those that depend on an order's columns are held to the same
    where an order is run (tests/execution/test_cost.py, tests/api/test_cost.py)."""
    text, _ = STATEMENTS[name]._text
    assert len(text) <= MOST_BYTES

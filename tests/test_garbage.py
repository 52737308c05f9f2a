"""What a started process holds is left alone by the collector; what is made later is not."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import pytest

from engine_app import garbage


class Ring:
    """Garbage that only the collector finds."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture(autouse=True)
def own_collector() -> Iterator[None]:
    threshold = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*threshold)


def test_later_garbage_is_found_and_nothing_else_is_looked_at() -> None:
    before = weakref.ref(Ring())
    garbage.spare_what_is_there()
    assert before() is None
    spared = gc.get_freeze_count()
    assert spared > 10_000
    later = weakref.ref(Ring())
    gc.collect()
    assert later() is None
    assert gc.get_freeze_count() == spared
    assert gc.get_threshold()[0] == garbage.YOUNG_OBJECTS

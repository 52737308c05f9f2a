from __future__ import annotations

import pytest

from engine_app.chain.slot_clock import SlotClock


def test_it_begins_with_the_textbook() -> None:
    clock = SlotClock()
    assert clock.slot_ms == 400
    assert clock.slot == 0
    assert clock.block_height is None


@pytest.mark.parametrize("slot_ms", [20, 200, 400, 1000])
def test_it_measures_the_slot_time(slot_ms: int) -> None:
    clock = SlotClock()
    for slot in range(100):
        clock.saw_slot(5_000 + slot, slot * slot_ms / 1000)
    assert clock.slot_ms == pytest.approx(slot_ms)
    assert clock.slot == 5_099


def test_it_measures_over_slots_that_were_not_seen() -> None:
    clock = SlotClock()
    for slot in range(0, 60, 5):
        clock.saw_slot(slot, slot * 0.2)
    assert clock.slot_ms == pytest.approx(200)


def test_it_follows_a_chain_that_gets_faster() -> None:
    clock = SlotClock()
    for slot in range(100):
        clock.saw_slot(slot, slot * 0.4)
    for slot in range(100, 200):
        clock.saw_slot(slot, 40 + (slot - 100) * 0.2)
    assert clock.slot_ms == pytest.approx(200)


def test_a_slot_that_is_not_newer_says_nothing() -> None:
    clock = SlotClock()
    for slot in (10, 11, 11, 9, 12):
        clock.saw_slot(slot, slot * 0.4)
    assert clock.slot == 12


def test_a_chain_that_goes_on_from_an_earlier_slot_is_followed_after_a_while() -> None:
    clock = SlotClock()
    for slot in range(1_000, 1_100):
        clock.saw_slot(slot, (slot - 1_000) * 0.4)
    stopped = 99 * 0.4
    for slot in range(500, 600):
        clock.saw_slot(slot, stopped + (slot - 499) * 0.4)
    assert clock.slot == 599
    assert clock.slot_ms == pytest.approx(400)


def test_an_endpoint_that_lags_sets_nothing_back_while_another_goes_on() -> None:
    clock = SlotClock()
    for slot in range(1_000, 1_200):
        clock.saw_slot(slot, slot * 0.4)
        clock.saw_slot(slot - 60, slot * 0.4 + 0.1)
    assert clock.slot == 1_199


def test_block_height_follows_the_slot_with_the_skipped_ones_taken_off() -> None:
    clock = SlotClock()
    clock.saw_slot(1_000, 0)
    clock.saw_block_height(1_000, 900)
    clock.saw_slot(1_007, 2.8)
    assert clock.block_height == 907
    clock.saw_block_height(1_007, 905)
    assert clock.block_height == 905

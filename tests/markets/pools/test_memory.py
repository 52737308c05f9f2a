"""The pairs that a process knows stay few, whoever asks for whatever."""

from __future__ import annotations

from dataclasses import replace

from solders.pubkey import Pubkey

from engine_app.markets.pools.discovery import Found
from engine_app.markets.pools.known import KnownPool, Pair
from engine_app.markets.pools.memory import ASKED_SECONDS, EMPTY_SECONDS, MOST_ASKED, MOST_EMPTY, KnownPairs
from engine_app.markets.venues.registry import venues_for
from tests.markets.conftest import LOCALNET

VENUE = venues_for(LOCALNET)[0]
NOTHING = Found((), frozenset())
PERIOD = 30.0


def pair() -> Pair:
    return Pubkey.new_unique(), Pubkey.new_unique()


def found(*pools: KnownPool) -> Found:
    return Found(pools or (KnownPool(Pubkey.new_unique(), VENUE, (Pubkey.new_unique(),)),), frozenset())


def test_the_pairs_of_the_start_are_due_at_once_and_whenever_their_period_is_nearly_over() -> None:
    always = pair()
    pairs = KnownPairs([always], PERIOD)
    assert pairs.due(0) == [always]
    assert pairs.ask(always, 0) is None
    pairs.learn(always, found(), searched_at=0, now=1)
    assert pairs.due(23) == []
    assert pairs.due(24) == [always]
    assert pairs.due(10**6) == [always], "however long nobody asks"


def test_a_pair_that_was_asked_for_is_searched_until_nobody_asks_any_more() -> None:
    asked = pair()
    pairs = KnownPairs([], PERIOD)
    pairs.learn(asked, found(), searched_at=0, now=0)
    assert pairs.due(25) == [asked]
    assert pairs.ask(asked, ASKED_SECONDS - 1) is not None
    assert pairs.due(ASKED_SECONDS + 1) == [asked]
    assert pairs.due(2 * ASKED_SECONDS) == []
    assert pairs.get(asked) is None


def test_that_a_pair_has_no_pool_holds_for_a_minute_and_is_not_polled() -> None:
    asked = pair()
    pairs = KnownPairs([], PERIOD)
    pairs.learn(asked, NOTHING, searched_at=0, now=0)
    known = pairs.ask(asked, EMPTY_SECONDS - 1)
    assert known is not None
    assert known.found.pools == ()
    assert pairs.due(EMPTY_SECONDS - 1) == []
    assert pairs.ask(asked, EMPTY_SECONDS) is None


def test_whoever_asks_for_many_pairs_makes_the_engine_poll_no_more_than_a_few() -> None:
    always = pair()
    pairs = KnownPairs([always], PERIOD)
    asked = [pair() for _ in range(3 * MOST_ASKED)]
    for each in asked:
        pairs.learn(each, found(), searched_at=0, now=0)
    pairs.ask(asked[-MOST_ASKED], 1)
    newest = pair()
    pairs.learn(newest, found(), searched_at=1, now=1)
    due = pairs.due(60)
    assert len(due) == 1 + MOST_ASKED
    assert {always, newest, asked[-MOST_ASKED]} <= set(due), "who asked last stays longest"
    assert pairs.get(asked[-MOST_ASKED + 1]) is None

    without_pools = [pair() for _ in range(2 * MOST_EMPTY)]
    for each in without_pools:
        pairs.learn(each, NOTHING, searched_at=0, now=0)
    assert sum(pairs.get(each) is not None for each in without_pools) == MOST_EMPTY
    assert len(pairs.due(60)) == 1 + MOST_ASKED


def test_a_pair_whose_pools_are_gone_is_empty_and_one_that_gets_a_pool_is_known() -> None:
    asked = pair()
    pairs = KnownPairs([], PERIOD)
    pairs.learn(asked, found(), searched_at=0, now=0)
    pairs.learn(asked, NOTHING, searched_at=30, now=30)
    known = pairs.ask(asked, 31)
    assert known is not None
    assert known.found.pools == ()
    pairs.learn(asked, found(), searched_at=60, now=60)
    assert pairs.due(90) == [asked]


def test_the_accounts_seen_last_outlive_a_search_and_an_older_finding_changes_nothing() -> None:
    asked = pair()
    pool = KnownPool(Pubkey.new_unique(), VENUE, (Pubkey.new_unique(),))
    moved = replace(pool, needed=(Pubkey.new_unique(), Pubkey.new_unique()))
    pairs = KnownPairs([asked], PERIOD)
    pairs.learn(asked, found(pool), searched_at=10, now=10)
    pairs.remember([moved])
    another = KnownPool(Pubkey.new_unique(), VENUE, ())
    learnt = pairs.learn(asked, found(pool, another), searched_at=20, now=20)
    assert learnt.found.pools == (moved, another)
    assert pairs.learn(asked, NOTHING, searched_at=15, now=21) == learnt


def test_venues_that_could_not_be_searched_are_told() -> None:
    pairs = KnownPairs([], PERIOD)
    pairs.learn(pair(), replace(found(), without_search=frozenset({"one"})), searched_at=0, now=0)
    pairs.learn(pair(), replace(NOTHING, without_search=frozenset({"two"})), searched_at=0, now=0)
    assert pairs.without_search() == {"one", "two"}

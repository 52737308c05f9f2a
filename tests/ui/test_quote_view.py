"""How a quote reads: who pays most and by how much, and what it costs."""

from __future__ import annotations

from decimal import Decimal

import pytest

from engine_app.markets.venues.venue import Dex
from engine_app.orders.costs import SwapCosts
from engine_app.ui.quote_view import (
    Quote,
    as_of,
    cost_rows,
    impact_allowed,
    impact_tone,
    quote_card,
    slippage_warning,
)


def card(raydium: str | None, meteora: str | None, selected: Dex, impact: str = "0.0025") -> Quote:
    quotes = {Dex.RAYDIUM: raydium and Decimal(raydium), Dex.METEORA: meteora and Decimal(meteora)}
    best = Decimal(quotes[selected] or 0)
    return quote_card(
        token_in="SOL",
        token_out="USDC",
        amount_in=Decimal("1.5"),
        amount_out=best * Decimal("1.5"),
        min_out=best * Decimal("1.485"),
        dex_quotes={dex: value or None for dex, value in quotes.items()},
        selected_dex=selected,
        price_impact=Decimal(impact),
        max_price_impact=Decimal("0.05"),
        slot=312_044_871,
    )


def test_the_winner_is_marked_with_its_lead() -> None:
    raydium, meteora = card("150.15", "150", Dex.RAYDIUM).venues
    assert (raydium.best, raydium.lead, raydium.out) == (True, "+10.0 bps", "225.225 USDC")
    assert (meteora.best, meteora.lead, meteora.out) == (False, "−10.0 bps", "225 USDC")
    assert (raydium.lead_money, meteora.lead_money) == ("+0.225 USDC", "−0.225 USDC")


def test_a_venue_without_a_pool_offers_nothing() -> None:
    raydium, meteora = card(None, "150", Dex.METEORA).venues
    assert (raydium.out, raydium.lead, raydium.best) == ("", "", False)
    assert (meteora.best, meteora.lead) == (True, "")


def test_the_facts_of_a_quote() -> None:
    quote = card("150", "149", Dex.RAYDIUM)
    assert quote.rate == "1 SOL = 150 USDC"
    assert quote.rate_back == "1 USDC = 0.00666667 SOL"
    assert quote.floor == "222.75 USDC"
    assert quote.impact == "0.25%"
    assert quote.slot == "312,044,871"


def test_another_price_is_another_key() -> None:
    assert card("150", "149", Dex.RAYDIUM).key != card("150.01", "149", Dex.RAYDIUM).key
    assert card("150", "149", Dex.RAYDIUM).key == card("150", "148", Dex.RAYDIUM).key
    assert Quote().key == ""


def test_an_order_that_would_be_refused_for_its_size_cannot_be_placed() -> None:
    quote = card("150", "149", Dex.RAYDIUM, impact="0.5001")
    assert (quote.key, quote.too_large, quote.risky) == ("", "Price impact above 50%", False)


def test_a_high_price_impact_has_to_be_confirmed() -> None:
    assert not card("150", "149", Dex.RAYDIUM, impact="0.05").risky
    quote = card("150", "149", Dex.RAYDIUM, impact="0.0501")
    assert quote.risky
    assert quote.key
    assert quote.too_large == ""


@pytest.mark.parametrize(
    ("shown", "allowed"), [("0.06", "0.07"), ("0.0612345", "0.0713"), ("0.4999", "0.5"), ("0.5", "0.5")]
)
def test_what_was_confirmed_is_allowed_with_one_point_of_leeway(shown: str, allowed: str) -> None:
    assert impact_allowed(Decimal(shown)) == Decimal(allowed)


@pytest.mark.parametrize(("slippage", "warned"), [("0.0005", True), ("0.001", False), ("0.03", False), ("0.031", True)])
def test_slippages_that_are_rarely_meant_are_warned_of(slippage: str, warned: bool) -> None:
    assert bool(slippage_warning(Decimal(slippage))) is warned


@pytest.mark.parametrize(
    ("behind", "words"),
    [
        (-1, "as of slot 312,044,871"),
        (0, "as of slot 312,044,871"),
        (1, "as of slot 312,044,871, 1 slot behind"),
        (1200, "as of slot 312,044,871, 1,200 slots behind"),
    ],
)
def test_a_price_names_its_slot_and_how_far_that_was_behind(behind: int, words: str) -> None:
    assert as_of(312_044_871, behind) == words


def test_costs_that_are_not_due_are_left_out() -> None:
    full = cost_rows(SwapCosts(5_000, 14_000, 2_039_280, 2_039_280), "USDC")
    assert [(cost.test_id, cost.sol) for cost in full] == [
        ("cost-network", "0.000005 SOL"),
        ("cost-priority", "≤ 0.000014 SOL"),
        ("cost-rent", "0.00203928 SOL"),
        ("cost-lent", "0.00203928 SOL"),
    ]
    least = cost_rows(SwapCosts(5_000, 14_000, 0, 0), "USDC")
    assert [cost.test_id for cost in least] == ["cost-network", "cost-priority"]


@pytest.mark.parametrize(
    ("impact", "tone"), [("0", ""), ("0.01", ""), ("0.0101", "warn"), ("0.05", "warn"), ("0.0501", "bad")]
)
def test_the_price_impact_has_its_colour(impact: str, tone: str) -> None:
    assert impact_tone(Decimal(impact)) == tone

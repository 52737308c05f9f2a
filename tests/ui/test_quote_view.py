"""How a quote reads: who pays most and by how much, and what it costs."""

from __future__ import annotations

from decimal import Decimal

import pytest

from engine_app.markets.venues.venue import Dex
from engine_app.ui.quote_view import Quote, impact_tone, quote_card


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


def test_a_venue_without_a_pool_offers_nothing() -> None:
    raydium, meteora = card(None, "150", Dex.METEORA).venues
    assert (raydium.out, raydium.lead, raydium.best) == ("", "", False)
    assert (meteora.best, meteora.lead) == (True, "")


def test_the_facts_of_a_quote() -> None:
    quote = card("150", "149", Dex.RAYDIUM)
    assert quote.rate == "1 SOL = 150 USDC"
    assert quote.floor == "222.75 USDC"
    assert quote.impact == "0.25%"
    assert quote.slot == "312,044,871"


def test_another_price_is_another_key() -> None:
    assert card("150", "149", Dex.RAYDIUM).key != card("150.01", "149", Dex.RAYDIUM).key
    assert card("150", "149", Dex.RAYDIUM).key == card("150", "148", Dex.RAYDIUM).key
    assert Quote().key == ""


def test_an_order_that_would_be_refused_for_its_size_cannot_be_placed() -> None:
    quote = card("150", "149", Dex.RAYDIUM, impact="0.0501")
    assert (quote.key, quote.too_large) == ("", "Price impact above 5%")
    assert card("150", "149", Dex.RAYDIUM, impact="0.05").too_large == ""


@pytest.mark.parametrize(
    ("impact", "tone"), [("0", ""), ("0.01", ""), ("0.0101", "warn"), ("0.05", "warn"), ("0.0501", "bad")]
)
def test_the_price_impact_has_its_colour(impact: str, tone: str) -> None:
    assert impact_tone(Decimal(impact)) == tone

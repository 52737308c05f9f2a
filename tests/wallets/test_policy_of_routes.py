"""The signer signs splits and swaps of two hops leg by leg, and nothing that differs from them."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from solders.compute_budget import ID as COMPUTE_BUDGET_PROGRAM

from engine_app.chain.token_accounts import ASSOCIATED_TOKEN_PROGRAM
from engine_app.wallets.errors import SignatureRefused
from engine_app.wallets.policy import SwapLeg
from engine_app.wallets.signer import Signer
from tests.wallets.essence import essence, is_allowed
from tests.wallets.messages import PHRASE, stranger, swap_along
from tests.wallets.mutations import changed_bytes, changed_fields
from tests.wallets.routes import BONK, ROUTES, SOL, USDC, USDT, routed


@pytest.fixture(scope="module")
def signer() -> Signer:
    return Signer(PHRASE)


@pytest.mark.parametrize("name", ROUTES)
def test_a_route_is_signed(signer: Signer, name: str) -> None:
    swap = routed(name)
    assert signer.sign(swap.message(), swap.allowed).verify_with_results() == [True]


def changed_legs(leg: SwapLeg) -> list[SwapLeg]:
    """The leg with one field changed, in every way that matters."""
    return [
        replace(leg, mint_in=stranger("mint")),
        replace(leg, mint_out=stranger("mint")),
        replace(leg, amount_in=leg.amount_in + 1),
        replace(leg, amount_in=leg.amount_in - 1),
        replace(leg, min_out=leg.min_out + 1),
        replace(leg, min_out=leg.min_out - 1),
        replace(leg, exact_out=not leg.exact_out),
    ]


@pytest.mark.parametrize("name", ROUTES)
def test_another_leg_is_refused(signer: Signer, name: str) -> None:
    swap = routed(name)
    legs = swap.allowed.legs
    for at, leg in enumerate(legs):
        for other in changed_legs(leg):
            with pytest.raises(SignatureRefused):
                signer.sign(swap.message(), replace(swap.allowed, legs=(*legs[:at], other, *legs[at + 1 :])))


@pytest.mark.parametrize("name", ROUTES)
def test_legs_missing_doubled_or_in_another_order_are_refused(signer: Signer, name: str) -> None:
    swap = routed(name)
    legs = swap.allowed.legs
    for others in (legs[1:], legs[:-1], (*legs, legs[-1]), (legs[0], *legs), legs[::-1]):
        with pytest.raises(SignatureRefused):
            signer.sign(swap.message(), replace(swap.allowed, legs=others))


@pytest.mark.parametrize("name", ["hops, buying exactly", "hops over SOL", "hop and split"])
def test_a_second_hop_that_spends_what_the_owner_had_before_is_refused(signer: Signer, name: str) -> None:
    first, second, *rest = ROUTES[name]
    greedy = swap_along((first, replace(second, amount_in=second.amount_in + 1), *rest))
    with pytest.raises(SignatureRefused, match="do not lead"):
        signer.sign(greedy.message(), greedy.allowed)


def test_a_hop_that_leads_nowhere_is_refused_even_where_nothing_is_asked_for(signer: Signer) -> None:
    half = swap_along(ROUTES["hops over SOL"][:1])
    allowed = replace(half.allowed, mint_out=USDC, min_out=0)
    with pytest.raises(SignatureRefused, match="do not lead"):
        signer.sign(half.message(), allowed)


def test_legs_that_lead_elsewhere_are_refused(signer: Signer) -> None:
    swap = routed("hops over SOL")
    to_bonk = SwapLeg(SOL, BONK, 90, 88)
    via_two = (SwapLeg(BONK, SOL, 450, 45), SwapLeg(BONK, USDC, 450, 45), SwapLeg(SOL, USDT, 45, 44))
    for legs in ((swap.allowed.legs[0], to_bonk), via_two):
        with pytest.raises(SignatureRefused, match="do not lead"):
            signer.sign(swap.message(), replace(swap.allowed, legs=legs))


@pytest.mark.parametrize("name", ["split buying SOL", "hops, buying exactly"])
def test_every_changed_byte_is_refused_or_changes_nothing_of_the_users(name: str) -> None:
    swap = routed(name)
    original = essence(swap.message(), swap)
    tried = accepted = 0
    for changed, message in changed_bytes(swap.message()):
        tried += 1
        if is_allowed(message, swap):
            accepted += 1
            assert essence(message, swap) == original, changed
    assert 0 < accepted < tried // 2


@pytest.mark.parametrize("name", ROUTES)
def test_every_changed_field_is_refused_or_changes_nothing_of_the_users(name: str) -> None:
    """What is left out makes the swap fail at most: only a token account that may exist already, and the price for the
    compute units."""
    swap = routed(name)
    original = Counter(essence(swap.message(), swap))
    tried = accepted = 0
    for changed, message in changed_fields(swap.message(), stranger("thief")):
        tried += 1
        if is_allowed(message, swap):
            accepted += 1
            done = Counter(essence(message, swap))
            assert done <= original, changed
            assert {program for program, *_ in original - done} <= {ASSOCIATED_TOKEN_PROGRAM, COMPUTE_BUDGET_PROGRAM}
    assert 0 < accepted < tried // 2

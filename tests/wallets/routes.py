"""Routes of several legs over measured pools."""

from __future__ import annotations

from functools import cache

from engine_app.chain.token_accounts import WRAPPED_SOL_MINT
from engine_app.markets.routing import Leg, Route, Terms
from engine_app.markets.venues.venue import Pool
from tests.markets.venues.vectors import load, state
from tests.wallets.messages import RealSwap, leg_of, swap_along


def pool_at(name: str, label: str) -> Pool:
    """The measured pool of this label."""
    measured = state(name, label)
    return load(name).venue.decode(measured.cases[0].pool, measured.accounts)


CPMM = pool_at("raydium_cpmm", "cpmm-sol-usdc-25bp")
DAMM = pool_at("meteora_damm_v2", "dammv2-sol-usdc-5bp")
DAMM_V1 = pool_at("meteora_damm_v1", "dammv1-sol-usdc-25bp")
STABLE = pool_at("raydium_cpmm", "cpmm-usdc-usdt-5bp")
BONK_SOL = pool_at("meteora_damm_v2", "dammv2-bonk-sol-dyn")
BONK_USDC = pool_at("raydium_cpmm", "cpmm-bonk-usdc-100bp/traded0")
BONK_USDC_DAMM = pool_at("meteora_damm_v2", "dammv2-bonk-usdc-sched/+1s")
SOL = WRAPPED_SOL_MINT
[USDC] = [mint for mint in CPMM.mints if mint != SOL]
[USDT] = [mint for mint in STABLE.mints if mint != USDC]
[BONK] = [mint for mint in BONK_SOL.mints if mint != SOL]

ROUTES = {
    "split": (Terms(leg_of(CPMM, SOL), 900, 90), Terms(leg_of(DAMM, SOL), 600, 65)),
    "split buying SOL": (Terms(leg_of(DAMM_V1, USDC), 900, 90), Terms(leg_of(DAMM, USDC), 600, 65)),
    "hops, buying exactly": (Terms(leg_of(CPMM, SOL, exact_out=True), 900, 90), Terms(leg_of(STABLE, USDC), 90, 88)),
    "hops over SOL": (Terms(leg_of(BONK_SOL, BONK), 900, 90), Terms(leg_of(CPMM, SOL), 90, 88)),
    "hops to SOL": (Terms(leg_of(STABLE, USDT, exact_out=True), 900, 90), Terms(leg_of(DAMM, USDC), 90, 88)),
    "hop and split": (
        Terms(leg_of(STABLE, USDT, exact_out=True), 900, 90),
        Terms(leg_of(BONK_USDC, USDC), 50, 49),
        Terms(leg_of(BONK_USDC_DAMM, USDC), 40, 39),
    ),
}


@cache
def routed(name: str) -> RealSwap:
    """The swap along a route."""
    return swap_along(ROUTES[name])


def route_of(terms: tuple[Terms, ...]) -> Route:
    """The route of these legs, hop by hop."""
    first: tuple[Leg, ...] = tuple(of.leg for of in terms if of.leg.mint_in == terms[0].leg.mint_in)
    second = tuple(of.leg for of in terms[len(first) :])
    return Route((first, second) if second else (first,), sum(of.amount_in for of in terms[: len(first)]))

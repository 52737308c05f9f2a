"""Whether one transaction holds a route. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from uuid import UUID

from solders.address_lookup_table_account import AddressLookupTableAccount
from solders.pubkey import Pubkey

from engine_app.chain.token_accounts import WRAPPED_SOL_MINT
from engine_app.chain.transactions import MAX_ACCOUNTS, MAX_TRANSACTION_BYTES, footprint
from engine_app.markets.routing.floor import leg_terms
from engine_app.markets.routing.plan import SwapPlan, swap_instructions, token_programs
from engine_app.markets.routing.route import Route
from engine_app.markets.venues.layout import U64_MAX

_SOMEBODY = Pubkey(bytes([1]) * 32)
_SOME_ATTEMPT = UUID(int=1)


def fits(route: Route, lookup_tables: Sequence[AddressLookupTableAccount] = ()) -> bool:
    """Whether a transaction that carries the route out is small enough for any wallet: for one, that is, which has no
    account yet for any token but the one it pays. No instruction holds amounts of more than 64 bits.

    Args:
        route: what is carried out.
        lookup_tables: tables that the transaction may name accounts by.
    """
    if route.amount_in > U64_MAX:
        return False
    terms = leg_terms(route, Decimal(0), 0)
    mint_in = terms[0].leg.mint_in
    plan = SwapPlan(
        owner=_SOMEBODY,
        attempt_id=_SOME_ATTEMPT,
        terms=terms,
        amount_in=route.amount_in,
        token_account_rent=0,
        opens=tuple(mint for mint in token_programs(terms) if mint not in (mint_in, WRAPPED_SOL_MINT)),
    )
    size, accounts = footprint(_SOMEBODY, swap_instructions(plan), lookup_tables)
    return size <= MAX_TRANSACTION_BYTES and accounts <= MAX_ACCOUNTS

"""Which routes one transaction holds."""

from __future__ import annotations

import pytest
from solders.address_lookup_table_account import AddressLookupTableAccount

from engine_app.chain.transactions import MAX_TRANSACTION_BYTES, compose, footprint, unsigned_bytes
from engine_app.markets.routing import Terms
from engine_app.markets.routing.size import fits
from tests.wallets.messages import BLOCKHASH, OWNER, leg_of, stranger, swap_along
from tests.wallets.routes import BONK, BONK_SOL, CPMM, DAMM, ROUTES, SOL, route_of


@pytest.mark.parametrize("name", ROUTES)
def test_what_fits_can_be_composed(name: str) -> None:
    swap = swap_along(ROUTES[name])
    size, accounts = footprint(OWNER, swap.instructions)
    message = swap.message()
    assert (size, accounts) == (len(unsigned_bytes(message)), len(message.account_keys))
    assert size <= MAX_TRANSACTION_BYTES
    assert fits(route_of(ROUTES[name]))


def test_a_hop_and_a_split_over_sol_fit_only_with_a_lookup_table() -> None:
    terms = (
        Terms(leg_of(BONK_SOL, BONK, exact_out=True), 900, 90),
        Terms(leg_of(DAMM, SOL), 50, 49),
        Terms(leg_of(CPMM, SOL), 40, 39),
    )
    steps = swap_along(terms).instructions
    assert footprint(OWNER, steps)[0] > MAX_TRANSACTION_BYTES
    assert not fits(route_of(terms))
    others = {meta.pubkey for step in steps for meta in step.accounts if not meta.is_signer}
    table = AddressLookupTableAccount(stranger("table"), sorted(others, key=bytes))
    assert fits(route_of(terms), [table])
    message = compose(
        OWNER, steps, blockhash=BLOCKHASH, compute_unit_limit=1, compute_unit_price=1, lookup_tables=[table]
    )
    size, accounts = footprint(OWNER, steps, [table])
    assert size == len(unsigned_bytes(message)) <= MAX_TRANSACTION_BYTES
    assert accounts == footprint(OWNER, steps)[1]

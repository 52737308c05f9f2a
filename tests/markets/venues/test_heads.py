"""The part of a pool's account that a search reads tells the same as the whole of it."""

from __future__ import annotations

import pytest

from engine_app.chain.accounts import DecodeError
from engine_app.chain.token_accounts import decode_token_account
from engine_app.markets.venues.venue import QuoteRefused, Refusal
from tests.markets.venues.vectors import FILES, load


@pytest.mark.parametrize("name", FILES)
def test_a_head_tells_the_vaults_and_whether_the_pool_is_open(name: str) -> None:
    venue = load(name).venue
    offset, length = venue.head_at
    checked = 0
    for state in load(name).states:
        for address in {case.pool for case in state.cases}:
            account = state.accounts[address]
            head = venue.read_head(account.data[offset : offset + length])
            closed = False
            try:
                pool = venue.decode(address, state.accounts)
                pool.quote_exact_in(pool.mints[0], 10**6, state.clock)
            except DecodeError:
                continue
            except QuoteRefused as refusal:
                closed = refusal.reason is Refusal.CLOSED
            assert head.open != closed
            vaults = [state.accounts.get(vault) for vault in head.vaults]
            held = [decode_token_account(vault).mint for vault in vaults if vault is not None]
            # DAMM v1 pools own shares, whose mint is the vault's own; of DLMM and DAMM v2 no vault is ever read.
            assert name == "meteora_damm_v1" or held in ([], list(pool.mints))
            checked += 1
    assert checked

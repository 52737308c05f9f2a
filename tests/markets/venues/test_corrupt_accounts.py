"""No bytes, however corrupt, make decoding raise anything but DecodeError, or a quote anything but QuoteRefused."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from solders.pubkey import Pubkey

from engine_app.chain.accounts import Account, DecodeError
from engine_app.markets.venues.clock import ChainClock, decode_clock
from engine_app.markets.venues.layout import U64_MAX
from engine_app.markets.venues.venue import ExactOutPool, Pool, QuoteRefused, SwapQuote
from tests.markets.venues.vectors import FILES, State, load

AMOUNTS = st.one_of(st.integers(0, 10_000), st.integers(0, U64_MAX), st.integers(U64_MAX, 2**70))
WORDS = st.one_of(st.binary(min_size=1, max_size=16), st.sampled_from((bytes(8), b"\xff" * 8, b"\xff" * 16)))


@st.composite
def corrupted(draw: st.DrawFn, name: str) -> tuple[Pubkey, State]:
    """A measured state with one account overwritten here and there, cut, lengthened, given away or missing."""
    state = draw(st.sampled_from(load(name).states))
    pool = state.cases[0].pool
    key = draw(st.sampled_from([pool, pool, *state.accounts]))
    account = state.accounts[key]
    data = bytearray(account.data)
    for _ in range(draw(st.integers(1, 6))):
        fields_lie_early = st.integers(8, min(len(data) - 1, 500))
        at, word = draw(fields_lie_early | st.integers(0, len(data) - 1)), draw(WORDS)
        data[at : at + len(word)] = word[: len(data) - at]
    if draw(st.integers(0, 9)) == 0:
        data = data[: draw(st.integers(0, len(data)))] + draw(st.binary(max_size=8))
    owner = Pubkey.default() if draw(st.integers(0, 19)) == 0 else account.owner
    accounts = {**state.accounts, key: Account(owner, account.lamports, bytes(data))}
    if draw(st.integers(0, 19)) == 0:
        del accounts[key]
    return pool, dataclasses.replace(state, accounts=accounts)


def _exercise(pool: Pool, amount: int, clock: ChainClock) -> None:
    for mint_in in pool.mints:
        assert pool.reserve(mint_in) >= 0
        try:
            quote = pool.quote_exact_in(mint_in, amount, clock)
        except QuoteRefused:
            continue
        assert quote.amount_in == amount
        _check(quote)
    if isinstance(pool, ExactOutPool):
        for mint_in in pool.mints:
            try:
                quote = pool.quote_exact_out(mint_in, amount, clock)
            except QuoteRefused:
                continue
            assert quote.amount_out == amount
            _check(quote)


def _check(quote: SwapQuote) -> None:
    assert 0 <= quote.amount_out <= U64_MAX
    assert all(fee.amount > 0 for fee in quote.fees)
    assert min(quote.marginal_price) > 0


@pytest.mark.parametrize("name", FILES)
@settings(max_examples=200)
@given(data=st.data(), amount=AMOUNTS, slot=st.integers(0, U64_MAX))
def test_a_corrupt_state_is_refused_or_quoted(name: str, data: st.DataObject, amount: int, slot: int) -> None:
    address, state = data.draw(corrupted(name))
    clock = data.draw(st.sampled_from((state.clock, ChainClock(slot, slot - 2**63, slot))))
    venue = load(name).venue
    try:
        if address in state.accounts:
            venue.needed_accounts(address, state.accounts)
        pool = venue.decode(address, state.accounts)
    except DecodeError:
        return
    _exercise(pool, amount, clock)


@pytest.mark.parametrize("name", FILES)
@given(content=st.binary(max_size=1200))
def test_foreign_bytes_are_no_pool(name: str, content: bytes) -> None:
    venue = load(name).venue
    account = Account(venue.program_id, 1, content)
    with pytest.raises(DecodeError):
        venue.needed_accounts(Pubkey.default(), {Pubkey.default(): account})
    with pytest.raises(DecodeError):
        venue.decode(Pubkey.default(), {Pubkey.default(): account})


@given(content=st.binary(max_size=80).filter(lambda content: len(content) != 40))
def test_foreign_bytes_are_no_clock(content: bytes) -> None:
    owner = Pubkey.from_string("Sysvar1111111111111111111111111111111111111")
    with pytest.raises(DecodeError):
        decode_clock(Account(owner, 1, content))
    with pytest.raises(DecodeError):
        decode_clock(None)


def test_the_clock_is_read_at_its_offsets() -> None:
    owner = Pubkey.from_string("Sysvar1111111111111111111111111111111111111")
    words = (435_888_000, 1_795_000_000, 1009, 1010, 1_795_348_086)
    account = Account(owner, 1, b"".join(word.to_bytes(8, "little") for word in words))
    assert decode_clock(account) == ChainClock(slot=435_888_000, unix_timestamp=1_795_348_086, epoch=1009)

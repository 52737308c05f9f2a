"""Real swaps: what a quote says is what arrives, both ways, within the compute units that would be asked for."""

from __future__ import annotations

from dataclasses import replace

import pytest
from solders.pubkey import Pubkey

from engine_app.chain.accounts import Account
from engine_app.chain.rpc import Rpc
from engine_app.chain.token_accounts import TOKEN_2022_PROGRAM, WRAPPED_SOL_MINT, ata
from engine_app.chain.transactions import with_margin
from engine_app.localnet.server import Localnet
from engine_app.markets.pools import Pools, Snapshot
from engine_app.markets.venues.venue import ExactOutPool, Pool, SwapQuote
from tests.markets.conftest import put
from tests.markets.taker import Taker
from tests.markets.venues.vectors import State, load, state
from tests_real.conftest import LOCALNET, runs

POOLS = [
    ("raydium_cpmm", "cpmm-sol-usdc-25bp"),
    ("raydium_cpmm", "cpmm-usdc-usdt-5bp"),
    ("raydium_cpmm", "cpmm-tfee-token2022/traded0"),
    ("raydium_clmm", "clmm-sol-usdc-4bp/+5s"),
    ("raydium_clmm", "clmm-usdc-usdt-1bp"),
    ("raydium_clmm", "clmm-tfee-usdc-5bp-token2022/+5s"),
    ("meteora_damm_v1", "dammv1-sol-usdc-25bp"),
    ("meteora_damm_v1", "dammv1-usdc-usdt-stable/traded0"),
    ("meteora_damm_v2", "dammv2-sol-usdc-5bp"),
    ("meteora_damm_v2", "dammv2-usdc-usdt-range"),
    ("meteora_damm_v2", "dammv2-bonk-sol-dyn"),
    ("meteora_damm_v2", "dammv2-tfee-usdc-token2022"),
    *(
        [("raydium_amm_v4_v2", "fuzz1"), ("raydium_amm_v4_v2", "status6-open0")]
        if runs(LOCALNET.raydium_amm_v4, b"swap_base_in_v2")
        else [("raydium_amm_v4", "ammv4-sol-usdc-25bp"), ("raydium_amm_v4", "ammv4-bonk-sol-25bp")]
    ),
    *(
        [("meteora_dlmm_v012", "dlmm-sol-usdc-10/+6s"), ("meteora_dlmm_v012", "dlmm-usdc-usdt-1")]
        if runs(LOCALNET.meteora_dlmm, b"PlaceLimitOrder")
        else [("meteora_dlmm", "dlmm-sol-usdc-10"), ("meteora_dlmm", "dlmm-usdc-usdt-1/+1s")]
    ),
]
"""Measured pools by file and state; of AMM v4 and DLMM those of the build that is at hand, told by its names."""
WITH_EXACT_OUT = [pool for pool in POOLS if pool[0] != "meteora_damm_v1"]
PLENTY = 10**17
RENT = 10**10
NOTHING_WITHHELD = b"\x02" + bytes([2, 0, 8, 0]) + bytes(8)
"""Account type, and the transfer-fee extension that a Token-2022 account of a mint with fees carries."""


class Market:
    """One measured pool on a chain, and a taker with plenty of both its tokens."""

    def __init__(self, chain: Localnet, rpc: Rpc, name: str, measured: State) -> None:
        self.chain = chain
        self.address = measured.cases[0].pool
        self.mints = (measured.cases[0].mint_in, measured.cases[0].mint_out)
        self.measured = measured
        self.file = name
        self.name = f"{name} {measured.label}"
        self.taker = Taker(rpc)
        self.pools = Pools(rpc, LOCALNET, refresh_seconds=3600)

    async def open(self) -> None:
        """Put the pool's accounts there, and the taker's."""
        theirs = {key: account for key, account in self.measured.accounts.items() if key != WRAPPED_SOL_MINT}
        own = {self.taker.address: Account(Pubkey.default(), PLENTY, b"")}
        for mint in self.mints:
            if mint != WRAPPED_SOL_MINT:
                program = self.measured.accounts[mint].owner
                own[ata(self.taker.address, mint, program)] = self._holding(mint, program)
        await put(self.chain, theirs | own)

    def _holding(self, mint: Pubkey, program: Pubkey) -> Account:
        data = bytes(mint) + bytes(self.taker.address) + PLENTY.to_bytes(8, "little") + bytes(36) + b"\x01" + bytes(56)
        return Account(program, RENT, data + NOTHING_WITHHELD if program == TOKEN_2022_PROGRAM else data)

    async def snapshot(self) -> tuple[Snapshot, Pool]:
        """What stands on the chain now."""
        snapshot = await self.pools.snapshot(*self.mints)
        assert self.address in {pool.address for pool in snapshot.pools}
        return snapshot, load(self.file).venue.decode(self.address, snapshot.accounts.accounts)

    def amounts(self, mint_in: Pubkey) -> list[int]:
        """A usual and a large amount among those that were measured."""
        paid = sorted(
            case.amount
            for case in self.measured.cases
            if case.mint_in == mint_in and case.result and case.amount < PLENTY // 100
        )
        return [paid[len(paid) // 2], paid[-1]]

    async def trade(
        self, pool: Pool, quote: SwapQuote, mint_in: Pubkey, *, exact_out: bool = False
    ) -> tuple[int, int, int]:
        """Swap as quoted: spent, received, compute units of the transaction as simulated; it lands within the limit
        that follows from these."""
        instructions, user = await self.taker.swap(
            pool, mint_in, quote.amount_in, min_out=quote.amount_out, exact_out=exact_out
        )
        given = quote.amount_in if mint_in == WRAPPED_SOL_MINT else await self.taker.balance(user.source)
        held = await self.taker.balance(user.destination)
        simulation = await self.taker.simulate(instructions)
        assert simulation.error is None, simulation.logs
        await self.taker.send(instructions, compute_unit_limit=with_margin(simulation.units))
        spent = given - await self.taker.balance(user.source)
        return spent, await self.taker.balance(user.destination) - held, simulation.units


@pytest.fixture
async def market(request: pytest.FixtureRequest, chain: Localnet, rpc: Rpc) -> Market:
    """The measured pool of the test's parameter."""
    name, label = request.param
    opened = Market(chain, rpc, name, state(name, label))
    await opened.open()
    return opened


@pytest.mark.parametrize("market", POOLS, ids=" ".join, indirect=True)
async def test_what_was_quoted_arrives(market: Market, capsys: pytest.CaptureFixture[str]) -> None:
    for mint_in in market.mints:
        for amount in market.amounts(mint_in):
            snapshot, pool = await market.snapshot()
            quote = pool.quote_exact_in(mint_in, amount, snapshot.clock)
            spent, received, units = await market.trade(pool, quote, mint_in)
            with capsys.disabled():
                print(
                    f"\n{market.name}: {amount} of {str(mint_in)[:4]} quoted {quote.amount_out}, received {received}, "
                    f"{units} CU of {with_margin(units)}",
                    end="",
                )
            assert (spent, received) == (amount, quote.amount_out)


@pytest.mark.parametrize("market", WITH_EXACT_OUT, ids=" ".join, indirect=True)
async def test_what_was_quoted_for_an_exact_amount_out_is_paid(
    market: Market, capsys: pytest.CaptureFixture[str]
) -> None:
    for mint_in in market.mints:
        for amount in market.amounts(mint_in):
            snapshot, pool = await market.snapshot()
            assert isinstance(pool, ExactOutPool)
            wanted = pool.quote_exact_in(mint_in, amount, snapshot.clock).amount_out * 2 // 3
            quote = pool.quote_exact_out(mint_in, wanted, snapshot.clock)
            # A unit more is offered than quoted, so that it shows whether the program takes it.
            offered = replace(quote, amount_in=quote.amount_in + 1)
            spent, received, units = await market.trade(pool, offered, mint_in, exact_out=True)
            with capsys.disabled():
                print(
                    f"\n{market.name}: {wanted} out for {str(mint_in)[:4]} quoted {quote.amount_in}, paid {spent}, "
                    f"{units} CU",
                    end="",
                )
            assert (spent, received) == (quote.amount_in, wanted)


def test_every_venue_is_swapped_on() -> None:
    assert {load(name).venue.name for name, _ in POOLS} == {
        "raydium_amm_v4",
        "raydium_clmm",
        "raydium_cpmm",
        "meteora_damm_v1",
        "meteora_damm_v2",
        "meteora_dlmm",
    }

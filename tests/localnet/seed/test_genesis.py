"""The seeded pools trade, and each is best where the table of `genesis` says so."""

import base64
import math
from collections.abc import AsyncIterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest
from solders.instruction import AccountMeta, Instruction
from solders.keypair import Keypair
from solders.pubkey import Pubkey
from solders.system_program import TransferParams, transfer

from engine_app.localnet.seed.genesis import CPMM_POOLS, DAMM_V2_POOLS
from tests.localnet import swaps
from tests.localnet.chains import PROCESSED, ManualChain, encode, signed
from tests.localnet.swaps import DECIMALS, MINTS, TOKEN_PROGRAM, Swap

BASE64 = {"encoding": "base64", **PROCESSED}
PAIRS = [("SOL", "USDC"), ("SOL", "USDT"), ("SOL", "BONK"), ("USDC", "USDT"), ("BONK", "USDC")]
CPMM_CONFIG = {("BONK", "USDC"): 1}
TAKER_WHOLE = {"SOL": 1_000_000, "USDC": 100_000_000, "USDT": 100_000_000, "BONK": 1_000_000_000_000}


@dataclass
class Taker:
    """A wallet that holds plenty of everything, wrapped SOL too."""

    manual: ManualChain
    key: Keypair

    def out(self, venue: str, pair: tuple[str, str], token_in: str, whole: str) -> int:
        """Base units a simulated swap pays; 0 where the program refuses it."""
        token_out = pair[1] if token_in == pair[0] else pair[0]
        amount = int(Decimal(whole).scaleb(DECIMALS[token_in]))
        swap = Swap(self.key.pubkey(), token_in, token_out, amount)
        if venue == "raydium":
            instruction = swaps.on_cpmm(swap, CPMM_CONFIG.get(pair, 0))
        else:
            instruction = swaps.on_damm_v2(swap, *pair)
        transaction = signed([self.key], [instruction], self.manual.latest_blockhash())
        received = str(swaps.token_account(self.key.pubkey(), token_out))
        config = {**BASE64, "accounts": {"encoding": "base64", "addresses": [received]}}
        value = self.manual.call("simulateTransaction", encode(transaction), config)["value"]
        if value["err"] is not None:
            return 0
        after = int.from_bytes(base64.b64decode(value["accounts"][0]["data"][0])[64:72], "little")
        before = int(self.manual.call("getTokenAccountBalance", received, PROCESSED)["value"]["amount"])
        return after - before

    def best(self, pair: tuple[str, str], token_in: str, whole: str) -> str:
        """The venue that pays more."""
        return max(("raydium", "meteora"), key=lambda venue: self.out(venue, pair, token_in, whole))


@pytest.fixture
async def taker() -> AsyncIterator[Taker]:
    """A fresh chain and a rich wallet on it."""
    manual = ManualChain()
    key = await manual.funded(2 * TAKER_WHOLE["SOL"] * 10**9)
    for symbol in ("USDC", "USDT", "BONK"):
        amount = TAKER_WHOLE[symbol] * 10 ** DECIMALS[symbol]
        manual.call("requestAirdrop", str(key.pubkey()), amount, {"mint": str(MINTS[symbol])})
    await _wrap(manual, key, TAKER_WHOLE["SOL"] * 10**9)
    yield Taker(manual, key)
    await manual.chain.close()


async def _wrap(manual: ManualChain, key: Keypair, lamports: int) -> None:
    wallet, account = key.pubkey(), swaps.token_account(key.pubkey(), "SOL")
    create = Instruction(
        Pubkey.from_string("ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL"),
        b"\x01",
        [
            AccountMeta(wallet, is_signer=True, is_writable=True),
            AccountMeta(account, is_signer=False, is_writable=True),
            AccountMeta(wallet, is_signer=False, is_writable=False),
            AccountMeta(MINTS["SOL"], is_signer=False, is_writable=False),
            AccountMeta(Pubkey.from_string("1" * 32), is_signer=False, is_writable=False),
            AccountMeta(TOKEN_PROGRAM, is_signer=False, is_writable=False),
        ],
    )
    fill = transfer(TransferParams(from_pubkey=wallet, to_pubkey=account, lamports=lamports))
    sync = Instruction(TOKEN_PROGRAM, b"\x11", [AccountMeta(account, is_signer=False, is_writable=True)])
    manual.send(signed([key], [create, fill, sync], manual.latest_blockhash()))
    await manual.tick()
    balance = manual.call("getTokenAccountBalance", str(account), PROCESSED)["value"]
    assert int(balance["amount"]) == lamports


def _u64(data: bytes, offset: int) -> int:
    return int.from_bytes(data[offset : offset + 8], "little")


def _u128(data: bytes, offset: int) -> int:
    return int.from_bytes(data[offset : offset + 16], "little")


def _data(manual: ManualChain, address: Pubkey) -> bytes:
    value = manual.call("getAccountInfo", str(address), BASE64)["value"]
    assert value is not None
    return base64.b64decode(value["data"][0])


async def test_pools_lie_at_the_addresses_mainnet_gives_them(manual: ManualChain) -> None:
    assert str(swaps.cpmm_config(0)) == "D4FPEruKEHrG5TenZ2mpDGEfu1iUvTiqBxvpU8HLBvC2"
    assert str(swaps.cpmm_pool(0, "SOL", "USDC")) == "7JuwJuNU88gurFnyWeiyGKbFmExMWcmRZntn9imEzdny"
    assert str(swaps.damm_v2_pool("SOL", "USDC")) == "GruYGjMXysREXk2UEkTAXbvRjEc3iJyLtpAD7A9yfXEK"
    for pair in PAIRS:
        assert len(_data(manual, swaps.cpmm_pool(CPMM_CONFIG.get(pair, 0), *pair))) == 637
        assert len(_data(manual, swaps.damm_v2_pool(*pair))) == 1112
    found = manual.call("getProgramAccounts", str(swaps.DAMM_V2), BASE64)
    assert {entry["pubkey"] for entry in found} == {str(swaps.damm_v2_pool(*pair)) for pair in PAIRS}


async def test_a_mints_supply_is_what_lies_in_the_vaults(manual: ManualChain) -> None:
    for symbol in ("USDC", "USDT", "BONK"):
        holders = manual.call("getTokenLargestAccounts", str(MINTS[symbol]), PROCESSED)["value"]
        supply = manual.call("getTokenSupply", str(MINTS[symbol]), PROCESSED)["value"]
        assert int(supply["amount"]) == sum(int(holder["amount"]) for holder in holders) > 0


@pytest.mark.parametrize("pair", PAIRS)
@pytest.mark.parametrize("side", [0, 1])
async def test_a_cpmm_pool_pays_by_its_reserves_and_fee(taker: Taker, pair: tuple[str, str], side: int) -> None:
    pool = next(p for p in CPMM_POOLS if (p.base.symbol, p.quote.symbol) == pair)
    reserves = (pool.base_reserve, pool.quote_reserve)
    reserve_in, reserve_out = reserves[side], reserves[1 - side]
    token_in = pair[side]
    amount = 2 * 10 ** DECIMALS[token_in]
    rate = {0: 2_500, 1: 10_000}[pool.config_index]
    net = amount - math.ceil(amount * rate / 10**6)
    expected = net * reserve_out // (reserve_in + net)
    assert taker.out("raydium", pair, token_in, "2") == expected > 0


@pytest.mark.parametrize("pair", PAIRS)
@pytest.mark.parametrize("side", [0, 1])
async def test_a_damm_v2_pool_pays_by_its_liquidity_and_fee(taker: Taker, pair: tuple[str, str], side: int) -> None:
    pool = next(p for p in DAMM_V2_POOLS if (p.base.symbol, p.quote.symbol) == pair)
    data = _data(taker.manual, swaps.damm_v2_pool(*pair))
    liquidity, price = _u128(data, 360), _u128(data, 456)
    token_in = pair[side]
    amount = 2 * 10 ** DECIMALS[token_in]
    if side == 0:
        after = -(-liquidity * price // (liquidity + amount * price))
        gross = liquidity * (price - after) >> 128
    else:
        after = price + (amount << 128) // liquidity
        gross = liquidity * (after - price) // (price * after)
    expected = gross - math.ceil(gross * pool.fee_numerator / 10**9)
    assert taker.out("meteora", pair, token_in, "2") == expected > 0


async def test_seeded_prices_are_the_ones_the_table_names(manual: ManualChain) -> None:
    for pool in DAMM_V2_POOLS:
        data = _data(manual, swaps.damm_v2_pool(pool.base.symbol, pool.quote.symbol))
        scale = Decimal(10) ** (pool.base.decimals - pool.quote.decimals)
        price = (Decimal(_u128(data, 456)) / 2**64) ** 2 * scale
        assert abs(price / pool.price - 1) < Decimal("1e-6")
        vaults = [Pubkey(data[at : at + 32]) for at in (232, 264)]
        held: list[Any] = [_u64(_data(manual, vault), 64) for vault in vaults]
        assert held == [_u64(data, 680), _u64(data, 688)]


@pytest.mark.parametrize(
    ("pair", "token_in", "whole", "venue"),
    [
        (("SOL", "USDC"), "SOL", "1.5", "meteora"),
        (("SOL", "USDC"), "SOL", "9", "raydium"),
        (("SOL", "USDC"), "USDC", "300", "meteora"),
        (("SOL", "USDC"), "USDC", "1400", "raydium"),
        (("SOL", "USDT"), "SOL", "1.5", "raydium"),
        (("SOL", "USDT"), "SOL", "9", "meteora"),
        (("SOL", "BONK"), "SOL", "1", "raydium"),
        (("SOL", "BONK"), "SOL", "1000", "raydium"),
        (("SOL", "BONK"), "BONK", "7000000", "meteora"),
        (("USDC", "USDT"), "USDC", "1000", "meteora"),
        (("USDC", "USDT"), "USDT", "1000", "meteora"),
        (("USDC", "USDT"), "USDC", "30000", "raydium"),
        (("BONK", "USDC"), "BONK", "10000000", "meteora"),
        (("BONK", "USDC"), "BONK", "200000000", "raydium"),
        (("BONK", "USDC"), "USDC", "100", "meteora"),
        (("BONK", "USDC"), "USDC", "1500", "meteora"),
    ],
)
async def test_the_best_venue_depends_on_pair_side_and_size(
    taker: Taker, pair: tuple[str, str], token_in: str, whole: str, venue: str
) -> None:
    assert taker.best(pair, token_in, whole) == venue


async def test_beyond_its_range_the_stable_pool_refuses(taker: Taker) -> None:
    assert taker.out("meteora", ("USDC", "USDT"), "USDC", "30000") == 0
    assert taker.out("raydium", ("USDC", "USDT"), "USDC", "30000") > 0


async def test_a_swap_lands_and_moves_the_pool(taker: Taker) -> None:
    pair, wallet = ("SOL", "USDC"), taker.key.pubkey()
    quoted = taker.out("meteora", pair, "SOL", "3")
    swap = Swap(wallet, "SOL", "USDC", 3 * 10**9, quoted)
    transaction = signed([taker.key], [swaps.on_damm_v2(swap, *pair)], taker.manual.latest_blockhash())
    signature = taker.manual.send(transaction)
    await taker.manual.tick()
    status = taker.manual.status(signature)
    assert status is not None
    assert status["err"] is None
    assert 0 < taker.out("meteora", pair, "SOL", "3") < quoted


async def test_a_missed_minimum_fails_with_the_venues_own_code(taker: Taker) -> None:
    pair = ("SOL", "USDC")
    for venue, code in (("raydium", 6005), ("meteora", 6002)):
        swap = Swap(taker.key.pubkey(), "SOL", "USDC", 10**9, 151_000_000)
        instruction = swaps.on_cpmm(swap) if venue == "raydium" else swaps.on_damm_v2(swap, *pair)
        transaction = signed([taker.key], [instruction], taker.manual.latest_blockhash())
        value = taker.manual.call("simulateTransaction", encode(transaction), BASE64)["value"]
        assert value["err"] == {"InstructionError": [0, {"Custom": code}]}

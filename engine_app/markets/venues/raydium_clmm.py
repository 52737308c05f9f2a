"""Raydium CLMM: liquidity in ranges of prices, one set of ticks per pool.

Layouts and arithmetic: raydium-io/raydium-clmm, measured on the compiled program of April 2026. Dynamic fees, fees on
one token only and limit orders are from its newer public source (commit 03b44b7) and not measured on a compiled
program.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice

from solders.instruction import Instruction
from solders.pubkey import Pubkey

from engine_app.chain.accounts import Account, DecodeError
from engine_app.chain.token_accounts import TOKEN_2022_PROGRAM, TOKEN_PROGRAM
from engine_app.chain.transactions import MEMO_PROGRAM
from engine_app.markets.venues.array_bitmap import ArrayBitmap
from engine_app.markets.venues.clock import ChainClock
from engine_app.markets.venues.instruction import (
    read_swap_data,
    readable,
    require_only_signer,
    signer,
    swap_data,
    writable,
)
from engine_app.markets.venues.layout import account_at, address, anchor_data, derived, i32, u8, u16, u32, u64, u128
from engine_app.markets.venues.program_error import classify
from engine_app.markets.venues.raydium_clmm_errors import ERROR_KINDS, ERROR_NAMES
from engine_app.markets.venues.raydium_clmm_fees import RATE, DynamicFee, decode_dynamic_fee
from engine_app.markets.venues.raydium_clmm_swap import Ask, Start, Walked, Way, arrays_on_the_way, walk
from engine_app.markets.venues.raydium_clmm_ticks import (
    MAX_TICK,
    MIN_TICK,
    TICKS_PER_ARRAY,
    TickArray,
    decode_bitmap,
    decode_tick_array,
)
from engine_app.markets.venues.spl_token import (
    TransferFees,
    pool_pays,
    pool_receives,
    require_priced,
    require_token_program,
    transfer_fees,
    vault_balance,
)
from engine_app.markets.venues.venue import (
    Dex,
    FeeKind,
    PoolHead,
    ProgramError,
    QuoteRefused,
    Refusal,
    SwapAccounts,
    SwapQuote,
    SwapRequest,
    fees_of,
)

NAME = "raydium_clmm"

_POOL_SIZE = 1544
_POOL_DISCRIMINATOR = bytes.fromhex("f7ede3f5d7c3de46")
_CONFIG_SIZE = 117
_CONFIG_DISCRIMINATOR = bytes.fromhex("daf42168cbcb2b6f")
_SWAP_V2 = bytes.fromhex("2b04ed0b1ac91e62")
_NO_PRICE_LIMIT = bytes(16)
_EXACT_OUT, _EXACT_IN = b"\x00", b"\x01"
_SWAP_DISABLED = 16
_DERIVED_CONFIGS = 16
_ARRAYS_EACH_WAY = 4
_SPARE_ARRAYS = 2
_FEE_ON_INPUT, _FEE_ON_TOKEN_0, _FEE_ON_TOKEN_1 = range(3)


@dataclass(frozen=True, slots=True)
class Side:
    """One of the pool's two tokens; `balance` is what its vault holds, base units, fees owed included."""

    mint: Pubkey
    vault: Pubkey
    token_program: Pubkey
    balance: int
    transfer_fees: TransferFees


@dataclass(frozen=True, slots=True)
class ClmmPool:
    """A pool at one state. Sides stand in the pool's own order (mint 0 < mint 1 by bytes)."""

    program_id: Pubkey
    address: Pubkey
    config: Pubkey
    observation: Pubkey
    extension: Pubkey | None
    """Of the bitmap, where it exists."""
    side_0: Side
    side_1: Side
    sqrt_price: int
    tick: int
    liquidity: int
    spacing: int
    trade_rate: int
    """Parts per million."""
    dynamic_fee: DynamicFee | None
    fee_on: int
    """0: the input, 1: token 0 only, 2: token 1 only."""
    down: Way
    up: Way
    swap_disabled: bool
    open_time: int
    """Unix seconds; swaps begin a second later."""

    @property
    def venue(self) -> str:
        return NAME

    @property
    def dex(self) -> Dex:
        return Dex.RAYDIUM

    @property
    def mints(self) -> tuple[Pubkey, Pubkey]:
        return self.side_0.mint, self.side_1.mint

    def reserve(self, mint: Pubkey) -> int:
        """Base units of one of its mints in its vault; liquidity far from the price is in it too."""
        return self._sides(mint)[0].balance

    def quote_exact_in(self, mint_in: Pubkey, amount_in: int, clock: ChainClock) -> SwapQuote:
        """What `swap_v2` would pay for `amount_in` base units. Raises QuoteRefused."""
        side_in, side_out, downwards = self._sides(mint_in)
        self._require_open(clock)
        require_priced(side_out.mint, side_out.transfer_fees)
        received, transfer_fee_in = pool_receives(side_in.mint, side_in.transfer_fees, amount_in, clock.epoch)
        walked = walk(self._start(clock), self._way(downwards), self._ask(received, downwards, exact_in=True))
        return self._quote(mint_in, walked, transfer_fee_in, clock)

    def quote_exact_out(self, mint_in: Pubkey, amount_out: int, clock: ChainClock) -> SwapQuote:
        """What `swap_v2` would take so that `amount_out` base units arrive. Raises QuoteRefused."""
        side_in, side_out, downwards = self._sides(mint_in)
        self._require_open(clock)
        require_priced(side_in.mint, side_in.transfer_fees)
        sent = pool_pays(side_out.mint, side_out.transfer_fees, amount_out, clock.epoch)
        walked = walk(self._start(clock), self._way(downwards), self._ask(sent, downwards, exact_in=False))
        transfer_fee_in = side_in.transfer_fees.included(walked.amount_in, clock.epoch) - walked.amount_in
        return self._quote(mint_in, walked, transfer_fee_in, clock)

    def swap_instruction(self, user: SwapAccounts, mint_in: Pubkey, amount_in: int, min_out: int) -> Instruction:
        """`swap_v2` without a price limit: exactly `amount_in` for at least `min_out`, base units.

        It passes the arrays that the swap comes through, and two more in case the price has moved until it lands.
        """
        data = swap_data(_SWAP_V2, amount_in, min_out) + _NO_PRICE_LIMIT + _EXACT_IN
        return self._instruction(user, mint_in, amount_in, data)

    def swap_exact_out_instruction(
        self, user: SwapAccounts, mint_in: Pubkey, max_in: int, amount_out: int
    ) -> Instruction:
        """`swap_v2` without a price limit: at most `max_in` for exactly `amount_out`, base units."""
        data = swap_data(_SWAP_V2, amount_out, max_in) + _NO_PRICE_LIMIT + _EXACT_OUT
        return self._instruction(user, mint_in, max_in, data)

    def _instruction(self, user: SwapAccounts, mint_in: Pubkey, most_in: int, data: bytes) -> Instruction:
        side_in, side_out, downwards = self._sides(mint_in)
        ask = self._ask(most_in, downwards, exact_in=True)
        way = self._way(downwards)
        start = Start(self.sqrt_price, self.tick, self.liquidity, self.spacing, 0, None, 0)
        passed = way.arrays[: arrays_on_the_way(start, way, ask) + _SPARE_ARRAYS]
        accounts = [
            signer(user.owner),
            readable(self.config),
            writable(self.address),
            writable(user.source),
            writable(user.destination),
            writable(side_in.vault),
            writable(side_out.vault),
            writable(self.observation),
            readable(TOKEN_PROGRAM),
            readable(TOKEN_2022_PROGRAM),
            readable(MEMO_PROGRAM),
            readable(side_in.mint),
            readable(side_out.mint),
            *([writable(self.extension)] if self.extension else []),
            *(writable(array.key) for array in passed),
        ]
        return Instruction(self.program_id, data, accounts)

    def token_program(self, mint: Pubkey) -> Pubkey:
        """The token program that owns `mint`, one of the pool's two."""
        return self._sides(mint)[0].token_program

    def _quote(self, mint_in: Pubkey, walked: Walked, transfer_fee_in: int, clock: ChainClock) -> SwapQuote:
        side_in, side_out, downwards = self._sides(mint_in)
        if walked.amount_in == 0 or walked.amount_out == 0:
            raise QuoteRefused(Refusal.TOO_SMALL, "the amount buys less than one unit")
        if walked.amount_out > side_out.balance:
            raise QuoteRefused(Refusal.OUT_OF_LIQUIDITY, "the vault does not hold the amount")
        transfer_fee_out = side_out.transfer_fees.on(walked.amount_out, clock.epoch)
        fees = (
            (FeeKind.POOL, mint_in if self._fee_on_input(downwards) else side_out.mint, walked.fee),
            (FeeKind.TRANSFER, side_in.mint, transfer_fee_in),
            (FeeKind.TRANSFER, side_out.mint, transfer_fee_out),
        )
        price = (self.sqrt_price**2, 1 << 128)
        return SwapQuote(
            amount_in=walked.amount_in + transfer_fee_in,
            amount_out=walked.amount_out - transfer_fee_out,
            fees=fees_of(fees),
            marginal_price=price if downwards else price[::-1],
        )

    def _start(self, clock: ChainClock) -> Start:
        return Start(
            sqrt_price=self.sqrt_price,
            tick=self.tick,
            liquidity=self.liquidity,
            spacing=self.spacing,
            trade_rate=self.trade_rate,
            dynamic=self.dynamic_fee,
            now=clock.unix_timestamp,
        )

    def _way(self, downwards: bool) -> Way:
        return self.down if downwards else self.up

    def _ask(self, amount: int, downwards: bool, *, exact_in: bool) -> Ask:
        return Ask(amount, exact_in, self._fee_on_input(downwards))

    def _fee_on_input(self, downwards: bool) -> bool:
        if self.fee_on == _FEE_ON_INPUT:
            return True
        return (self.fee_on == _FEE_ON_TOKEN_0) == downwards

    def _sides(self, mint_in: Pubkey) -> tuple[Side, Side, bool]:
        if mint_in == self.side_0.mint:
            return self.side_0, self.side_1, True
        if mint_in == self.side_1.mint:
            return self.side_1, self.side_0, False
        raise ValueError(f"{mint_in} is no mint of the pool {self.address}")

    def _require_open(self, clock: ChainClock) -> None:
        if self.swap_disabled:
            raise QuoteRefused(Refusal.CLOSED, "the pool's status forbids swaps")
        if clock.unix_timestamp <= self.open_time:
            raise QuoteRefused(Refusal.NOT_OPEN_YET, f"the pool opens at unix time {self.open_time}")


class RaydiumClmm:
    """The venue: one deployment of the CLMM program."""

    name = NAME
    dex = Dex.RAYDIUM
    head_at = (137, 253)

    def __init__(self, program_id: Pubkey) -> None:
        self.program_id = program_id

    def _derive(self, *seeds: bytes) -> Pubkey:
        return derived(self.program_id, *seeds)

    def pool_filters(self, mint_a: Pubkey, mint_b: Pubkey) -> list[tuple[int, list[tuple[int, bytes]]]]:
        """One search: the program keeps a pool's mints in the order of their bytes."""
        mint_0, mint_1 = sorted((bytes(mint_a), bytes(mint_b)))
        return [(_POOL_SIZE, [(73, mint_0), (105, mint_1)])]

    def derived_pools(self, mint_a: Pubkey, mint_b: Pubkey) -> list[Pubkey]:
        """The pair's pool under each of the first configurations."""
        mint_0, mint_1 = sorted((bytes(mint_a), bytes(mint_b)))
        configs = (self._derive(b"amm_config", index.to_bytes(2, "big")) for index in range(_DERIVED_CONFIGS))
        return [self._derive(b"pool", bytes(config), mint_0, mint_1) for config in configs]

    def read_head(self, head: bytes) -> PoolHead:
        """Vaults@137 and @169, status@389."""
        return PoolHead((address(head, 0), address(head, 32)), open=not u8(head, 252) & _SWAP_DISABLED)

    def needed_accounts(self, pool: Pubkey, accounts: Mapping[Pubkey, Account]) -> list[Pubkey]:
        """Configuration, vaults, bitmap extension, the mints whose vaults tell that they are Token-2022's, and the
        nearest arrays of ticks in both directions."""
        data = self._pool_data(account_at(accounts, pool, "the pool"))
        vaults = [address(data, 137), address(data, 169)]
        mints = [
            address(data, at)
            for at, vault in zip((73, 105), vaults, strict=True)
            if (account := accounts.get(vault)) is not None and account.owner == TOKEN_2022_PROGRAM
        ]
        extension = self._extension(pool)
        bitmap = decode_bitmap(data[904:1032], accounts.get(extension), program=self.program_id, pool=pool)
        current, indexes = _current_array(data), dict[int, None]()
        for downwards in (True, False):
            indexes.update(dict.fromkeys(islice(bitmap.ahead(current, downwards), _ARRAYS_EACH_WAY)))
        start_after = u16(data, 235) * TICKS_PER_ARRAY
        arrays = [self._array(pool, index * start_after) for index in indexes]
        return [address(data, 9), *vaults, extension, *mints, *arrays]

    def decode(self, pool: Pubkey, accounts: Mapping[Pubkey, Account]) -> ClmmPool:
        """The pool from its account of 1544 bytes and those of `needed_accounts`. Raises DecodeError.

        A bitmap extension that does not exist has no bits; arrays are taken as far as they were read.
        """
        data = self._pool_data(account_at(accounts, pool, "the pool"))
        config_address = address(data, 9)
        config_account = account_at(accounts, config_address, "the fee configuration")
        config = anchor_data(
            config_account, "the fee configuration", self.program_id, _CONFIG_SIZE, _CONFIG_DISCRIMINATOR
        )
        trade_rate, fee_on = u32(config, 47), u8(data, 390)
        if trade_rate >= RATE:
            raise DecodeError("the pool's fee is 100 % or more")
        if fee_on > _FEE_ON_TOKEN_1:
            raise DecodeError(f"the pool takes fees in an unknown way, {fee_on}")
        extension = self._extension(pool)
        bitmap = decode_bitmap(data[904:1032], accounts.get(extension), program=self.program_id, pool=pool)
        return ClmmPool(
            program_id=self.program_id,
            address=pool,
            config=config_address,
            observation=address(data, 201),
            extension=extension if extension in accounts else None,
            side_0=_side(accounts, address(data, 73), address(data, 137)),
            side_1=_side(accounts, address(data, 105), address(data, 169)),
            sqrt_price=u128(data, 253),
            tick=i32(data, 269),
            liquidity=u128(data, 237),
            spacing=u16(data, 235),
            trade_rate=trade_rate,
            dynamic_fee=decode_dynamic_fee(data),
            fee_on=fee_on,
            down=self._way(pool, data, bitmap, accounts, downwards=True),
            up=self._way(pool, data, bitmap, accounts, downwards=False),
            swap_disabled=bool(u8(data, 389) & _SWAP_DISABLED),
            open_time=u64(data, 1080),
        )

    def _way(
        self, pool: Pubkey, data: bytes, bitmap: ArrayBitmap, accounts: Mapping[Pubkey, Account], *, downwards: bool
    ) -> Way:
        current, spacing = _current_array(data), u16(data, 235)
        arrays: list[TickArray] = []
        for index in bitmap.ahead(current, downwards):
            key = self._array(pool, index * TICKS_PER_ARRAY * spacing)
            account = accounts.get(key)
            if account is None:
                return Way(downwards, tuple(arrays), bitmap.holds(current), goes_on=True)
            arrays.append(
                decode_tick_array(account, program=self.program_id, key=key, pool=pool, index=index, spacing=spacing)
            )
        return Way(downwards, tuple(arrays), bitmap.holds(current), goes_on=False)

    def _extension(self, pool: Pubkey) -> Pubkey:
        return self._derive(b"pool_tick_array_bitmap_extension", bytes(pool))

    def _array(self, pool: Pubkey, start: int) -> Pubkey:
        return self._derive(b"tick_array", bytes(pool), (start % 2**32).to_bytes(4, "big"))

    def _pool_data(self, pool: Account) -> bytes:
        data = anchor_data(pool, "the pool", self.program_id, _POOL_SIZE, _POOL_DISCRIMINATOR)
        if u16(data, 235) == 0 or not MIN_TICK <= i32(data, 269) <= MAX_TICK:
            raise DecodeError("the pool has no tick spacing, or its tick is out of range")
        return data

    def read_swap(self, instruction: Instruction) -> SwapRequest:
        """What a `swap_v2` without a price limit asks for. Raises DecodeError for anything else."""
        accounts, direction = instruction.accounts, instruction.data[-1:]
        if direction not in (_EXACT_IN, _EXACT_OUT):
            raise DecodeError("the instruction is no swap that is known")
        amounts = read_swap_data(instruction, self.program_id, (_SWAP_V2,), _NO_PRICE_LIMIT + direction)[1:]
        amount_in, amount_out = amounts if direction == _EXACT_IN else amounts[::-1]
        if len(accounts) < 14:
            raise DecodeError(f"a swap_v2 with {len(accounts)} accounts")
        keys = [meta.pubkey for meta in accounts]
        if keys[8:11] != [TOKEN_PROGRAM, TOKEN_2022_PROGRAM, MEMO_PROGRAM]:
            raise DecodeError("the instruction names wrong token or memo programs")
        require_only_signer(accounts, 0)
        return SwapRequest(
            venue=NAME,
            pool=keys[2],
            user=SwapAccounts(owner=keys[0], source=keys[3], destination=keys[4]),
            mints=frozenset((keys[11], keys[12])),
            amount_in=amount_in,
            min_out=amount_out,
            exact_out=direction == _EXACT_OUT,
        )

    def classify_error(self, code: int, logs: Iterable[str]) -> ProgramError:
        """A custom error by the name in the logs first, else by the newest number."""
        return classify(code, logs, ERROR_NAMES, ERROR_KINDS)


def _current_array(data: bytes) -> int:
    return i32(data, 269) // (u16(data, 235) * TICKS_PER_ARRAY)


def _side(accounts: Mapping[Pubkey, Account], mint: Pubkey, vault: Pubkey) -> Side:
    account = account_at(accounts, vault, "the vault")
    require_token_program(account.owner)
    balance = vault_balance(account, mint, account.owner)
    return Side(mint, vault, account.owner, balance, transfer_fees(accounts, mint, account.owner))

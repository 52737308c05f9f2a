"""Meteora DLMM (lb_clmm): liquidity in bins of one price each, with a fee that follows volatility.

Layouts and arithmetic: MeteoraAg/dlmm-sdk, measured on the compiled programs 0.10.1 and 0.12.0; pairs beyond the
pair's own bitmap, Token-2022 and exact amounts out follow the source of 0.12. Mainnet runs 0.12, whose bins hold limit
orders where 0.10 kept counters.
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
from engine_app.markets.venues.layout import (
    account_at,
    address,
    anchor_data,
    derived,
    i32,
    i64,
    u8,
    u16,
    u32,
    u64,
)
from engine_app.markets.venues.meteora_dlmm_bins import (
    BINS_PER_ARRAY,
    MAX_BIN,
    MIN_BIN,
    BinArray,
    decode_bin_array,
    decode_bitmap,
    price_of_bin,
)
from engine_app.markets.venues.meteora_dlmm_errors import ERROR_KINDS, ERROR_NAMES
from engine_app.markets.venues.meteora_dlmm_swap import PairFee, Walked, Way, arrays_on_the_way, walk_in, walk_out
from engine_app.markets.venues.program_error import classify
from engine_app.markets.venues.spl_token import (
    TransferFees,
    pool_pays,
    pool_receives,
    require_priced,
    require_token_program,
    transfer_fees,
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

NAME = "meteora_dlmm"

_PAIR_SIZE = 904
_PAIR_DISCRIMINATOR = bytes.fromhex("210b3162b565b10d")
_SWAP_2 = bytes.fromhex("414b3f4ceb5b5b88")
_SWAP_EXACT_OUT_2 = bytes.fromhex("2bd7f784893cf351")
_NO_HOOK_ACCOUNTS = bytes(4)
_TOKEN_PROGRAM_BY_FLAG = {0: TOKEN_PROGRAM, 1: TOKEN_2022_PROGRAM}
_PERMISSIONED, _CUSTOMIZABLE = 1, 2
_UNDETERMINED, _LIQUIDITY_MINING, _LIMIT_ORDERS = range(3)
_FEE_ON_INPUT, _FEE_IN_Y = range(2)
_BY_SLOT, _BY_TIME = range(2)
_DERIVED_PRESETS = 64
_ARRAYS_EACH_WAY = 4
_SPARE_ARRAYS = 2


@dataclass(frozen=True, slots=True)
class Side:
    """One of the pair's two tokens."""

    mint: Pubkey
    vault: Pubkey
    token_program: Pubkey
    transfer_fees: TransferFees


@dataclass(frozen=True, slots=True)
class DlmmPair:
    """A pair at one state. Prices are Y per X."""

    program_id: Pubkey
    event_authority: Pubkey
    address: Pubkey
    oracle: Pubkey
    extension: Pubkey | None
    """Of the bitmap, where it exists."""
    side_x: Side
    side_y: Side
    active: int
    """The bin the price stands in."""
    bin_step: int
    """Basis points between two bins."""
    fee: PairFee
    fee_in_y: bool
    """True: fees are always taken in Y. False: off the input."""
    down: Way
    up: Way
    enabled: bool
    activation_point: int | None
    """A slot, or unix seconds where `activated_by_time`; None where the pair has none."""
    activated_by_time: bool

    @property
    def venue(self) -> str:
        return NAME

    @property
    def dex(self) -> Dex:
        return Dex.METEORA

    @property
    def mints(self) -> tuple[Pubkey, Pubkey]:
        return self.side_x.mint, self.side_y.mint

    def reserve(self, mint: Pubkey) -> int:
        """Base units of one of its mints in the bins that were read, its limit orders included."""
        way = self.up if self._sides(mint)[2] else self.down
        return sum(
            found.amount + found.processed_orders + found.open_orders
            for number, array in enumerate(way.arrays)
            for found in array.bins(
                way.downwards, way.limit_orders, self.active if way.from_active and number == 0 else None
            )
        )

    def quote_exact_in(self, mint_in: Pubkey, amount_in: int, clock: ChainClock) -> SwapQuote:
        """What `swap2` would pay for `amount_in` base units. Raises QuoteRefused."""
        side_in, side_out, downwards = self._sides(mint_in)
        self._require_open(clock)
        require_priced(side_out.mint, side_out.transfer_fees)
        received, transfer_fee_in = pool_receives(side_in.mint, side_in.transfer_fees, amount_in, clock.epoch)
        walked = walk_in(
            received,
            self._way(downwards),
            active=self.active,
            fee=self.fee,
            fee_on_input=self._fee_on_input(downwards),
            now=clock.unix_timestamp,
        )
        return self._quote(mint_in, walked, transfer_fee_in, clock)

    def quote_exact_out(self, mint_in: Pubkey, amount_out: int, clock: ChainClock) -> SwapQuote:
        """What `swap_exact_out2` would take so that `amount_out` base units arrive. Raises QuoteRefused."""
        side_in, side_out, downwards = self._sides(mint_in)
        self._require_open(clock)
        require_priced(side_in.mint, side_in.transfer_fees)
        walked = walk_out(
            pool_pays(side_out.mint, side_out.transfer_fees, amount_out, clock.epoch),
            self._way(downwards),
            active=self.active,
            fee=self.fee,
            fee_on_input=self._fee_on_input(downwards),
            now=clock.unix_timestamp,
        )
        transfer_fee_in = side_in.transfer_fees.included(walked.amount_in, clock.epoch) - walked.amount_in
        return self._quote(mint_in, walked, transfer_fee_in, clock)

    def swap_instruction(self, user: SwapAccounts, mint_in: Pubkey, amount_in: int, min_out: int) -> Instruction:
        """`swap2`: exactly `amount_in` for at least `min_out`, base units, without a host.

        It passes the arrays that the swap comes through, and two more in case the price has moved until it lands.
        """
        return self._instruction(user, mint_in, amount_in, swap_data(_SWAP_2, amount_in, min_out))

    def swap_exact_out_instruction(
        self, user: SwapAccounts, mint_in: Pubkey, max_in: int, amount_out: int
    ) -> Instruction:
        """`swap_exact_out2`: at most `max_in` for exactly `amount_out`, base units, without a host."""
        return self._instruction(user, mint_in, max_in, swap_data(_SWAP_EXACT_OUT_2, max_in, amount_out))

    def _instruction(self, user: SwapAccounts, mint_in: Pubkey, most_in: int, amounts: bytes) -> Instruction:
        way = self._way(self._sides(mint_in)[2])
        passed = way.arrays[: arrays_on_the_way(most_in, way, self.active) + _SPARE_ARRAYS]
        accounts = [
            writable(self.address),
            writable(self.extension) if self.extension else readable(self.program_id),
            writable(self.side_x.vault),
            writable(self.side_y.vault),
            writable(user.source),
            writable(user.destination),
            readable(self.side_x.mint),
            readable(self.side_y.mint),
            writable(self.oracle),
            readable(self.program_id),
            signer(user.owner),
            readable(self.side_x.token_program),
            readable(self.side_y.token_program),
            readable(MEMO_PROGRAM),
            readable(self.event_authority),
            readable(self.program_id),
            *(writable(array.key) for array in passed),
        ]
        return Instruction(self.program_id, amounts + _NO_HOOK_ACCOUNTS, accounts)

    def token_program(self, mint: Pubkey) -> Pubkey:
        """The token program that owns `mint`, one of the pair's two."""
        return self._sides(mint)[0].token_program

    def _quote(self, mint_in: Pubkey, walked: Walked, transfer_fee_in: int, clock: ChainClock) -> SwapQuote:
        side_in, side_out, downwards = self._sides(mint_in)
        if walked.amount_out == 0:
            raise QuoteRefused(Refusal.TOO_SMALL, "the amount buys less than one unit")
        transfer_fee_out = side_out.transfer_fees.on(walked.amount_out, clock.epoch)
        fees = (
            (FeeKind.POOL, mint_in if self._fee_on_input(downwards) else side_out.mint, walked.fee),
            (FeeKind.TRANSFER, side_in.mint, transfer_fee_in),
            (FeeKind.TRANSFER, side_out.mint, transfer_fee_out),
        )
        price = (price_of_bin(self.active, self.bin_step), 1 << 64)
        return SwapQuote(
            amount_in=walked.amount_in + transfer_fee_in,
            amount_out=walked.amount_out - transfer_fee_out,
            fees=fees_of(fees),
            marginal_price=price if downwards else price[::-1],
        )

    def _way(self, downwards: bool) -> Way:
        return self.down if downwards else self.up

    def _fee_on_input(self, downwards: bool) -> bool:
        return not (self.fee_in_y and downwards)

    def _sides(self, mint_in: Pubkey) -> tuple[Side, Side, bool]:
        if mint_in == self.side_x.mint:
            return self.side_x, self.side_y, True
        if mint_in == self.side_y.mint:
            return self.side_y, self.side_x, False
        raise ValueError(f"{mint_in} is no mint of the pair {self.address}")

    def _require_open(self, clock: ChainClock) -> None:
        if not self.enabled:
            raise QuoteRefused(Refusal.CLOSED, "the pair is disabled")
        point = clock.unix_timestamp if self.activated_by_time else clock.slot
        if self.activation_point is not None and point < self.activation_point:
            unit = "unix time" if self.activated_by_time else "slot"
            raise QuoteRefused(Refusal.NOT_OPEN_YET, f"the pair opens at {unit} {self.activation_point}")


class MeteoraDlmm:
    """The venue: the DLMM program; `limit_orders` tells builds whose bins hold them."""

    name = NAME
    dex = Dex.METEORA
    head_at = (82, 134)

    def __init__(self, program_id: Pubkey, *, limit_orders: bool = True) -> None:
        self.program_id = program_id
        self.event_authority = self._derive(b"__event_authority")
        self._limit_orders = limit_orders

    def _derive(self, *seeds: bytes) -> Pubkey:
        return derived(self.program_id, *seeds)

    def pool_filters(self, mint_a: Pubkey, mint_b: Pubkey) -> list[tuple[int, list[tuple[int, bytes]]]]:
        """Two searches: a pair's creator chooses the order of its mints."""
        a, b = bytes(mint_a), bytes(mint_b)
        return [(_PAIR_SIZE, [(88, a), (120, b)]), (_PAIR_SIZE, [(88, b), (120, a)])]

    def derived_pools(self, mint_a: Pubkey, mint_b: Pubkey) -> list[Pubkey]:
        """The pair's pool under each of the first presets."""
        low, high = sorted((bytes(mint_a), bytes(mint_b)))
        presets = (self._derive(b"preset_parameter2", index.to_bytes(2, "little")) for index in range(_DERIVED_PRESETS))
        return [self._derive(bytes(preset), low, high) for preset in presets]

    def read_head(self, head: bytes) -> PoolHead:
        """Status@82, reserves@152 and @184."""
        return PoolHead((address(head, 70), address(head, 102)), open=u8(head, 0) == 0)

    def needed_accounts(self, pool: Pubkey, accounts: Mapping[Pubkey, Account]) -> list[Pubkey]:
        """Bitmap extension, the mints that belong to Token-2022, and the nearest arrays of bins in both directions."""
        data = self._pair_data(account_at(accounts, pool, "the pair"))
        mints = [address(data, mint) for mint, flag in ((88, 880), (120, 881)) if u8(data, flag) == 1]
        extension = self._extension(pool)
        bitmap = decode_bitmap(data[584:712], accounts.get(extension), program=self.program_id, pair=pool)
        current, indexes = i32(data, 76) // BINS_PER_ARRAY, dict[int, None]()
        for downwards in (True, False):
            indexes.update(dict.fromkeys(islice(bitmap.ahead(current, downwards), _ARRAYS_EACH_WAY)))
        return [extension, *mints, *(self._array(pool, index) for index in indexes)]

    def decode(self, pool: Pubkey, accounts: Mapping[Pubkey, Account]) -> DlmmPair:
        """The pair from its account of 904 bytes and those of `needed_accounts`. Raises DecodeError.

        A bitmap extension that does not exist has no bits; arrays are taken as far as they were read.
        """
        data = self._pair_data(account_at(accounts, pool, "the pair"))
        collect_mode, activation_type, pair_type = u8(data, 36), u8(data, 86), u8(data, 75)
        if collect_mode > _FEE_IN_Y or activation_type > _BY_TIME:
            raise DecodeError(
                f"the pair has the unknown collect mode {collect_mode} or activation type {activation_type}"
            )
        extension = self._extension(pool)
        bitmap = decode_bitmap(data[584:712], accounts.get(extension), program=self.program_id, pair=pool)
        return DlmmPair(
            program_id=self.program_id,
            event_authority=self.event_authority,
            address=pool,
            oracle=address(data, 552),
            extension=extension if extension in accounts else None,
            side_x=_side(accounts, address(data, 88), address(data, 152), u8(data, 880)),
            side_y=_side(accounts, address(data, 120), address(data, 184), u8(data, 881)),
            active=i32(data, 76),
            bin_step=u16(data, 80),
            fee=_fee(data),
            fee_in_y=collect_mode == _FEE_IN_Y,
            down=self._way(pool, data, bitmap, accounts, downwards=True),
            up=self._way(pool, data, bitmap, accounts, downwards=False),
            enabled=u8(data, 82) == 0,
            activation_point=u64(data, 816) if pair_type in {_PERMISSIONED, _CUSTOMIZABLE} else None,
            activated_by_time=activation_type == _BY_TIME,
        )

    def _way(
        self, pair: Pubkey, data: bytes, bitmap: ArrayBitmap, accounts: Mapping[Pubkey, Account], *, downwards: bool
    ) -> Way:
        current, step = i32(data, 76) // BINS_PER_ARRAY, u16(data, 80)
        limit_orders = self._limit_orders and _takes_limit_orders(data)
        arrays: list[BinArray] = []
        goes_on = False
        for index in bitmap.ahead(current, downwards):
            key = self._array(pair, index)
            account = accounts.get(key)
            if account is None:
                goes_on = True
                break
            arrays.append(
                decode_bin_array(account, program=self.program_id, key=key, pair=pair, index=index, step=step)
            )
        return Way(downwards, tuple(arrays), bitmap.holds(current), goes_on, limit_orders)

    def _extension(self, pair: Pubkey) -> Pubkey:
        return self._derive(b"bitmap", bytes(pair))

    def _array(self, pair: Pubkey, index: int) -> Pubkey:
        return self._derive(b"bin_array", bytes(pair), index.to_bytes(8, "little", signed=True))

    def _pair_data(self, pair: Account) -> bytes:
        data = anchor_data(pair, "the pair", self.program_id, _PAIR_SIZE, _PAIR_DISCRIMINATOR)
        if not MIN_BIN <= i32(data, 76) <= MAX_BIN or not price_of_bin(i32(data, 76), u16(data, 80)):
            raise DecodeError("the pair's active bin is out of range")
        return data

    def read_swap(self, instruction: Instruction) -> SwapRequest:
        """What a `swap2` or `swap_exact_out2` without a host and without accounts for transfer hooks asks for.

        Raises DecodeError for anything else.
        """
        accounts = instruction.accounts
        swap, amount_in, amount_out = read_swap_data(
            instruction, self.program_id, (_SWAP_2, _SWAP_EXACT_OUT_2), _NO_HOOK_ACCOUNTS
        )
        if len(accounts) < 17:
            raise DecodeError(f"a swap with {len(accounts)} accounts")
        keys = [meta.pubkey for meta in accounts]
        if (keys[9], *keys[13:16]) != (self.program_id, MEMO_PROGRAM, self.event_authority, self.program_id):
            raise DecodeError("the instruction names a host, or wrong programs")
        if keys[1] not in (self.program_id, self._extension(keys[0])):
            raise DecodeError("the instruction names another pair's bitmap extension")
        for program in keys[11:13]:
            require_token_program(program)
        require_only_signer(accounts, 10)
        return SwapRequest(
            venue=NAME,
            pool=keys[0],
            user=SwapAccounts(owner=keys[10], source=keys[4], destination=keys[5]),
            mints=frozenset((keys[6], keys[7])),
            amount_in=amount_in,
            min_out=amount_out,
            exact_out=swap == _SWAP_EXACT_OUT_2,
        )

    def classify_error(self, code: int, logs: Iterable[str]) -> ProgramError:
        """A custom error by the name in the logs first, else by number."""
        return classify(code, logs, ERROR_NAMES, ERROR_KINDS)


def _fee(data: bytes) -> PairFee:
    """The fee of a pair account: static parameters@8, volatility@40. Raises DecodeError."""
    power = u8(data, 34)
    if power > 9:
        raise DecodeError(f"the pair's base fee has the power {power}")
    return PairFee(
        base=u16(data, 8) * u16(data, 80) * 10 * 10**power,
        bin_step=u16(data, 80),
        control=u32(data, 16),
        filter_period=u16(data, 10),
        decay_period=u16(data, 12),
        reduction=u16(data, 14),
        max_accumulator=u32(data, 20),
        accumulator=u32(data, 40),
        reference=u32(data, 44),
        reference_bin=i32(data, 48),
        updated_at=i64(data, 56),
    )


def _takes_limit_orders(data: bytes) -> bool:
    """Whether the pair was made for limit orders, or for nothing yet and pays no rewards (mints@264 and @408)."""
    function = u8(data, 35)
    without_rewards = data[264:296] == bytes(32) and data[408:440] == bytes(32)
    return function == _LIMIT_ORDERS or (function == _UNDETERMINED and without_rewards)


def _side(accounts: Mapping[Pubkey, Account], mint: Pubkey, vault: Pubkey, token_flag: int) -> Side:
    if token_flag not in _TOKEN_PROGRAM_BY_FLAG:
        raise DecodeError(f"the pair has the unknown token flag {token_flag}")
    token_program = _TOKEN_PROGRAM_BY_FLAG[token_flag]
    return Side(mint, vault, token_program, transfer_fees(accounts, mint, token_program))

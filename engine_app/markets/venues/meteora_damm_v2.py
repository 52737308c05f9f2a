"""Meteora DAMM v2 (cp_amm): one price range per pool, or a constant product that compounds its fees.

Layouts and arithmetic: MeteoraAg/damm-v2 (programs/cp-amm, 0.2.x), measured on the compiled program 0.2.0.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from solders.instruction import Instruction
from solders.pubkey import Pubkey

from engine_app.chain.accounts import Account, DecodeError
from engine_app.chain.token_accounts import TOKEN_2022_PROGRAM, TOKEN_PROGRAM
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
    U64_MAX,
    account_at,
    address,
    anchor_data,
    ceil_div,
    u8,
    u64,
    u128,
)
from engine_app.markets.venues.meteora_damm_v2_curves import Compounding, PriceRange
from engine_app.markets.venues.meteora_damm_v2_errors import ERROR_KINDS, ERROR_NAMES
from engine_app.markets.venues.meteora_damm_v2_fees import (
    FEE_DENOMINATOR,
    FeeContext,
    PoolFees,
    RateLimiter,
    decode_pool_fees,
)
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

NAME = "meteora_damm_v2"

_POOL_SIZE = 1112
_POOL_DISCRIMINATOR = bytes.fromhex("f19a6d0411b16dbc")
_SWAP = bytes.fromhex("f8c69e91e17587c8")
_SWAP_2 = bytes.fromhex("414b3f4ceb5b5b88")
_EXACT_OUT = b"\x02"
_INSTRUCTIONS_SYSVAR = Pubkey.from_string("Sysvar1nstructions1111111111111111111111111")
_DERIVED_CONFIGS = 64
_TOKEN_PROGRAM_BY_FLAG = {0: TOKEN_PROGRAM, 1: TOKEN_2022_PROGRAM}

_COLLECT_BOTH, _COLLECT_ONLY_B, _COLLECT_COMPOUNDING = range(3)
_BY_SLOT, _BY_TIME = range(2)


@dataclass(frozen=True, slots=True)
class Side:
    """One of the pool's two tokens."""

    mint: Pubkey
    vault: Pubkey
    token_program: Pubkey
    transfer_fees: TransferFees


@dataclass(frozen=True, slots=True)
class DammV2Pool:
    """A pool at one state. Sides A and B stand in the order its creator chose."""

    program_id: Pubkey
    authority: Pubkey
    event_authority: Pubkey
    address: Pubkey
    side_a: Side
    side_b: Side
    curve: PriceRange | Compounding
    fees: PoolFees
    initial_sqrt_price: int
    sqrt_price: int
    fee_follows_output: bool
    """True: fees are taken off whatever goes out. False: always in token B."""
    enabled: bool
    activation_point: int
    """A slot, or unix seconds where `activated_by_time`."""
    activated_by_time: bool

    @property
    def venue(self) -> str:
        return NAME

    @property
    def dex(self) -> Dex:
        return Dex.METEORA

    @property
    def mints(self) -> tuple[Pubkey, Pubkey]:
        return self.side_a.mint, self.side_b.mint

    def reserve(self, mint: Pubkey) -> int:
        """Base units of one of its mints that its liquidity can pay out."""
        amount_a, amount_b = self.curve.reserves()
        return amount_a if self._sides(mint)[2] else amount_b

    def quote_exact_in(self, mint_in: Pubkey, amount_in: int, clock: ChainClock) -> SwapQuote:
        """What `swap` would pay for `amount_in` base units, perhaps 0. Raises QuoteRefused."""
        side_in, side_out, a_to_b = self._sides(mint_in)
        elapsed = self._elapsed(clock)
        require_priced(side_out.mint, side_out.transfer_fees)
        received, transfer_fee_in = pool_receives(side_in.mint, side_in.transfer_fees, amount_in, clock.epoch)

        context = FeeContext(elapsed, received, a_to_b, self.initial_sqrt_price, self.sqrt_price)
        numerator = self.fees.numerator(context)
        if a_to_b or self.fee_follows_output:
            gross_out = _within_u64(self.curve.amount_out(received, a_to_b))
            pool_fee = _fee_on(gross_out, numerator)
            paid_out, fee_mint = gross_out - pool_fee, side_out.mint
        else:
            pool_fee = _fee_on(received, numerator)
            paid_out, fee_mint = _within_u64(self.curve.amount_out(received - pool_fee, a_to_b)), side_in.mint

        transfer_fee_out = side_out.transfer_fees.on(paid_out, clock.epoch)
        return self._quote(
            a_to_b,
            amount_in,
            paid_out - transfer_fee_out,
            fees=(
                (FeeKind.POOL, fee_mint, pool_fee),
                (FeeKind.TRANSFER, side_in.mint, transfer_fee_in),
                (FeeKind.TRANSFER, side_out.mint, transfer_fee_out),
            ),
        )

    def quote_exact_out(self, mint_in: Pubkey, amount_out: int, clock: ChainClock) -> SwapQuote:
        """What `swap2` of mode 2 would take so that `amount_out` base units arrive. Raises QuoteRefused.

        While a rate limiter is at work its fee depends on the amount in; that is not worked out backwards here.
        """
        side_in, side_out, a_to_b = self._sides(mint_in)
        elapsed = self._elapsed(clock)
        require_priced(side_in.mint, side_in.transfer_fees)
        sent = pool_pays(side_out.mint, side_out.transfer_fees, amount_out, clock.epoch)
        context = FeeContext(elapsed, 0, a_to_b, self.initial_sqrt_price, self.sqrt_price)
        if isinstance(self.fees.base, RateLimiter) and self.fees.base.applies(context):
            raise QuoteRefused(Refusal.UNSUPPORTED, "the pool's rate limiter is at work")
        numerator = self.fees.numerator(context)
        if a_to_b or self.fee_follows_output:
            gross_out = _before_fee(sent, numerator)
            received = _within_u64(self.curve.amount_in(gross_out, a_to_b))
            pool_fee = (FeeKind.POOL, side_out.mint, gross_out - sent)
        else:
            swapped = _within_u64(self.curve.amount_in(sent, a_to_b))
            received = _before_fee(swapped, numerator)
            pool_fee = (FeeKind.POOL, side_in.mint, received - swapped)
        paid = _within_u64(side_in.transfer_fees.included(received, clock.epoch))
        return self._quote(
            a_to_b,
            paid,
            amount_out,
            fees=(
                pool_fee,
                (FeeKind.TRANSFER, side_in.mint, paid - received),
                (FeeKind.TRANSFER, side_out.mint, sent - amount_out),
            ),
        )

    def _quote(
        self, a_to_b: bool, amount_in: int, amount_out: int, fees: tuple[tuple[FeeKind, Pubkey, int], ...]
    ) -> SwapQuote:
        b, a = self.curve.marginal_price()
        return SwapQuote(
            amount_in=amount_in,
            amount_out=amount_out,
            fees=fees_of(fees),
            marginal_price=(b, a) if a_to_b else (a, b),
        )

    def swap_instruction(self, user: SwapAccounts, mint_in: Pubkey, amount_in: int, min_out: int) -> Instruction:
        """`swap`: exactly `amount_in` for at least `min_out`, base units, without a referral account."""
        return self._instruction(user, mint_in, swap_data(_SWAP, amount_in, min_out))

    def swap_exact_out_instruction(
        self, user: SwapAccounts, mint_in: Pubkey, max_in: int, amount_out: int
    ) -> Instruction:
        """`swap2` of mode 2: at most `max_in` for exactly `amount_out`, base units, without a referral account."""
        return self._instruction(user, mint_in, swap_data(_SWAP_2, amount_out, max_in) + _EXACT_OUT)

    def _instruction(self, user: SwapAccounts, mint_in: Pubkey, data: bytes) -> Instruction:
        self._sides(mint_in)
        accounts = [
            readable(self.authority),
            writable(self.address),
            writable(user.source),
            writable(user.destination),
            writable(self.side_a.vault),
            writable(self.side_b.vault),
            readable(self.side_a.mint),
            readable(self.side_b.mint),
            signer(user.owner),
            readable(self.side_a.token_program),
            readable(self.side_b.token_program),
            readable(self.program_id),
            readable(self.event_authority),
            readable(self.program_id),
        ]
        if isinstance(self.fees.base, RateLimiter):
            accounts.append(readable(_INSTRUCTIONS_SYSVAR))
        return Instruction(self.program_id, data, accounts)

    def token_program(self, mint: Pubkey) -> Pubkey:
        """The token program that owns `mint`, one of the pool's two."""
        return self._sides(mint)[0].token_program

    def _sides(self, mint_in: Pubkey) -> tuple[Side, Side, bool]:
        if mint_in == self.side_a.mint:
            return self.side_a, self.side_b, True
        if mint_in == self.side_b.mint:
            return self.side_b, self.side_a, False
        raise ValueError(f"{mint_in} is no mint of the pool {self.address}")

    def _elapsed(self, clock: ChainClock) -> int:
        if not self.enabled:
            raise QuoteRefused(Refusal.CLOSED, "the pool's status forbids swaps")
        elapsed = (clock.unix_timestamp if self.activated_by_time else clock.slot) - self.activation_point
        if elapsed < 0:
            unit = "unix time" if self.activated_by_time else "slot"
            raise QuoteRefused(Refusal.NOT_OPEN_YET, f"the pool opens at {unit} {self.activation_point}")
        return elapsed


def _fee_on(amount: int, numerator: int) -> int:
    return ceil_div(amount * numerator, FEE_DENOMINATOR)


def _before_fee(amount: int, numerator: int) -> int:
    """What `amount` was before the fee, rounded up."""
    return _within_u64(ceil_div(amount * FEE_DENOMINATOR, FEE_DENOMINATOR - numerator))


def _within_u64(amount: int) -> int:
    if amount > U64_MAX:
        raise QuoteRefused(Refusal.OUT_OF_LIQUIDITY, "the pool's price is beyond what it can pay")
    return amount


class MeteoraDammV2:
    """The venue: the DAMM v2 program."""

    name = NAME
    dex = Dex.METEORA
    head_at = (232, 250)

    def __init__(self, program_id: Pubkey) -> None:
        self.program_id = program_id
        self.authority = self._derive(b"pool_authority")
        self.event_authority = self._derive(b"__event_authority")

    def _derive(self, *seeds: bytes) -> Pubkey:
        return Pubkey.find_program_address(list(seeds), self.program_id)[0]

    def pool_filters(self, mint_a: Pubkey, mint_b: Pubkey) -> list[tuple[int, list[tuple[int, bytes]]]]:
        """Two searches: a pool's creator chooses the order of its mints."""
        a, b = bytes(mint_a), bytes(mint_b)
        return [(_POOL_SIZE, [(168, a), (200, b)]), (_POOL_SIZE, [(168, b), (200, a)])]

    def derived_pools(self, mint_a: Pubkey, mint_b: Pubkey) -> list[Pubkey]:
        """The pair's customizable pool, and the one under each of the first static configurations."""
        low, high = sorted((bytes(mint_a), bytes(mint_b)))
        configs = (self._derive(b"config", index.to_bytes(8, "little")) for index in range(_DERIVED_CONFIGS))
        static = [self._derive(b"pool", bytes(config), high, low) for config in configs]
        return [self._derive(b"cpool", high, low), *static]

    def read_head(self, head: bytes) -> PoolHead:
        """Vaults@232 and @264, status@481."""
        return PoolHead((address(head, 0), address(head, 32)), open=u8(head, 249) == 0)

    def needed_accounts(self, pool: Pubkey, accounts: Mapping[Pubkey, Account]) -> list[Pubkey]:
        """The mints that belong to Token-2022; the pool account holds everything else."""
        data = self._pool_data(account_at(accounts, pool, "the pool"))
        return [address(data, mint) for mint, flag in ((168, 482), (200, 483)) if u8(data, flag) == 1]

    def decode(self, pool: Pubkey, accounts: Mapping[Pubkey, Account]) -> DammV2Pool:
        """The pool from its account of 1112 bytes and its Token-2022 mints. Raises DecodeError."""
        data = self._pool_data(account_at(accounts, pool, "the pool"))
        collect_mode, activation_type = u8(data, 484), u8(data, 480)
        if collect_mode > _COLLECT_COMPOUNDING or activation_type > _BY_TIME:
            raise DecodeError(
                f"the pool has the unknown collect mode {collect_mode} or activation type {activation_type}"
            )
        liquidity, sqrt_price = u128(data, 360), u128(data, 456)
        return DammV2Pool(
            program_id=self.program_id,
            authority=self.authority,
            event_authority=self.event_authority,
            address=pool,
            side_a=_side(accounts, address(data, 168), address(data, 232), u8(data, 482)),
            side_b=_side(accounts, address(data, 200), address(data, 264), u8(data, 483)),
            curve=Compounding(u64(data, 680), u64(data, 688), liquidity)
            if collect_mode == _COLLECT_COMPOUNDING
            else PriceRange(sqrt_price, u128(data, 424), u128(data, 440), liquidity),
            fees=decode_pool_fees(data),
            initial_sqrt_price=u128(data, 152),
            sqrt_price=sqrt_price,
            fee_follows_output=collect_mode == _COLLECT_BOTH,
            enabled=u8(data, 481) == 0,
            activation_point=u64(data, 472),
            activated_by_time=activation_type == _BY_TIME,
        )

    def _pool_data(self, pool: Account) -> bytes:
        return anchor_data(pool, "the pool", self.program_id, _POOL_SIZE, _POOL_DISCRIMINATOR)

    def read_swap(self, instruction: Instruction) -> SwapRequest:
        """What a `swap`, or a `swap2` of mode 2, asks for. Raises DecodeError for anything else, a referral account
        included."""
        exact_out = instruction.data[:8] == _SWAP_2
        swap, rest = (_SWAP_2, _EXACT_OUT) if exact_out else (_SWAP, b"")
        amounts = read_swap_data(instruction, self.program_id, (swap,), rest)[1:]
        amount_in, amount_out = amounts[::-1] if exact_out else amounts
        accounts = instruction.accounts
        if len(accounts) not in {14, 15}:
            raise DecodeError(f"a swap with {len(accounts)} accounts")
        keys = [meta.pubkey for meta in accounts]
        program_accounts = (self.authority, self.program_id, self.event_authority, self.program_id)
        if (keys[0], *keys[11:14]) != program_accounts or keys[14:] not in ([], [_INSTRUCTIONS_SYSVAR]):
            raise DecodeError("the instruction names a wrong authority, a referral or something further")
        for program in keys[9:11]:
            require_token_program(program)
        require_only_signer(accounts, 8)
        return SwapRequest(
            venue=NAME,
            pool=keys[1],
            user=SwapAccounts(owner=keys[8], source=keys[2], destination=keys[3]),
            mints=frozenset((keys[6], keys[7])),
            amount_in=amount_in,
            min_out=amount_out,
            exact_out=exact_out,
        )

    def classify_error(self, code: int, logs: Iterable[str]) -> ProgramError:
        """A custom error by the name in the logs first, else by number."""
        return classify(code, logs, ERROR_NAMES, ERROR_KINDS)


def _side(accounts: Mapping[Pubkey, Account], mint: Pubkey, vault: Pubkey, token_flag: int) -> Side:
    if token_flag not in _TOKEN_PROGRAM_BY_FLAG:
        raise DecodeError(f"the pool has the unknown token flag {token_flag}")
    token_program = _TOKEN_PROGRAM_BY_FLAG[token_flag]
    return Side(mint, vault, token_program, transfer_fees(accounts, mint, token_program))

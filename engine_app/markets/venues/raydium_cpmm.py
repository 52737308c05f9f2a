"""Raydium CPMM: constant product over two vaults.

Layouts and arithmetic: raydium-io/raydium-cp-swap, measured on the mainnet build of March 2025. Creator fees are
from its newer public source (commit 609780f) and not measured on a compiled program.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from solders.instruction import Instruction
from solders.pubkey import Pubkey

from engine_app.chain.accounts import Account, DecodeError
from engine_app.chain.token_accounts import TOKEN_2022_PROGRAM
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
)
from engine_app.markets.venues.program_error import classify
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
    ErrorKind,
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

NAME = "raydium_cpmm"

_POOL_SIZE = 637
_POOL_DISCRIMINATOR = bytes.fromhex("f7ede3f5d7c3de46")
_CONFIG_SIZE = 236
_CONFIG_DISCRIMINATOR = bytes.fromhex("daf42168cbcb2b6f")
_SWAP_BASE_INPUT = bytes.fromhex("8fbe5adac41e33de")
_SWAP_BASE_OUTPUT = bytes.fromhex("37d96256a34ab4ad")
_SWAP_DISABLED = 4
_RATE = 1_000_000
_DERIVED_CONFIGS = 8

_ERROR_NAMES = dict(
    enumerate(
        (
            "NotApproved",
            "InvalidOwner",
            "EmptySupply",
            "InvalidInput",
            "IncorrectLpMint",
            "ExceededSlippage",
            "ZeroTradingTokens",
            "NotSupportMint",
            "InvalidVault",
            "InitLpAmountTooLess",
            "TransferFeeCalculateNotMatch",
            "MathOverflow",
            "InsufficientVault",
            "InvalidFeeModel",
            "NoFeeCollect",
        ),
        start=6000,
    )
)
_ERROR_KINDS = {
    "NotApproved": ErrorKind.CLOSED,
    "ExceededSlippage": ErrorKind.SLIPPAGE,
    "EmptySupply": ErrorKind.LIQUIDITY,
    "InsufficientVault": ErrorKind.LIQUIDITY,
    "ZeroTradingTokens": ErrorKind.TOO_SMALL,
    "RequireGtViolated": ErrorKind.TOO_SMALL,
}


@dataclass(frozen=True, slots=True)
class Side:
    """One of the pool's two tokens.

    Attributes:
        mint: the token's mint.
        vault: the pool's token account of it.
        token_program: the program that owns the mint.
        reserve: base units that price the swap: the vault's balance without fees owed; negative in a pool that
            owes more than it holds.
        transfer_fees: what transfers of the mint cost.
    """

    mint: Pubkey
    vault: Pubkey
    token_program: Pubkey
    reserve: int
    transfer_fees: TransferFees


@dataclass(frozen=True, slots=True)
class FeeRates:
    """Parts per million of the amount: `trade` of every swap, `creator` only where the pool turned it on."""

    trade: int
    creator: int


@dataclass(frozen=True, slots=True)
class CpmmSwap:
    """One swap inside the pool, base units: `amount_in` comes into a vault and `amount_out` leaves the other, fees
    were taken on the way."""

    amount_in: int
    amount_out: int
    trade_fee: int
    creator_fee: int


def swap_base_input(
    amount_in: int, reserve_in: int, reserve_out: int, rates: FeeRates, creator_fee_on_input: bool
) -> CpmmSwap:
    """What the curve pays for `amount_in` (after its transfer fee), in base units, reserves positive.

    Source: raydium-cp-swap, curve/calculator.rs `swap_base_input`. The sum of trade and creator fee on the input
    is rounded up once and then divided.
    """
    if creator_fee_on_input:
        rate = rates.trade + rates.creator
        fee = ceil_div(amount_in * rate, _RATE)
        creator_fee = fee * rates.creator // rate if rate else 0
        amount_swapped = amount_in - fee
        amount_out = _constant_product_out(amount_swapped, reserve_in, reserve_out)
        return CpmmSwap(amount_in, amount_out, fee - creator_fee, creator_fee)
    trade_fee = ceil_div(amount_in * rates.trade, _RATE)
    amount_swapped = amount_in - trade_fee
    gross_out = _constant_product_out(amount_swapped, reserve_in, reserve_out)
    creator_fee = ceil_div(gross_out * rates.creator, _RATE)
    return CpmmSwap(amount_in, gross_out - creator_fee, trade_fee, creator_fee)


def swap_base_output(
    amount_out: int, reserve_in: int, reserve_out: int, rates: FeeRates, creator_fee_on_input: bool
) -> CpmmSwap:
    """What the curve takes for `amount_out` (with its transfer fee), in base units, reserves positive.

    Source: raydium-cp-swap, curve/calculator.rs `swap_base_output`. Raises QuoteRefused where the pool does not hold
    it.
    """
    gross_out = amount_out if creator_fee_on_input else _before_fee(amount_out, rates.creator)
    if gross_out >= reserve_out:
        raise QuoteRefused(Refusal.OUT_OF_LIQUIDITY, "the pool does not hold the amount")
    amount_swapped = ceil_div(reserve_in * gross_out, reserve_out - gross_out)
    rate = rates.trade + rates.creator if creator_fee_on_input else rates.trade
    amount_in = _before_fee(amount_swapped, rate)
    fee = amount_in - amount_swapped
    if not creator_fee_on_input:
        return CpmmSwap(amount_in, amount_out, fee, gross_out - amount_out)
    creator_fee = fee * rates.creator // rate if rate else 0
    return CpmmSwap(amount_in, amount_out, fee - creator_fee, creator_fee)


def _before_fee(amount: int, rate: int) -> int:
    if rate >= _RATE:
        raise QuoteRefused(Refusal.UNSUPPORTED, "the fee leaves nothing of any amount")
    return ceil_div(amount * _RATE, _RATE - rate)


def _constant_product_out(amount_swapped: int, reserve_in: int, reserve_out: int) -> int:
    if amount_swapped <= 0:
        return 0
    return amount_swapped * reserve_out // (reserve_in + amount_swapped)


@dataclass(frozen=True, slots=True)
class CpmmPool:
    """A pool at one state. Sides stand in the pool's own order (mint 0 < mint 1 by bytes)."""

    program_id: Pubkey
    authority: Pubkey
    address: Pubkey
    config: Pubkey
    observation: Pubkey
    side_0: Side
    side_1: Side
    rates: FeeRates
    creator_fee_on: int
    """0: the input, 1: token 0 only, 2: token 1 only."""
    swap_disabled: bool
    open_time: int
    """Unix seconds."""

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
        """Base units of one of its mints that price its swaps, 0 where it owes more than it holds."""
        return max(self._sides(mint)[0].reserve, 0)

    def quote_exact_in(self, mint_in: Pubkey, amount_in: int, clock: ChainClock) -> SwapQuote:
        """What `swap_base_input` would pay for `amount_in` base units. Raises QuoteRefused."""
        side_in, side_out = self._sides(mint_in)
        self._require_open(clock)
        require_priced(side_out.mint, side_out.transfer_fees)
        received, transfer_fee_in = pool_receives(side_in.mint, side_in.transfer_fees, amount_in, clock.epoch)
        self._require_liquidity()
        on_input = self._creator_fee_on_input(mint_in)
        swap = swap_base_input(received, side_in.reserve, side_out.reserve, self.rates, on_input)
        return self._quote(mint_in, swap, transfer_fee_in, side_out.transfer_fees.on(swap.amount_out, clock.epoch))

    def quote_exact_out(self, mint_in: Pubkey, amount_out: int, clock: ChainClock) -> SwapQuote:
        """What `swap_base_output` would take so that `amount_out` base units arrive. Raises QuoteRefused."""
        side_in, side_out = self._sides(mint_in)
        self._require_open(clock)
        require_priced(side_in.mint, side_in.transfer_fees)
        sent = pool_pays(side_out.mint, side_out.transfer_fees, amount_out, clock.epoch)
        self._require_liquidity()
        on_input = self._creator_fee_on_input(mint_in)
        swap = swap_base_output(sent, side_in.reserve, side_out.reserve, self.rates, on_input)
        paid = side_in.transfer_fees.included(swap.amount_in, clock.epoch)
        if paid > U64_MAX:
            raise QuoteRefused(Refusal.OUT_OF_RANGE, "the price is more than a token account can hold")
        return self._quote(mint_in, swap, paid - swap.amount_in, sent - amount_out)

    def _quote(self, mint_in: Pubkey, swap: CpmmSwap, transfer_fee_in: int, transfer_fee_out: int) -> SwapQuote:
        side_in, side_out = self._sides(mint_in)
        on_input = self._creator_fee_on_input(mint_in)
        amount_out = swap.amount_out - transfer_fee_out
        if amount_out <= 0:
            raise QuoteRefused(Refusal.TOO_SMALL, "the amount buys less than one unit")
        fees = (
            (FeeKind.POOL, side_in.mint, swap.trade_fee),
            (FeeKind.CREATOR, side_in.mint if on_input else side_out.mint, swap.creator_fee),
            (FeeKind.TRANSFER, side_in.mint, transfer_fee_in),
            (FeeKind.TRANSFER, side_out.mint, transfer_fee_out),
        )
        return SwapQuote(
            amount_in=swap.amount_in + transfer_fee_in,
            amount_out=amount_out,
            fees=fees_of(fees),
            marginal_price=(side_out.reserve, side_in.reserve),
        )

    def swap_instruction(self, user: SwapAccounts, mint_in: Pubkey, amount_in: int, min_out: int) -> Instruction:
        """`swap_base_input`: exactly `amount_in` for at least `min_out`, base units."""
        return self._instruction(user, mint_in, swap_data(_SWAP_BASE_INPUT, amount_in, min_out))

    def swap_exact_out_instruction(
        self, user: SwapAccounts, mint_in: Pubkey, max_in: int, amount_out: int
    ) -> Instruction:
        """`swap_base_output`: at most `max_in` for exactly `amount_out`, base units."""
        return self._instruction(user, mint_in, swap_data(_SWAP_BASE_OUTPUT, max_in, amount_out))

    def _instruction(self, user: SwapAccounts, mint_in: Pubkey, data: bytes) -> Instruction:
        side_in, side_out = self._sides(mint_in)
        accounts = [
            signer(user.owner),
            readable(self.authority),
            readable(self.config),
            writable(self.address),
            writable(user.source),
            writable(user.destination),
            writable(side_in.vault),
            writable(side_out.vault),
            readable(side_in.token_program),
            readable(side_out.token_program),
            readable(side_in.mint),
            readable(side_out.mint),
            writable(self.observation),
        ]
        return Instruction(self.program_id, data, accounts)

    def token_program(self, mint: Pubkey) -> Pubkey:
        """The token program that owns `mint`, one of the pool's two."""
        return self._sides(mint)[0].token_program

    def _sides(self, mint_in: Pubkey) -> tuple[Side, Side]:
        if mint_in == self.side_0.mint:
            return self.side_0, self.side_1
        if mint_in == self.side_1.mint:
            return self.side_1, self.side_0
        raise ValueError(f"{mint_in} is no mint of the pool {self.address}")

    def _require_open(self, clock: ChainClock) -> None:
        if self.swap_disabled:
            raise QuoteRefused(Refusal.CLOSED, "the pool's status forbids swaps")
        if clock.unix_timestamp < self.open_time:
            raise QuoteRefused(Refusal.NOT_OPEN_YET, f"the pool opens at unix time {self.open_time}")

    def _require_liquidity(self) -> None:
        if self.side_0.reserve <= 0 or self.side_1.reserve <= 0:
            raise QuoteRefused(Refusal.OUT_OF_LIQUIDITY, "the pool is empty")

    def _creator_fee_on_input(self, mint_in: Pubkey) -> bool:
        if self.creator_fee_on == 0:
            return True
        return (self.creator_fee_on == 1) == (mint_in == self.side_0.mint)


class RaydiumCpmm:
    """The venue: one deployment of the CPMM program."""

    name = NAME
    dex = Dex.RAYDIUM
    head_at = (72, 258)

    def __init__(self, program_id: Pubkey) -> None:
        self.program_id = program_id
        self.authority = self._derive(b"vault_and_lp_mint_auth_seed")

    def _derive(self, *seeds: bytes) -> Pubkey:
        return Pubkey.find_program_address(list(seeds), self.program_id)[0]

    def pool_filters(self, mint_a: Pubkey, mint_b: Pubkey) -> list[tuple[int, list[tuple[int, bytes]]]]:
        """One search: the program keeps a pool's mints in the order of their bytes."""
        mint_0, mint_1 = sorted((bytes(mint_a), bytes(mint_b)))
        return [(_POOL_SIZE, [(168, mint_0), (200, mint_1)])]

    def derived_pools(self, mint_a: Pubkey, mint_b: Pubkey) -> list[Pubkey]:
        """The pair's pool under each of the first fee configurations; pools at random keys are not among them."""
        mint_0, mint_1 = sorted((bytes(mint_a), bytes(mint_b)))
        configs = (self._derive(b"amm_config", index.to_bytes(2, "big")) for index in range(_DERIVED_CONFIGS))
        return [self._derive(b"pool", bytes(config), mint_0, mint_1) for config in configs]

    def read_head(self, head: bytes) -> PoolHead:
        """Vaults@72 and @104, status@329."""
        return PoolHead((address(head, 0), address(head, 32)), open=not u8(head, 257) & _SWAP_DISABLED)

    def needed_accounts(self, pool: Pubkey, accounts: Mapping[Pubkey, Account]) -> list[Pubkey]:
        """Fee configuration, both vaults, and the mints that belong to Token-2022."""
        data = self._pool_data(account_at(accounts, pool, "the pool"))
        mints = [
            address(data, mint)
            for mint, program in ((168, 232), (200, 264))
            if address(data, program) == TOKEN_2022_PROGRAM
        ]
        return [address(data, 8), address(data, 72), address(data, 104), *mints]

    def decode(self, pool: Pubkey, accounts: Mapping[Pubkey, Account]) -> CpmmPool:
        """The pool from its account, configuration, vaults and Token-2022 mints. Raises DecodeError.

        PoolState 637 bytes and AmmConfig 236 bytes, packed behind the discriminator.
        """
        data = self._pool_data(account_at(accounts, pool, "the pool"))
        config_address = address(data, 8)
        config_account = account_at(accounts, config_address, "the fee configuration")
        config = anchor_data(
            config_account, "the fee configuration", self.program_id, _CONFIG_SIZE, _CONFIG_DISCRIMINATOR
        )
        creator_fee_on = u8(data, 389)
        if creator_fee_on > 2:
            raise DecodeError(f"the pool has the unknown creator fee mode {creator_fee_on}")
        owed_0 = u64(data, 341) + u64(data, 357) + u64(data, 397)
        owed_1 = u64(data, 349) + u64(data, 365) + u64(data, 405)
        return CpmmPool(
            program_id=self.program_id,
            authority=self.authority,
            address=pool,
            config=config_address,
            observation=address(data, 296),
            side_0=_side(accounts, address(data, 168), address(data, 72), address(data, 232), owed_0),
            side_1=_side(accounts, address(data, 200), address(data, 104), address(data, 264), owed_1),
            rates=FeeRates(trade=u64(config, 12), creator=u64(config, 108) if u8(data, 390) else 0),
            creator_fee_on=creator_fee_on,
            swap_disabled=bool(u8(data, 329) & _SWAP_DISABLED),
            open_time=u64(data, 373),
        )

    def _pool_data(self, pool: Account) -> bytes:
        return anchor_data(pool, "the pool", self.program_id, _POOL_SIZE, _POOL_DISCRIMINATOR)

    def read_swap(self, instruction: Instruction) -> SwapRequest:
        """What a `swap_base_input` or `swap_base_output` instruction asks for. Raises DecodeError for anything else."""
        swaps = (_SWAP_BASE_INPUT, _SWAP_BASE_OUTPUT)
        swap, amount_in, amount_out = read_swap_data(instruction, self.program_id, swaps)
        accounts = instruction.accounts
        if len(accounts) != 13:
            raise DecodeError(f"a swap with {len(accounts)} accounts")
        keys = [meta.pubkey for meta in accounts]
        if keys[1] != self.authority:
            raise DecodeError("the instruction names a wrong authority")
        for program in keys[8:10]:
            require_token_program(program)
        require_only_signer(accounts, 0)
        return SwapRequest(
            venue=NAME,
            pool=keys[3],
            user=SwapAccounts(owner=keys[0], source=keys[4], destination=keys[5]),
            mints=frozenset((keys[10], keys[11])),
            amount_in=amount_in,
            min_out=amount_out,
            exact_out=swap == _SWAP_BASE_OUTPUT,
        )

    def classify_error(self, code: int, logs: Iterable[str]) -> ProgramError:
        """A custom error by the name in the logs first, else by number."""
        return classify(code, logs, _ERROR_NAMES, _ERROR_KINDS)


def _side(accounts: Mapping[Pubkey, Account], mint: Pubkey, vault: Pubkey, token_program: Pubkey, owed: int) -> Side:
    require_token_program(token_program)
    balance = vault_balance(account_at(accounts, vault, "the vault"), mint, token_program)
    return Side(mint, vault, token_program, balance - owed, transfer_fees(accounts, mint, token_program))

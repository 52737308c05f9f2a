"""Raydium AMM v4: constant product over two vaults, once beside an order book.

Layout and arithmetic: raydium-io/raydium-amm, measured on two compiled programs. Mainnet runs the newer one, which
swaps without the order book's accounts (tags 16 and 17) and rounds every fee up. The older one takes no fee from the
smallest amounts; everything else is equal. Swaps for an exact amount out follow the public source.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from solders.instruction import Instruction
from solders.pubkey import Pubkey

from engine_app.chain.accounts import Account, DecodeError
from engine_app.chain.token_accounts import TOKEN_PROGRAM
from engine_app.markets.venues.clock import ChainClock
from engine_app.markets.venues.instruction import (
    read_swap_data,
    readable,
    require_only_signer,
    signer,
    swap_data,
    writable,
)
from engine_app.markets.venues.layout import U64_MAX, account_at, address, ceil_div, u64
from engine_app.markets.venues.program_error import classify
from engine_app.markets.venues.spl_token import vault_balance
from engine_app.markets.venues.venue import (
    Dex,
    ErrorKind,
    Fee,
    FeeKind,
    PoolHead,
    ProgramError,
    QuoteRefused,
    Refusal,
    SwapAccounts,
    SwapQuote,
    SwapRequest,
)

NAME = "raydium_amm_v4"

_POOL_SIZE = 752
_SWAP_BASE_IN = bytes([9])
_SWAP_BASE_OUT = bytes([11])
_SWAP_BASE_IN_V2 = bytes([16])
_SWAP_BASE_OUT_V2 = bytes([17])
_SHORT = (_SWAP_BASE_IN_V2, _SWAP_BASE_OUT_V2)
"""Swaps that name no accounts of an order book."""
_EXACT_OUT = (_SWAP_BASE_OUT, _SWAP_BASE_OUT_V2)

_INITIALIZED, _ORDER_BOOK_ONLY, _SWAP_ONLY, _WAITING_TRADE = 1, 5, 6, 7
_OPEN_STATUSES = frozenset({_INITIALIZED, _ORDER_BOOK_ONLY, _SWAP_ONLY, _WAITING_TRADE})

_ERROR_NAMES = {
    22: "InvalidStatus",
    23: "InvalidInstruction",
    24: "WrongAccountsNumber",
    29: "InvalidInput",
    30: "ExceededSlippage",
    40: "InsufficientFunds",
}
_ERROR_KINDS = {
    "InvalidStatus": ErrorKind.CLOSED,
    "InvalidInput": ErrorKind.TOO_SMALL,
    "ExceededSlippage": ErrorKind.SLIPPAGE,
}


class Build(StrEnum):
    """Which compiled program a deployment runs."""

    NEWER = "newer"
    OLDER = "older"


@dataclass(frozen=True, slots=True)
class Side:
    """One of the pool's two tokens, of the classic token program.

    Attributes:
        mint: the token's mint.
        vault: the pool's token account of it.
        reserve: base units that price the swap: the vault's balance without profit owed; negative in a pool that owes
            more than it holds.
    """

    mint: Pubkey
    vault: Pubkey
    reserve: int


@dataclass(frozen=True, slots=True)
class FeeRate:
    """The share of the amount in that the pool keeps."""

    numerator: int
    denominator: int

    def on(self, amount: int, build: Build) -> int:
        """Base units kept of `amount`. The older build rounds half up below one unit, and up above it."""
        product = amount * self.numerator
        if build is Build.NEWER or product >= self.denominator:
            return ceil_div(product, self.denominator)
        return 1 if 2 * product >= self.denominator else 0


@dataclass(frozen=True, slots=True)
class AmmV4Pool:
    """A pool at one state."""

    program_id: Pubkey
    authority: Pubkey
    build: Build
    address: Pubkey
    open_orders: Pubkey
    target_orders: Pubkey
    market: Pubkey
    market_program: Pubkey
    side_coin: Side
    side_pc: Side
    fee: FeeRate
    status: int
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
        return self.side_coin.mint, self.side_pc.mint

    def reserve(self, mint: Pubkey) -> int:
        """Base units of one of its mints that price its swaps, 0 where it owes more than it holds."""
        return max(self._sides(mint)[0].reserve, 0)

    def quote_exact_in(self, mint_in: Pubkey, amount_in: int, clock: ChainClock) -> SwapQuote:
        """What a swap would pay for `amount_in` base units. Raises QuoteRefused.

        Source: raydium-amm, processor.rs `process_swap_base_in` and math.rs `swap_token_amount_base_in`.
        """
        reserve_in, reserve_out = self._open_reserves(mint_in, clock)
        if amount_in > U64_MAX:
            raise QuoteRefused(Refusal.OUT_OF_RANGE, "the amount is more than a token account can hold")
        fee = self.fee.on(amount_in, self.build)
        swapped = amount_in - fee
        amount_out = swapped * reserve_out // (reserve_in + swapped) if swapped > 0 else 0
        if amount_out == 0:
            raise QuoteRefused(Refusal.TOO_SMALL, "the amount buys less than one unit")
        return self._quote(mint_in, amount_in, amount_out, fee)

    def quote_exact_out(self, mint_in: Pubkey, amount_out: int, clock: ChainClock) -> SwapQuote:
        """What a swap would take for `amount_out` base units. Raises QuoteRefused.

        Source: raydium-amm, processor.rs `process_swap_base_out` and math.rs `swap_token_amount_base_out`.
        """
        reserve_in, reserve_out = self._open_reserves(mint_in, clock)
        if amount_out <= 0:
            raise QuoteRefused(Refusal.TOO_SMALL, "nothing is asked for")
        if amount_out >= reserve_out:
            raise QuoteRefused(Refusal.OUT_OF_LIQUIDITY, "the pool does not hold the amount")
        swapped = ceil_div(reserve_in * amount_out, reserve_out - amount_out)
        if self.fee.numerator >= self.fee.denominator:
            raise QuoteRefused(Refusal.UNSUPPORTED, "the fee leaves nothing of any amount")
        amount_in = ceil_div(swapped * self.fee.denominator, self.fee.denominator - self.fee.numerator)
        if amount_in > U64_MAX:
            raise QuoteRefused(Refusal.OUT_OF_RANGE, "the price is more than a token account can hold")
        return self._quote(mint_in, amount_in, amount_out, amount_in - swapped)

    def swap_instruction(self, user: SwapAccounts, mint_in: Pubkey, amount_in: int, min_out: int) -> Instruction:
        """`swap_base_in_v2`, or `swap_base_in` of the older build: exactly `amount_in` for at least `min_out`."""
        tag = _SWAP_BASE_IN_V2 if self.build is Build.NEWER else _SWAP_BASE_IN
        return self._instruction(user, mint_in, swap_data(tag, amount_in, min_out))

    def swap_exact_out_instruction(
        self, user: SwapAccounts, mint_in: Pubkey, max_in: int, amount_out: int
    ) -> Instruction:
        """`swap_base_out_v2`, or `swap_base_out` of the older build: at most `max_in` for exactly `amount_out`."""
        tag = _SWAP_BASE_OUT_V2 if self.build is Build.NEWER else _SWAP_BASE_OUT
        return self._instruction(user, mint_in, swap_data(tag, max_in, amount_out))

    def _instruction(self, user: SwapAccounts, mint_in: Pubkey, data: bytes) -> Instruction:
        self._sides(mint_in)
        vaults = [writable(self.side_coin.vault), writable(self.side_pc.vault)]
        theirs = [writable(user.source), writable(user.destination), signer(user.owner)]
        if self.build is Build.NEWER:
            accounts = [readable(TOKEN_PROGRAM), writable(self.address), readable(self.authority), *vaults, *theirs]
            return Instruction(self.program_id, data, accounts)
        # The order book's own accounts are not read where the pool trades without it; the market stands in for them.
        accounts = [
            readable(TOKEN_PROGRAM),
            writable(self.address),
            readable(self.authority),
            writable(self.open_orders),
            writable(self.target_orders),
            *vaults,
            readable(self.market_program),
            *[writable(self.market)] * 6,
            readable(self.market),
            *theirs,
        ]
        return Instruction(self.program_id, data, accounts)

    def token_program(self, mint: Pubkey) -> Pubkey:
        """The classic token program: the venue knows no other."""
        self._sides(mint)
        return TOKEN_PROGRAM

    def _quote(self, mint_in: Pubkey, amount_in: int, amount_out: int, fee: int) -> SwapQuote:
        side_in, side_out = self._sides(mint_in)
        return SwapQuote(
            amount_in=amount_in,
            amount_out=amount_out,
            fees=(Fee(FeeKind.POOL, mint_in, fee),) if fee else (),
            marginal_price=(side_out.reserve, side_in.reserve),
        )

    def _sides(self, mint_in: Pubkey) -> tuple[Side, Side]:
        if mint_in == self.side_coin.mint:
            return self.side_coin, self.side_pc
        if mint_in == self.side_pc.mint:
            return self.side_pc, self.side_coin
        raise ValueError(f"{mint_in} is no mint of the pool {self.address}")

    def _open_reserves(self, mint_in: Pubkey, clock: ChainClock) -> tuple[int, int]:
        if self.status == _WAITING_TRADE:
            if clock.unix_timestamp < self.open_time:
                raise QuoteRefused(Refusal.NOT_OPEN_YET, f"the pool opens at unix time {self.open_time}")
        elif self.status in {_INITIALIZED, _ORDER_BOOK_ONLY}:
            raise QuoteRefused(Refusal.UNSUPPORTED, "the pool trades on an order book")
        elif self.status != _SWAP_ONLY:
            raise QuoteRefused(Refusal.CLOSED, "the pool's status forbids swaps")
        side_in, side_out = self._sides(mint_in)
        if side_in.reserve <= 0 or side_out.reserve <= 0:
            raise QuoteRefused(Refusal.OUT_OF_LIQUIDITY, "the pool is empty")
        return side_in.reserve, side_out.reserve


class RaydiumAmmV4:
    """The venue: one deployment of the AMM v4 program."""

    name = NAME
    dex = Dex.RAYDIUM
    head_at = (0, 400)

    def __init__(self, program_id: Pubkey, build: Build = Build.NEWER) -> None:
        self.program_id = program_id
        self.build = build
        self.authority = Pubkey.find_program_address([b"amm authority"], program_id)[0]

    def pool_filters(self, mint_a: Pubkey, mint_b: Pubkey) -> list[tuple[int, list[tuple[int, bytes]]]]:
        """Two searches: a pool's market chose the order of its mints."""
        a, b = bytes(mint_a), bytes(mint_b)
        return [(_POOL_SIZE, [(400, a), (432, b)]), (_POOL_SIZE, [(400, b), (432, a)])]

    def derived_pools(self, mint_a: Pubkey, mint_b: Pubkey) -> list[Pubkey]:
        """None: a pool's address follows from its market, which may be anywhere."""
        return []

    def read_head(self, head: bytes) -> PoolHead:
        """Status@0, vaults@336 and @368."""
        return PoolHead((address(head, 336), address(head, 368)), open=u64(head, 0) in _OPEN_STATUSES)

    def needed_accounts(self, pool: Pubkey, accounts: Mapping[Pubkey, Account]) -> list[Pubkey]:
        """Both vaults."""
        data = self._pool_data(account_at(accounts, pool, "the pool"))
        return [address(data, 336), address(data, 368)]

    def decode(self, pool: Pubkey, accounts: Mapping[Pubkey, Account]) -> AmmV4Pool:
        """The pool from its AmmInfo of 752 bytes, which has no discriminator, and its vaults. Raises DecodeError."""
        data = self._pool_data(account_at(accounts, pool, "the pool"))
        fee = FeeRate(u64(data, 176), u64(data, 184))
        if fee.denominator == 0:
            raise DecodeError("the pool's fee has no denominator")
        return AmmV4Pool(
            program_id=self.program_id,
            authority=self.authority,
            build=self.build,
            address=pool,
            open_orders=address(data, 496),
            target_orders=address(data, 592),
            market=address(data, 528),
            market_program=address(data, 560),
            side_coin=_side(accounts, address(data, 400), address(data, 336), u64(data, 192)),
            side_pc=_side(accounts, address(data, 432), address(data, 368), u64(data, 200)),
            fee=fee,
            status=u64(data, 0),
            open_time=u64(data, 224),
        )

    def _pool_data(self, pool: Account) -> bytes:
        if pool.owner != self.program_id:
            raise DecodeError(f"the pool belongs to {pool.owner}, not to {self.program_id}")
        if len(pool.data) != _POOL_SIZE:
            raise DecodeError(f"the pool is {len(pool.data)} bytes long, not {_POOL_SIZE}")
        return pool.data

    def read_swap(self, instruction: Instruction) -> SwapRequest:
        """What a swap asks for, of either build and either direction; it names no mints. Raises DecodeError."""
        tags = (_SWAP_BASE_IN, _SWAP_BASE_OUT, _SWAP_BASE_IN_V2, _SWAP_BASE_OUT_V2)
        tag, amount_in, amount_out = read_swap_data(instruction, self.program_id, tags)
        accounts = instruction.accounts
        keys = [meta.pubkey for meta in accounts]
        if len(keys) not in ({8} if tag in _SHORT else {17, 18}):
            raise DecodeError(f"a swap with {len(keys)} accounts")
        if (keys[0], keys[2]) != (TOKEN_PROGRAM, self.authority):
            raise DecodeError("the instruction names a wrong token program or authority")
        require_only_signer(accounts, len(accounts) - 1)
        source, destination, owner = keys[-3:]
        return SwapRequest(
            venue=NAME,
            pool=keys[1],
            user=SwapAccounts(owner=owner, source=source, destination=destination),
            mints=frozenset(),
            amount_in=amount_in,
            min_out=amount_out,
            exact_out=tag in _EXACT_OUT,
        )

    def classify_error(self, code: int, logs: Iterable[str]) -> ProgramError:
        """A custom error by its number: the program logs no names."""
        return classify(code, logs, _ERROR_NAMES, _ERROR_KINDS)


def _side(accounts: Mapping[Pubkey, Account], mint: Pubkey, vault: Pubkey, owed: int) -> Side:
    return Side(mint, vault, vault_balance(account_at(accounts, vault, "the vault"), mint, TOKEN_PROGRAM) - owed)

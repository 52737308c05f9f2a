"""What every venue module speaks: accounts in → pool → quote, instruction; and instruction → what it asks for.

A venue is one on-chain program. All amounts are integers in base units of their mint.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, TypeGuard, runtime_checkable

from solders.instruction import Instruction
from solders.pubkey import Pubkey

from engine_app.chain.accounts import Account
from engine_app.markets.venues.clock import ChainClock


class Dex(StrEnum):
    """The exchange a venue belongs to."""

    RAYDIUM = "raydium"
    METEORA = "meteora"


class Refusal(StrEnum):
    """Why a pool gives no quote: the cases in which its program would refuse the swap."""

    CLOSED = "closed"
    NOT_OPEN_YET = "not open yet"
    OUT_OF_RANGE = "out of range"
    TOO_SMALL = "too small"
    OUT_OF_LIQUIDITY = "out of liquidity"
    UNSUPPORTED = "unsupported"


class QuoteRefused(Exception):
    """The pool gives no quote for this amount; `reason` is one of `Refusal`, `detail` a sentence."""

    def __init__(self, reason: Refusal, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


class FeeKind(StrEnum):
    """Who keeps a fee: the pool with its owners, the pool's creator, or the mint's transfer rule."""

    POOL = "pool"
    CREATOR = "creator"
    TRANSFER = "transfer"


@dataclass(frozen=True, slots=True)
class Fee:
    """A fee inside a quote: `amount` base units of `mint`."""

    kind: FeeKind
    mint: Pubkey
    amount: int


def fees_of(told: Iterable[tuple[FeeKind, Pubkey, int]]) -> tuple[Fee, ...]:
    """Fees by kind, mint and amount, without those of 0."""
    return tuple(Fee(kind, mint, amount) for kind, mint, amount in told if amount)


@dataclass(frozen=True, slots=True)
class SwapQuote:
    """What one pool pays for an amount, at one state.

    Attributes:
        amount_in: base units of the input mint that leave the user.
        amount_out: base units of the output mint that reach the user, net of every fee. May be 0 where the
            program takes the input and pays nothing.
        fees: the fees contained in it, without those of 0.
        marginal_price: price of an infinitely small trade before fees as (output units, input units); the
            effective price is compared with it for the price impact.
    """

    amount_in: int
    amount_out: int
    fees: tuple[Fee, ...]
    marginal_price: tuple[int, int]


@dataclass(frozen=True, slots=True)
class SwapAccounts:
    """The user's side of a swap instruction."""

    owner: Pubkey
    source: Pubkey
    """Token account that pays."""
    destination: Pubkey
    """Token account that receives."""


@dataclass(frozen=True, slots=True)
class SwapRequest:
    """What a swap instruction asks for, as read back from its bytes by the venue's own decoder.

    Attributes:
        venue: the venue's name.
        pool: the pool's address.
        user: who signs, which token account pays and which receives; they give the direction.
        mints: the two mints that the instruction names, in no order; empty where the program takes them from its
            pool and the token accounts alone.
        amount_in: base units that leave `user.source`, exactly; at most where `exact_out`.
        min_out: base units that must reach `user.destination`, at least; exactly where `exact_out`.
        exact_out: whether it buys an exact amount instead of selling one.
    """

    venue: str
    pool: Pubkey
    user: SwapAccounts
    mints: frozenset[Pubkey]
    amount_in: int
    min_out: int
    exact_out: bool = False


class ErrorKind(StrEnum):
    """What a program's error means for an order."""

    SLIPPAGE = "slippage"
    """Less than the minimum would have been paid; a fresh quote may cure it."""
    CLOSED = "closed"
    """The pool does not trade now."""
    LIQUIDITY = "liquidity"
    """The pool does not hold what the swap asks for."""
    TOO_SMALL = "too small"
    """The amount is zero, or becomes zero on its way."""
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class ProgramError:
    """One custom error of a program: its number, its name there, its kind."""

    code: int
    name: str
    kind: ErrorKind


@dataclass(frozen=True, slots=True)
class PoolHead:
    """What a search needs of a pool's account.

    Attributes:
        vaults: the token accounts that hold what the pool owns of its two mints, in the order in which `pool_filters`
            names these; where it owns shares of tokens that lie elsewhere, the accounts of its shares.
        open: whether its status lets anybody swap, now or later.
    """

    vaults: tuple[Pubkey, Pubkey]
    open: bool


class Pool(Protocol):
    """A decoded pool, able to quote and to build its instruction. Immutable."""

    @property
    def venue(self) -> str: ...
    @property
    def dex(self) -> Dex: ...
    @property
    def address(self) -> Pubkey: ...
    @property
    def mints(self) -> tuple[Pubkey, Pubkey]: ...

    def reserve(self, mint: Pubkey) -> int:
        """Base units of one of its mints that the pool has to pay out; 0 where it has none."""
        ...

    def quote_exact_in(self, mint_in: Pubkey, amount_in: int, clock: ChainClock) -> SwapQuote:
        """What the pool pays now. Raises QuoteRefused where its program would refuse the swap."""
        ...

    def swap_instruction(self, user: SwapAccounts, mint_in: Pubkey, amount_in: int, min_out: int) -> Instruction:
        """The instruction that swaps exactly `amount_in` for at least `min_out`."""
        ...

    def token_program(self, mint: Pubkey) -> Pubkey:
        """The token program that owns `mint`, one of the pool's two."""
        ...


@runtime_checkable
class ExactOutPool(Pool, Protocol):
    """A pool whose program also swaps for an exact amount out."""

    def quote_exact_out(self, mint_in: Pubkey, amount_out: int, clock: ChainClock) -> SwapQuote:
        """What has to be paid now so that `amount_out` reaches the user. Raises QuoteRefused."""
        ...

    def swap_exact_out_instruction(
        self, user: SwapAccounts, mint_in: Pubkey, max_in: int, amount_out: int
    ) -> Instruction:
        """The instruction that swaps at most `max_in` for exactly `amount_out` that reach the user."""
        ...


def buys_exactly(pool: Pool) -> TypeGuard[ExactOutPool]:
    """Whether the pool's program also swaps for an exact amount out."""
    # isinstance looks at every member of the protocol, which takes longer than a quote.
    return hasattr(pool, "quote_exact_out") and hasattr(pool, "swap_exact_out_instruction")


class Venue(Protocol):
    """One on-chain program."""

    @property
    def name(self) -> str: ...
    @property
    def dex(self) -> Dex: ...
    @property
    def program_id(self) -> Pubkey: ...

    def pool_filters(self, mint_a: Pubkey, mint_b: Pubkey) -> list[tuple[int, list[tuple[int, bytes]]]]:
        """Searches for the pair's pools with getProgramAccounts: (account size, [(offset, bytes)]) each."""
        ...

    def derived_pools(self, mint_a: Pubkey, mint_b: Pubkey) -> list[Pubkey]:
        """Addresses at which pools of the pair may lie by derivation."""
        ...

    @property
    def head_at(self) -> tuple[int, int]:
        """Offset and length of the part of a pool's account that `read_head` takes."""
        ...

    def read_head(self, head: bytes) -> PoolHead:
        """What that part of a pool's account tells."""
        ...

    def needed_accounts(self, address: Pubkey, accounts: Mapping[Pubkey, Account]) -> list[Pubkey]:
        """Every further account a quote needs, as far as the pool's own account and the others at hand tell.

        An account may name further ones, which are told once it is at hand. Arrays of ticks or bins move with the
        price: those around it at this state are told. Raises DecodeError where the pool is none.
        """
        ...

    def decode(self, address: Pubkey, accounts: Mapping[Pubkey, Account]) -> Pool:
        """The pool from its account and those of `needed_accounts`. Raises DecodeError and nothing else."""
        ...

    def read_swap(self, instruction: Instruction) -> SwapRequest:
        """What a swap instruction of this program asks for. Raises DecodeError for anything else."""
        ...

    def classify_error(self, code: int, logs: Iterable[str]) -> ProgramError:
        """The program's custom error, by the name in the logs first, else by number."""
        ...

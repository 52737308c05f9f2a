"""Meteora DAMM v1: pools over shares of Meteora's dynamic vaults, with a constant product or a stable curve.

Layout and arithmetic: MeteoraAg/damm-v1-sdk, measured on the compiled program together with the vault's. Unlike the
public SDK, the program takes at least one unit of every fee.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

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
from engine_app.markets.venues.layout import U64_MAX, account_at, address, anchor_data, u8, u64
from engine_app.markets.venues.meteora_damm_v1_curves import ConstantProduct, Curve, StableSwap
from engine_app.markets.venues.meteora_vault import Vault, decode_vault, vault_accounts
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

NAME = "meteora_damm_v1"

_POOL_SIZE = 952
_POOL_DISCRIMINATOR = bytes.fromhex("f19a6d0411b16dbc")
_SWAP = bytes.fromhex("f8c69e91e17587c8")
_BY_SLOT, _BY_TIME = range(2)
_CONSTANT_PRODUCT, _STABLE = range(2)

_ERROR_NAMES = {
    6000: "MathOverflow",
    6004: "ExceededSlippage",
    6006: "ZeroTradingTokens",
    6013: "AmountMustGreaterThanZero",
    6015: "PoolDisabled",
}
_ERROR_KINDS = {
    "ExceededSlippage": ErrorKind.SLIPPAGE,
    "ZeroTradingTokens": ErrorKind.TOO_SMALL,
    "AmountMustGreaterThanZero": ErrorKind.TOO_SMALL,
    "PoolDisabled": ErrorKind.CLOSED,
}


@dataclass(frozen=True, slots=True)
class FeeShare:
    """A share of an amount, at least one unit of any where it is on."""

    numerator: int
    denominator: int

    def of(self, amount: int) -> int:
        """Base units."""
        if self.numerator == 0 or amount == 0:
            return 0
        return max(1, amount * self.numerator // self.denominator)


@dataclass(frozen=True, slots=True)
class Side:
    """One of the pool's two tokens.

    Attributes:
        vault: where it lies.
        shares_account: the pool's account of the vault's LP tokens.
        shares: how many it holds.
        protocol_fee: the token account that takes the protocol's part of fees in this token.
    """

    vault: Vault
    shares_account: Pubkey
    shares: int
    protocol_fee: Pubkey

    def reserve(self, now: int) -> int:
        """Base units that the pool's shares are worth at `now` (unix seconds). Raises QuoteRefused."""
        return self.shares * self.vault.withdrawable(now) // self.vault.supply


@dataclass(frozen=True, slots=True)
class DammV1Pool:
    """A pool at one state. Sides A and B stand in the order its creator chose."""

    program_id: Pubkey
    vault_program: Pubkey
    address: Pubkey
    side_a: Side
    side_b: Side
    curve: Curve
    trade_fee: FeeShare
    protocol_fee: FeeShare
    """Of the trade fee."""
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
        return self.side_a.vault.mint, self.side_b.vault.mint

    def reserve(self, mint: Pubkey) -> int:
        """Base units of one of its mints that its shares are worth once no profit is locked, as far as the vault has
        them at hand."""
        side = self._sides(mint)[0]
        if side.vault.supply == 0:
            return 0
        return min(side.shares * side.vault.total // side.vault.supply, side.vault.at_hand)

    def quote_exact_in(self, mint_in: Pubkey, amount_in: int, clock: ChainClock) -> SwapQuote:
        """What `swap` would pay for `amount_in` base units, perhaps 0. Raises QuoteRefused.

        The amount is put into one vault and the output taken out of the other, and each rounds shares down.
        """
        side_in, side_out, a_to_b = self._sides(mint_in)
        self._require_open(clock)
        if amount_in > U64_MAX:
            raise QuoteRefused(Refusal.OUT_OF_RANGE, "the amount is more than a token account can hold")
        now = clock.unix_timestamp
        reserve_in, reserve_out = side_in.reserve(now), side_out.reserve(now)
        if reserve_in == 0 or reserve_out == 0:
            raise QuoteRefused(Refusal.OUT_OF_LIQUIDITY, "the pool is empty")
        price = self.curve.marginal_price(reserve_in, reserve_out, a_to_b)
        if amount_in == 0:
            return SwapQuote(amount_in=0, amount_out=0, fees=(), marginal_price=price)
        trade_fee = self.trade_fee.of(amount_in)
        protocol_fee = self.protocol_fee.of(trade_fee)
        deposited = _arrives(side_in, amount_in - protocol_fee, reserve_in, now)
        swapped = deposited - (trade_fee - protocol_fee)
        if swapped < 0:
            raise QuoteRefused(Refusal.TOO_SMALL, "the fees are more than the amount")
        bought = self.curve.amount_out(swapped, reserve_in, reserve_out, a_to_b)
        return SwapQuote(
            amount_in=amount_in,
            amount_out=_withdrawn(side_out, bought, now),
            fees=(Fee(FeeKind.POOL, mint_in, trade_fee),) if trade_fee else (),
            marginal_price=price,
        )

    def swap_instruction(self, user: SwapAccounts, mint_in: Pubkey, amount_in: int, min_out: int) -> Instruction:
        """`swap`: exactly `amount_in` for at least `min_out`, base units."""
        side_in = self._sides(mint_in)[0]
        a, b = self.side_a, self.side_b
        accounts = [
            writable(self.address),
            writable(user.source),
            writable(user.destination),
            writable(a.vault.address),
            writable(b.vault.address),
            writable(a.vault.token_vault),
            writable(b.vault.token_vault),
            writable(a.vault.lp_mint),
            writable(b.vault.lp_mint),
            writable(a.shares_account),
            writable(b.shares_account),
            writable(side_in.protocol_fee),
            signer(user.owner),
            readable(self.vault_program),
            readable(TOKEN_PROGRAM),
        ]
        return Instruction(self.program_id, swap_data(_SWAP, amount_in, min_out), accounts)

    def token_program(self, mint: Pubkey) -> Pubkey:
        """The classic token program: the venue knows no other."""
        self._sides(mint)
        return TOKEN_PROGRAM

    def _sides(self, mint_in: Pubkey) -> tuple[Side, Side, bool]:
        if mint_in == self.side_a.vault.mint:
            return self.side_a, self.side_b, True
        if mint_in == self.side_b.vault.mint:
            return self.side_b, self.side_a, False
        raise ValueError(f"{mint_in} is no mint of the pool {self.address}")

    def _require_open(self, clock: ChainClock) -> None:
        if not self.enabled:
            raise QuoteRefused(Refusal.CLOSED, "the pool is disabled")
        if (clock.unix_timestamp if self.activated_by_time else clock.slot) < self.activation_point:
            unit = "unix time" if self.activated_by_time else "slot"
            raise QuoteRefused(Refusal.NOT_OPEN_YET, f"the pool opens at {unit} {self.activation_point}")


def _arrives(side: Side, amount: int, reserve: int, now: int) -> int:
    """How much more the pool's shares are worth once `amount` base units were put into the vault."""
    if amount == 0:
        raise QuoteRefused(Refusal.TOO_SMALL, "fees take the whole amount")
    vault = side.vault
    withdrawable = vault.withdrawable(now)
    shares = amount * vault.supply // withdrawable
    worth = (side.shares + shares) * (withdrawable + amount) // (vault.supply + shares)
    return worth - reserve


def _withdrawn(side: Side, amount: int, now: int) -> int:
    """Base units that the vault pays for the shares that `amount` is worth. Raises QuoteRefused."""
    vault = side.vault
    withdrawable = vault.withdrawable(now)
    shares = amount * vault.supply // withdrawable
    paid = shares * withdrawable // vault.supply
    if paid > vault.at_hand:
        raise QuoteRefused(Refusal.OUT_OF_LIQUIDITY, "the vault has lent out too much to pay")
    return paid


class MeteoraDammV1:
    """The venue: the DAMM v1 program over the vault program."""

    name = NAME
    dex = Dex.METEORA
    head_at = (168, 66)

    def __init__(self, program_id: Pubkey, vault_program: Pubkey) -> None:
        self.program_id = program_id
        self.vault_program = vault_program

    def pool_filters(self, mint_a: Pubkey, mint_b: Pubkey) -> list[tuple[int, list[tuple[int, bytes]]]]:
        """Two searches: a pool's creator chooses the order of its mints."""
        a, b = bytes(mint_a), bytes(mint_b)
        return [(_POOL_SIZE, [(40, a), (72, b)]), (_POOL_SIZE, [(40, b), (72, a)])]

    def derived_pools(self, mint_a: Pubkey, mint_b: Pubkey) -> list[Pubkey]:
        """The pair's customizable pool, and its permissionless ones of either curve with the default fee."""
        low, high = sorted((bytes(mint_a), bytes(mint_b)))
        seeds = ([b"pool", high, low], [bytes([_CONSTANT_PRODUCT]), high, low], [bytes([_STABLE]), high, low])
        return [Pubkey.find_program_address(list(seed), self.program_id)[0] for seed in seeds]

    def read_head(self, head: bytes) -> PoolHead:
        """The pool's shares of its two vaults@168 and @200, enabled@233."""
        return PoolHead((address(head, 0), address(head, 32)), open=u8(head, 65) == 1)

    def needed_accounts(self, pool: Pubkey, accounts: Mapping[Pubkey, Account]) -> list[Pubkey]:
        """Both vaults and the pool's shares of them; and each vault's tokens and LP mint, which the vault names."""
        data = self._pool_data(account_at(accounts, pool, "the pool"))
        vaults = [address(data, 104), address(data, 136)]
        named = (vault_accounts(accounts[vault], self.vault_program) for vault in vaults if vault in accounts)
        return [*vaults, address(data, 168), address(data, 200), *(key for keys in named for key in keys)]

    def decode(self, pool: Pubkey, accounts: Mapping[Pubkey, Account]) -> DammV1Pool:
        """The pool from its account of 952 bytes, its vaults with theirs, and its shares. Raises DecodeError."""
        data = self._pool_data(account_at(accounts, pool, "the pool"))
        trade_fee = FeeShare(u64(data, 330), u64(data, 338))
        protocol_fee = FeeShare(u64(data, 346), u64(data, 354))
        if (trade_fee.numerator and not trade_fee.denominator) or (
            protocol_fee.numerator and not protocol_fee.denominator
        ):
            raise DecodeError("the pool's fee has no denominator")
        if trade_fee.numerator > trade_fee.denominator or protocol_fee.numerator > protocol_fee.denominator:
            raise DecodeError("the pool's fee is above 100 %")
        activation_type = u8(data, 475)
        if activation_type > _BY_TIME:
            raise DecodeError(f"the pool has the unknown activation type {activation_type}")
        return DammV1Pool(
            program_id=self.program_id,
            vault_program=self.vault_program,
            address=pool,
            side_a=self._side(accounts, address(data, 40), address(data, 104), address(data, 168), address(data, 234)),
            side_b=self._side(accounts, address(data, 72), address(data, 136), address(data, 200), address(data, 266)),
            curve=_curve(data),
            trade_fee=trade_fee,
            protocol_fee=protocol_fee,
            enabled=u8(data, 233) == 1,
            activation_point=u64(data, 403),
            activated_by_time=activation_type == _BY_TIME,
        )

    def _side(
        self,
        accounts: Mapping[Pubkey, Account],
        mint: Pubkey,
        vault: Pubkey,
        shares_account: Pubkey,
        protocol_fee: Pubkey,
    ) -> Side:
        decoded = decode_vault(vault, mint, self.vault_program, accounts)
        holding = account_at(accounts, shares_account, "the pool's account of vault shares")
        return Side(decoded, shares_account, vault_balance(holding, decoded.lp_mint, TOKEN_PROGRAM), protocol_fee)

    def _pool_data(self, pool: Account) -> bytes:
        return anchor_data(pool, "the pool", self.program_id, _POOL_SIZE, _POOL_DISCRIMINATOR)

    def read_swap(self, instruction: Instruction) -> SwapRequest:
        """What a `swap` instruction asks for; it names no mints. Raises DecodeError for anything else."""
        _, amount_in, min_out = read_swap_data(instruction, self.program_id, (_SWAP,))
        accounts = instruction.accounts
        if len(accounts) != 15:
            raise DecodeError(f"a swap with {len(accounts)} accounts")
        keys = [meta.pubkey for meta in accounts]
        if keys[13:] != [self.vault_program, TOKEN_PROGRAM]:
            raise DecodeError("the instruction names a wrong vault or token program")
        require_only_signer(accounts, 12)
        return SwapRequest(
            venue=NAME,
            pool=keys[0],
            user=SwapAccounts(owner=keys[12], source=keys[1], destination=keys[2]),
            mints=frozenset(),
            amount_in=amount_in,
            min_out=min_out,
        )

    def classify_error(self, code: int, logs: Iterable[str]) -> ProgramError:
        """A custom error by the name in the logs first, else by number."""
        return classify(code, logs, _ERROR_NAMES, _ERROR_KINDS)


def _curve(data: bytes) -> Curve:
    """The curve of a pool account: tag@874, and of a stable one amplification@875, multipliers@883 and @891 and the
    kind of token that loses its peg@916. Raises DecodeError."""
    kind = u8(data, 874)
    if kind == _CONSTANT_PRODUCT:
        return ConstantProduct()
    if kind != _STABLE:
        raise DecodeError(f"the pool has the unknown curve {kind}")
    if u8(data, 916) != 0:
        raise DecodeError("the pool prices a staked token by its stake account, which is not supported")
    curve = StableSwap(u64(data, 875), u64(data, 883), u64(data, 891))
    if not (curve.amplification and curve.multiplier_a and curve.multiplier_b):
        raise DecodeError("the pool's stable curve has no amplification or multipliers")
    return curve

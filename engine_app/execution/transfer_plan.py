"""What a withdrawal does on chain, and whether it may: from one read of its accounts to its instructions. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from solders.instruction import Instruction
from solders.pubkey import Pubkey
from solders.system_program import ID as SYSTEM_PROGRAM
from solders.system_program import TransferParams, transfer

from engine_app.chain.accounts import Account, DecodeError
from engine_app.chain.token_accounts import (
    TOKEN_2022_PROGRAM,
    TOKEN_PROGRAM,
    WRAPPED_SOL_MINT,
    ata,
    ata_size,
    decode_mint,
    decode_token_account,
    token_account_at,
)
from engine_app.chain.token_instructions import create_ata_idempotent, transfer_checked, transfer_checked_with_fee
from engine_app.chain.transactions import SIGNATURE_LAMPORTS, attempt_memo
from engine_app.markets.tokens import whole
from engine_app.markets.venues.clock import CLOCK_SYSVAR, decode_clock
from engine_app.markets.venues.spl_token import transfer_fees
from engine_app.orders.errors import (
    DESTINATION_BELOW_RENT,
    DESTINATION_REFUSED,
    INSUFFICIENT_FUNDS,
    LEAVES_DUST,
    TOKEN_NOT_TRANSFERABLE,
)

COMPUTE_UNITS = 200_000
"""More than a transfer takes that opens an account for the strictest mint that is sent."""

_PROGRAMS = (TOKEN_PROGRAM, TOKEN_2022_PROGRAM)


class TransferRefused(Exception):
    """The transfer cannot be made, or would lose money; `code` is the order's, the text one sentence."""

    def __init__(self, code: str, told: str) -> None:
        super().__init__(told)
        self.code = code
        self.told = told


@dataclass(frozen=True, slots=True)
class Transfer:
    """What an order sends: `amount` base units of `mint` (wrapped SOL's stands for SOL) to the wallet `destination`."""

    owner: Pubkey
    destination: Pubkey
    mint: Pubkey
    amount: int
    decimals: int

    @property
    def is_sol(self) -> bool:
        """Whether lamports are sent."""
        return self.mint == WRAPPED_SOL_MINT


@dataclass(frozen=True, slots=True)
class TransferPlan:
    """How it is sent.

    Attributes:
        transfer: what.
        token_program: the mint's; SPL Token for SOL, where it has no meaning.
        withheld: base units of the amount that the mint keeps; None for a mint that has no such rule.
        opens: bytes of the destination's token account, which has to be made; None where it exists, and for SOL.
        with_memo: whether the destination takes nothing without a memo.
        held: base units that the wallet has to spend from: lamports for SOL.
        lamports: what the wallet holds.
    """

    transfer: Transfer
    token_program: Pubkey
    withheld: int | None
    opens: int | None
    with_memo: bool
    held: int
    lamports: int

    @property
    def arrives(self) -> int:
        """Base units that reach the destination."""
        return self.transfer.amount - (self.withheld or 0)

    @property
    def receiving_account(self) -> Pubkey:
        """Where it arrives: the destination itself for SOL, else its associated token account."""
        wanted = self.transfer
        return wanted.destination if wanted.is_sol else ata(wanted.destination, wanted.mint, self.token_program)


def accounts_to_read(wanted: Transfer) -> list[Pubkey]:
    """All that `plan_transfer` looks at, for either token program that may own the mint."""
    wallets = [wanted.owner, wanted.destination]
    if wanted.is_sol:
        return wallets
    token_accounts = [ata(wallet, wanted.mint, program) for wallet in wallets for program in _PROGRAMS]
    return [*wallets, wanted.mint, CLOCK_SYSVAR, *token_accounts]


def plan_transfer(wanted: Transfer, accounts: Mapping[Pubkey, Account], *, wallet_rent: int) -> TransferPlan:
    """Plan a transfer.

    Args:
        wanted: what to send.
        accounts: those of `accounts_to_read` that exist, as of one slot.
        wallet_rent: rent exemption of a wallet, lamports.

    Raises:
        TransferRefused: the destination is no wallet, cannot receive it, or the mint's transfers cannot be priced.
        DecodeError: the node's answer has no clock.
    """
    destination = accounts.get(wanted.destination)
    if destination is not None and (reason := _no_wallet(destination)) is not None:
        raise TransferRefused(DESTINATION_REFUSED, f"the destination is {reason}")
    owner = accounts.get(wanted.owner)
    lamports = 0 if owner is None else owner.lamports
    if not wanted.is_sol:
        return _plan_token(wanted, accounts, lamports)
    arriving = wanted.amount + (0 if destination is None else destination.lamports)
    if arriving < wallet_rent:
        least = whole(wallet_rent - arriving + wanted.amount, wanted.decimals)
        raise TransferRefused(DESTINATION_BELOW_RENT, f"the destination is new: it has to receive {least} SOL or more")
    return TransferPlan(
        wanted, TOKEN_PROGRAM, withheld=None, opens=None, with_memo=False, held=lamports, lamports=lamports
    )


def _plan_token(wanted: Transfer, accounts: Mapping[Pubkey, Account], lamports: int) -> TransferPlan:
    try:
        mint = decode_mint(accounts[wanted.mint])
    except (KeyError, DecodeError):
        raise TransferRefused(TOKEN_NOT_TRANSFERABLE, f"there is no mint {wanted.mint}") from None
    program = mint.token_program
    if mint.decimals != wanted.decimals:
        raise TransferRefused(TOKEN_NOT_TRANSFERABLE, f"the mint has {mint.decimals} decimals, not {wanted.decimals}")
    fees = transfer_fees(accounts, wanted.mint, program)
    if fees.unpriced is not None:
        raise TransferRefused(TOKEN_NOT_TRANSFERABLE, f"its mint has an extension: {fees.unpriced}")
    epoch = decode_clock(accounts.get(CLOCK_SYSVAR)).epoch
    withheld = fees.on(wanted.amount, epoch) if mint.withholds_fees else None
    if withheld is not None and withheld >= wanted.amount:
        raise TransferRefused(TOKEN_NOT_TRANSFERABLE, "its transfer fee would take all of the amount")
    held = token_account_at(accounts, ata(wanted.owner, wanted.mint, program))
    if held is not None and held.frozen:
        raise TransferRefused(TOKEN_NOT_TRANSFERABLE, "its issuer has frozen this wallet's account of it")
    receiving = token_account_at(accounts, ata(wanted.destination, wanted.mint, program))
    if receiving is not None and receiving.owner != wanted.destination:
        raise TransferRefused(DESTINATION_REFUSED, "the destination has given its token account to somebody else")
    if receiving is not None and receiving.frozen:
        raise TransferRefused(DESTINATION_REFUSED, "the token's issuer has frozen the destination's account of it")
    return TransferPlan(
        wanted,
        program,
        withheld=withheld,
        opens=ata_size(mint) if receiving is None else None,
        with_memo=receiving is not None and receiving.requires_memo,
        held=0 if held is None else held.amount,
        lamports=lamports,
    )


def _no_wallet(account: Account) -> str | None:
    """What an account is instead of a wallet, in words; None for a wallet: the system program's, without data."""
    if account.owner == SYSTEM_PROGRAM:
        return "an account with data of its own" if account.data else None
    if account.owner in _PROGRAMS:
        try:
            holder = decode_token_account(account).owner
        except DecodeError:
            return "a mint or another account of the token program"
        return f"a token account: give the wallet that owns it, {holder}"
    return f"an account of the program {account.owner}"


def transfer_instructions(plan: TransferPlan, attempt_id: UUID) -> list[Instruction]:
    """Make the destination's token account where it is missing, and transfer."""
    wanted = plan.transfer
    owner, mint, program = wanted.owner, wanted.mint, plan.token_program
    if wanted.is_sol:
        return [transfer(TransferParams(from_pubkey=owner, to_pubkey=wanted.destination, lamports=wanted.amount))]
    steps: list[Instruction] = []
    if plan.opens is not None:
        steps.append(create_ata_idempotent(owner, wanted.destination, mint, program))
    if plan.with_memo:
        steps.append(attempt_memo(attempt_id))
    ends = (ata(owner, mint, program), mint, plan.receiving_account, owner, wanted.amount, wanted.decimals)
    if plan.withheld is None:
        return [*steps, transfer_checked(*ends, program)]
    return [*steps, transfer_checked_with_fee(*ends, plan.withheld)]


def transfer_needs(
    plan: TransferPlan, *, opening_rent: int, wallet_rent: int, priority_fee: int, tries: int
) -> dict[str, int]:
    """What a transfer takes of its wallet at worst, base units per mint; lamports under wrapped SOL's mint.

    Args:
        plan: the transfer.
        opening_rent: rent exemption of the account that it opens, lamports; 0 where it opens none.
        wallet_rent: what the wallet itself has to keep to stay rent exempt, lamports.
        priority_fee: most that one try pays on top of the base fee, lamports.
        tries: how many tries may still be paid for.
    """
    lamports = wallet_rent + opening_rent + tries * (SIGNATURE_LAMPORTS + priority_fee)
    if plan.transfer.is_sol:
        return {str(WRAPPED_SOL_MINT): lamports + plan.transfer.amount}
    return {str(WRAPPED_SOL_MINT): lamports, str(plan.transfer.mint): plan.transfer.amount}


def emptying_fee(plan: TransferPlan, *, wallet_rent: int, most: int) -> int | None:
    """The priority fee, lamports, with which a transfer of SOL leaves nothing behind; None where it leaves the wallet
    rent exempt, and for tokens.

    Args:
        plan: the transfer.
        wallet_rent: rent exemption of a wallet, lamports.
        most: what may be paid on top of the base fee so that nothing is left, lamports.

    Raises:
        TransferRefused: it would leave less than the rent exemption, which the chain does not allow.
    """
    if not plan.transfer.is_sol:
        return None
    left = plan.lamports - plan.transfer.amount - SIGNATURE_LAMPORTS
    if left >= wallet_rent:
        return None
    if left < 0:
        raise TransferRefused(
            INSUFFICIENT_FUNDS, f"the wallet holds {_sol(plan.lamports)} SOL, too little for it and its fee"
        )
    if left <= most:
        return left
    raise TransferRefused(
        LEAVES_DUST,
        f"it would leave {_sol(left)} SOL in the wallet; leave nothing, or {_sol(wallet_rent)} SOL and fees",
    )


def _sol(lamports: int) -> str:
    return str(whole(lamports, 9))

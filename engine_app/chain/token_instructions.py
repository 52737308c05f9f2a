"""The token instructions around a swap and of a withdrawal, as solana-py writes them.

Those that every swap has, and has several times over while it is planned and checked, are written here: solana-py's
builders take several times as long for the same bytes.

Wrapped SOL lives in an account of one attempt's own, made and closed by that attempt's transaction, so that the owner's
other accounts are never touched.
"""

from __future__ import annotations

from uuid import UUID

from solders.instruction import AccountMeta, Instruction
from solders.pubkey import Pubkey
from solders.system_program import ID as SYSTEM_PROGRAM
from solders.system_program import CreateAccountWithSeedParams, create_account_with_seed
from spl.token.instructions import transfer_checked as checked_transfer
from spl.token.models import TransferCheckedParams

from engine_app.chain.token_accounts import (
    ASSOCIATED_TOKEN_PROGRAM,
    TOKEN_2022_PROGRAM,
    TOKEN_ACCOUNT_SIZE,
    TOKEN_PROGRAM,
    WRAPPED_SOL_MINT,
    ata,
    wrapped_sol_address,
)

_CREATE_IDEMPOTENT = b"\x01"
_CLOSE_ACCOUNT = b"\x09"
_INITIALIZE_ACCOUNT_3 = b"\x12"
_TRANSFER_CHECKED_WITH_FEE = b"\x1a\x01"


def create_ata_idempotent(payer: Pubkey, owner: Pubkey, mint: Pubkey, token_program: Pubkey) -> Instruction:
    """Make the owner's associated token account, rent paid by `payer`; does nothing where it exists."""
    accounts = [
        AccountMeta(payer, is_signer=True, is_writable=True),
        AccountMeta(ata(owner, mint, token_program), is_signer=False, is_writable=True),
        AccountMeta(owner, is_signer=False, is_writable=False),
        AccountMeta(mint, is_signer=False, is_writable=False),
        AccountMeta(SYSTEM_PROGRAM, is_signer=False, is_writable=False),
        AccountMeta(token_program, is_signer=False, is_writable=False),
    ]
    return Instruction(ASSOCIATED_TOKEN_PROGRAM, _CREATE_IDEMPOTENT, accounts)


def transfer_checked(  # noqa: PLR0917 - the instruction's own order
    source: Pubkey, mint: Pubkey, destination: Pubkey, owner: Pubkey, amount: int, decimals: int, token_program: Pubkey
) -> Instruction:
    """Move `amount` base units of a mint between two token accounts; refused where mint or decimals are others."""
    return checked_transfer(
        TransferCheckedParams(
            program_id=token_program,
            source=source,
            mint=mint,
            dest=destination,
            owner=owner,
            amount=amount,
            decimals=decimals,
        )
    )


def transfer_checked_with_fee(  # noqa: PLR0917 - the instruction's own order
    source: Pubkey, mint: Pubkey, destination: Pubkey, owner: Pubkey, amount: int, decimals: int, fee: int
) -> Instruction:
    """The same for a Token-2022 mint that withholds a fee; refused where that is not exactly `fee` base units."""
    data = _TRANSFER_CHECKED_WITH_FEE + amount.to_bytes(8, "little") + bytes([decimals]) + fee.to_bytes(8, "little")
    plain = transfer_checked(source, mint, destination, owner, amount, decimals, TOKEN_2022_PROGRAM)
    return Instruction(TOKEN_2022_PROGRAM, data, plain.accounts)


def open_wrapped_sol(owner: Pubkey, attempt_id: UUID, lamports: int, rent: int) -> list[Instruction]:
    """Make and initialize the attempt's wrapped-SOL account.

    Args:
        owner: who pays for it and owns it.
        attempt_id: the attempt.
        lamports: SOL that it shall hold as tokens, lamports; 0 where it only receives.
        rent: rent exemption of a token account, lamports; comes back when it is closed.
    """
    address = wrapped_sol_address(owner, attempt_id)
    return [
        create_account_with_seed(
            CreateAccountWithSeedParams(
                from_pubkey=owner,
                to_pubkey=address,
                base=owner,
                seed=attempt_id.hex,
                lamports=lamports + rent,
                space=TOKEN_ACCOUNT_SIZE,
                owner=TOKEN_PROGRAM,
            )
        ),
        initialize_wrapped_sol(owner, attempt_id),
    ]


def initialize_wrapped_sol(owner: Pubkey, attempt_id: UUID) -> Instruction:
    """Initialize the attempt's wrapped-SOL account, once it is made."""
    accounts = [
        AccountMeta(wrapped_sol_address(owner, attempt_id), is_signer=False, is_writable=True),
        AccountMeta(WRAPPED_SOL_MINT, is_signer=False, is_writable=False),
    ]
    return Instruction(TOKEN_PROGRAM, _INITIALIZE_ACCOUNT_3 + bytes(owner), accounts)


def close_wrapped_sol(owner: Pubkey, attempt_id: UUID) -> Instruction:
    """Close the attempt's wrapped-SOL account: all it holds, rent included, becomes the owner's SOL."""
    accounts = [
        AccountMeta(wrapped_sol_address(owner, attempt_id), is_signer=False, is_writable=True),
        AccountMeta(owner, is_signer=False, is_writable=True),
        AccountMeta(owner, is_signer=True, is_writable=False),
    ]
    return Instruction(TOKEN_PROGRAM, _CLOSE_ACCOUNT, accounts)

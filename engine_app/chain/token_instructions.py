"""The token instructions around a swap and of a withdrawal, as solana-py writes them.

Wrapped SOL lives in an account of one attempt's own, made and closed by that attempt's transaction, so that the owner's
other accounts are never touched.
"""

from __future__ import annotations

from uuid import UUID

from solders.instruction import Instruction
from solders.pubkey import Pubkey
from solders.system_program import CreateAccountWithSeedParams, create_account_with_seed
from spl.token.instructions import (
    close_account,
    create_idempotent_associated_token_account,
    initialize_account3,
)
from spl.token.instructions import transfer_checked as checked_transfer
from spl.token.models import CloseAccountParams, InitializeAccount3Params, TransferCheckedParams

from engine_app.chain.token_accounts import (
    TOKEN_2022_PROGRAM,
    TOKEN_ACCOUNT_SIZE,
    TOKEN_PROGRAM,
    WRAPPED_SOL_MINT,
    wrapped_sol_address,
)

_TRANSFER_CHECKED_WITH_FEE = b"\x1a\x01"


def create_ata_idempotent(payer: Pubkey, owner: Pubkey, mint: Pubkey, token_program: Pubkey) -> Instruction:
    """Make the owner's associated token account, rent paid by `payer`; does nothing where it exists."""
    return create_idempotent_associated_token_account(payer, owner, mint, token_program)


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
        initialize_account3(
            InitializeAccount3Params(program_id=TOKEN_PROGRAM, account=address, mint=WRAPPED_SOL_MINT, owner=owner)
        ),
    ]


def close_wrapped_sol(owner: Pubkey, attempt_id: UUID) -> Instruction:
    """Close the attempt's wrapped-SOL account: all it holds, rent included, becomes the owner's SOL."""
    return close_account(
        CloseAccountParams(
            program_id=TOKEN_PROGRAM, account=wrapped_sol_address(owner, attempt_id), dest=owner, owner=owner
        )
    )

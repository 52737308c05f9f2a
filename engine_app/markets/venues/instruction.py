"""Writing and reading the parts that all swap instructions share: arguments, account metas and signers."""

from __future__ import annotations

from collections.abc import Sequence

from solders.instruction import AccountMeta, Instruction
from solders.pubkey import Pubkey

from engine_app.chain.accounts import DecodeError
from engine_app.markets.venues.layout import u64


def signer(key: Pubkey) -> AccountMeta:
    """An account that signs and is not written."""
    return AccountMeta(key, is_signer=True, is_writable=False)


def readable(key: Pubkey) -> AccountMeta:
    """An account that is only read."""
    return AccountMeta(key, is_signer=False, is_writable=False)


def writable(key: Pubkey) -> AccountMeta:
    """An account that is written."""
    return AccountMeta(key, is_signer=False, is_writable=True)


def require_only_signer(accounts: Sequence[AccountMeta], index: int) -> None:
    """Raises DecodeError unless the account at `index`, and no other, signs."""
    if [at for at, meta in enumerate(accounts) if meta.is_signer] != [index]:
        raise DecodeError("the instruction asks for other signatures than its owner's")


def swap_data(discriminator: bytes, amount_1: int, amount_2: int) -> bytes:
    """The data of an instruction with two amounts, base units."""
    return discriminator + amount_1.to_bytes(8, "little") + amount_2.to_bytes(8, "little")


def read_swap_data(
    instruction: Instruction, program: Pubkey, discriminators: Sequence[bytes], rest: bytes = b""
) -> tuple[bytes, int, int]:
    """The discriminator, one of these of equal length, and the two amounts as `swap_data` wrote them for the program,
    with `rest` behind them. Raises DecodeError for anything else."""
    data = instruction.data
    if instruction.program_id != program:
        raise DecodeError(f"the instruction is for {instruction.program_id}")
    at = len(discriminators[0])
    if data[:at] not in discriminators or len(data) < at + 16 or data[at + 16 :] != rest:
        raise DecodeError("the instruction is no swap that is known")
    return data[:at], u64(data, at), u64(data, at + 8)

"""Token-2022 mints with extensions, made by the real program."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from solders.instruction import AccountMeta, Instruction
from solders.pubkey import Pubkey
from solders.system_program import ID as SYSTEM_PROGRAM
from solders.system_program import CreateAccountParams, create_account

from engine_app.chain.token_accounts import TOKEN_2022_PROGRAM, ata

_FIRST_EXTENSION_AT = 166
_MINT_TO = b"\x07"
_INITIALIZE_MINT_2 = b"\x14"
_FREEZE = b"\x0a"
_REALLOCATE = b"\x1d"
_REQUIRE_MEMO = b"\x1e\x00"
_MEMO_TRANSFER = b"\x08\x00"


@dataclass(frozen=True)
class Extension:
    """An extension of a mint: how it is initialized, and the bytes it takes behind its header."""

    data: bytes
    size: int


def transfer_fee(basis_points: int, maximum: int) -> Extension:
    """Keeps a part of each transfer."""
    nobody = b"\x00\x00"
    return Extension(b"\x1a\x00" + nobody + basis_points.to_bytes(2, "little") + maximum.to_bytes(8, "little"), 108)


NON_TRANSFERABLE = Extension(b"\x20", 0)
FROZEN_BY_DEFAULT = Extension(b"\x1c\x00\x02", 1)


def transfer_hook(program: Pubkey | None) -> Extension:
    """Calls a program with each transfer, once somebody has named one."""
    return Extension(b"\x24\x00" + bytes(TOKEN_2022_PROGRAM) + (bytes(32) if program is None else bytes(program)), 64)


def mint_size(extensions: Sequence[Extension]) -> int:
    """Bytes of the mint's account."""
    return _FIRST_EXTENSION_AT + sum(4 + extension.size for extension in extensions) if extensions else 82


def new_mint(
    payer: Pubkey, mint: Pubkey, extensions: Sequence[Extension], *, decimals: int, lamports: int
) -> list[Instruction]:
    """Make a mint whose authority and freeze authority is the payer. Both the payer and the mint sign."""
    size = mint_size(extensions)
    made = create_account(
        CreateAccountParams(from_pubkey=payer, to_pubkey=mint, lamports=lamports, space=size, owner=TOKEN_2022_PROGRAM)
    )
    authority = bytes(payer) + b"\x01" + bytes(payer)
    initialize = _of_mint(mint, _INITIALIZE_MINT_2 + bytes([decimals]) + authority)
    return [made, *(_of_mint(mint, extension.data) for extension in extensions), initialize]


def issue(authority: Pubkey, owner: Pubkey, mint: Pubkey, amount: int) -> Instruction:
    """Mint base units into a wallet's associated token account."""
    account = ata(owner, mint, TOKEN_2022_PROGRAM)
    return _token([(mint, True), (account, True)], authority, _MINT_TO + amount.to_bytes(8, "little"))


def freeze(authority: Pubkey, owner: Pubkey, mint: Pubkey) -> Instruction:
    """Freeze a wallet's associated token account."""
    return _token([(ata(owner, mint, TOKEN_2022_PROGRAM), True), (mint, False)], authority, _FREEZE)


def require_memos(owner: Pubkey, mint: Pubkey) -> list[Instruction]:
    """Have a wallet's associated token account take nothing without a memo."""
    account = ata(owner, mint, TOKEN_2022_PROGRAM)
    room = Instruction(
        TOKEN_2022_PROGRAM,
        _REALLOCATE + _MEMO_TRANSFER,
        [
            AccountMeta(account, is_signer=False, is_writable=True),
            AccountMeta(owner, is_signer=True, is_writable=True),
            AccountMeta(SYSTEM_PROGRAM, is_signer=False, is_writable=False),
            AccountMeta(owner, is_signer=True, is_writable=False),
        ],
    )
    return [room, _token([(account, True)], owner, _REQUIRE_MEMO)]


def _of_mint(mint: Pubkey, data: bytes) -> Instruction:
    return Instruction(TOKEN_2022_PROGRAM, data, [AccountMeta(mint, is_signer=False, is_writable=True)])


def _token(accounts: Sequence[tuple[Pubkey, bool]], authority: Pubkey, data: bytes) -> Instruction:
    metas = [AccountMeta(key, is_signer=False, is_writable=writable) for key, writable in accounts]
    return Instruction(TOKEN_2022_PROGRAM, data, [*metas, AccountMeta(authority, is_signer=True, is_writable=False)])

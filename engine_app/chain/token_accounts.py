"""SPL token accounts and mints: addresses and decoding.

Layouts: SPL Token (account 165 B, mint 82 B) and Token-2022, which puts type-length-value extensions behind
byte 165.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from uuid import UUID

from solders.pubkey import Pubkey
from solders.token.associated import get_associated_token_address

from engine_app.chain.accounts import Account, DecodeError

TOKEN_PROGRAM = Pubkey.from_string("TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA")
TOKEN_2022_PROGRAM = Pubkey.from_string("TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb")
ASSOCIATED_TOKEN_PROGRAM = Pubkey.from_string("ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL")
WRAPPED_SOL_MINT = Pubkey.from_string("So11111111111111111111111111111111111111112")

TOKEN_ACCOUNT_SIZE = 165
"""Bytes of a token account without extensions."""
_MINT_SIZE = 82
_MULTISIG_SIZE = 355
_TOKEN_PROGRAMS = (TOKEN_PROGRAM, TOKEN_2022_PROGRAM)
_ACCOUNT_TYPE_MINT = 1
_ACCOUNT_TYPE_ACCOUNT = 2

_TRANSFER_FEE_CONFIG = 1
_MEMO_TRANSFER = 8
_HEADER_SIZE = 4
_IMMUTABLE_OWNER_SIZE = 0
_ACCOUNT_EXTENSION_SIZES = {_TRANSFER_FEE_CONFIG: 8, 9: 0, 14: 1, 26: 0}
"""Bytes of what each of a mint's extensions adds to its accounts: withheld fees, that it is not transferable, whether
a hook runs, that it may be paused."""


@dataclass(frozen=True, slots=True)
class TokenAccount:
    """A decoded token account.

    Attributes:
        mint: its mint.
        owner: the wallet that may spend from it.
        amount: base units of the mint.
        frozen: the mint's freeze authority has stopped it.
        token_program: SPL Token or Token-2022.
        requires_memo: a transfer into it must come right behind a memo.
    """

    mint: Pubkey
    owner: Pubkey
    amount: int
    frozen: bool
    token_program: Pubkey
    requires_memo: bool = False


@dataclass(frozen=True, slots=True)
class Mint:
    """A decoded mint.

    Attributes:
        decimals: decimal places of a whole token.
        supply: base units.
        token_program: SPL Token or Token-2022.
        mint_authority, freeze_authority: who may mint or freeze, None where nobody can any more.
        extensions: Token-2022 extensions: type number → bytes of its value.
    """

    decimals: int
    supply: int
    token_program: Pubkey
    mint_authority: Pubkey | None
    freeze_authority: Pubkey | None
    extensions: Mapping[int, bytes]

    @property
    def withholds_fees(self) -> bool:
        """Whether the mint keeps a part of what is transferred, be it nothing at the moment."""
        return _TRANSFER_FEE_CONFIG in self.extensions


@lru_cache(maxsize=2048)
def ata(owner: Pubkey, mint: Pubkey, token_program: Pubkey) -> Pubkey:
    """The associated token account of a wallet for a mint, kept: the search for one takes long."""
    return get_associated_token_address(owner, mint, token_program)


def ata_size(mint: Mint) -> int:
    """Bytes of an associated token account of a mint: Token-2022's has an immutable owner, and what the mint's own
    extensions ask of its accounts."""
    if mint.token_program == TOKEN_PROGRAM:
        return TOKEN_ACCOUNT_SIZE
    asked = [_ACCOUNT_EXTENSION_SIZES[kind] for kind in mint.extensions if kind in _ACCOUNT_EXTENSION_SIZES]
    return TOKEN_ACCOUNT_SIZE + 1 + sum(_HEADER_SIZE + size for size in (_IMMUTABLE_OWNER_SIZE, *asked))


def most_ata_size(token_program: Pubkey) -> int:
    """The same at the most, for any mint of a token program."""
    if token_program == TOKEN_PROGRAM:
        return TOKEN_ACCOUNT_SIZE
    sizes = (_IMMUTABLE_OWNER_SIZE, *_ACCOUNT_EXTENSION_SIZES.values())
    return TOKEN_ACCOUNT_SIZE + 1 + sum(_HEADER_SIZE + size for size in sizes)


def wrapped_sol_address(owner: Pubkey, attempt_id: UUID) -> Pubkey:
    """The wrapped-SOL account of one attempt: derived from the owner, the attempt id's hex digits and the token
    program, so no other attempt and no other program has it."""
    return Pubkey.create_with_seed(owner, attempt_id.hex, TOKEN_PROGRAM)


def decode_token_account(account: Account) -> TokenAccount:
    """The token account in these bytes. Raises DecodeError for anything else, an uninitialized one included."""
    data = account.data
    if account.owner not in _TOKEN_PROGRAMS:
        raise DecodeError(f"owned by {account.owner}, not by a token program")
    if len(data) != TOKEN_ACCOUNT_SIZE and not _extended(account, _ACCOUNT_TYPE_ACCOUNT):
        raise DecodeError(f"{len(data)} bytes are no token account")
    state = data[108]
    if state not in (1, 2):
        raise DecodeError("the token account is not initialized")
    return TokenAccount(
        mint=Pubkey(data[0:32]),
        owner=Pubkey(data[32:64]),
        amount=int.from_bytes(data[64:72], "little"),
        frozen=state == 2,
        token_program=account.owner,
        requires_memo=_extensions(data).get(_MEMO_TRANSFER, b"") == b"\x01",
    )


def token_account_at(accounts: Mapping[Pubkey, Account], address: Pubkey) -> TokenAccount | None:
    """The token account at an address; None where none was made yet, even if somebody has sent lamports there."""
    try:
        return decode_token_account(accounts[address])
    except (KeyError, DecodeError):
        return None


def decode_mint(account: Account) -> Mint:
    """The mint in these bytes. Raises DecodeError for anything else, an uninitialized one included."""
    data = account.data
    if account.owner not in _TOKEN_PROGRAMS:
        raise DecodeError(f"owned by {account.owner}, not by a token program")
    if len(data) != _MINT_SIZE and not _extended(account, _ACCOUNT_TYPE_MINT):
        raise DecodeError(f"{len(data)} bytes are no mint")
    if data[45] != 1:
        raise DecodeError("the mint is not initialized")
    return Mint(
        decimals=data[44],
        supply=int.from_bytes(data[36:44], "little"),
        token_program=account.owner,
        mint_authority=_optional_key(data, 0),
        freeze_authority=_optional_key(data, 46),
        extensions=MappingProxyType(_extensions(data)),
    )


def _extended(account: Account, account_type: int) -> bool:
    """Token-2022 pads a mint to an account's length, so that byte 165 tells which of both it is; a multisig,
    told by its length alone, is neither."""
    return (
        account.owner == TOKEN_2022_PROGRAM
        and len(account.data) > TOKEN_ACCOUNT_SIZE
        and len(account.data) != _MULTISIG_SIZE
        and account.data[TOKEN_ACCOUNT_SIZE] == account_type
    )


def _optional_key(data: bytes, offset: int) -> Pubkey | None:
    tag = int.from_bytes(data[offset : offset + 4], "little")
    if tag > 1:
        raise DecodeError(f"option tag {tag} at byte {offset}")
    return Pubkey(data[offset + 4 : offset + 36]) if tag else None


def _extensions(data: bytes) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    position = TOKEN_ACCOUNT_SIZE + 1
    while position + 4 <= len(data):
        kind = int.from_bytes(data[position : position + 2], "little")
        length = int.from_bytes(data[position + 2 : position + 4], "little")
        if kind == 0:
            break
        value = data[position + 4 : position + 4 + length]
        if len(value) != length:
            raise DecodeError(f"extension {kind} ends behind the account's last byte")
        found[kind] = value
        position += 4 + length
    return found

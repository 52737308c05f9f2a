"""Reading classic SPL Token and Token-2022 accounts: the 165- and 82-byte layouts both programs share."""

from dataclasses import dataclass

from solders.account import Account
from solders.pubkey import Pubkey

TOKEN_PROGRAM = Pubkey.from_string("TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA")
TOKEN_2022_PROGRAM = Pubkey.from_string("TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb")
ASSOCIATED_TOKEN_PROGRAM = Pubkey.from_string("ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL")
WRAPPED_SOL = Pubkey.from_string("So11111111111111111111111111111111111111112")
TOKEN_PROGRAMS = frozenset({TOKEN_PROGRAM, TOKEN_2022_PROGRAM})
TOKEN_ACCOUNT_LENGTH = 165
MINT_LENGTH = 82
_TOKEN_2022_KIND_OFFSET = 165
_KIND_MINT, _KIND_ACCOUNT = 1, 2
_STATES = ("uninitialized", "initialized", "frozen")


@dataclass(frozen=True, slots=True)
class TokenAccount:
    """A token account's fields; amounts in base units of its mint."""

    mint: Pubkey
    owner: Pubkey
    amount: int
    delegate: Pubkey | None
    state: str
    native_reserve: int | None
    delegated_amount: int
    close_authority: Pubkey | None


@dataclass(frozen=True, slots=True)
class Mint:
    """A mint's fields; supply in base units."""

    mint_authority: Pubkey | None
    supply: int
    decimals: int
    is_initialized: bool
    freeze_authority: Pubkey | None


def associated_token_address(owner: Pubkey, mint: Pubkey, token_program: Pubkey = TOKEN_PROGRAM) -> Pubkey:
    """The address of the owner's associated token account."""
    seeds = [bytes(owner), bytes(token_program), bytes(mint)]
    return Pubkey.find_program_address(seeds, ASSOCIATED_TOKEN_PROGRAM)[0]


def decode_token_account(account: Account | None) -> TokenAccount | None:
    """The token account, or None where this is none or it is not initialised."""
    if account is None or account.owner not in TOKEN_PROGRAMS:
        return None
    data = account.data
    if not _is_kind(data, TOKEN_ACCOUNT_LENGTH, _KIND_ACCOUNT) or not 0 < data[108] < len(_STATES):
        return None
    return TokenAccount(
        mint=Pubkey(data[0:32]),
        owner=Pubkey(data[32:64]),
        amount=_u64(data, 64),
        delegate=_optional_key(data, 72),
        state=_STATES[data[108]],
        native_reserve=_u64(data, 113) if data[109] else None,
        delegated_amount=_u64(data, 121),
        close_authority=_optional_key(data, 129),
    )


def decode_mint(account: Account | None) -> Mint | None:
    """The mint, or None where this is none."""
    if account is None or account.owner not in TOKEN_PROGRAMS:
        return None
    data = account.data
    if not _is_kind(data, MINT_LENGTH, _KIND_MINT):
        return None
    return Mint(
        mint_authority=_optional_key(data, 0),
        supply=_u64(data, 36),
        decimals=data[44],
        is_initialized=bool(data[45]),
        freeze_authority=_optional_key(data, 46),
    )


def _is_kind(data: bytes, length: int, kind: int) -> bool:
    """Whether the data has the plain length, or is a Token-2022 account with extensions of this kind."""
    if len(data) == length:
        return True
    return len(data) > _TOKEN_2022_KIND_OFFSET and data[_TOKEN_2022_KIND_OFFSET] == kind


def _u64(data: bytes, offset: int) -> int:
    return int.from_bytes(data[offset : offset + 8], "little")


def _optional_key(data: bytes, offset: int) -> Pubkey | None:
    return Pubkey(data[offset + 4 : offset + 36]) if data[offset] else None

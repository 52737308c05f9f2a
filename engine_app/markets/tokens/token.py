"""What the engine knows of a token, and what a person should know before he buys one that is not listed. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from solders.pubkey import Pubkey

from engine_app.chain.token_accounts import TOKEN_PROGRAM, Mint


class TokenWarning(StrEnum):
    """What is unusual about a token. The codes are stable; docs/tokens.md explains each."""

    UNLISTED = "UNLISTED"
    MINT_AUTHORITY = "MINT_AUTHORITY"
    FREEZE_AUTHORITY = "FREEZE_AUTHORITY"
    TRANSFER_FEE = "TRANSFER_FEE"
    TRANSFER_HOOK = "TRANSFER_HOOK"
    PERMANENT_DELEGATE = "PERMANENT_DELEGATE"
    DEFAULT_FROZEN = "DEFAULT_FROZEN"
    NON_TRANSFERABLE = "NON_TRANSFERABLE"
    PAUSABLE = "PAUSABLE"
    CONFIDENTIAL_TRANSFERS = "CONFIDENTIAL_TRANSFERS"
    CLOSABLE_MINT = "CLOSABLE_MINT"
    CHANGING_AMOUNTS = "CHANGING_AMOUNTS"
    OTHER_EXTENSION = "OTHER_EXTENSION"

    @property
    def text(self) -> str:
        """What it means, in a sentence."""
        return _TEXTS[self]


_TEXTS: Mapping[TokenWarning, str] = {
    TokenWarning.UNLISTED: "The token is not on this engine's list; anyone can make one that is called like another.",
    TokenWarning.MINT_AUTHORITY: "Somebody can make more of it at any time.",
    TokenWarning.FREEZE_AUTHORITY: "Somebody can freeze any account of it, so that it cannot be sold or sent.",
    TokenWarning.TRANSFER_FEE: "A part of every transfer is withheld; the part can be changed.",
    TokenWarning.TRANSFER_HOOK: "A program of its maker's takes part in every transfer and can refuse it.",
    TokenWarning.PERMANENT_DELEGATE: "Somebody can take it out of any wallet.",
    TokenWarning.DEFAULT_FROZEN: "New accounts of it may begin frozen.",
    TokenWarning.NON_TRANSFERABLE: "It cannot be transferred.",
    TokenWarning.PAUSABLE: "Somebody can stop all transfers of it.",
    TokenWarning.CONFIDENTIAL_TRANSFERS: "Amounts of it can be hidden.",
    TokenWarning.CLOSABLE_MINT: "Its mint can be closed and made anew, once nobody holds any.",
    TokenWarning.CHANGING_AMOUNTS: "The amount that wallets show for it changes with time.",
    TokenWarning.OTHER_EXTENSION: "It has an extension that this engine does not know.",
}

_EXTENSIONS: Mapping[int, TokenWarning | None] = {
    1: TokenWarning.TRANSFER_FEE,
    3: TokenWarning.CLOSABLE_MINT,
    4: TokenWarning.CONFIDENTIAL_TRANSFERS,
    6: TokenWarning.DEFAULT_FROZEN,
    9: TokenWarning.NON_TRANSFERABLE,
    10: TokenWarning.CHANGING_AMOUNTS,
    12: TokenWarning.PERMANENT_DELEGATE,
    14: TokenWarning.TRANSFER_HOOK,
    16: TokenWarning.CONFIDENTIAL_TRANSFERS,
    18: None,  # metadata pointer
    19: None,  # metadata
    20: None,  # group pointer
    21: None,  # group
    22: None,  # group member pointer
    23: None,  # group member
    24: TokenWarning.CONFIDENTIAL_TRANSFERS,
    25: TokenWarning.CHANGING_AMOUNTS,
    26: TokenWarning.PAUSABLE,
}
"""Token-2022's mint extensions by number, and what each is warned of."""


@dataclass(frozen=True, slots=True)
class Token:
    """A token that may be traded.

    Attributes:
        symbol: as people write it; unique in its list without regard to case. One that is not listed has its mint's
            address here, so that it can never pass for another.
        name: in words.
        mint: its mint; wrapped SOL's stands for SOL.
        decimals: decimal places of a whole token.
        program: the token program that owns the mint.
        listed: whether it is on the cluster's list.
        warnings: what a person should know; of a listed token nothing.
    """

    symbol: str
    name: str
    mint: Pubkey
    decimals: int
    program: Pubkey = TOKEN_PROGRAM
    listed: bool = True
    warnings: tuple[TokenWarning, ...] = ()


def unlisted_token(address: Pubkey, mint: Mint) -> Token:
    """The token of a mint that is on no list."""
    return Token(
        symbol=str(address),
        name="Unlisted token",
        mint=address,
        decimals=mint.decimals,
        program=mint.token_program,
        listed=False,
        warnings=(TokenWarning.UNLISTED, *risks(mint)),
    )


def risks(mint: Mint) -> tuple[TokenWarning, ...]:
    """What a mint's own account warns of, each once, in the order of `TokenWarning`."""
    found = {
        warning
        for kind in mint.extensions
        if (warning := _EXTENSIONS.get(kind, TokenWarning.OTHER_EXTENSION)) is not None
    }
    if mint.mint_authority is not None:
        found.add(TokenWarning.MINT_AUTHORITY)
    if mint.freeze_authority is not None:
        found.add(TokenWarning.FREEZE_AUTHORITY)
    return tuple(warning for warning in TokenWarning if warning in found)

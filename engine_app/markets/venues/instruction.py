"""Writing and reading the parts that all swap instructions share: account metas and their signers."""

from __future__ import annotations

from collections.abc import Sequence

from solders.instruction import AccountMeta
from solders.pubkey import Pubkey

from engine_app.chain.accounts import DecodeError


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

"""An account as read from the chain, and many accounts read at one slot."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from solders.pubkey import Pubkey


@dataclass(frozen=True, slots=True)
class Account:
    """One account's state.

    Attributes:
        owner: the program that owns it.
        lamports: its balance, lamports.
        data: its bytes.
    """

    owner: Pubkey
    lamports: int
    data: bytes


@dataclass(frozen=True, slots=True)
class AccountsAtSlot:
    """Accounts read by one call.

    Attributes:
        slot: the slot at which all of them were read.
        accounts: the accounts that exist, by address; an address that was asked for and is missing does not exist.
    """

    slot: int
    accounts: Mapping[Pubkey, Account]

"""An account as read from the chain, and many accounts read at one slot."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from solders.pubkey import Pubkey


class DecodeError(Exception):
    """The bytes are not the account that they should be (owner, length, content)."""


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
    """Accounts read together.

    Attributes:
        slot: the slot at which all of them were read; where it took several calls, the oldest of theirs.
        accounts: the accounts that exist, by address; an address that was asked for and is missing does not exist.
        slots_apart: slots between the oldest and the newest of those calls, 0 where one call read all.
    """

    slot: int
    accounts: Mapping[Pubkey, Account]
    slots_apart: int = 0

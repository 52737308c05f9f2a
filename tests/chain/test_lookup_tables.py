"""Lookup tables are read as the chain lays them out, and only what may be used of them."""

from __future__ import annotations

import pytest
from solders.pubkey import Pubkey

from engine_app.chain.accounts import Account, DecodeError
from engine_app.chain.lookup_tables import PROGRAM, decode_lookup_table

TABLE, FIRST, SECOND, NEW = (Pubkey.new_unique() for _ in range(4))
SLOT = 900


def table(*, owner: Pubkey = PROGRAM, kind: int = 1, deactivated: int = 2**64 - 1, extended: int = 800) -> Account:
    meta = kind.to_bytes(4, "little") + deactivated.to_bytes(8, "little") + extended.to_bytes(8, "little") + b"\x02"
    return Account(owner, 1, meta.ljust(56, b"\0") + bytes(FIRST) + bytes(SECOND) + bytes(NEW))


def test_its_addresses_are_read() -> None:
    decoded = decode_lookup_table(TABLE, table(), SLOT)
    assert (decoded.key, decoded.addresses) == (TABLE, [FIRST, SECOND, NEW])


def test_addresses_that_were_just_added_wait_a_slot() -> None:
    assert decode_lookup_table(TABLE, table(extended=SLOT), SLOT).addresses == [FIRST, SECOND]
    assert decode_lookup_table(TABLE, table(extended=SLOT), SLOT + 1).addresses == [FIRST, SECOND, NEW]


@pytest.mark.parametrize(
    "account",
    [
        table(owner=Pubkey.new_unique()),
        table(kind=0),
        table(deactivated=SLOT - 1),
        Account(PROGRAM, 1, table().data[:40]),
        Account(PROGRAM, 1, table().data[:-1]),
    ],
    ids=["another program's", "not initialized", "deactivated", "short", "cut"],
)
def test_anything_else_is_refused(account: Account) -> None:
    with pytest.raises(DecodeError):
        decode_lookup_table(TABLE, account, SLOT)

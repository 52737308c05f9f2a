"""An address lookup table as an account: one that was made long ago, and that nobody can change."""

from collections.abc import Sequence

from solders.account import Account
from solders.pubkey import Pubkey

from engine_app.localnet.messages import LOOKUP_TABLE_PROGRAM
from engine_app.localnet.seed.layout import Layout

MOST_ADDRESSES = 256
_TABLE = 1
_NEVER_DEACTIVATED = 2**64 - 1
_META_LENGTH = 56

LOOKUP_TABLE = Pubkey.find_program_address([b"seeded"], LOOKUP_TABLE_PROGRAM)[0]
"""Where a fresh chain has its table."""


def table_account(addresses: Sequence[Pubkey]) -> Account:
    """A table of these addresses.

    Raises:
        ValueError: there are more than a table holds.
    """
    if len(addresses) > MOST_ADDRESSES:
        raise ValueError(f"{len(addresses)} addresses, a table holds {MOST_ADDRESSES}")
    layout = Layout(_META_LENGTH + 32 * len(addresses)).number(0, _TABLE, 4).number(4, _NEVER_DEACTIVATED, 8)
    for at, address in enumerate(addresses):
        layout.key(_META_LENGTH + 32 * at, address)
    return layout.account(LOOKUP_TABLE_PROGRAM)

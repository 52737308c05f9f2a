"""The cluster's own clock, as its programs see it."""

from __future__ import annotations

from dataclasses import dataclass

from solders.pubkey import Pubkey

from engine_app.chain.accounts import Account, DecodeError
from engine_app.markets.venues.layout import i64, u64

CLOCK_SYSVAR = Pubkey.from_string("SysvarC1ock11111111111111111111111111111111")
_SYSVAR_OWNER = Pubkey.from_string("Sysvar1111111111111111111111111111111111111")
_CLOCK_SIZE = 40


@dataclass(frozen=True, slots=True)
class ChainClock:
    """The cluster's own clock, from the sysvar.

    Attributes:
        slot: slots.
        unix_timestamp: seconds.
        epoch: epochs.
    """

    slot: int
    unix_timestamp: int
    epoch: int


def decode_clock(account: Account | None) -> ChainClock:
    """The clock from its sysvar account (slot@0, epoch@16, unix_timestamp@32). Raises DecodeError."""
    if account is None or account.owner != _SYSVAR_OWNER or len(account.data) != _CLOCK_SIZE:
        raise DecodeError("the clock sysvar is missing or is something else")
    return ChainClock(slot=u64(account.data, 0), epoch=u64(account.data, 16), unix_timestamp=i64(account.data, 32))

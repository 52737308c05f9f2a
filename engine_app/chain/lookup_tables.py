"""Address lookup tables: addresses by which a transaction names accounts in one byte each, kept ready."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence

from solders.address_lookup_table_account import AddressLookupTableAccount
from solders.pubkey import Pubkey

from engine_app.chain.accounts import Account, DecodeError
from engine_app.chain.background import keep_running, stop
from engine_app.chain.errors import RpcRefused, RpcUnavailable
from engine_app.chain.rpc import Rpc
from engine_app.telemetry.logging import get_logger

PROGRAM = Pubkey.from_string("AddressLookupTab1e1111111111111111111111111")
_TABLE = 1
_NOT_DEACTIVATED = 2**64 - 1
_ADDRESSES_AT = 56
_REFRESH_SECONDS = 60.0
_RETRY_SECONDS = 2.0

_NOBODY = Pubkey(bytes([255]) * 32)
"""Stands where an address may not be used; no transaction names it."""

_log = get_logger(__name__)


def decode_lookup_table(address: Pubkey, account: Account, slot: int) -> AddressLookupTableAccount:
    """The table with the addresses that a transaction may use after this slot.

    Args:
        address: where it lies.
        account: kind u32@0, slot of its deactivation u64@4, slot u64@12 and first index u8@20 of its newest addresses,
            addresses@56.
        slot: at which it was read; addresses that were added in it may not be used yet.

    Raises:
        DecodeError: it is none, or is on its way to be closed.
    """
    data = account.data
    if account.owner != PROGRAM or len(data) < _ADDRESSES_AT or int.from_bytes(data[:4], "little") != _TABLE:
        raise DecodeError(f"{address} is no lookup table")
    if int.from_bytes(data[4:12], "little") != _NOT_DEACTIVATED:
        raise DecodeError(f"the lookup table {address} was deactivated")
    if (len(data) - _ADDRESSES_AT) % 32:
        raise DecodeError(f"the lookup table {address} ends in the middle of an address")
    listed = [Pubkey(data[at : at + 32]) for at in range(_ADDRESSES_AT, len(data), 32)]
    if int.from_bytes(data[12:20], "little") >= slot:
        listed = listed[: data[20]]
    return AddressLookupTableAccount(address, listed)


def without(
    tables: Sequence[AddressLookupTableAccount], accounts: Collection[Pubkey]
) -> tuple[AddressLookupTableAccount, ...]:
    """The tables as they are, but that a transaction names none of these accounts by them."""
    return tuple(
        AddressLookupTableAccount(
            table.key, [_NOBODY if address in accounts else address for address in table.addresses]
        )
        for table in tables
    )


class LookupTables:
    """The tables of a deployment, read in the background."""

    def __init__(self, rpc: Rpc, addresses: Sequence[Pubkey], *, refresh_seconds: float = _REFRESH_SECONDS) -> None:
        """Nothing is read before `start`."""
        self._rpc = rpc
        self._addresses = list(addresses)
        self._refresh_seconds = refresh_seconds
        self._tables: tuple[AddressLookupTableAccount, ...] = ()
        self._task: asyncio.Task[None] | None = None

    @property
    def ready(self) -> tuple[AddressLookupTableAccount, ...]:
        """Those that transactions may use now; none before the first answer."""
        return self._tables

    async def start(self) -> None:
        """Begin to refresh; does not wait for the first answer."""
        if self._addresses:
            self._task = keep_running(self._run, "chain-lookup-tables")

    async def close(self) -> None:
        """Stop refreshing."""
        await stop(self._task)

    async def _run(self) -> None:
        while True:
            try:
                read = await self._rpc.poll().accounts(self._addresses)
            except (RpcUnavailable, RpcRefused) as error:
                _log.debug("lookup tables not refreshed", reason=error.detail)
                await asyncio.sleep(_RETRY_SECONDS)
                continue
            tables: list[AddressLookupTableAccount] = []
            for address in self._addresses:
                account = read.accounts.get(address)
                try:
                    if account is None:
                        raise DecodeError(f"there is no lookup table at {address}")
                    tables.append(decode_lookup_table(address, account, read.slot))
                except DecodeError as error:
                    _log.warning("lookup_table.unusable", table=str(address), reason=str(error))
            self._tables = tuple(tables)
            await asyncio.sleep(self._refresh_seconds)

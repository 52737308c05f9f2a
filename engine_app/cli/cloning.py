"""Copying pools, with all that a swap on them touches, and their programs from a cluster over RPC."""

from __future__ import annotations

import base64
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx
import solders.account
from solders.pubkey import Pubkey

from engine_app.chain.accounts import Account, DecodeError
from engine_app.chain.clusters import CLUSTERS
from engine_app.localnet.account_files import write_account
from engine_app.localnet.messages import SYSTEM_PROGRAM
from engine_app.localnet.tokens import ASSOCIATED_TOKEN_PROGRAM, TOKEN_PROGRAMS
from engine_app.markets.venues.registry import venues_for
from engine_app.markets.venues.venue import SwapAccounts, Venue
from engine_app.settings import SettingsError

ACCOUNTS, PROGRAMS = "accounts", "programs"
"""What lies in the directory of a clone."""

_CHUNK = 100
_TIMEOUT_SECONDS = 30.0
_NEVER = 2**64 - 1
_UPGRADEABLE = Pubkey.from_string("BPFLoaderUpgradeab1e11111111111111111111111")
_LOADER_2 = Pubkey.from_string("BPFLoader2111111111111111111111111111111111")
_LOADER_4 = Pubkey.from_string("LoaderV411111111111111111111111111111111111")
_PROGRAM_DATA_HEADER, _LOADER_4_HEADER = 45, 48
_BUILT_IN = frozenset(
    {
        SYSTEM_PROGRAM,
        ASSOCIATED_TOKEN_PROGRAM,
        *TOKEN_PROGRAMS,
        Pubkey.from_string("MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr"),
        Pubkey.from_string("Memo1UhkJRfHyvLMcVucJwxXeuD728EqVDDwQDxFMNo"),
    }
)
"""Programs that every local chain has."""


class CloneFailed(SettingsError):
    """What was to be copied cannot be; the message says why."""


class Cluster:
    """A cluster to read from. Use it as a context manager."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._client = httpx.Client(timeout=_TIMEOUT_SECONDS)

    def __enter__(self) -> Cluster:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def accounts(self, addresses: Iterable[Pubkey]) -> dict[Pubkey, solders.account.Account]:
        """Those of the accounts that exist. Raises CloneFailed."""
        wanted = list(dict.fromkeys(addresses))
        found: dict[Pubkey, solders.account.Account] = {}
        for start in range(0, len(wanted), _CHUNK):
            chunk = wanted[start : start + _CHUNK]
            told = self._call("getMultipleAccounts", [[str(key) for key in chunk], {"encoding": "base64"}])["value"]
            found |= {key: _account(one) for key, one in zip(chunk, told, strict=True) if one is not None}
        return found

    def program(self, address: Pubkey, account: solders.account.Account) -> bytes:
        """A program's ELF. Raises CloneFailed."""
        if account.owner == _LOADER_2:
            return account.data
        if account.owner == _LOADER_4:
            return account.data[_LOADER_4_HEADER:]
        if account.owner != _UPGRADEABLE:
            raise CloneFailed(f"{address} is loaded by {account.owner}, which this engine does not know")
        data_address = Pubkey(account.data[4:36])
        held = self.accounts([data_address]).get(data_address)
        if held is None:
            raise CloneFailed(f"program {address} has no code at {data_address}")
        return held.data[_PROGRAM_DATA_HEADER:]

    def _call(self, method: str, params: list[Any]) -> Any:
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        try:
            answer = self._client.post(self._url, json=body).raise_for_status().json()
        except (httpx.HTTPError, ValueError) as error:
            raise CloneFailed(f"the cluster to clone from does not answer {method}: {type(error).__name__}") from None
        if "error" in answer:
            raise CloneFailed(f"the cluster to clone from refuses {method}: {answer['error'].get('message')}")
        return answer["result"]


def clone(url: str, pools: Sequence[Pubkey], directory: Path) -> tuple[int, int]:
    """Copy pools into `directory`: their accounts and programs as files. Returns how many of each.

    Args:
        url: the cluster's JSON-RPC endpoint.
        pools: addresses of pools of any venue that this engine knows.
        directory: for the files; made anew.

    Raises:
        CloneFailed: an address is no pool, or the cluster does not answer.
    """
    draft = directory.with_name(f".{directory.name}.new")
    shutil.rmtree(draft, ignore_errors=True)
    for name in (ACCOUNTS, PROGRAMS):
        (draft / name).mkdir(parents=True)
    with Cluster(url) as cluster:
        touched = cluster.accounts(touched_by_swaps(cluster, pools))
        programs = {key: one for key, one in touched.items() if one.executable}
        for address, account in touched.items():
            if not account.executable:
                write_account(draft / ACCOUNTS, address, account)
        for address, account in programs.items():
            (draft / PROGRAMS / f"{address}.so").write_bytes(cluster.program(address, account))
    shutil.rmtree(directory, ignore_errors=True)
    draft.rename(directory)
    return len(touched) - len(programs), len(programs)


def touched_by_swaps(cluster: Cluster, pools: Sequence[Pubkey]) -> set[Pubkey]:
    """Every account that a quote of the pools or a swap on them reads or writes, programs too, but for built-in ones.

    Raises CloneFailed.
    """
    known = {venue.program_id: venue for one in CLUSTERS.values() for venue in venues_for(one)}
    touched: set[Pubkey] = set()
    heads = cluster.accounts(pools)
    for address in pools:
        venue = known.get(heads[address].owner) if address in heads else None
        if venue is None:
            raise CloneFailed(f"{address} is no pool of a venue that this engine knows")
        touched |= {address, *_touched(cluster, venue, address)}
    return touched - _BUILT_IN


def _touched(cluster: Cluster, venue: Venue, address: Pubkey) -> Iterator[Pubkey]:
    held = cluster.accounts([address])
    asked: set[Pubkey] = {address}
    try:
        while missing := set(venue.needed_accounts(address, _as_read(held))) - asked:
            asked |= missing
            held |= cluster.accounts(missing)
        pool = venue.decode(address, _as_read(held))
    except DecodeError as error:
        raise CloneFailed(f"{address} is no pool of {venue.name}: {error}") from None
    yield from asked
    somebody = SwapAccounts(Pubkey.new_unique(), Pubkey.new_unique(), Pubkey.new_unique())
    for mint in pool.mints:
        instruction = pool.swap_instruction(somebody, mint, 1, 0)
        yield instruction.program_id
        yield from (meta.pubkey for meta in instruction.accounts)
    yield from pool.mints


def _as_read(accounts: Mapping[Pubkey, solders.account.Account]) -> dict[Pubkey, Account]:
    return {key: Account(one.owner, one.lamports, one.data) for key, one in accounts.items()}


def _account(told: Mapping[str, Any]) -> solders.account.Account:
    data = base64.b64decode(told["data"][0])
    return solders.account.Account(
        told["lamports"], data, Pubkey.from_string(told["owner"]), told["executable"], _NEVER
    )

"""Solana's JSON-RPC methods as typed calls, whoever answers them."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Protocol, TypeVar

from solders.hash import ParseHashError
from solders.pubkey import Pubkey
from solders.signature import Signature

from engine_app.chain.accounts import Account, AccountsAtSlot
from engine_app.chain.answers import (
    Blockhash,
    Commitment,
    EpochInfo,
    NamingTransaction,
    PrioritizationFee,
    SignatureStatus,
    Simulation,
    integer,
    listed,
    read_account,
    read_blockhash,
    read_simulation,
    read_status,
)
from engine_app.chain.errors import RpcUnavailable
from engine_app.chain.landed import LandedTransaction, read_landed
from engine_app.chain.token_accounts import (
    TOKEN_2022_PROGRAM,
    TOKEN_PROGRAM,
    TokenAccount,
    decode_token_account,
)

ADDRESSES_PER_CALL = 100
"""Most addresses that one getMultipleAccounts takes."""
SIGNATURES_PER_CALL = 256
"""Most signatures that one getSignatureStatuses takes."""

_WORDS = 200
"""Characters of why an answer cannot be read; it may quote the answer."""

Answer = TypeVar("Answer")


class Call(Protocol):
    """One JSON-RPC call. Raises RpcUnavailable and RpcRefused."""

    async def __call__(self, method: str, params: list[Any], *, apart: bool = False) -> Any:
        """The call's `result`; `apart` keeps it out of an order's count."""
        ...


class Methods:
    """Every method the engine uses. All raise RpcUnavailable where nobody answers or the answer cannot be read, and
    RpcRefused where a node refuses."""

    def __init__(self, call: Call) -> None:
        self._call = call

    async def accounts(
        self,
        addresses: Sequence[Pubkey],
        commitment: Commitment = "confirmed",
        min_context_slot: int | None = None,
        *,
        data_slice: tuple[int, int] | None = None,
    ) -> AccountsAtSlot:
        """Accounts by address, read at one slot; more than 100 take several calls at once.

        Args:
            addresses: which.
            commitment: of the state that is read.
            min_context_slot: a node that has not reached this slot must not answer.
            data_slice: offset and length of the only part of each account's bytes that is wanted.
        """
        options = _options(commitment, min_context_slot, encoding="base64", **_slice(data_slice))
        chunks = [
            addresses[start : start + ADDRESSES_PER_CALL] for start in range(0, len(addresses), ADDRESSES_PER_CALL)
        ]
        results = await asyncio.gather(
            *(
                self._call("getMultipleAccounts", [[str(key) for key in chunk], options], apart=index > 0)
                for index, chunk in enumerate(chunks)
            )
        )
        return _read("getMultipleAccounts", lambda answers: _accounts_at_slot(chunks, answers), results)

    async def program_accounts(
        self,
        program: Pubkey,
        size: int | None = None,
        memcmp: Sequence[tuple[int, bytes]] = (),
        commitment: Commitment = "confirmed",
        *,
        data_slice: tuple[int, int] | None = None,
    ) -> dict[Pubkey, Account]:
        """Accounts of a program: those of `size` bytes (None: any) that hold each of the bytes at its offset.

        `data_slice` gives offset and length of the only part of each account's bytes that is wanted.
        """
        filters: list[dict[str, Any]] = [] if size is None else [{"dataSize": size}]
        filters += [
            {"memcmp": {"offset": offset, "bytes": b64encode(value).decode(), "encoding": "base64"}}
            for offset, value in memcmp
        ]
        options = _options(commitment, encoding="base64", filters=filters, **_slice(data_slice))
        result = await self._call("getProgramAccounts", [str(program), options])
        return _read(
            "getProgramAccounts",
            lambda rows: {Pubkey.from_string(row["pubkey"]): read_account(row["account"]) for row in listed(rows)},
            result,
        )

    async def simulate(
        self,
        transaction: bytes,
        *,
        accounts: Sequence[Pubkey] = (),
        commitment: Commitment = "confirmed",
        min_context_slot: int | None = None,
    ) -> Simulation:
        """Run a transaction without signatures, under the newest blockhash, and change nothing.

        Args:
            transaction: wire bytes; their signatures and blockhash are not looked at.
            accounts: whose state afterwards is wanted.
            commitment: of the state it runs on.
            min_context_slot: a node that has not reached this slot must not answer.
        """
        options = {
            **_options(commitment, min_context_slot, encoding="base64"),
            "sigVerify": False,
            "replaceRecentBlockhash": True,
        }
        if accounts:
            options["accounts"] = {"encoding": "base64", "addresses": [str(key) for key in accounts]}
        result = await self._call("simulateTransaction", [b64encode(transaction).decode(), options])
        return _read("simulateTransaction", lambda answer: read_simulation(answer, tuple(accounts)), result)

    async def send(self, transaction: bytes) -> None:
        """Hand signed wire bytes to the node, which passes them on once and never repeats by itself.

        There is no preflight (the engine has simulated) and no minimum context slot: a node that lags still
        passes a transaction on, which is better than a refusal.
        """
        options = {"encoding": "base64", "skipPreflight": True, "maxRetries": 0}
        await self._call("sendTransaction", [b64encode(transaction).decode(), options])

    async def signature_statuses(
        self, signatures: Sequence[Signature], history: bool = False
    ) -> tuple[int, list[SignatureStatus | None]]:
        """What the node knows of each signature, None for nothing, and the slot as of which; 256 a call.

        Args:
            signatures: which.
            history: look further back than the newest slots too.
        """
        slot: int | None = None
        statuses: list[SignatureStatus | None] = []
        for start in range(0, len(signatures), SIGNATURES_PER_CALL):
            chunk = [str(signature) for signature in signatures[start : start + SIGNATURES_PER_CALL]]
            result = await self._call("getSignatureStatuses", [chunk, {"searchTransactionHistory": history}])
            seen, known = _read("getSignatureStatuses", partial(_statuses, len(chunk)), result)
            slot = seen if slot is None else min(slot, seen)
            statuses += known
        return slot or 0, statuses

    async def transaction(self, signature: Signature, commitment: Commitment = "confirmed") -> LandedTransaction | None:
        """A landed transaction and what it did, None where the node has none at this commitment."""
        options = {"encoding": "base64", "commitment": commitment, "maxSupportedTransactionVersion": 0}
        result = await self._call("getTransaction", [str(signature), options])
        return None if result is None else _read("getTransaction", read_landed, result)

    async def signatures_for_address(
        self,
        address: Pubkey,
        commitment: Commitment = "finalized",
        *,
        before: Signature | None = None,
        limit: int = 1000,
    ) -> list[NamingTransaction]:
        """Transactions that name an address, the newest first, at most `limit` (≤ 1,000).

        Args:
            address: which.
            commitment: that they have reached, at least `confirmed`.
            before: start behind this one, to page on.
            limit: how many at most.
        """
        options: dict[str, Any] = {"commitment": commitment, "limit": limit}
        if before is not None:
            options["before"] = str(before)
        rows = await self._call("getSignaturesForAddress", [str(address), options])
        return _read(
            "getSignaturesForAddress",
            lambda rows: [
                NamingTransaction(Signature.from_string(row["signature"]), integer(row["slot"]), row["err"])
                for row in listed(rows)
            ],
            rows,
        )

    async def latest_blockhash(self, commitment: Commitment = "confirmed") -> Blockhash:
        """The newest blockhash."""
        result = await self._call("getLatestBlockhash", [{"commitment": commitment}])
        return _read("getLatestBlockhash", read_blockhash, result)

    async def block_height(self, commitment: Commitment = "confirmed") -> int:
        """Blocks since genesis."""
        return _read("getBlockHeight", integer, await self._call("getBlockHeight", [{"commitment": commitment}]))

    async def slot(self, commitment: Commitment = "confirmed") -> int:
        """The newest slot."""
        return _read("getSlot", integer, await self._call("getSlot", [{"commitment": commitment}]))

    async def epoch_info(self, commitment: Commitment = "confirmed") -> EpochInfo:
        """Slot and block height of the same moment."""
        result = await self._call("getEpochInfo", [{"commitment": commitment}])
        return _read(
            "getEpochInfo",
            lambda info: EpochInfo(integer(info["absoluteSlot"]), integer(info["blockHeight"]), integer(info["epoch"])),
            result,
        )

    async def first_available_block(self) -> int:
        """The slot of the oldest block the node still has."""
        return _read("getFirstAvailableBlock", integer, await self._call("getFirstAvailableBlock", []))

    async def blocks(self, first_slot: int, last_slot: int) -> list[int]:
        """Slots between two, both included, that have a finalized block, ascending; a node allows 500,000 at once."""
        result = await self._call("getBlocks", [first_slot, last_slot, {"commitment": "finalized"}])
        return _read("getBlocks", lambda slots: [integer(slot) for slot in listed(slots)], result)

    async def height_of(self, slot: int) -> int | None:
        """The height of a finalized block; None where the node has none for this slot, or has not kept its height."""
        options = {
            "commitment": "finalized",
            "transactionDetails": "none",
            "rewards": False,
            "maxSupportedTransactionVersion": 0,
        }
        block = await self._call("getBlock", [slot, options])
        return _read("getBlock", _height, block)

    async def rent_exemption(self, size: int) -> int:
        """Lamports that an account of `size` bytes must hold."""
        result = await self._call("getMinimumBalanceForRentExemption", [size])
        return _read("getMinimumBalanceForRentExemption", integer, result)

    async def balance(self, address: Pubkey, commitment: Commitment = "confirmed") -> int:
        """Lamports of an address; 0 where there is no account."""
        result = await self._call("getBalance", [str(address), {"commitment": commitment}])
        return _read("getBalance", lambda answer: integer(answer["value"]), result)

    async def token_accounts_by_owner(
        self, owner: Pubkey, commitment: Commitment = "confirmed"
    ) -> list[tuple[Pubkey, TokenAccount]]:
        """Every token account of a wallet, of both token programs, with its address."""
        _, accounts = await self.token_accounts_at(owner, commitment)
        return accounts

    async def token_accounts_at(
        self, owner: Pubkey, commitment: Commitment = "confirmed"
    ) -> tuple[int, list[tuple[Pubkey, TokenAccount]]]:
        """As `token_accounts_by_owner`, with the slot that the node had reached at least."""
        options = _options(commitment, encoding="base64")
        results = await asyncio.gather(
            *(
                self._call("getTokenAccountsByOwner", [str(owner), {"programId": str(program)}, options])
                for program in (TOKEN_PROGRAM, TOKEN_2022_PROGRAM)
            )
        )
        return _read("getTokenAccountsByOwner", _token_accounts, results)

    async def recent_prioritization_fees(self, addresses: Sequence[Pubkey]) -> list[PrioritizationFee]:
        """Per recent slot, the least priority fee that landed a transaction locking all of these accounts."""
        result = await self._call("getRecentPrioritizationFees", [[str(key) for key in addresses]])
        return _read(
            "getRecentPrioritizationFees",
            lambda rows: [_fee(row) for row in listed(rows)],
            result,
        )

    async def airdrop(self, address: Pubkey, amount: int, mint: Pubkey | None = None) -> Signature:
        """Ask the cluster's faucet for test funds.

        Args:
            address: the wallet that gets them.
            amount: lamports; with `mint`, base units of it.
            mint: a token that localnet itself mints into the wallet's token account; None for SOL.
        """
        options = {"commitment": "confirmed"}
        if mint is not None:
            options["mint"] = str(mint)
        result = await self._call("requestAirdrop", [str(address), amount, options])
        return _read("requestAirdrop", Signature.from_string, result)

    async def genesis_hash(self) -> str:
        """The hash of the first block, base58: which chain this is."""
        return _read("getGenesisHash", str, await self._call("getGenesisHash", []))


def _slice(data_slice: tuple[int, int] | None) -> dict[str, Any]:
    return {} if data_slice is None else {"dataSlice": {"offset": data_slice[0], "length": data_slice[1]}}


def _options(commitment: Commitment, min_context_slot: int | None = None, **more: Any) -> dict[str, Any]:
    options: dict[str, Any] = {"commitment": commitment, **more}
    if min_context_slot is not None:
        options["minContextSlot"] = min_context_slot
    return options


def _read(method: str, read: Callable[[Any], Answer], result: Any) -> Answer:
    """What an answer says. One of another shape than the method's is no answer: RpcUnavailable."""
    try:
        return read(result)
    except (AttributeError, LookupError, TypeError, ValueError, ParseHashError) as error:
        raise RpcUnavailable(f"{method}: the answer cannot be read: {str(error)[:_WORDS]}") from error


def _accounts_at_slot(chunks: Sequence[Sequence[Pubkey]], results: Sequence[Any]) -> AccountsAtSlot:
    slots = [integer(result["context"]["slot"]) for result in results]
    found: dict[Pubkey, Account] = {}
    for chunk, result in zip(chunks, results, strict=True):
        for address, value in zip(chunk, listed(result["value"]), strict=True):
            if value is not None:
                found[address] = read_account(value)
    return AccountsAtSlot(
        slot=min(slots, default=0),
        accounts=found,
        slots_apart=max(slots, default=0) - min(slots, default=0),
    )


def _height(block: Mapping[str, Any] | None) -> int | None:
    height = None if block is None else block["blockHeight"]
    return None if height is None else integer(height)


def _fee(row: Mapping[str, Any]) -> PrioritizationFee:
    return PrioritizationFee(slot=integer(row["slot"]), fee=integer(row["prioritizationFee"]))


def _statuses(asked: int, result: Any) -> tuple[int, list[SignatureStatus | None]]:
    known = [read_status(value) for value in listed(result["value"])]
    if len(known) != asked:
        raise ValueError(f"{len(known)} statuses of {asked}")
    return integer(result["context"]["slot"]), known


def _token_accounts(results: Sequence[Any]) -> tuple[int, list[tuple[Pubkey, TokenAccount]]]:
    return min(integer(result["context"]["slot"]) for result in results), [
        (Pubkey.from_string(row["pubkey"]), decode_token_account(read_account(row["account"])))
        for result in results
        for row in listed(result["value"])
    ]

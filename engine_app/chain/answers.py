"""What a node answers, as typed values, read from plain JSON."""

from __future__ import annotations

from binascii import a2b_base64
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from solders.hash import Hash
from solders.pubkey import Pubkey
from solders.signature import Signature

from engine_app.chain.accounts import Account

Commitment = Literal["processed", "confirmed", "finalized"]

_FINALITY: Mapping[str, int] = {"processed": 0, "confirmed": 1, "finalized": 2}


def at_least(reached: Commitment, wanted: Commitment) -> bool:
    """Whether one commitment is as strong as another."""
    return _FINALITY[reached] >= _FINALITY[wanted]


@dataclass(frozen=True, slots=True)
class Blockhash:
    """A recent blockhash.

    Attributes:
        hash: the blockhash.
        last_valid_block_height: block height after which a transaction with it can no longer land.
        slot: the slot at which the node gave it.
    """

    hash: Hash
    last_valid_block_height: int
    slot: int


@dataclass(frozen=True, slots=True)
class EpochInfo:
    """Where the chain stands at one commitment: slot, block height (skipped slots have no block) and epoch."""

    slot: int
    block_height: int
    epoch: int


@dataclass(frozen=True, slots=True)
class SignatureStatus:
    """What a node knows of a signature.

    Attributes:
        slot: the slot it landed in.
        error: the transaction error as JSON, None where it succeeded.
        commitment: how firmly it is held.
    """

    slot: int
    error: Any
    commitment: Commitment


@dataclass(frozen=True, slots=True)
class NamingTransaction:
    """A transaction that names an address.

    Attributes:
        signature: its first signature.
        slot: the slot it landed in.
        error: the transaction error as JSON, None where it succeeded.
    """

    signature: Signature
    slot: int
    error: Any


@dataclass(frozen=True, slots=True)
class Simulation:
    """What a transaction would do now.

    Attributes:
        error: the transaction error as JSON, None where it would succeed.
        logs: log lines.
        units: compute units used.
        slot: the slot of the state it ran on.
        accounts: the state afterwards of the accounts asked for; None where one would not exist.
    """

    error: Any
    logs: tuple[str, ...]
    units: int
    slot: int
    accounts: Mapping[Pubkey, Account | None]


@dataclass(frozen=True, slots=True)
class PrioritizationFee:
    """Priority fee that the cheapest transaction locking the asked accounts paid in a slot.

    Attributes:
        slot: slots.
        fee: micro-lamports per compute unit.
    """

    slot: int
    fee: int


def integer(value: Any) -> int:
    """A slot, height, or amount of an answer. Raises TypeError where it is no number, ValueError where it is one that
    no chain gets to and no database keeps."""
    if type(value) is not int:
        raise TypeError(f"{value!r} is no number")
    if not 0 <= value < 2**63:
        raise ValueError(f"{value} is out of range")
    return value


def listed(value: Any) -> list[Any]:
    """A list of an answer. Raises TypeError where it is none."""
    if not isinstance(value, list):
        raise TypeError(f"{value!r} is no list")
    return value


@lru_cache(maxsize=4096)
def _program(text: str) -> Pubkey:
    """Owners are few and asked for often; base58 is dear."""
    return Pubkey.from_string(text)


def read_account(value: Mapping[str, Any]) -> Account:
    """An account of an answer in base64 encoding."""
    return Account(
        owner=_program(value["owner"]), lamports=integer(value["lamports"]), data=a2b_base64(value["data"][0])
    )


def read_blockhash(result: Mapping[str, Any]) -> Blockhash:
    """The result of getLatestBlockhash."""
    value = result["value"]
    return Blockhash(
        hash=Hash.from_string(value["blockhash"]),
        last_valid_block_height=integer(value["lastValidBlockHeight"]),
        slot=integer(result["context"]["slot"]),
    )


def read_status(value: Mapping[str, Any] | None) -> SignatureStatus | None:
    """One entry of getSignatureStatuses' result. Entries from a node's long-term storage name no commitment: they are
    rooted, which they say by a count of confirmations that is null. One without that count says nothing."""
    if value is None:
        return None
    commitment: Commitment | None = value.get("confirmationStatus")
    if commitment is None:
        commitment = "finalized" if value["confirmations"] is None else "processed"
    if commitment not in _FINALITY:
        raise ValueError(f"{commitment!r} is no commitment")
    return SignatureStatus(slot=integer(value["slot"]), error=value["err"], commitment=commitment)


def read_simulation(result: Mapping[str, Any], addresses: tuple[Pubkey, ...]) -> Simulation:
    """The result of simulateTransaction, `addresses` being those whose accounts were asked for, in order."""
    value = result["value"]
    states = value.get("accounts") or [None] * len(addresses)
    return Simulation(
        error=value["err"],
        logs=tuple(value.get("logs") or ()),
        units=integer(value.get("unitsConsumed") or 0),
        slot=integer(result["context"]["slot"]),
        accounts={
            address: None if state is None else read_account(state)
            for address, state in zip(addresses, states, strict=True)
        },
    )

"""A landed transaction, as getTransaction gives it in base64 encoding."""

from __future__ import annotations

from binascii import a2b_base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from solders.pubkey import Pubkey
from solders.signature import Signature
from solders.transaction import VersionedTransaction

from engine_app.chain.answers import integer


@dataclass(frozen=True, slots=True)
class TokenBalance:
    """Tokens in one account before or after a transaction.

    Attributes:
        account: the token account.
        mint: its mint.
        owner: the wallet it belongs to; None from nodes that did not record it.
        amount: base units.
    """

    account: Pubkey
    mint: Pubkey
    owner: Pubkey | None
    amount: int


@dataclass(frozen=True, slots=True)
class LandedTransaction:
    """A transaction in a block, and what it did.

    Attributes:
        signature: its first signature.
        slot: the slot it landed in.
        block_time: unix seconds, None where the node does not know.
        error: the transaction error as JSON, None where it succeeded.
        fee: base fee and priority fee, lamports.
        compute_units: compute units used.
        account_keys: every account it names, those from lookup tables included, in the order of the balances.
        pre_balances, post_balances: lamports before and after, by account.
        pre_tokens, post_tokens: token accounts before and after, by address.
        inner_instructions: the node's JSON, unread.
        logs: log lines.
    """

    signature: Signature
    slot: int
    block_time: int | None
    error: Any
    fee: int
    compute_units: int
    account_keys: tuple[Pubkey, ...]
    pre_balances: Mapping[Pubkey, int]
    post_balances: Mapping[Pubkey, int]
    pre_tokens: Mapping[Pubkey, TokenBalance]
    post_tokens: Mapping[Pubkey, TokenBalance]
    inner_instructions: tuple[Mapping[str, Any], ...]
    logs: tuple[str, ...]
    signers: tuple[Pubkey, ...] = ()
    """Who signed it, the fee payer first."""

    def lamports_gained(self, account: Pubkey) -> int:
        """Lamports the account has more (or, negative, fewer) than before; 0 for one not in the transaction."""
        return self.post_balances.get(account, 0) - self.pre_balances.get(account, 0)


def read_landed(result: Mapping[str, Any]) -> LandedTransaction:
    """The non-null result of getTransaction, its transaction encoded as base64."""
    transaction = VersionedTransaction.from_bytes(a2b_base64(result["transaction"][0]))
    meta = result["meta"]
    loaded = meta.get("loadedAddresses") or {"writable": (), "readonly": ()}
    keys = (
        *transaction.message.account_keys,
        *(Pubkey.from_string(key) for key in loaded["writable"]),
        *(Pubkey.from_string(key) for key in loaded["readonly"]),
    )
    return LandedTransaction(
        signature=transaction.signatures[0],
        slot=integer(result["slot"]),
        block_time=None if result.get("blockTime") is None else integer(result["blockTime"]),
        error=meta["err"],
        fee=integer(meta["fee"]),
        compute_units=integer(meta.get("computeUnitsConsumed") or 0),
        account_keys=keys,
        pre_balances=dict(zip(keys, map(integer, meta["preBalances"]), strict=True)),
        post_balances=dict(zip(keys, map(integer, meta["postBalances"]), strict=True)),
        pre_tokens=_token_balances(keys, meta.get("preTokenBalances")),
        post_tokens=_token_balances(keys, meta.get("postTokenBalances")),
        inner_instructions=tuple(meta.get("innerInstructions") or ()),
        logs=tuple(meta.get("logMessages") or ()),
        signers=keys[: transaction.message.header.num_required_signatures],
    )


def _token_balances(keys: tuple[Pubkey, ...], entries: list[Mapping[str, Any]] | None) -> dict[Pubkey, TokenBalance]:
    balances = (
        TokenBalance(
            account=keys[entry["accountIndex"]],
            mint=Pubkey.from_string(entry["mint"]),
            owner=Pubkey.from_string(entry["owner"]) if entry.get("owner") else None,
            amount=int(entry["uiTokenAmount"]["amount"]),
        )
        for entry in entries or ()
    )
    return {balance.account: balance for balance in balances}

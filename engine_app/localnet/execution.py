"""What running a transaction leaves to tell: `getTransaction`'s meta, put together around LiteSVM's answer."""

import base64
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from solders.account import Account
from solders.pubkey import Pubkey
from solders.transaction_metadata import (
    FailedTransactionMetadata,
    SimulatedTransactionInfo,
    TransactionMetadata,
)

from engine_app.localnet import base58, transaction_errors
from engine_app.localnet.messages import Accounts
from engine_app.localnet.tokens import decode_token_account
from engine_app.localnet.transaction_errors import TransactionErrorJson


@dataclass(frozen=True, slots=True)
class Outcome:
    """What running a transaction came to.

    Attributes:
        units: compute units consumed.
        fee: lamports.
        inner_instructions: cross-program calls by outer instruction, compiled.
    """

    error: TransactionErrorJson | None
    logs: list[str]
    units: int
    fee: int
    return_data: dict[str, Any] | None = None
    inner_instructions: list[dict[str, Any]] = field(default_factory=list)

    @staticmethod
    def of(result: TransactionMetadata | FailedTransactionMetadata | SimulatedTransactionInfo) -> "Outcome":
        """What LiteSVM answered."""
        metadata = result if isinstance(result, TransactionMetadata) else result.meta()
        error = transaction_errors.to_json(result.err()) if isinstance(result, FailedTransactionMetadata) else None
        return Outcome(
            error=error,
            logs=metadata.logs(),
            units=metadata.compute_units_consumed(),
            fee=metadata.fee(),
            return_data=_return_data_json(metadata),
            inner_instructions=_inner_instructions_json(metadata),
        )


class States:
    """One state for each of a message's accounts, in their order, and what the token accounts among them hold."""

    def __init__(self, accounts: Iterable[Account | None]) -> None:
        self.accounts = list(accounts)
        self.held = [decode_token_account(account) for account in self.accounts]

    @property
    def mints(self) -> set[Pubkey]:
        """Mints of the token accounts among these."""
        return {held.mint for held in self.held if held is not None}


def meta_json(
    outcome: Outcome,
    accounts: Accounts,
    *,
    before: States,
    after: States,
    decimals: dict[Pubkey, int],
) -> dict[str, Any]:
    """The `meta` of a landed transaction.

    Args:
        decimals: of every mint that the token accounts in `before` and `after` hold.
    """
    meta: dict[str, Any] = {
        "computeUnitsConsumed": outcome.units,
        "err": outcome.error,
        "fee": outcome.fee,
        "innerInstructions": outcome.inner_instructions,
        "loadedAddresses": {
            "readonly": [str(key) for key in accounts.loaded_readonly],
            "writable": [str(key) for key in accounts.loaded_writable],
        },
        "logMessages": outcome.logs,
        "postBalances": [account.lamports if account else 0 for account in after.accounts],
        "postTokenBalances": _token_balances(after, decimals),
        "preBalances": [account.lamports if account else 0 for account in before.accounts],
        "preTokenBalances": _token_balances(before, decimals),
        "rewards": [],
        "status": {"Ok": None} if outcome.error is None else {"Err": outcome.error},
    }
    if outcome.return_data is not None:
        meta["returnData"] = outcome.return_data
    return meta


def _inner_instructions_json(metadata: TransactionMetadata) -> list[dict[str, Any]]:
    """Cross-program calls by outer instruction, compiled; outer instructions without any are left out."""
    return [
        {
            "index": index,
            "instructions": [
                {
                    "accounts": list(inner.instruction().accounts),
                    "data": base58.encode(bytes(inner.instruction().data)),
                    "programIdIndex": inner.instruction().program_id_index,
                    "stackHeight": inner.stack_height(),
                }
                for inner in calls
            ],
        }
        for index, calls in enumerate(metadata.inner_instructions())
        if calls
    ]


def _return_data_json(metadata: TransactionMetadata) -> dict[str, Any] | None:
    """What the last program to return data returned; None for nothing."""
    returned = metadata.return_data()
    if not returned.data:
        return None
    return {
        "data": [base64.b64encode(returned.data).decode(), "base64"],
        "programId": str(returned.program_id),
    }


def ui_amount_json(amount: int, decimals: int) -> dict[str, Any]:
    """Solana's `UiTokenAmount` for an amount in base units."""
    whole = Decimal(amount).scaleb(-decimals)
    return {
        "amount": str(amount),
        "decimals": decimals,
        "uiAmount": float(whole),
        "uiAmountString": f"{whole.normalize():f}",
    }


def _token_balances(states: States, decimals: dict[Pubkey, int]) -> list[dict[str, Any]]:
    balances = []
    for index, (account, held) in enumerate(zip(states.accounts, states.held, strict=True)):
        if account is None or held is None or held.mint not in decimals:
            continue
        amount = ui_amount_json(held.amount, decimals[held.mint])
        if held.amount == 0:
            amount["uiAmount"] = None
        balances.append(
            {
                "accountIndex": index,
                "mint": str(held.mint),
                "owner": str(held.owner),
                "programId": str(account.owner),
                "uiTokenAmount": amount,
            }
        )
    return balances

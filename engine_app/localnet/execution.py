"""What running a transaction leaves to tell: `getTransaction`'s meta, put together around LiteSVM's answer."""

import base64
from decimal import Decimal
from typing import Any

from solders.account import Account
from solders.pubkey import Pubkey
from solders.transaction_metadata import TransactionMetadata

from engine_app.localnet import base58
from engine_app.localnet.messages import Accounts
from engine_app.localnet.tokens import decode_token_account
from engine_app.localnet.transaction_errors import TransactionErrorJson

AccountStates = list[Account | None]
"""One state for each of a message's accounts, in their order."""


def meta_json(
    metadata: TransactionMetadata,
    error: TransactionErrorJson | None,
    accounts: Accounts,
    *,
    before: AccountStates,
    after: AccountStates,
    decimals: dict[Pubkey, int],
) -> dict[str, Any]:
    """The `meta` of a landed transaction.

    Args:
        decimals: of every mint that the token accounts in `before` and `after` hold.
    """
    meta: dict[str, Any] = {
        "computeUnitsConsumed": metadata.compute_units_consumed(),
        "err": error,
        "fee": metadata.fee(),
        "innerInstructions": inner_instructions_json(metadata),
        "loadedAddresses": {
            "readonly": [str(key) for key in accounts.loaded_readonly],
            "writable": [str(key) for key in accounts.loaded_writable],
        },
        "logMessages": metadata.logs(),
        "postBalances": [account.lamports if account else 0 for account in after],
        "postTokenBalances": _token_balances(after, decimals),
        "preBalances": [account.lamports if account else 0 for account in before],
        "preTokenBalances": _token_balances(before, decimals),
        "rewards": [],
        "status": {"Ok": None} if error is None else {"Err": error},
    }
    returned = return_data_json(metadata)
    if returned is not None:
        meta["returnData"] = returned
    return meta


def inner_instructions_json(metadata: TransactionMetadata) -> list[dict[str, Any]]:
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


def return_data_json(metadata: TransactionMetadata) -> dict[str, Any] | None:
    """What the last program to return data returned; None for nothing."""
    returned = metadata.return_data()
    if not returned.data:
        return None
    return {
        "data": [base64.b64encode(returned.data).decode(), "base64"],
        "programId": str(returned.program_id),
    }


def mints_held(states: AccountStates) -> set[Pubkey]:
    """Mints of the token accounts among these."""
    return {held.mint for held in map(decode_token_account, states) if held is not None}


def ui_amount_json(amount: int, decimals: int) -> dict[str, Any]:
    """Solana's `UiTokenAmount` for an amount in base units."""
    whole = Decimal(amount).scaleb(-decimals)
    return {
        "amount": str(amount),
        "decimals": decimals,
        "uiAmount": float(whole),
        "uiAmountString": f"{whole.normalize():f}",
    }


def _token_balances(states: AccountStates, decimals: dict[Pubkey, int]) -> list[dict[str, Any]]:
    balances = []
    for index, account in enumerate(states):
        held = decode_token_account(account)
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

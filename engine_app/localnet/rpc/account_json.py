"""An account as JSON: base64, base58, or parsed where it belongs to a token program."""

import base64
from collections.abc import Callable
from typing import Any

from solders.account import Account
from solders.pubkey import Pubkey

from engine_app.localnet import base58
from engine_app.localnet.execution import ui_amount_json
from engine_app.localnet.rpc.errors import invalid_params, invalid_request
from engine_app.localnet.rpc.params import DataSlice
from engine_app.localnet.tokens import TOKEN_PROGRAM, Mint, TokenAccount, decode_mint, decode_token_account

_MAX_BASE58_LENGTH = 128
ENCODINGS = ("base58", "base64", "jsonParsed", "binary")

MintReader = Callable[[Pubkey], Account | None]
"""Reads a mint at the slot the answer is for."""


def check_encoding(encoding: str | None, default: str) -> str:
    """The encoding to answer in; raises RpcError for one this node does not write."""
    if encoding is None:
        return default
    if encoding not in ENCODINGS:
        raise invalid_params(
            f"Invalid params: unknown variant `{encoding}`, expected one of `binary`, `base58`, `base64`, `jsonParsed`."
        )
    return encoding


def account_json(account: Account, encoding: str, data_slice: DataSlice | None, mint: MintReader) -> dict[str, Any]:
    """Solana's `UiAccount`.

    Raises:
        RpcError: the data is too long for base58.
    """
    return {
        "lamports": account.lamports,
        "data": _data_json(account, encoding, data_slice, mint),
        "owner": str(account.owner),
        "executable": account.executable,
        "rentEpoch": account.rent_epoch,
        "space": len(account.data),
    }


def _data_json(account: Account, encoding: str, data_slice: DataSlice | None, mint: MintReader) -> Any:
    if encoding == "jsonParsed":
        parsed = parsed_data(account, mint)
        if parsed is not None:
            return parsed
    data = account.data
    if data_slice is not None:
        data = data[data_slice.offset : data_slice.offset + data_slice.length]
    if encoding in ("base64", "jsonParsed"):
        return [base64.b64encode(data).decode(), "base64"]
    if len(data) > _MAX_BASE58_LENGTH:
        raise invalid_request(
            "Encoded binary (base 58) data should be less than 128 bytes, please use Base64 encoding."
        )
    text = base58.encode(data)
    return text if encoding == "binary" else [text, "base58"]


def parsed_data(account: Account, mint: MintReader) -> dict[str, Any] | None:
    """The data of a token account or a mint, parsed; None for any other account."""
    program = "spl-token" if account.owner == TOKEN_PROGRAM else "spl-token-2022"
    token_account = decode_token_account(account)
    if token_account is not None:
        decoded = decode_mint(mint(token_account.mint))
        if decoded is None:
            return None
        info, kind = _token_account_info(token_account, decoded.decimals), "account"
    else:
        decoded = decode_mint(account)
        if decoded is None:
            return None
        info, kind = _mint_info(decoded), "mint"
    return {"program": program, "parsed": {"info": info, "type": kind}, "space": len(account.data)}


def _token_account_info(account: TokenAccount, decimals: int) -> dict[str, Any]:
    info: dict[str, Any] = {
        "isNative": account.native_reserve is not None,
        "mint": str(account.mint),
        "owner": str(account.owner),
        "state": account.state,
        "tokenAmount": ui_amount_json(account.amount, decimals),
    }
    if account.delegate is not None:
        info["delegate"] = str(account.delegate)
        info["delegatedAmount"] = ui_amount_json(account.delegated_amount, decimals)
    if account.native_reserve is not None:
        info["rentExemptReserve"] = ui_amount_json(account.native_reserve, decimals)
    if account.close_authority is not None:
        info["closeAuthority"] = str(account.close_authority)
    return info


def _mint_info(mint: Mint) -> dict[str, Any]:
    return {
        "decimals": mint.decimals,
        "freezeAuthority": None if mint.freeze_authority is None else str(mint.freeze_authority),
        "isInitialized": mint.is_initialized,
        "mintAuthority": None if mint.mint_authority is None else str(mint.mint_authority),
        "supply": str(mint.supply),
    }

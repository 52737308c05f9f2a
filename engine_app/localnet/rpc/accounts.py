"""Methods that read accounts: `getAccountInfo`, `getMultipleAccounts`, `getProgramAccounts`, `getBalance`, …"""

import base64
from collections.abc import Callable, Iterable
from typing import Any

from solders.account import Account
from solders.pubkey import Pubkey

from engine_app.localnet import base58
from engine_app.localnet.rpc.account_json import account_json, check_encoding
from engine_app.localnet.rpc.errors import invalid_params
from engine_app.localnet.rpc.node import Node, with_context
from engine_app.localnet.rpc.params import Config, Params, parse_pubkey

_MAX_ACCOUNTS = 100
_MAX_FILTERS = 4
_LARGEST = 20

Keep = Callable[[Account], bool]


def get_account_info(node: Node, params: Params) -> Any:
    """One account, or null."""
    address = params.pubkey(0)
    config = params.config(1)
    slot = node.block(config).slot
    encoding = check_encoding(config.text("encoding"), "binary")
    return with_context(slot, _account_at(node, address, slot, encoding, config))


def get_multiple_accounts(node: Node, params: Params) -> Any:
    """Up to 100 accounts at one slot, null for each that does not exist."""
    addresses = params.texts(0, _MAX_ACCOUNTS)
    config = params.config(1)
    slot = node.block(config).slot
    encoding = check_encoding(config.text("encoding"), "base64")
    return with_context(slot, [_account_at(node, parse_pubkey(text), slot, encoding, config) for text in addresses])


def _account_at(node: Node, address: Pubkey, slot: int, encoding: str, config: Config) -> dict[str, Any] | None:
    account = node.view.account(address, slot)
    if account is None:
        return None
    return account_json(account, encoding, config.data_slice, lambda mint: node.view.account(mint, slot))


def get_program_accounts(node: Node, params: Params) -> Any:
    """Accounts a program owns, narrowed by `dataSize` and `memcmp` filters."""
    program = params.pubkey(0)
    config = params.config(1)
    slot = node.block(config).slot
    keep = _filters(config.items("filters"))
    candidates = node.chain.bank.index.owned_by_program(program)
    found = keyed_accounts(node, candidates, slot, config, lambda account: account.owner == program and keep(account))
    return with_context(slot, found) if config.flag("withContext") else found


def keyed_accounts(
    node: Node, candidates: Iterable[Pubkey], slot: int, config: Config, keep: Keep
) -> list[dict[str, Any]]:
    """The candidates that `keep` takes, as `{pubkey, account}`, in the order of their addresses."""
    encoding = check_encoding(config.text("encoding"), "binary")
    data_slice = config.data_slice
    found = []
    for address in sorted(candidates, key=bytes):
        account = node.view.account(address, slot)
        if account is not None and keep(account):
            found.append(
                {
                    "pubkey": str(address),
                    "account": account_json(account, encoding, data_slice, lambda mint: node.view.account(mint, slot)),
                }
            )
    return found


def _filters(raw: list[Any]) -> Keep:
    if len(raw) > _MAX_FILTERS:
        raise invalid_params(f"Too many filters provided; max {_MAX_FILTERS}")
    keeps = [_filter(item) for item in raw]
    return lambda account: all(keep(account) for keep in keeps)


def _filter(raw: object) -> Keep:
    if not isinstance(raw, dict) or len(raw) != 1:
        raise invalid_params("Invalid params: unknown account filter.")
    config = Config(raw)
    if "dataSize" in raw:
        size = config.required_integer("dataSize")
        return lambda account: len(account.data) == size
    memcmp = config.nested("memcmp")
    if memcmp is None:
        raise invalid_params("Invalid params: unknown account filter.")
    offset = memcmp.required_integer("offset")
    wanted = _memcmp_bytes(memcmp)
    return lambda account: account.data[offset : offset + len(wanted)] == wanted


def _memcmp_bytes(memcmp: Config) -> bytes:
    text = memcmp.text("bytes")
    if text is None:
        raise invalid_params("Invalid params: missing field `bytes`.")
    try:
        is_base64 = memcmp.text("encoding") == "base64"
        wanted = base64.b64decode(text, validate=True) if is_base64 else base58.decode(text)
    except ValueError:
        raise invalid_params("Invalid param: failed to decode the filter's bytes") from None
    if len(wanted) > 128:
        raise invalid_params("Invalid param: the filter's bytes exceed 128")
    return wanted


def get_balance(node: Node, params: Params) -> Any:
    """Lamports of an account, 0 where there is none."""
    address = params.pubkey(0)
    slot = node.block(params.config(1)).slot
    account = node.view.account(address, slot)
    return with_context(slot, 0 if account is None else account.lamports)


def get_supply(node: Node, params: Params) -> Any:
    """Lamports of all accounts; what the faucet still has circulates among nobody."""
    config = params.config(0)
    slot = node.block(config).slot
    total = sum(account.lamports for _, account in _everybody(node, slot))
    faucet = node.chain.faucet.payer
    held_back = node.view.account(faucet, slot)
    kept = 0 if held_back is None else held_back.lamports
    return with_context(
        slot,
        {
            "total": total,
            "circulating": total - kept,
            "nonCirculating": kept,
            "nonCirculatingAccounts": [] if config.flag("excludeNonCirculatingAccountsList") else [str(faucet)],
        },
    )


def get_largest_accounts(node: Node, params: Params) -> Any:
    """The accounts that hold most lamports."""
    slot = node.block(params.config(0)).slot
    held = sorted(_everybody(node, slot), key=lambda found: (-found[1].lamports, bytes(found[0])))
    largest = [{"address": str(address), "lamports": account.lamports} for address, account in held[:_LARGEST]]
    return with_context(slot, largest)


def _everybody(node: Node, slot: int) -> Iterable[tuple[Pubkey, Account]]:
    for address in node.chain.bank.index.everybody():
        account = node.view.account(address, slot)
        if account is not None:
            yield address, account


def get_minimum_balance_for_rent_exemption(node: Node, params: Params) -> Any:
    """Lamports that exempt this many bytes of data from rent."""
    return node.chain.bank.rent_exempt(params.integer(0))

"""Methods that read tokens: balances, supplies, a wallet's token accounts."""

from typing import Any

from solders.account import Account
from solders.pubkey import Pubkey

from engine_app.localnet.execution import ui_amount_json
from engine_app.localnet.rpc.accounts import keyed_accounts
from engine_app.localnet.rpc.errors import invalid_params
from engine_app.localnet.rpc.node import Node, with_context
from engine_app.localnet.rpc.params import Params, parse_pubkey
from engine_app.localnet.tokens import (
    TOKEN_PROGRAMS,
    Mint,
    decode_mint,
    decode_token_account,
)

_LARGEST = 20


def get_token_account_balance(node: Node, params: Params) -> Any:
    """Balance of a token account."""
    address = params.pubkey(0)
    slot = node.block(params.config(1)).slot
    account = node.view.account(address, slot)
    if account is None:
        raise invalid_params("Invalid param: could not find account")
    held = decode_token_account(account)
    if held is None:
        raise invalid_params("Invalid param: not a Token account")
    return with_context(slot, ui_amount_json(held.amount, _mint(node, held.mint, slot).decimals))


def get_token_supply(node: Node, params: Params) -> Any:
    """Supply of a mint."""
    slot = node.block(params.config(1)).slot
    mint = _mint(node, params.pubkey(0), slot)
    return with_context(slot, ui_amount_json(mint.supply, mint.decimals))


def get_token_largest_accounts(node: Node, params: Params) -> Any:
    """The token accounts of a mint that hold most."""
    mint_address = params.pubkey(0)
    slot = node.block(params.config(1)).slot
    decimals = _mint(node, mint_address, slot).decimals
    amounts: list[tuple[int, Pubkey]] = []
    for program in TOKEN_PROGRAMS:
        for address in node.chain.bank.index.owned_by_program(program):
            held = decode_token_account(node.view.account(address, slot))
            if held is not None and held.mint == mint_address:
                amounts.append((held.amount, address))
    amounts.sort(key=lambda item: (-item[0], bytes(item[1])))
    return with_context(
        slot,
        [{"address": str(address), **ui_amount_json(amount, decimals)} for amount, address in amounts[:_LARGEST]],
    )


def get_token_accounts_by_owner(node: Node, params: Params) -> Any:
    """A wallet's token accounts of one mint or of one token program."""
    wallet = params.pubkey(0)
    wanted = params.config(1)
    config = params.config(2)
    slot = node.block(config).slot
    mint_text, program_text = wanted.text("mint"), wanted.text("programId")
    if (mint_text is None) == (program_text is None):
        raise invalid_params("Invalid params: expected either `mint` or `programId`.")
    mint = None if mint_text is None else parse_pubkey(mint_text)
    program = None if program_text is None else parse_pubkey(program_text)
    if mint is not None:
        _mint(node, mint, slot)
    if program is not None and program not in TOKEN_PROGRAMS:
        raise invalid_params("Invalid param: unrecognized Token program id")

    def keep(account: Account) -> bool:
        held = decode_token_account(account)
        return (
            held is not None
            and held.owner == wallet
            and (mint is None or held.mint == mint)
            and (program is None or account.owner == program)
        )

    candidates = node.chain.bank.index.token_accounts_of(wallet)
    return with_context(slot, keyed_accounts(node, candidates, slot, config, keep))


def _mint(node: Node, address: Pubkey, slot: int) -> Mint:
    mint = decode_mint(node.view.account(address, slot))
    if mint is None:
        raise invalid_params("Invalid param: could not find mint")
    return mint

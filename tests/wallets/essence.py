"""What a message of a swap does to its user, for tests that change the message."""

from __future__ import annotations

from solders.compute_budget import ID as COMPUTE_BUDGET_PROGRAM
from solders.message import MessageV0
from solders.pubkey import Pubkey

from engine_app.chain.token_accounts import WRAPPED_SOL_MINT, ata, wrapped_sol_address
from engine_app.wallets.errors import SignatureRefused
from engine_app.wallets.policy import require_allowed
from tests.wallets.messages import ATTEMPT, OWNER, RENT, RealSwap

WRAPPED = wrapped_sol_address(OWNER, ATTEMPT)


def account_of(swap: RealSwap, mint: Pubkey) -> Pubkey:
    """The account of the swap's user for a mint."""
    return WRAPPED if mint == WRAPPED_SOL_MINT else ata(OWNER, mint, swap.allowed.token_programs[mint])


def user_accounts(swap: RealSwap) -> set[Pubkey]:
    """The user, his accounts of the swap and their mints."""
    mints = set(swap.allowed.token_programs)
    return {OWNER, WRAPPED} | mints | {account_of(swap, mint) for mint in mints}


def is_allowed(message: MessageV0, swap: RealSwap) -> bool:
    """Whether the signer's policy lets the message pass for the swap."""
    try:
        require_allowed(message, swap.allowed)
    except SignatureRefused:
        return False
    return True


def essence(message: MessageV0, swap: RealSwap) -> list[tuple[Pubkey, bytes, tuple[Pubkey | None, ...]]]:
    """What a message does to its user: each instruction's program, the data but for prices and limits, and which of
    its accounts are the user's."""
    own = user_accounts(swap)
    assert message.account_keys[0] == OWNER
    assert message.header.num_required_signatures == 1
    done: list[tuple[Pubkey, bytes, tuple[Pubkey | None, ...]]] = []
    for compiled in message.instructions:
        program = message.account_keys[compiled.program_id_index]
        keys = [message.account_keys[index] for index in compiled.accounts]
        data = bytes(compiled.data)
        if program == COMPUTE_BUDGET_PROGRAM:
            data = data[:1]
        if data[:4] == (3).to_bytes(4, "little"):
            wrapped = swap.allowed.amount_in if swap.allowed.mint_in == WRAPPED_SOL_MINT else 0
            assert int.from_bytes(data[76:84], "little") <= wrapped + RENT
            data = data[:76] + data[84:]
        named = [key if key in own else None for key in keys]
        while named and named[-1] is None:  # any number of arrays may stand at the end
            named.pop()
        done.append((program, data, tuple(named)))
    return done

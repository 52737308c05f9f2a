"""What a landed transaction of somebody else's brought to a wallet. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from solders.pubkey import Pubkey

from engine_app.chain.landed import LandedTransaction
from engine_app.chain.token_accounts import TOKEN_2022_PROGRAM, TOKEN_PROGRAM, WRAPPED_SOL_MINT, ata


@dataclass(frozen=True, slots=True)
class Arrival:
    """Base units of a mint that reached a wallet; lamports under wrapped SOL's mint."""

    mint: Pubkey
    units: int


def arrivals(tx: LandedTransaction, owner: Pubkey) -> tuple[Arrival, ...]:
    """What the transaction brought, SOL first; nothing where it failed, or where the wallet signed it: then it is a
    trade or a withdrawal of its own.

    Tokens count where the wallet can spend them from: in its associated token accounts. Wrapped SOL in one of these is
    not SOL that it can spend.
    """
    if tx.error is not None or owner in tx.signers:
        return ()
    brought = []
    if (lamports := tx.lamports_gained(owner)) > 0:
        brought.append(Arrival(WRAPPED_SOL_MINT, lamports))
    for account, after in tx.post_tokens.items():
        mint = after.mint
        if mint == WRAPPED_SOL_MINT or account not in (
            ata(owner, mint, TOKEN_PROGRAM),
            ata(owner, mint, TOKEN_2022_PROGRAM),
        ):
            continue
        before = tx.pre_tokens.get(account)
        gained = after.amount - (0 if before is None else before.amount)
        if gained > 0:
            brought.append(Arrival(mint, gained))
    return tuple(brought)

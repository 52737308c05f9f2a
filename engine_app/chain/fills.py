"""What a landed swap or transfer really moved, told apart into amounts, network fee and rent. Pure.

Token amounts are the differences of the owner's token accounts. SOL passes through an account of the attempt's
own that is opened and closed inside the transaction and so has no balance before or after; what went through it
is what the other side's wrapped-SOL accounts (pool vaults, fee accounts) gained or lost. The owner's lamports
give the same number a second way: change = −spent + received − fee − rent paid + rent returned. Where they
disagree, the difference stands in `unexplained` instead of being hidden in an amount.

Of two hops, what the first brought beyond what the second spent is neither spent nor received, but the owner's: it
stands in `left_over`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from solders.pubkey import Pubkey

from engine_app.chain.landed import LandedTransaction, TokenBalance
from engine_app.chain.token_accounts import WRAPPED_SOL_MINT


@dataclass(frozen=True, slots=True)
class Fill:
    """What one landed transaction moved.

    Attributes:
        spent: base units of the input mint that left the owner (SOL: lamports, without fees and rent).
        received: base units of the output mint that reached the owner (SOL: lamports, without rent); of a transfer,
            those that reached its destination.
        network_fee: base and priority fee that the owner paid, lamports.
        rent_paid: lamports put into token accounts that were made and stay: the owner's, or a transfer's destination's.
        rent_returned: lamports that came back from token accounts of the owner which were closed.
        unexplained: lamports of the owner's change that none of these explains; 0 for whatever the engine builds.
        slot: the slot it landed in.
        compute_units: compute units used.
        left_over: base units of a mint in between that the owner gained (SOL: lamports).
        left_over_mint: that mint, wrapped SOL's for SOL; None where nothing is left.
    """

    spent: int
    received: int
    network_fee: int
    rent_paid: int
    rent_returned: int
    unexplained: int
    slot: int
    compute_units: int
    left_over: int = 0
    left_over_mint: Pubkey | None = None


def read_fill(
    tx: LandedTransaction, *, owner: Pubkey, mint_in: Pubkey, mint_out: Pubkey, wrapped_sol: Pubkey | None
) -> Fill:
    """Read what a swap of the owner moved.

    Args:
        tx: the landed transaction; one that failed moved nothing but its fee.
        owner: the trading wallet.
        mint_in, mint_out: the mints; wrapped SOL's stands for SOL where `wrapped_sol` is given.
        wrapped_sol: the attempt's own wrapped-SOL account, None where no SOL passes through one.
    """
    sol = WRAPPED_SOL_MINT if wrapped_sol is not None else None
    through_pools = _gained_by_others(tx, owner, wrapped_sol)
    spent = received = 0
    if tx.error is None:
        spent = through_pools if mint_in == sol else -_gained_by_owner(tx, owner, mint_in)
        received = -through_pools if mint_out == sol else _gained_by_owner(tx, owner, mint_out)
    left = _left_over(tx, owner, (mint_in, mint_out), through_pools) if tx.error is None else None
    paid = tx.fee if tx.account_keys[0] == owner else 0
    rent_paid = _rent(tx, owner, tx.post_tokens, tx.pre_tokens)
    rent_returned = -_rent(tx, owner, tx.pre_tokens, tx.post_tokens)
    expected = rent_returned - rent_paid - paid
    if left is not None and left[0] == sol:
        expected += left[1]
    if mint_in == sol:
        expected -= spent
    if mint_out == sol:
        expected += received
    return Fill(
        spent=spent,
        received=received,
        network_fee=paid,
        rent_paid=rent_paid,
        rent_returned=rent_returned,
        unexplained=tx.lamports_gained(owner) - expected,
        slot=tx.slot,
        compute_units=tx.compute_units,
        left_over=0 if left is None else left[1],
        left_over_mint=None if left is None else left[0],
    )


def read_transfer(tx: LandedTransaction, *, owner: Pubkey, destination: Pubkey, mint: Pubkey) -> Fill:
    """Read what a transfer moved from the owner to another wallet.

    Args:
        tx: the landed transaction; one that failed moved nothing but its fee.
        owner: the trading wallet.
        destination: the wallet that received.
        mint: what was sent; wrapped SOL's stands for SOL.
    """
    paid = tx.fee if tx.account_keys[0] == owner else 0
    rent_paid = _rent(tx, destination, tx.post_tokens, tx.pre_tokens)
    spent = received = lamports_sent = 0
    if tx.error is None and mint == WRAPPED_SOL_MINT:
        spent = received = lamports_sent = tx.lamports_gained(destination)
    elif tx.error is None:
        spent, received = -_gained_by_owner(tx, owner, mint), _gained_by_owner(tx, destination, mint)
    return Fill(
        spent=spent,
        received=received,
        network_fee=paid,
        rent_paid=rent_paid,
        rent_returned=0,
        unexplained=tx.lamports_gained(owner) + lamports_sent + rent_paid + paid,
        slot=tx.slot,
        compute_units=tx.compute_units,
    )


def _amount(balance: TokenBalance | None) -> int:
    return 0 if balance is None else balance.amount


def _accounts(tx: LandedTransaction) -> Iterable[tuple[TokenBalance, int]]:
    """Every token account of the transaction with the base units it gained."""
    for account in tx.pre_tokens.keys() | tx.post_tokens.keys():
        before, after = tx.pre_tokens.get(account), tx.post_tokens.get(account)
        described = after or before
        if described is not None:
            yield described, _amount(after) - _amount(before)


def _gained_by_owner(tx: LandedTransaction, owner: Pubkey, mint: Pubkey) -> int:
    return sum(gained for token, gained in _accounts(tx) if token.owner == owner and token.mint == mint)


def _left_over(
    tx: LandedTransaction, owner: Pubkey, pair: tuple[Pubkey, Pubkey], through_pools: int
) -> tuple[Pubkey, int] | None:
    """The mint beside the pair of which the owner has more (or, negative, less) than before, and how much.

    A route leads over one mint at most.
    """
    if WRAPPED_SOL_MINT not in pair and through_pools:
        return WRAPPED_SOL_MINT, -through_pools
    others = dict.fromkeys(token.mint for token, _ in _accounts(tx) if token.mint not in (*pair, WRAPPED_SOL_MINT))
    gained = ((mint, _gained_by_owner(tx, owner, mint)) for mint in others)
    return next(((mint, amount) for mint, amount in gained if amount), None)


def _gained_by_others(tx: LandedTransaction, owner: Pubkey, wrapped_sol: Pubkey | None) -> int:
    """Wrapped SOL that accounts of others gained: what went into pools, negative what came out of them."""
    return sum(
        gained
        for token, gained in _accounts(tx)
        if token.mint == WRAPPED_SOL_MINT and token.owner != owner and token.account != wrapped_sol
    )


def _rent(
    tx: LandedTransaction,
    owner: Pubkey,
    having: Iterable[Pubkey],
    lacking: Iterable[Pubkey],
) -> int:
    """Lamports gained by the owner's token accounts that stand in `having` and not in `lacking`."""
    return sum(
        tx.lamports_gained(account)
        for account in set(having) - set(lacking)
        if (tx.post_tokens.get(account) or tx.pre_tokens[account]).owner == owner
    )

"""Fills from hand-built balances: whatever is drawn, the parts add up and every part is what was put in."""

from __future__ import annotations

from dataclasses import dataclass, replace

from hypothesis import given
from hypothesis import strategies as st
from solders.pubkey import Pubkey
from solders.signature import Signature

from engine_app.chain.fills import read_fill, read_transfer
from engine_app.chain.landed import LandedTransaction, TokenBalance
from engine_app.chain.token_accounts import WRAPPED_SOL_MINT

OWNER = Pubkey.new_unique()
POOL_AUTHORITY = Pubkey.new_unique()
WRAPPED = Pubkey.new_unique()
USDC = Pubkey.new_unique()
BONK = Pubkey.new_unique()
OWN_USDC, OWN_BONK, OWN_WSOL = (Pubkey.new_unique() for _ in range(3))
VAULT_SOL, VAULT_USDC, VAULT_USDC_2, VAULT_BONK = (Pubkey.new_unique() for _ in range(4))

amounts = st.integers(min_value=1, max_value=2**63)
lamports = st.integers(min_value=0, max_value=10**7)


@dataclass
class Ledger:
    """Balances before and after, written down change by change."""

    sol: dict[Pubkey, list[int]]
    tokens: dict[Pubkey, tuple[Pubkey, Pubkey, list[int | None]]]

    @classmethod
    def new(cls) -> Ledger:
        ledger = cls({}, {})
        ledger.sol[OWNER] = [10**19, 10**19]
        return ledger

    def holds(self, account: Pubkey, mint: Pubkey, owner: Pubkey, before: int | None, after: int | None) -> None:
        self.tokens[account] = (mint, owner, [before, after])
        self.sol.setdefault(account, [0, 0])

    def landed(self, *, fee: int, error: object = None) -> LandedTransaction:
        self.sol[OWNER][1] -= fee
        keys = tuple(self.sol)

        def tokens(moment: int) -> dict[Pubkey, TokenBalance]:
            return {
                account: TokenBalance(account, mint, owner, amount)
                for account, (mint, owner, amounts_) in self.tokens.items()
                if (amount := amounts_[moment]) is not None
            }

        return LandedTransaction(
            signature=Signature.default(),
            slot=9,
            block_time=None,
            error=error,
            fee=fee,
            compute_units=40_000,
            account_keys=keys,
            pre_balances={key: self.sol[key][0] for key in keys},
            post_balances={key: self.sol[key][1] for key in keys},
            pre_tokens=tokens(0),
            post_tokens=tokens(1),
            inner_instructions=(),
            logs=(),
        )


@given(amount=amounts, out=amounts, fee=lamports, rent=lamports, dust=lamports)
def test_sol_in_to_a_new_token_account(amount: int, out: int, fee: int, rent: int, dust: int) -> None:
    ledger = Ledger.new()
    ledger.holds(VAULT_SOL, WRAPPED_SOL_MINT, POOL_AUTHORITY, 10**18, 10**18 + amount)
    ledger.holds(VAULT_USDC, USDC, POOL_AUTHORITY, 2**64, 2**64 - out)
    ledger.holds(OWN_USDC, USDC, OWNER, None, out)
    ledger.sol[OWN_USDC] = [dust, dust + rent]
    ledger.sol[OWNER][1] -= amount + rent
    fill = read_fill(ledger.landed(fee=fee), owner=OWNER, mint_in=WRAPPED_SOL_MINT, mint_out=USDC, wrapped_sol=WRAPPED)
    assert (fill.spent, fill.received) == (amount, out)
    assert (fill.network_fee, fill.rent_paid, fill.rent_returned, fill.unexplained) == (fee, rent, 0, 0)
    assert (fill.slot, fill.compute_units) == (9, 40_000)


@given(amount=amounts, out=amounts, fee=lamports)
def test_sol_out(amount: int, out: int, fee: int) -> None:
    ledger = Ledger.new()
    ledger.holds(VAULT_SOL, WRAPPED_SOL_MINT, POOL_AUTHORITY, 2**64, 2**64 - out)
    ledger.holds(VAULT_USDC, USDC, POOL_AUTHORITY, 5, 5 + amount)
    ledger.holds(OWN_USDC, USDC, OWNER, amount + 3, 3)
    ledger.sol[OWNER][1] += out
    fill = read_fill(ledger.landed(fee=fee), owner=OWNER, mint_in=USDC, mint_out=WRAPPED_SOL_MINT, wrapped_sol=WRAPPED)
    assert (fill.spent, fill.received, fill.network_fee) == (amount, out, fee)
    assert (fill.rent_paid, fill.rent_returned, fill.unexplained) == (0, 0, 0)


@given(first=amounts, second=amounts, out=amounts, fee=lamports, rent=lamports)
def test_token_to_token_split_over_two_pools(first: int, second: int, out: int, fee: int, rent: int) -> None:
    ledger = Ledger.new()
    ledger.holds(VAULT_USDC, USDC, POOL_AUTHORITY, 0, first)
    ledger.holds(VAULT_USDC_2, USDC, POOL_AUTHORITY, 0, second)
    ledger.holds(VAULT_BONK, BONK, POOL_AUTHORITY, 2**65, 2**65 - out)
    ledger.holds(OWN_USDC, USDC, OWNER, first + second, 0)
    ledger.holds(OWN_BONK, BONK, OWNER, None, out)
    ledger.sol[OWN_BONK] = [0, rent]
    ledger.sol[OWNER][1] -= rent
    fill = read_fill(ledger.landed(fee=fee), owner=OWNER, mint_in=USDC, mint_out=BONK, wrapped_sol=None)
    assert (fill.spent, fill.received) == (first + second, out)
    assert (fill.network_fee, fill.rent_paid, fill.unexplained) == (fee, rent, 0)


@given(amount=amounts, middle=amounts, out=amounts, fee=lamports)
def test_sol_between_two_tokens_is_neither_spent_nor_received(amount: int, middle: int, out: int, fee: int) -> None:
    ledger = Ledger.new()
    second_vault = Pubkey.new_unique()
    ledger.holds(VAULT_SOL, WRAPPED_SOL_MINT, POOL_AUTHORITY, 2**64, 2**64 - middle)
    ledger.holds(second_vault, WRAPPED_SOL_MINT, POOL_AUTHORITY, 0, middle)
    ledger.holds(OWN_USDC, USDC, OWNER, amount, 0)
    ledger.holds(OWN_BONK, BONK, OWNER, 1, 1 + out)
    fill = read_fill(ledger.landed(fee=fee), owner=OWNER, mint_in=USDC, mint_out=BONK, wrapped_sol=WRAPPED)
    assert (fill.spent, fill.received, fill.unexplained) == (amount, out, 0)
    assert (fill.left_over, fill.left_over_mint) == (0, None)


@given(amount=amounts, middle=amounts, left=amounts, out=amounts, fee=lamports)
def test_sol_that_the_second_hop_does_not_spend_is_left_over(
    amount: int, middle: int, left: int, out: int, fee: int
) -> None:
    ledger = Ledger.new()
    second_vault = Pubkey.new_unique()
    ledger.holds(VAULT_SOL, WRAPPED_SOL_MINT, POOL_AUTHORITY, 2**65, 2**65 - middle - left)
    ledger.holds(second_vault, WRAPPED_SOL_MINT, POOL_AUTHORITY, 0, middle)
    ledger.holds(OWN_USDC, USDC, OWNER, amount, 0)
    ledger.holds(OWN_BONK, BONK, OWNER, 1, 1 + out)
    ledger.sol[OWNER][1] += left
    fill = read_fill(ledger.landed(fee=fee), owner=OWNER, mint_in=USDC, mint_out=BONK, wrapped_sol=WRAPPED)
    assert (fill.spent, fill.received, fill.unexplained) == (amount, out, 0)
    assert (fill.left_over, fill.left_over_mint) == (left, WRAPPED_SOL_MINT)


@given(amount=amounts, middle=amounts, left=st.integers(0, 2**62), rent=lamports)
def test_a_token_that_the_second_hop_does_not_spend_is_left_over(
    amount: int, middle: int, left: int, rent: int
) -> None:
    ledger, out = Ledger.new(), 7
    ledger.holds(VAULT_SOL, WRAPPED_SOL_MINT, POOL_AUTHORITY, 0, amount)
    ledger.holds(VAULT_USDC, USDC, POOL_AUTHORITY, 2**65, 2**65 - middle - left)
    ledger.holds(VAULT_USDC_2, USDC, POOL_AUTHORITY, 0, middle)
    ledger.holds(OWN_USDC, USDC, OWNER, None, left)
    ledger.holds(OWN_BONK, BONK, OWNER, 1, 1 + out)
    ledger.sol[OWN_USDC] = [0, rent]
    ledger.sol[OWNER][1] -= amount + rent
    fill = read_fill(ledger.landed(fee=5), owner=OWNER, mint_in=WRAPPED_SOL_MINT, mint_out=BONK, wrapped_sol=WRAPPED)
    assert (fill.spent, fill.received, fill.rent_paid, fill.unexplained) == (amount, out, rent, 0)
    assert (fill.left_over, fill.left_over_mint) == ((left, USDC) if left else (0, None))


@given(amount=amounts, out=amounts, fee=lamports, own=amounts)
def test_the_owners_own_wrapped_sol_account_is_not_counted(amount: int, out: int, fee: int, own: int) -> None:
    ledger = Ledger.new()
    ledger.holds(OWN_WSOL, WRAPPED_SOL_MINT, OWNER, own, own)
    ledger.holds(VAULT_SOL, WRAPPED_SOL_MINT, POOL_AUTHORITY, 0, amount)
    ledger.holds(OWN_USDC, USDC, OWNER, 0, out)
    ledger.sol[OWNER][1] -= amount
    fill = read_fill(ledger.landed(fee=fee), owner=OWNER, mint_in=WRAPPED_SOL_MINT, mint_out=USDC, wrapped_sol=WRAPPED)
    assert (fill.spent, fill.received, fill.unexplained) == (amount, out, 0)


@given(amount=amounts, fee=lamports, rent=lamports)
def test_rent_of_an_emptied_account_comes_back(amount: int, fee: int, rent: int) -> None:
    ledger = Ledger.new()
    ledger.holds(OWN_USDC, USDC, OWNER, amount, None)
    ledger.sol[OWN_USDC] = [rent, 0]
    ledger.holds(OWN_BONK, BONK, OWNER, 0, 4)
    ledger.sol[OWNER][1] += rent
    fill = read_fill(ledger.landed(fee=fee), owner=OWNER, mint_in=USDC, mint_out=BONK, wrapped_sol=None)
    assert (fill.spent, fill.received) == (amount, 4)
    assert (fill.rent_paid, fill.rent_returned, fill.unexplained) == (0, rent, 0)


@given(tip=st.integers(1, 10**9), amount=amounts)
def test_lamports_that_nothing_explains_are_shown_and_not_hidden_in_the_amount(tip: int, amount: int) -> None:
    ledger = Ledger.new()
    ledger.holds(VAULT_SOL, WRAPPED_SOL_MINT, POOL_AUTHORITY, 0, amount)
    ledger.holds(OWN_USDC, USDC, OWNER, 0, 1)
    ledger.sol[OWNER][1] -= amount + tip
    fill = read_fill(ledger.landed(fee=5000), owner=OWNER, mint_in=WRAPPED_SOL_MINT, mint_out=USDC, wrapped_sol=WRAPPED)
    assert fill.spent == amount
    assert fill.unexplained == -tip


def test_a_failed_transaction_cost_its_fee_and_nothing_else() -> None:
    ledger = Ledger.new()
    ledger.holds(OWN_USDC, USDC, OWNER, 5, 5)
    landed = ledger.landed(fee=5_100, error={"InstructionError": [3, {"Custom": 6005}]})
    fill = read_fill(landed, owner=OWNER, mint_in=USDC, mint_out=WRAPPED_SOL_MINT, wrapped_sol=WRAPPED)
    assert (fill.spent, fill.received, fill.network_fee, fill.unexplained) == (0, 0, 5_100, 0)


def test_a_fee_that_another_paid_is_not_the_owners() -> None:
    ledger = Ledger.new()
    ledger.holds(OWN_USDC, USDC, OWNER, 5, 0)
    ledger.holds(OWN_BONK, BONK, OWNER, 0, 8)
    landed = ledger.landed(fee=0)
    other = Pubkey.new_unique()
    landed = replace(
        landed,
        fee=5_000,
        account_keys=(other, *landed.account_keys),
        pre_balances={other: 9_000, **landed.pre_balances},
        post_balances={other: 4_000, **landed.post_balances},
    )
    fill = read_fill(landed, owner=OWNER, mint_in=USDC, mint_out=BONK, wrapped_sol=None)
    assert (fill.spent, fill.received, fill.network_fee, fill.unexplained) == (5, 8, 0, 0)


RECEIVER, THEIR_USDC = (Pubkey.new_unique() for _ in range(2))


@given(amount=amounts, held=amounts, fee=lamports)
def test_a_transfer_of_sol_arrives_whole(amount: int, held: int, fee: int) -> None:
    ledger = Ledger.new()
    ledger.sol[RECEIVER] = [held, held + amount]
    ledger.sol[OWNER][1] -= amount
    fill = read_transfer(ledger.landed(fee=fee), owner=OWNER, destination=RECEIVER, mint=WRAPPED_SOL_MINT)
    assert (fill.spent, fill.received, fill.network_fee) == (amount, amount, fee)
    assert (fill.rent_paid, fill.rent_returned, fill.unexplained) == (0, 0, 0)


@given(arrives=amounts, withheld=lamports, fee=lamports, rent=lamports, dust=lamports)
def test_of_a_transfer_of_tokens_what_the_mint_keeps_does_not_arrive(
    arrives: int, withheld: int, fee: int, rent: int, dust: int
) -> None:
    ledger = Ledger.new()
    ledger.holds(OWN_USDC, USDC, OWNER, arrives + withheld + 7, 7)
    ledger.holds(THEIR_USDC, USDC, RECEIVER, None, arrives)
    ledger.sol[THEIR_USDC] = [dust, dust + rent]
    ledger.sol[OWNER][1] -= rent
    fill = read_transfer(ledger.landed(fee=fee), owner=OWNER, destination=RECEIVER, mint=USDC)
    assert (fill.spent, fill.received) == (arrives + withheld, arrives)
    assert (fill.network_fee, fill.rent_paid, fill.rent_returned, fill.unexplained) == (fee, rent, 0, 0)


@given(tip=st.integers(1, 10**9), amount=amounts)
def test_lamports_that_a_transfer_does_not_explain_are_shown(tip: int, amount: int) -> None:
    ledger = Ledger.new()
    ledger.sol[RECEIVER] = [0, amount]
    ledger.sol[OWNER][1] -= amount + tip
    fill = read_transfer(ledger.landed(fee=5000), owner=OWNER, destination=RECEIVER, mint=WRAPPED_SOL_MINT)
    assert (fill.spent, fill.unexplained) == (amount, -tip)


def test_a_failed_transfer_cost_its_fee_and_nothing_else() -> None:
    ledger = Ledger.new()
    ledger.sol[RECEIVER] = [5, 5]
    landed = ledger.landed(fee=5_000, error={"InstructionError": [2, {"Custom": 1}]})
    fill = read_transfer(landed, owner=OWNER, destination=RECEIVER, mint=WRAPPED_SOL_MINT)
    assert (fill.spent, fill.received, fill.network_fee, fill.unexplained) == (0, 0, 5_000, 0)

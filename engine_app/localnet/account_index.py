"""Which accounts a program owns, and which token accounts a wallet owns: candidates for scans."""

from collections import defaultdict

from solders.account import Account
from solders.pubkey import Pubkey

from engine_app.localnet.tokens import decode_token_account


class AccountIndex:
    """Every account that was ever owned so; readers look at the account itself before they believe it."""

    def __init__(self) -> None:
        self._by_program: defaultdict[Pubkey, set[Pubkey]] = defaultdict(set)
        self._token_accounts: defaultdict[Pubkey, set[Pubkey]] = defaultdict(set)

    def note(self, address: Pubkey, account: Account) -> None:
        """Take up an account's new state."""
        self._by_program[account.owner].add(address)
        token_account = decode_token_account(account)
        if token_account is not None:
            self._token_accounts[token_account.owner].add(address)

    def everybody(self) -> set[Pubkey]:
        """Every address that was ever used."""
        return set().union(*self._by_program.values())

    def owned_by_program(self, program: Pubkey) -> set[Pubkey]:
        """Addresses that the program owns or once owned."""
        return self._by_program.get(program, set())

    def token_accounts_of(self, wallet: Pubkey) -> set[Pubkey]:
        """Token accounts that the wallet owns or once owned."""
        return self._token_accounts.get(wallet, set())

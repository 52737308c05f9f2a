"""Accounts copied from another cluster, as a fresh local chain takes them in."""

from solders.account import Account
from solders.pubkey import Pubkey

from engine_app.localnet.tokens import MINT_LENGTH, TOKEN_PROGRAMS, WRAPPED_SOL, decode_mint

_SOME, _NONE = b"\x01\0\0\0", b"\0\0\0\0"
_FREEZE_AUTHORITY = slice(46, 50)


def taken_in(cloned: dict[Pubkey, Account], mint_authority: Pubkey) -> dict[Pubkey, Account]:
    """The accounts as they are, but every mint mints for the faucet, so that there are test funds of it, and nobody
    freezes its accounts. Wrapped SOL is the chain's own."""
    return {
        address: _minted_by(account, mint_authority) if _is_mint(account) else account
        for address, account in cloned.items()
        if address != WRAPPED_SOL
    }


def _is_mint(account: Account) -> bool:
    return account.owner in TOKEN_PROGRAMS and decode_mint(account) is not None


def _minted_by(account: Account, authority: Pubkey) -> Account:
    data = bytearray(account.data)
    data[0:36] = _SOME + bytes(authority)
    data[_FREEZE_AUTHORITY] = _NONE
    data[50:MINT_LENGTH] = bytes(32)
    return Account(account.lamports, bytes(data), account.owner, account.executable, account.rent_epoch)

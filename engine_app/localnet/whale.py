"""A whale: real swaps with the chain's own money, large enough to move a pool or to empty one side of it."""

from collections.abc import Callable
from dataclasses import dataclass

from solders.account import Account
from solders.hash import Hash
from solders.instruction import AccountMeta, Instruction
from solders.pubkey import Pubkey
from solders.transaction import VersionedTransaction

from engine_app.localnet.faucet import Faucet
from engine_app.localnet.programs_dir import METEORA_DAMM_V2, RAYDIUM_CPMM
from engine_app.localnet.seed import meteora_damm_v2, raydium_cpmm
from engine_app.localnet.tokens import (
    TOKEN_PROGRAM,
    WRAPPED_SOL,
    associated_token_address,
    decode_token_account,
)

INSTRUCTIONS_SYSVAR = Pubkey.from_string("Sysvar1nstructions1111111111111111111111111")
_CPMM_LENGTH, _DAMM_LENGTH = 637, 1112
_CPMM_SWAP = bytes.fromhex("8fbe5adac41e33de")
_DAMM_SWAP = bytes.fromhex("f8c69e91e17587c8")
_CPMM_STATUS, _CPMM_SWAP_DISABLED = 329, 4
_DAMM_STATUS, _DAMM_DISABLED = 481, 1
_UNITS = 400_000
_UNIT_PRICE = 1_000_000
_DRAIN_FACTOR = 1_000
"""Paying in this many times what a pool holds leaves a thousandth of the other side."""


@dataclass(frozen=True, slots=True)
class Pool:
    """A seeded pool as a swap needs it.

    Attributes:
        mints: token 0 and 1, or A and B.
        vaults: in the order of `mints`.
        cpmm: a CPMM pool's fee config and observation; None on DAMM v2.
    """

    address: Pubkey
    mints: tuple[Pubkey, Pubkey]
    vaults: tuple[Pubkey, Pubkey]
    cpmm: tuple[Pubkey, Pubkey] | None = None


def decode_pool(address: Pubkey, account: Account | None) -> Pool:
    """The pool at an address.

    Raises:
        ValueError: it is no pool of the seeded venues.
    """
    data = b"" if account is None else account.data
    owner = None if account is None else account.owner

    def key(offset: int) -> Pubkey:
        return Pubkey(data[offset : offset + 32])

    if owner == RAYDIUM_CPMM and len(data) == _CPMM_LENGTH:
        return Pool(address, (key(168), key(200)), (key(72), key(104)), (key(8), key(296)))
    if owner == METEORA_DAMM_V2 and len(data) == _DAMM_LENGTH:
        return Pool(address, (key(168), key(200)), (key(232), key(264)))
    raise ValueError(f"{address} is no pool of the seeded venues")


def swap(faucet: Faucet, pool: Pool, mint_in: Pubkey, amount: int, blockhash: Hash) -> VersionedTransaction:
    """A swap of `amount` base units of `mint_in` at any price, first in its slot.

    Raises:
        ValueError: the pool does not trade the mint.
    """
    if mint_in not in pool.mints:
        raise ValueError(f"{pool.address} does not trade {mint_in}")
    wallet = faucet.payer
    opened = [faucet.open_account(wallet, mint) for mint in pool.mints]
    native = mint_in == WRAPPED_SOL
    funded = faucet.wrap(amount) if native else [faucet.issue(wallet, mint_in, amount)]
    traded = _swap_instruction(wallet, pool, mint_in, amount)
    return faucet.sign([*opened, *funded, traded], blockhash, units=_UNITS, unit_price=_UNIT_PRICE)


def draining_amount(pool: Pool, mint_in: Pubkey, account: Callable[[Pubkey], Account | None]) -> int:
    """Base units of `mint_in` that leave next to nothing of the pool's other token.

    Raises:
        ValueError: the pool does not trade the mint.
    """
    if mint_in not in pool.mints:
        raise ValueError(f"{pool.address} does not trade {mint_in}")
    vault = decode_token_account(account(pool.vaults[pool.mints.index(mint_in)]))
    return _DRAIN_FACTOR * (vault.amount if vault else 0)


def with_swaps(account: Account, *, enabled: bool) -> Account:
    """The pool's account with swaps enabled or not, past the program.

    Raises:
        ValueError: it is no pool of the seeded venues.
    """
    data = bytearray(account.data)
    if account.owner == RAYDIUM_CPMM and len(data) == _CPMM_LENGTH:
        data[_CPMM_STATUS] = 0 if enabled else _CPMM_SWAP_DISABLED
    elif account.owner == METEORA_DAMM_V2 and len(data) == _DAMM_LENGTH:
        data[_DAMM_STATUS] = 0 if enabled else _DAMM_DISABLED
    else:
        raise ValueError("no pool of the seeded venues")
    return Account(account.lamports, bytes(data), account.owner, account.executable, account.rent_epoch)


def _amounts(amount: int) -> bytes:
    return amount.to_bytes(8, "little") + bytes(8)


def _swap_instruction(wallet: Pubkey, pool: Pool, mint_in: Pubkey, amount: int) -> Instruction:
    if pool.cpmm is None:
        return _damm_swap(wallet, pool, mint_in, amount)
    config, observation = pool.cpmm
    at = pool.mints.index(mint_in)
    mint_out = pool.mints[1 - at]
    metas = [
        _signs(wallet),
        _reads(raydium_cpmm.AUTHORITY),
        _reads(config),
        _writes(pool.address),
        _writes(associated_token_address(wallet, mint_in)),
        _writes(associated_token_address(wallet, mint_out)),
        _writes(pool.vaults[at]),
        _writes(pool.vaults[1 - at]),
        _reads(TOKEN_PROGRAM),
        _reads(TOKEN_PROGRAM),
        _reads(mint_in),
        _reads(mint_out),
        _writes(observation),
    ]
    return Instruction(RAYDIUM_CPMM, _CPMM_SWAP + _amounts(amount), metas)


def _damm_swap(wallet: Pubkey, pool: Pool, mint_in: Pubkey, amount: int) -> Instruction:
    mint_out = pool.mints[1 - pool.mints.index(mint_in)]
    metas = [
        _reads(meteora_damm_v2.AUTHORITY),
        _writes(pool.address),
        _writes(associated_token_address(wallet, mint_in)),
        _writes(associated_token_address(wallet, mint_out)),
        *(_writes(vault) for vault in pool.vaults),
        *(_reads(mint) for mint in pool.mints),
        _signs(wallet),
        _reads(TOKEN_PROGRAM),
        _reads(TOKEN_PROGRAM),
        _reads(METEORA_DAMM_V2),
        _reads(meteora_damm_v2.EVENT_AUTHORITY),
        _reads(METEORA_DAMM_V2),
        # Only pools with a rate limiter read it.
        _reads(INSTRUCTIONS_SYSVAR),
    ]
    return Instruction(METEORA_DAMM_V2, _DAMM_SWAP + _amounts(amount), metas)


def _signs(key: Pubkey) -> AccountMeta:
    return AccountMeta(key, is_signer=True, is_writable=True)


def _writes(key: Pubkey) -> AccountMeta:
    return AccountMeta(key, is_signer=False, is_writable=True)


def _reads(key: Pubkey) -> AccountMeta:
    return AccountMeta(key, is_signer=False, is_writable=False)

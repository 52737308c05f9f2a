"""Test funds: real transactions signed by keys that only this chain has."""

import itertools
import secrets
from dataclasses import dataclass, field

from solders.account import Account
from solders.compute_budget import set_compute_unit_limit
from solders.hash import Hash
from solders.instruction import AccountMeta, Instruction
from solders.keypair import Keypair
from solders.message import Message
from solders.pubkey import Pubkey
from solders.system_program import TransferParams, transfer
from solders.transaction import VersionedTransaction

from engine_app.localnet.messages import SYSTEM_PROGRAM
from engine_app.localnet.tokens import ASSOCIATED_TOKEN_PROGRAM, TOKEN_PROGRAM, associated_token_address

FAUCET_LAMPORTS = 500_000_000 * 10**9
_LEAST_UNITS = 100_000
_UNITS_SPREAD = 100_000
_CREATE_IDEMPOTENT = b"\x01"
_MINT_TO = b"\x07"
_RENT_EPOCH_NEVER = 2**64 - 1


@dataclass(frozen=True, slots=True)
class Faucet:
    """The key that pays and the key that mints."""

    _payer: Keypair
    _minter: Keypair
    _serial: "itertools.count[int]" = field(default_factory=lambda: itertools.count(secrets.randbelow(_UNITS_SPREAD)))

    @staticmethod
    def generate() -> "Faucet":
        """A faucet with new keys."""
        return Faucet(Keypair(), Keypair())

    @staticmethod
    def from_secrets(payer: bytes, minter: bytes) -> "Faucet":
        """The faucet whose `secrets` these are."""
        return Faucet(Keypair.from_bytes(payer), Keypair.from_bytes(minter))

    def secrets(self) -> dict[str, bytes]:
        """The keys by the names they are stored under."""
        return {"faucet": bytes(self._payer), "mint_authority": bytes(self._minter)}

    @property
    def payer(self) -> Pubkey:
        """Who pays for airdrops."""
        return self._payer.pubkey()

    @property
    def mint_authority(self) -> Pubkey:
        """Who may mint the seeded tokens."""
        return self._minter.pubkey()

    def genesis_accounts(self) -> dict[Pubkey, Account]:
        """The accounts a fresh chain needs for the faucet."""
        return {self.payer: Account(FAUCET_LAMPORTS, b"", SYSTEM_PROGRAM, False, _RENT_EPOCH_NEVER)}

    def lamports(self, to: Pubkey, amount: int, blockhash: Hash) -> VersionedTransaction:
        """A signed transfer of lamports."""
        pay = transfer(TransferParams(from_pubkey=self.payer, to_pubkey=to, lamports=amount))
        return self._sign([pay], [self._payer], blockhash)

    def tokens(self, to: Pubkey, mint: Pubkey, amount: int, blockhash: Hash) -> VersionedTransaction:
        """A signed mint of `amount` base units into the wallet's associated token account, made if missing."""
        account = associated_token_address(to, mint)
        create = Instruction(
            ASSOCIATED_TOKEN_PROGRAM,
            _CREATE_IDEMPOTENT,
            [
                AccountMeta(self.payer, is_signer=True, is_writable=True),
                AccountMeta(account, is_signer=False, is_writable=True),
                AccountMeta(to, is_signer=False, is_writable=False),
                AccountMeta(mint, is_signer=False, is_writable=False),
                AccountMeta(SYSTEM_PROGRAM, is_signer=False, is_writable=False),
                AccountMeta(TOKEN_PROGRAM, is_signer=False, is_writable=False),
            ],
        )
        issue = Instruction(
            TOKEN_PROGRAM,
            _MINT_TO + amount.to_bytes(8, "little"),
            [
                AccountMeta(mint, is_signer=False, is_writable=True),
                AccountMeta(account, is_signer=False, is_writable=True),
                AccountMeta(self.mint_authority, is_signer=True, is_writable=False),
            ],
        )
        return self._sign([create, issue], [self._payer, self._minter], blockhash)

    def _sign(self, instructions: list[Instruction], keys: list[Keypair], blockhash: Hash) -> VersionedTransaction:
        # Two equal airdrops over one blockhash would be one signature: a limit of its own tells them apart.
        limit = set_compute_unit_limit(_LEAST_UNITS + next(self._serial) % _UNITS_SPREAD)
        message = Message.new_with_blockhash([limit, *instructions], self.payer, blockhash)
        return VersionedTransaction(message, keys)

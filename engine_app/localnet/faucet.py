"""Test funds: real transactions signed by keys that only this chain has."""

import itertools
import secrets
from dataclasses import dataclass, field

from solders.account import Account
from solders.compute_budget import set_compute_unit_limit, set_compute_unit_price
from solders.hash import Hash
from solders.instruction import AccountMeta, Instruction
from solders.keypair import Keypair
from solders.message import Message
from solders.pubkey import Pubkey
from solders.system_program import TransferParams, transfer
from solders.transaction import VersionedTransaction

from engine_app.localnet.messages import SYSTEM_PROGRAM
from engine_app.localnet.tokens import ASSOCIATED_TOKEN_PROGRAM, TOKEN_PROGRAM, WRAPPED_SOL, associated_token_address

FAUCET_LAMPORTS = 500_000_000 * 10**9
_UNITS_SPREAD = 100_000
_CREATE_IDEMPOTENT = b"\x01"
_MINT_TO = b"\x07"
_SYNC_NATIVE = b"\x11"
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
        return self.sign([pay], blockhash)

    def tokens(self, to: Pubkey, mint: Pubkey, amount: int, blockhash: Hash) -> VersionedTransaction:
        """A signed mint of `amount` base units into the wallet's associated token account, made if missing."""
        return self.sign([self.open_account(to, mint), self.issue(to, mint, amount)], blockhash)

    def open_account(self, owner: Pubkey, mint: Pubkey) -> Instruction:
        """Make a wallet's associated token account, if it is missing."""
        metas = [
            AccountMeta(self.payer, is_signer=True, is_writable=True),
            AccountMeta(associated_token_address(owner, mint), is_signer=False, is_writable=True),
            AccountMeta(owner, is_signer=False, is_writable=False),
            AccountMeta(mint, is_signer=False, is_writable=False),
            AccountMeta(SYSTEM_PROGRAM, is_signer=False, is_writable=False),
            AccountMeta(TOKEN_PROGRAM, is_signer=False, is_writable=False),
        ]
        return Instruction(ASSOCIATED_TOKEN_PROGRAM, _CREATE_IDEMPOTENT, metas)

    def issue(self, owner: Pubkey, mint: Pubkey, amount: int) -> Instruction:
        """Mint `amount` base units into a wallet's associated token account."""
        metas = [
            AccountMeta(mint, is_signer=False, is_writable=True),
            AccountMeta(associated_token_address(owner, mint), is_signer=False, is_writable=True),
            AccountMeta(self.mint_authority, is_signer=True, is_writable=False),
        ]
        return Instruction(TOKEN_PROGRAM, _MINT_TO + amount.to_bytes(8, "little"), metas)

    def wrap(self, amount: int) -> list[Instruction]:
        """Put lamports into the payer's own wrapped SOL account."""
        account = associated_token_address(self.payer, WRAPPED_SOL)
        pay = TransferParams(from_pubkey=self.payer, to_pubkey=account, lamports=amount)
        sync = Instruction(TOKEN_PROGRAM, _SYNC_NATIVE, [AccountMeta(account, is_signer=False, is_writable=True)])
        return [transfer(pay), sync]

    def sign(
        self, instructions: list[Instruction], blockhash: Hash, *, units: int = 100_000, unit_price: int = 0
    ) -> VersionedTransaction:
        """A transaction that the payer pays for, signed with every key it needs.

        Args:
            units: compute units it may at least use.
            unit_price: micro-lamports per compute unit offered.
        """
        # Two equal airdrops over one blockhash would be one signature: a limit of its own tells them apart.
        limit = set_compute_unit_limit(units + next(self._serial) % _UNITS_SPREAD)
        price = [set_compute_unit_price(unit_price)] if unit_price else []
        message = Message.new_with_blockhash([limit, *price, *instructions], self.payer, blockhash)
        signers = message.account_keys[: message.header.num_required_signatures]
        return VersionedTransaction(message, [key for key in (self._payer, self._minter) if key.pubkey() in signers])

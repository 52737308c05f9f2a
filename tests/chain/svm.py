"""A real SVM with the real token programs, without a chain around it."""

from __future__ import annotations

from solders.account import Account as SvmAccount
from solders.instruction import Instruction
from solders.keypair import Keypair
from solders.litesvm import LiteSVM
from solders.message import MessageV0
from solders.pubkey import Pubkey
from solders.transaction import VersionedTransaction
from solders.transaction_metadata import FailedTransactionMetadata, TransactionMetadata

from engine_app.chain.accounts import Account
from engine_app.chain.token_accounts import TOKEN_ACCOUNT_SIZE, TOKEN_PROGRAM, WRAPPED_SOL_MINT

SOL = 1_000_000_000


def mint_bytes(*, decimals: int = 6, supply: int = 7, freeze: Pubkey | None = None, tail: bytes = b"") -> bytes:
    """A mint's account; `tail` are the extensions of a Token-2022 mint."""
    data = bytes(4) + bytes(32) + supply.to_bytes(8, "little") + bytes([decimals, 1])
    data += bytes(36) if freeze is None else (1).to_bytes(4, "little") + bytes(freeze)
    return data + (bytes(TOKEN_ACCOUNT_SIZE - len(data)) + b"\x01" + tail if tail else b"")


class Svm:
    """A LiteSVM with one funded wallet."""

    def __init__(self) -> None:
        self.svm = LiteSVM()
        self.svm.set_account(WRAPPED_SOL_MINT, SvmAccount(SOL, mint_bytes(decimals=9, supply=0), TOKEN_PROGRAM))
        self.wallet = Keypair()
        self.owner = self.wallet.pubkey()
        self.svm.airdrop(self.owner, 10 * SOL)
        self.rent = self.rent_of(TOKEN_ACCOUNT_SIZE)

    def rent_of(self, size: int) -> int:
        """Rent exemption of an account of `size` bytes, lamports."""
        return int(self.svm.minimum_balance_for_rent_exemption(size))

    def run(
        self, *instructions: Instruction, also: Keypair | None = None
    ) -> TransactionMetadata | FailedTransactionMetadata:
        """Run instructions that the wallet pays for; `also` signs too."""
        message = MessageV0.try_compile(self.owner, list(instructions), [], self.svm.latest_blockhash())
        signers = [self.wallet] if also is None else [self.wallet, also]
        result: TransactionMetadata | FailedTransactionMetadata = self.svm.send_transaction(
            VersionedTransaction(message, signers)
        )
        return result

    def succeeds(self, *instructions: Instruction, also: Keypair | None = None) -> TransactionMetadata:
        """The same, and it has to succeed."""
        ran = self.run(*instructions, also=also)
        assert isinstance(ran, TransactionMetadata), ran
        return ran

    def read(self, address: Pubkey) -> Account | None:
        """An account as the engine sees it."""
        found = self.svm.get_account(address)
        return None if found is None else Account(found.owner, found.lamports, bytes(found.data))

    def lamports(self) -> int:
        """What the wallet holds."""
        return self.svm.get_balance(self.owner) or 0

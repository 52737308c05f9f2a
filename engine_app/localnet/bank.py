"""The bank: LiteSVM, the accounts of every recent slot, and the rules a leader applies before it runs anything.

LiteSVM must only ever be used from one thread: the bank lives in the event loop's.
"""

import secrets
import time
from collections.abc import Iterable
from dataclasses import dataclass

from solders.account import Account
from solders.clock import Clock
from solders.hash import Hash
from solders.litesvm import LiteSVM
from solders.pubkey import Pubkey
from solders.signature import Signature
from solders.transaction import VersionedTransaction
from solders.transaction_metadata import FailedTransactionMetadata, SimulatedTransactionInfo

from engine_app.localnet.account_history import AccountHistory
from engine_app.localnet.account_index import AccountIndex
from engine_app.localnet.blocks import Block, Landed, RecentBlocks
from engine_app.localnet.execution import Outcome, States, meta_json
from engine_app.localnet.messages import (
    SYSTEM_PROGRAM,
    Accounts,
    LookupFailed,
    fee_of,
    message_of,
    resolve,
)
from engine_app.localnet.queue import Pending
from engine_app.localnet.tokens import decode_mint
from engine_app.localnet.transaction_errors import TransactionErrorJson

SLOTS_PER_EPOCH = 432_000
_SLOT_HASHES = 512
_GONE = Account(0, b"", SYSTEM_PROGRAM)


@dataclass(frozen=True, slots=True)
class Simulation:
    """What a transaction would do on the newest state.

    Attributes:
        slot: whose state it ran on.
        post_accounts: state of the writable accounts afterwards; empty where it failed.
        accounts: the message's accounts; None where a lookup failed.
    """

    slot: int
    outcome: Outcome
    post_accounts: dict[Pubkey, Account]
    accounts: Accounts | None


class Bank:
    """Runs transactions and answers what an account held at a slot.

    Args:
        programs: compiled programs by the address they run at.
        blocks: recent blocks, oldest first; the last one's state is what the accounts are loaded with.
    """

    def __init__(self, programs: dict[Pubkey, bytes], blocks: Iterable[Block]) -> None:
        self._svm = LiteSVM().with_blockhash_check(False).with_transaction_history(0)
        for address, elf in programs.items():
            self._svm.add_program(address, elf)
        self.blocks = RecentBlocks(blocks)
        self.history = AccountHistory(self._svm.get_account)
        self.index = AccountIndex()
        self._slot_hashes: list[tuple[int, Hash]] = [
            (block.slot, block.blockhash) for block in reversed(list(self.blocks))
        ][:_SLOT_HASHES]
        self._decimals: dict[Pubkey, int] = {}
        self._changed: dict[Pubkey, Account | None] = {}
        self._working_slot = self.blocks.head.slot
        self._set_clock(self.blocks.head.slot, self.blocks.head.unix_time)

    def load(self, address: Pubkey, account: Account) -> None:
        """Put an account's newest state in place, past the runtime."""
        self._svm.set_account(address, account)
        self.index.note(address, account)

    def account(self, address: Pubkey, slot: int) -> Account | None:
        """What the account held at the end of the slot."""
        return self.history.at(address, slot)

    def newest(self, address: Pubkey) -> Account | None:
        """What the account holds now, also in the middle of a block."""
        return self._svm.get_account(address)

    def rent_exempt(self, length: int) -> int:
        """Lamports that exempt an account with this many bytes of data from rent."""
        return self._svm.minimum_balance_for_rent_exemption(length)

    def begin_block(self, slot: int, unix_time: int) -> Block:
        """The next block, still empty and not yet visible; run transactions into it, then `finish_block`."""
        head = self.blocks.head
        self._slot_hashes = [(head.slot, head.blockhash), *self._slot_hashes[: _SLOT_HASHES - 1]]
        self._svm.set_slot_hashes(self._slot_hashes)
        self._set_clock(slot, unix_time)
        self._working_slot = slot
        self._changed = {}
        return Block(
            slot=slot,
            height=head.height + 1,
            blockhash=random_hash(),
            parent_slot=head.slot,
            parent_hash=head.blockhash,
            unix_time=unix_time,
            transactions_before=head.transaction_count,
        )

    def finish_block(self, block: Block) -> dict[Pubkey, Account | None]:
        """Make a block the head; returns the accounts it changed, with their new state."""
        self.blocks.append(block)
        changed, self._changed = self._changed, {}
        return changed

    def _set_clock(self, slot: int, unix_time: int) -> None:
        epoch = slot // SLOTS_PER_EPOCH
        self._svm.set_clock(Clock(slot, unix_time, epoch, epoch + 1, unix_time))

    def refusal(self, transaction: VersionedTransaction, height: int) -> TransactionErrorJson | None:
        """Why a block of this height could not take the transaction at all: blockhash too old, or a duplicate."""
        block = self.blocks.with_hash(message_of(transaction).recent_blockhash)
        if block is None or height > block.last_valid_height:
            return "BlockhashNotFound"
        if self.blocks.landed(transaction.signatures[0]) is not None:
            return "AlreadyProcessed"
        return None

    def run(
        self, pending: Pending, block: Block, forced_error: TransactionErrorJson | None = None
    ) -> TransactionErrorJson | None:
        """Run a transaction into a block begun with `begin_block`.

        Args:
            forced_error: what it shall fail with; then it does nothing but pay its fee.

        Returns:
            None when it landed, also with an error of its own; else why it is not part of the block.
        """
        refusal = self.refusal(pending.transaction, block.height)
        if refusal is not None:
            return refusal
        message = message_of(pending.transaction)
        try:
            accounts = resolve(message, self.newest)
        except LookupFailed as failed:
            return failed.error
        before = States(self.newest(key) for key in accounts.keys)
        if forced_error is None:
            result = self._svm.send_transaction(pending.transaction)
            outcome = Outcome.of(result)
            if isinstance(result, FailedTransactionMetadata) and result.meta().signature() == Signature.default():
                return outcome.error
        else:
            outcome = Outcome(forced_error, ["Program log: failed on request"], 0, fee_of(message))
            if not self._charge(accounts.keys[0], outcome.fee):
                return "InsufficientFundsForFee"
        after = States(
            self.newest(key) if writable else was
            for key, writable, was in zip(accounts.keys, accounts.writable, before.accounts, strict=True)
        )
        for key, was, now in zip(accounts.keys, before.accounts, after.accounts, strict=True):
            if was != now:
                self._note_change(key, block.slot, was, now)
        decimals = self._decimals_of(before.mints | after.mints)
        block.landed.append(
            Landed(
                signature=pending.signature,
                slot=block.slot,
                index=len(block.landed),
                unix_time=block.unix_time,
                wire=pending.wire,
                accounts=accounts,
                error=outcome.error,
                meta=meta_json(outcome, accounts, before=before, after=after, decimals=decimals),
                unit_price=pending.unit_price,
            )
        )
        return None

    def _charge(self, payer: Pubkey, fee: int) -> bool:
        account = self.newest(payer)
        if account is None or account.lamports < fee:
            return False
        self._set(payer, _with_lamports(account, account.lamports - fee))
        return True

    def edit(self, address: Pubkey, account: Account, block: Block) -> None:
        """Give an account a state as part of a block, past the runtime."""
        before = self.newest(address)
        self._set(address, account)
        self._note_change(address, block.slot, before, account)

    def rollback(self, slot: int) -> list[Landed]:
        """Take back every block above `slot`; returns what had landed in them, oldest first."""
        taken = self.blocks.truncate(slot)
        for address, account in self.history.rollback(slot).items():
            self._set(address, account)
        self._slot_hashes = [entry for entry in self._slot_hashes if entry[0] < self.blocks.head.slot]
        return [landed for block in reversed(taken) for landed in block.landed]

    def _set(self, address: Pubkey, account: Account | None) -> None:
        self._svm.set_account(address, account or _GONE)

    def _note_change(self, address: Pubkey, slot: int, was: Account | None, now: Account | None) -> None:
        self.history.record(address, slot, was, now)
        self._changed[address] = now
        if now is not None:
            self.index.note(address, now)

    def _decimals_of(self, mints: set[Pubkey]) -> dict[Pubkey, int]:
        for mint in mints - self._decimals.keys():
            decoded = decode_mint(self.newest(mint))
            if decoded is not None:
                self._decimals[mint] = decoded.decimals
        return {mint: self._decimals[mint] for mint in mints if mint in self._decimals}

    def simulate(
        self, transaction: VersionedTransaction, *, verify_signatures: bool, check_age: bool = True
    ) -> Simulation:
        """Run a transaction on the newest state and keep nothing of it.

        Args:
            check_age: whether the blockhash must be usable in the next block, and the signature new.
        """
        slot = self._working_slot
        message = message_of(transaction)
        refusal = self.refusal(transaction, self.blocks.head.height + 1) if check_age else None
        accounts: Accounts | None = None
        if refusal is None:
            try:
                accounts = resolve(message, self.newest)
            except LookupFailed as failed:
                refusal = failed.error
        if refusal is not None:
            return Simulation(slot, Outcome(refusal, [], 0, fee_of(message)), {}, accounts)
        self._svm.with_sigverify(verify_signatures)
        try:
            result = self._svm.simulate_transaction(transaction)
        finally:
            self._svm.with_sigverify(True)
        post_accounts = dict(result.post_accounts()) if isinstance(result, SimulatedTransactionInfo) else {}
        return Simulation(slot, Outcome.of(result), post_accounts, accounts)


def _with_lamports(account: Account, lamports: int) -> Account:
    return Account(lamports, account.data, account.owner, account.executable, account.rent_epoch)


def random_hash() -> Hash:
    """A blockhash nobody could have known before; `Hash.new_unique` only counts up."""
    return Hash(secrets.token_bytes(32))


def unix_now() -> int:
    """Seconds since 1970, as the clock sysvar and block times carry them."""
    return int(time.time())

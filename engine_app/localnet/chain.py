"""The chain: a bank with a slot clock, a queue of sends, and a disk behind it."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from solders.account import Account
from solders.hash import Hash
from solders.pubkey import Pubkey
from solders.transaction import VersionedTransaction

from engine_app.localnet.bank import Bank, random_hash, unix_now
from engine_app.localnet.blocks import KEPT_SLOTS, Block
from engine_app.localnet.faucet import Faucet
from engine_app.localnet.faults.active import Faults
from engine_app.localnet.faults.specs import FailedTransaction, StalledSlots
from engine_app.localnet.interventions import Interventions
from engine_app.localnet.messages import signers_of
from engine_app.localnet.queue import Pending, SendQueue
from engine_app.localnet.sends import Fate, SendLog
from engine_app.localnet.store import BlockChanges, Store, StoredAccount

FIRST_SLOT = 1_000
"""Slot of the first block, whose height is 1: every slot before it counts as skipped, so that nobody can take a
slot for a block height and go unpunished."""
_YIELD_EVERY = 16


class Chain:
    """One chain. Call everything from the event loop's thread.

    Args:
        store: an open store; a fresh one gets a new chain with a new genesis hash.
        programs: compiled programs by address.
        seed: accounts of a fresh chain, given the key that may mint its tokens and the chain's faucet.
        slot_ms: length of a slot in milliseconds.
    """

    def __init__(
        self,
        store: Store,
        *,
        programs: dict[Pubkey, bytes],
        seed: Callable[[Pubkey], dict[Pubkey, Account]],
        slot_ms: int,
    ) -> None:
        if store.is_fresh:
            _found(store, seed)
        self.store = store
        self.slot_seconds = slot_ms / 1000
        self.faucet = Faucet.from_secrets(store.named("faucet"), store.named("mint_authority"))
        self.bank = Bank(programs, store.newest_blocks(KEPT_SLOTS))
        self._restore()
        self.queue = SendQueue()
        self.sends = SendLog()
        self.faults = Faults()
        self.interventions = Interventions()
        self._last_slot = self.head.slot
        self._listeners: list[Callable[[Block], None]] = []
        self._writer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="localnet-store")
        self._written: asyncio.Future[None] | None = None

    def _restore(self) -> None:
        head_slot = self.head.slot
        newest: dict[Pubkey, StoredAccount] = {}
        recent: list[tuple[StoredAccount, Account | None]] = []
        for version in self.store.accounts():
            before = newest.get(version.address)
            if version.slot > head_slot - KEPT_SLOTS:
                recent.append((version, before.account if before else None))
            newest[version.address] = version
        for version in newest.values():
            if version.account is not None:
                self.bank.load(version.address, version.account)
        for version, account_before in sorted(recent, key=lambda item: item[0].slot):
            self.bank.history.record(version.address, version.slot, account_before, version.account)

    @property
    def head(self) -> Block:
        """The newest block."""
        return self.bank.blocks.head

    @property
    def genesis_hash(self) -> Hash:
        """The hash that names this chain; it survives restarts."""
        return self.store.genesis_hash

    def on_block(self, listener: Callable[[Block], None]) -> Callable[[], None]:
        """Call `listener` with every new head; returns what ends that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def send(self, transaction: VersionedTransaction, wire: bytes, *, not_before: int = 0) -> Pending:
        """Let a transaction wait for the next slot; it is run there, not here.

        Args:
            not_before: the first block height it may be run at.

        Raises:
            UnsupportedMessage: this chain does not run its message version.
        """
        return self.queue.add(transaction, wire, not_before)

    async def run(self) -> None:
        """Tick slots until cancelled; a tick that comes late shifts those after it."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self.slot_seconds
        while True:
            await asyncio.sleep(max(0.0, deadline - loop.time()))
            if self.faults.hit(StalledSlots) is None:
                await self.tick()
            deadline = max(deadline + self.slot_seconds, loop.time())

    async def tick(self) -> Block:
        """Make the next slot's block of what waits, and let the block before it be `confirmed`."""
        await self.written()
        rolled_back_to = self._take_back()
        self._last_slot += 1
        block = self.bank.begin_block(self._last_slot, unix_now())
        self.interventions.edit(self.bank, block)
        for number, pending in enumerate(self.queue.take(block.height), start=1):
            self._run(pending, block)
            if number % _YIELD_EVERY == 0:
                await asyncio.sleep(0)
        accounts = self.bank.finish_block(block)
        superseded = self.bank.history.prune(block.slot)
        changes = BlockChanges(block, accounts, superseded, rolled_back_to)
        loop = asyncio.get_running_loop()
        self._written = loop.run_in_executor(self._writer, self.store.append, changes)
        for listener in tuple(self._listeners):
            listener(block)
        return block

    def _run(self, pending: Pending, block: Block) -> None:
        refusal = self.bank.refusal(pending.transaction, block.height)
        forced_error = None
        if refusal is None:
            failure = self.faults.hit(FailedTransaction, signers=signers_of(pending.transaction))
            forced_error = None if failure is None else failure.error
            refusal = self.bank.run(pending, block, forced_error)
        if refusal is not None:
            self.sends.ran(pending.signature, Fate.REFUSED, block.slot, refusal)
        else:
            self.sends.ran(pending.signature, Fate.LANDED, block.slot, block.landed[-1].error)

    def _take_back(self) -> int | None:
        """Undo the newest blocks if that was asked for; the slot they were undone to."""
        reorg = self.interventions.next_reorg()
        if reorg is None:
            return None
        keep = max(self.head.slot - reorg.slots, self.bank.blocks.oldest.slot)
        taken = self.bank.rollback(keep)
        for landed in taken:
            self.sends.undone(landed.signature, waits=reorg.requeue)
            if reorg.requeue:
                self.queue.add(VersionedTransaction.from_bytes(landed.wire), landed.wire)
        reorg.done.set_result([landed.signature for landed in taken])
        return self.head.slot

    async def written(self) -> None:
        """Wait until the newest block is in the store."""
        if self._written is not None:
            await asyncio.shield(self._written)  # A stop cancels who waits, never the writing.

    async def close(self) -> None:
        """Wait until the newest block is on disk, then close the store."""
        await self.written()
        self._writer.shutdown()
        self.store.close()


def _found(store: Store, seed: Callable[[Pubkey], dict[Pubkey, Account]]) -> None:
    faucet = Faucet.generate()
    genesis = Block(
        slot=FIRST_SLOT,
        height=1,
        blockhash=random_hash(),
        parent_slot=0,
        parent_hash=random_hash(),
        unix_time=unix_now(),
        transactions_before=0,
    )
    accounts = {**faucet.genesis_accounts(), **seed(faucet.mint_authority)}
    store.found(genesis, accounts, faucet.secrets())

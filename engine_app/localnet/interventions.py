"""What is done to a chain at its next slot, past all rules: blocks taken back, accounts rewritten."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from solders.account import Account
from solders.pubkey import Pubkey
from solders.signature import Signature

from engine_app.localnet.bank import Bank
from engine_app.localnet.blocks import COMMITMENT_DEPTH, Block, Commitment


@dataclass(frozen=True, slots=True)
class Reorg:
    """A fork without the newest blocks.

    Attributes:
        slots: how many of the newest slots are taken back.
        requeue: whether what had landed in them waits to land again; else it is forgotten.
        done: signatures of what was taken back.
    """

    slots: int
    requeue: bool
    done: "asyncio.Future[list[Signature]]"


@dataclass(frozen=True, slots=True)
class Edit:
    """A change to one account.

    Attributes:
        change: gives the account's new state for its old one.
        done: the slot it was changed in.
    """

    address: Pubkey
    change: Callable[[Account], Account]
    done: "asyncio.Future[int]"


class Interventions:
    """What was asked for and waits for the next slot."""

    def __init__(self) -> None:
        self._reorgs: list[Reorg] = []
        self._edits: list[Edit] = []

    async def reorg(self, slots: int, *, requeue: bool) -> list[Signature]:
        """Take back the newest slots at the next tick; signatures of what had landed in them.

        Raises:
            ValueError: that many slots would reach what is final.
        """
        if not 0 < slots < COMMITMENT_DEPTH[Commitment.FINALIZED]:
            raise ValueError("a fork can take back 1 to 30 slots")
        done: asyncio.Future[list[Signature]] = asyncio.get_running_loop().create_future()
        self._reorgs.append(Reorg(slots, requeue, done))
        return await done

    async def rewrite(self, address: Pubkey, change: Callable[[Account], Account]) -> int:
        """Change an account at the next tick; the slot it was changed in.

        Raises:
            KeyError: there is no such account.
        """
        done: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._edits.append(Edit(address, change, done))
        return await done

    def next_reorg(self) -> Reorg | None:
        """The reorg to carry out now, if whoever asked for it still waits."""
        self._reorgs = [reorg for reorg in self._reorgs if not reorg.done.done()]
        return self._reorgs.pop(0) if self._reorgs else None

    def edit(self, bank: Bank, block: Block) -> None:
        """Carry out all waiting edits as part of the block."""
        edits, self._edits = self._edits, []
        for edit in edits:
            if edit.done.done():
                continue
            account = bank.newest(edit.address)
            if account is None:
                edit.done.set_exception(KeyError(str(edit.address)))
            else:
                bank.edit(edit.address, edit.change(account), block)
                edit.done.set_result(block.slot)

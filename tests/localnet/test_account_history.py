"""What an account held at a slot, against a plain record of every slot."""

import random

from solders.account import Account
from solders.pubkey import Pubkey

from engine_app.localnet.account_history import AccountHistory
from engine_app.localnet.blocks import KEPT_SLOTS
from engine_app.localnet.messages import SYSTEM_PROGRAM


class Accounts:
    """The newest state, as the runtime holds it, and all there ever was."""

    def __init__(self) -> None:
        self.newest: dict[Pubkey, Account | None] = {}
        self.by_slot: dict[int, dict[Pubkey, Account | None]] = {}
        self.history = AccountHistory(self.newest.get)

    def change(self, address: Pubkey, slot: int, lamports: int) -> None:
        """Give the account a state; no lamports is no account."""
        before = self.newest.get(address)
        after = Account(lamports, b"", SYSTEM_PROGRAM) if lamports else None
        self.newest[address] = after
        self.history.record(address, slot, before, after)


def test_every_kept_slot_reads_as_it_was() -> None:
    chance = random.Random(7)  # noqa: S311 - a repeatable sequence is wanted
    accounts = Accounts()
    addresses = [Pubkey.new_unique() for _ in range(5)]
    for slot in range(1, 3 * KEPT_SLOTS):
        for address in addresses:
            for _ in range(chance.choice([0, 0, 1, 2])):
                accounts.change(address, slot, chance.choice([0, 1, 2, 3]))
        accounts.by_slot[slot] = dict(accounts.newest)
        accounts.history.prune(slot)
        for past in (slot, slot - 1, slot - 31, slot - KEPT_SLOTS):
            if past > 0:
                for address in addresses:
                    assert accounts.history.at(address, past) == accounts.by_slot[past].get(address)


def test_rolling_back_gives_every_account_as_it_was() -> None:
    accounts = Accounts()
    first, second, untouched = (Pubkey.new_unique() for _ in range(3))
    accounts.change(untouched, 1, 9)
    accounts.change(first, 1, 1)
    accounts.change(first, 2, 2)
    accounts.change(second, 2, 4)
    accounts.change(second, 3, 5)
    accounts.change(first, 3, 0)
    restored = accounts.history.rollback(1)
    assert restored.keys() == {first, second}
    assert restored[second] is None
    assert restored[first] == Account(1, b"", SYSTEM_PROGRAM)
    accounts.newest.update(restored)
    accounts.change(first, 4, 7)
    assert accounts.history.at(first, 3) == Account(1, b"", SYSTEM_PROGRAM)
    assert accounts.history.at(first, 4) == Account(7, b"", SYSTEM_PROGRAM)
    assert accounts.history.changed_in(4) == {first}
    assert accounts.history.changed_in(3) == set()

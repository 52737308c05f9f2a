"""What accounts held at each recent slot, so that reads can honour a commitment."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from solders.account import Account
from solders.pubkey import Pubkey

from engine_app.localnet.blocks import KEPT_SLOTS


@dataclass(frozen=True, slots=True)
class Superseded:
    """Versions of an account that no reader can ask for any more: all below `slot`, and that one if `gone`."""

    address: Pubkey
    slot: int
    gone: bool


class AccountHistory:
    """Versions of the accounts that changed within the last `KEPT_SLOTS` slots.

    An account without versions here has not changed since; its newest state is the only one.
    """

    def __init__(self, newest: Callable[[Pubkey], Account | None]) -> None:
        self._newest = newest
        self._versions: dict[Pubkey, list[tuple[int, Account | None]]] = {}
        self._changed: deque[tuple[int, set[Pubkey]]] = deque()

    def record(self, address: Pubkey, slot: int, before: Account | None, after: Account | None) -> None:
        """Note that the account changed in `slot`; slots never go down."""
        versions = self._versions.setdefault(address, [(-1, before)])
        if versions[-1][0] == slot:
            versions[-1] = (slot, after)
        else:
            versions.append((slot, after))
        if not self._changed or self._changed[-1][0] != slot:
            self._changed.append((slot, set()))
        self._changed[-1][1].add(address)

    def at(self, address: Pubkey, slot: int) -> Account | None:
        """What the account held at the end of `slot`."""
        versions = self._versions.get(address)
        if versions is None:
            return self._newest(address)
        for version_slot, account in reversed(versions):
            if version_slot <= slot:
                return account
        return versions[0][1]

    def changed_in(self, slot: int) -> frozenset[Pubkey]:
        """Addresses of the accounts that changed in the slot."""
        for changed_slot, addresses in reversed(self._changed):
            if changed_slot == slot:
                return frozenset(addresses)
        return frozenset()

    def prune(self, head_slot: int) -> list[Superseded]:
        """Forget what lies more than `KEPT_SLOTS` below the head; returns what became unreadable."""
        superseded: list[Superseded] = []
        while self._changed and self._changed[0][0] < head_slot - KEPT_SLOTS:
            slot, addresses = self._changed.popleft()
            for address in addresses:
                versions = self._versions[address]
                while len(versions) > 1 and versions[1][0] <= slot:
                    versions.pop(0)
                superseded.append(Superseded(address, versions[0][0], gone=versions[0][1] is None))
                if len(versions) == 1:
                    del self._versions[address]
        return superseded

    def rollback(self, slot: int) -> dict[Pubkey, Account | None]:
        """Forget every change above `slot`; returns what the changed accounts held at its end."""
        touched: set[Pubkey] = set()
        while self._changed and self._changed[-1][0] > slot:
            touched |= self._changed.pop()[1]
        restored: dict[Pubkey, Account | None] = {}
        for address in touched:
            versions = self._versions[address]
            while len(versions) > 1 and versions[-1][0] > slot:
                versions.pop()
            restored[address] = versions[-1][1]
            if len(versions) == 1:
                del self._versions[address]
        return restored

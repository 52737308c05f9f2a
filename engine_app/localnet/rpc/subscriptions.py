"""What websocket clients wait for, and what a new block makes of it."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from solders.account import Account
from solders.pubkey import Pubkey
from solders.signature import Signature

from engine_app.localnet.blocks import Block, Commitment
from engine_app.localnet.faults.specs import Down, Silent
from engine_app.localnet.messages import SYSTEM_PROGRAM
from engine_app.localnet.rpc.account_json import account_json, check_encoding
from engine_app.localnet.rpc.errors import invalid_params
from engine_app.localnet.rpc.node import Node, with_context
from engine_app.localnet.rpc.params import Params, parse_pubkey

_GONE = Account(0, b"", SYSTEM_PROGRAM)


class BlockSubscription(Protocol):
    """Something a client is told of block by block.

    Attributes:
        kind: the notification's method without its ending: `slot`, `account`, …
        commitment: what a block must have reached to be looked at.
    """

    kind: str
    commitment: Commitment

    def results(self, node: Node, block: Block) -> Iterator[Any]:
        """Notifications to send now that `block` has reached the commitment."""


@dataclass(slots=True)
class SlotSubscription:
    """Every slot as it is processed."""

    kind: str = "slot"
    commitment: Commitment = Commitment.PROCESSED

    def results(self, node: Node, block: Block) -> Iterator[Any]:
        """The slot, its parent, and the newest final slot."""
        root = node.view.slot(Commitment.FINALIZED)
        yield {"parent": block.parent_slot, "root": root, "slot": block.slot}


@dataclass(slots=True)
class RootSubscription:
    """Every slot as it becomes final."""

    kind: str = "root"
    commitment: Commitment = Commitment.FINALIZED

    def results(self, node: Node, block: Block) -> Iterator[Any]:
        """The slot."""
        yield block.slot


@dataclass(slots=True)
class AccountSubscription:
    """Every change of one account."""

    address: Pubkey
    commitment: Commitment
    encoding: str
    kind: str = "account"

    def results(self, node: Node, block: Block) -> Iterator[Any]:
        """The account after the block, if the block changed it."""
        if self.address in node.chain.bank.history.changed_in(block.slot):
            yield with_context(block.slot, _account(node, self.address, block.slot, self.encoding))


@dataclass(slots=True)
class ProgramSubscription:
    """Every change of an account that a program owns."""

    program: Pubkey
    commitment: Commitment
    encoding: str
    kind: str = "program"

    def results(self, node: Node, block: Block) -> Iterator[Any]:
        """Each account of the program that the block changed."""
        for address in sorted(node.chain.bank.history.changed_in(block.slot), key=bytes):
            account = node.view.account(address, block.slot)
            if account is not None and account.owner == self.program:
                value = {
                    "pubkey": str(address),
                    "account": _account(node, address, block.slot, self.encoding),
                }
                yield with_context(block.slot, value)


@dataclass(slots=True)
class LogsSubscription:
    """Logs of every transaction, or of those that mention an account."""

    mentions: Pubkey | None
    commitment: Commitment
    kind: str = "logs"

    def results(self, _node: Node, block: Block) -> Iterator[Any]:
        """Signature, error and logs of each transaction."""
        for landed in block.landed:
            if self.mentions is None or self.mentions in landed.accounts.keys:
                yield with_context(
                    block.slot,
                    {
                        "signature": str(landed.signature),
                        "err": landed.error,
                        "logs": landed.meta["logMessages"],
                    },
                )


@dataclass(slots=True)
class SignatureSubscription:
    """One signature reaching a commitment; told once, then over."""

    signature: Signature
    commitment: Commitment
    wants_received: bool
    kind: str = "signature"


Subscription = BlockSubscription | SignatureSubscription

Deliver = Callable[[int, Subscription, Any], None]
"""Takes a subscription's id, itself, and a notification's result."""


class Hub:
    """All subscriptions at one endpoint.

    Signature subscriptions are found by their signature, since there is one for every order in flight.

    Attributes:
        connections: for each open connection, what cuts it.
    """

    def __init__(self, node: Node) -> None:
        self._node = node
        self._last_id = 0
        self.connections: set[Callable[[], None]] = set()
        self._delivers: dict[int, Deliver] = {}
        self._by_block: dict[int, BlockSubscription] = {}
        self._signatures: dict[int, SignatureSubscription] = {}
        self._by_signature: defaultdict[Signature, set[int]] = defaultdict(set)
        self._reached = {commitment: node.view.slot(commitment) for commitment in Commitment}

    def __len__(self) -> int:
        return len(self._delivers)

    def add(self, subscription: Subscription, deliver: Deliver) -> int:
        """Begin a subscription; returns its id."""
        self._last_id += 1
        self._delivers[self._last_id] = deliver
        if isinstance(subscription, SignatureSubscription):
            self._signatures[self._last_id] = subscription
            self._by_signature[subscription.signature].add(self._last_id)
        else:
            self._by_block[self._last_id] = subscription
        return self._last_id

    def remove(self, subscription_id: int) -> None:
        """End a subscription; an unknown one is nothing to end."""
        self._delivers.pop(subscription_id, None)
        self._by_block.pop(subscription_id, None)
        signature = self._signatures.pop(subscription_id, None)
        if signature is not None:
            waiting = self._by_signature[signature.signature]
            waiting.discard(subscription_id)
            if not waiting:
                del self._by_signature[signature.signature]

    def catch_up(self, subscription_id: int) -> None:
        """Tell a new signature subscription what has happened already."""
        subscription = self._signatures.get(subscription_id)
        if subscription is None:
            return
        landed = self._node.landed(subscription.signature, "signatureSubscribe", search_history=False)
        reached = self._node.view.slot(subscription.commitment)
        if landed is not None and landed.slot <= reached:
            self._tell_once(subscription_id, subscription, with_context(reached, {"err": landed.error}))
        elif subscription.wants_received and subscription.signature in self._node.chain.queue:
            self.received(subscription.signature)

    def received(self, signature: Signature) -> None:
        """Tell who asked for it that the node has taken a transaction in."""
        slot = self._node.view.slot(Commitment.PROCESSED)
        for subscription_id in tuple(self._by_signature.get(signature, ())):
            subscription = self._signatures.get(subscription_id)
            if subscription is not None and subscription.wants_received:
                self._deliver(subscription_id, subscription, with_context(slot, "receivedSignature"))

    def on_block(self, _head: Block) -> None:
        """Look through the blocks that have just reached each commitment."""
        if self.connections and self._node.fault(Down) is not None:
            for cut in tuple(self.connections):
                cut()
        for commitment in Commitment:
            before, now = self._reached[commitment], self._node.view.slot(commitment)
            if now <= before:
                continue
            self._reached[commitment] = now
            if self._delivers:
                for block in self._node.chain.bank.blocks.between(before, now):
                    self._tell(commitment, block)

    def _tell(self, commitment: Commitment, block: Block) -> None:
        for subscription_id, subscription in tuple(self._by_block.items()):
            if subscription.commitment is commitment:
                for result in subscription.results(self._node, block):
                    self._deliver(subscription_id, subscription, result)
        for landed in block.landed:
            for subscription_id in tuple(self._by_signature.get(landed.signature, ())):
                waiting = self._signatures.get(subscription_id)
                is_due = waiting is not None and waiting.commitment is commitment
                if waiting is not None and is_due and not self._node.hides(landed, "signatureSubscribe"):
                    result = with_context(self._node.view.slot(commitment), {"err": landed.error})
                    self._tell_once(subscription_id, waiting, result)

    def _tell_once(self, subscription_id: int, subscription: Subscription, result: Any) -> None:
        self._deliver(subscription_id, subscription, result)
        self.remove(subscription_id)

    def _deliver(self, subscription_id: int, subscription: Subscription, result: Any) -> None:
        # A client dropped for being slow loses all its subscriptions in the middle of a block.
        deliver = self._delivers.get(subscription_id)
        if deliver is not None and self._node.fault(Silent) is None:
            deliver(subscription_id, subscription, result)


def parse_subscription(kind: str, params: Params) -> Subscription | None:
    """The subscription that a `<kind>Subscribe` call asks for; None for a kind this node does not offer.

    Raises:
        RpcError: a parameter is wrong.
    """
    parse = _PARSERS.get(kind)
    return None if parse is None else parse(params)


def _parse_signature(params: Params) -> Subscription:
    config = params.config(1)
    return SignatureSubscription(params.signature(0), config.commitment(), config.flag("enableReceivedNotification"))


def _parse_account(params: Params) -> Subscription:
    config = params.config(1)
    encoding = check_encoding(config.text("encoding"), "binary")
    return AccountSubscription(params.pubkey(0), config.commitment(), encoding)


def _parse_program(params: Params) -> Subscription:
    config = params.config(1)
    encoding = check_encoding(config.text("encoding"), "binary")
    return ProgramSubscription(params.pubkey(0), config.commitment(), encoding)


def _parse_logs(params: Params) -> Subscription:
    wanted = params.value(0)
    commitment = params.config(1).commitment()
    if wanted in ("all", "allWithVotes"):
        return LogsSubscription(None, commitment)
    if not isinstance(wanted, dict) or not isinstance(wanted.get("mentions"), list):
        raise invalid_params("Invalid params: unknown logs filter.")
    if len(wanted["mentions"]) != 1:
        raise invalid_params("Invalid Request: Only 1 address supported")
    return LogsSubscription(parse_pubkey(str(wanted["mentions"][0])), commitment)


_PARSERS: dict[str, Callable[[Params], Subscription]] = {
    "account": _parse_account,
    "logs": _parse_logs,
    "program": _parse_program,
    "root": lambda _params: RootSubscription(),
    "signature": _parse_signature,
    "slot": lambda _params: SlotSubscription(),
}


def _account(node: Node, address: Pubkey, slot: int, encoding: str) -> dict[str, Any]:
    account = node.view.account(address, slot) or _GONE
    return account_json(account, encoding, None, lambda mint: node.view.account(mint, slot))

"""What clients and server say to each other over Socket.IO, and the form of its packets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic.alias_generators import to_camel
from socketio.packet import BINARY_ACK, BINARY_EVENT, Packet

from engine_app import exact_json
from engine_app.errors import EngineError, explain, register
from engine_app.orders.updates import Update
from engine_app.storage.postgres import DATABASE_UNAVAILABLE

MAX_MESSAGE_BYTES = 64 * 1024
UPDATE = "order:update"
SUBSCRIBE = "subscribe"

Seq = Annotated[int, Field(ge=0, le=2**31 - 1, strict=True)]


class InvalidMessage(EngineError):
    """A message is not what the protocol knows."""

    code = register(
        "INVALID_MESSAGE",
        "The Socket.IO message is not one that the engine knows.",
        "Nothing was done, no money moved.",
        "Emit `subscribe` with {}, {orderId, afterSeq?} or {after: {orderId: seq, …}}.",
    )
    status = 422


class TooManySubscriptions(EngineError):
    """The socket follows as many orders as one may."""

    code = register(
        "TOO_MANY_SUBSCRIPTIONS",
        "The socket follows as many orders as one socket may.",
        "Nothing was done; orders under way are not affected.",
        "Subscribe with {}, which follows all open orders at once, or open another socket.",
    )
    status = 429


class TooManySockets(EngineError):
    """The account has as many sockets open as it may."""

    code = register(
        "TOO_MANY_SOCKETS",
        "The account has as many sockets open as one account may.",
        "Nothing was done; orders under way are not affected.",
        "Close a socket that is not needed; one follows any number of open orders.",
    )
    status = 429


class DatabaseAway(EngineError):
    """Postgres does not answer at the moment."""

    code = DATABASE_UNAVAILABLE
    status = 503

    def __init__(self) -> None:
        super().__init__(explain(DATABASE_UNAVAILABLE).happened)


class Subscription(BaseModel):
    """What `subscribe` asks for: one order, several with the last `seq` that was seen of each, or all open ones."""

    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", frozen=True)

    order_id: UUID | None = None
    after_seq: Seq | None = None
    after: dict[UUID, Seq] | None = None

    @model_validator(mode="after")
    def _one_wish(self) -> Subscription:
        if self.after is not None and (self.order_id is not None or self.after_seq is not None):
            raise ValueError("`after` stands alone")
        if self.after_seq is not None and self.order_id is None:
            raise ValueError("`afterSeq` needs an `orderId`")
        return self

    @property
    def orders(self) -> Mapping[UUID, int | None] | None:
        """Order → the last `seq` that the client has seen, None for its present state; None for all open orders."""
        if self.after is not None:
            return dict(self.after)
        return None if self.order_id is None else {self.order_id: self.after_seq}


def read_subscription(arguments: tuple[Any, ...]) -> Subscription:
    """What a `subscribe` event asks for. Raises InvalidMessage."""
    if len(arguments) > 1:
        raise InvalidMessage("subscribe takes one argument")
    wish = arguments[0] if arguments and arguments[0] is not None else {}
    try:
        return Subscription.model_validate(wish)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        said = first["msg"].removeprefix("Value error, ")
        raise InvalidMessage(f"{place}: {said}" if place else said) from None


def done() -> dict[str, Any]:
    """The ack of what was done."""
    return {"ok": True}


def refused(error: EngineError) -> dict[str, Any]:
    """The ack of what was not."""
    return {"ok": False, "error": {"code": error.code, "message": error.detail}}


class _ExactJson:
    @staticmethod
    def dumps(value: Any, **_: Any) -> str:
        return exact_json.dumps(value).decode()

    loads = staticmethod(orjson.loads)


class TextPacket(Packet):  # type: ignore[misc]  # the library has no types
    """A Socket.IO packet without binary parts, whose numbers keep every digit.

    A packet class of our own, since a JSON module given to the library would be every server's of the process.
    """

    uses_binary_events = False
    json = _ExactJson

    def decode(self, encoded_packet: Any) -> int:
        """Read a packet. Raises ValueError for a binary one: its parts would be collected without a limit."""
        attachments = int(super().decode(encoded_packet))
        if attachments or self.packet_type in (BINARY_EVENT, BINARY_ACK):
            raise ValueError("binary packets are not taken")
        return attachments


def update_packet(update: Update) -> TextPacket:
    """The `order:update` event; the order's JSON goes in as it is."""
    return TextPacket(data=[UPDATE, orjson.Fragment(update.text)])

"""What a `subscribe` may say, and the form of packets."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from engine_app.api.sockets.protocol import InvalidMessage, TextPacket, read_subscription, update_packet
from engine_app.orders.updates import Stage, Update

ONE, OTHER = UUID(int=1), UUID(int=2)


@pytest.mark.parametrize(
    ("wish", "orders"),
    [
        ((), None),
        ((None,), None),
        (({},), None),
        (({"orderId": str(ONE)},), {ONE: None}),
        (({"orderId": str(ONE), "afterSeq": 0},), {ONE: 0}),
        (({"orderId": str(ONE), "afterSeq": 7},), {ONE: 7}),
        (({"after": {str(ONE): 3, str(OTHER): 0}},), {ONE: 3, OTHER: 0}),
        (({"after": {}},), {}),
    ],
)
def test_the_three_wishes(wish: tuple[Any, ...], orders: dict[UUID, int | None] | None) -> None:
    assert read_subscription(wish).orders == orders


@pytest.mark.parametrize(
    "wish",
    [
        ("an order",),
        ([],),
        (7,),
        ({"orderId": "not-an-id"},),
        ({"orderId": None, "afterSeq": 1},),
        ({"afterSeq": 1},),
        ({"orderId": str(ONE), "afterSeq": -1},),
        ({"orderId": str(ONE), "afterSeq": "1"},),
        ({"orderId": str(ONE), "afterSeq": 1.5},),
        ({"orderId": str(ONE), "afterSeq": True},),
        ({"orderId": str(ONE), "afterSeq": 2**31},),
        ({"orderId": str(ONE), "after": {}},),
        ({"after": {"x": 1}},),
        ({"after": {str(ONE): None}},),
        ({"after": [str(ONE)]},),
        ({"order_id": str(ONE)},),
        ({"orderId": str(ONE), "userId": 1},),
        ({}, {}),
    ],
)
def test_other_wishes_are_refused(wish: tuple[Any, ...]) -> None:
    with pytest.raises(InvalidMessage):
        read_subscription(wish)


def test_an_update_keeps_every_digit() -> None:
    text = '{"orderId":"x","amountIn":9007199254.740993001}'
    encoded = update_packet(Update(1, ONE, 3, Stage.OPEN, text)).encode()
    assert encoded == f'2["order:update",{text}]'
    name, order = json.loads(encoded[1:], parse_float=Decimal)
    assert (name, order["amountIn"]) == ("order:update", Decimal("9007199254.740993001"))


@pytest.mark.parametrize(
    "packet", ["51-[]", '51-["subscribe",{"_placeholder":true,"num":0}]', "2[NaN]", "2[", "x", "61-"]
)
def test_packets_that_are_not_taken(packet: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - any of its kinds
        TextPacket(encoded_packet=packet)

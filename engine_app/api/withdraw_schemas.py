"""What requests and responses of withdrawals and the address book look like."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, StrictStr, WithJsonSchema

from engine_app.api.schemas import NUMBER_OR_TEXT, TokenName, amount_text
from engine_app.api.shapes import RequestShape, ResponseShape
from engine_app.orders.address_book import LONGEST_LABEL, KnownAddress


def _printable(value: str) -> str:
    if not value.isprintable():
        raise ValueError("only printable characters")
    return value


WithdrawAmount = Annotated[
    str,
    BeforeValidator(amount_text),
    WithJsonSchema(
        NUMBER_OR_TEXT
        | {
            "description": "whole tokens, above 0, with at most the token's decimals; or `max`: everything, of SOL "
            "what is left when the fee is paid",
            "examples": [0.5, "max"],
        }
    ),
]
Label = Annotated[StrictStr, AfterValidator(_printable), Field(max_length=LONGEST_LABEL, description="what to call it")]
Address = Annotated[
    StrictStr, Field(description="a wallet's address, base58", examples=["vines1vzrYbzLMRdu58ou5XTby4qAqVRLmqo36NKPTg"])
]
Password = Annotated[
    StrictStr, Field(description="the account's, asked again", max_length=1000, examples=["correct horse battery"])
]


class WithdrawRequest(RequestShape):
    """Funds to send away."""

    token: TokenName
    amount: WithdrawAmount
    address: Address
    password: Password


class AddressRequest(RequestShape):
    """An address for the address book."""

    address: Address
    label: Label = ""
    password: Password


class AddressResponse(ResponseShape):
    """An address of the address book."""

    address: Address
    label: Label
    added_at: datetime
    usable_at: datetime = Field(description="from when on withdrawals may go there")
    usable: bool = Field(description="whether they may now")


class AddressesResponse(ResponseShape):
    """The address book."""

    addresses: list[AddressResponse]


def address_of(known: KnownAddress) -> AddressResponse:
    """An address of the book as it is sent."""
    return AddressResponse(
        address=known.address,
        label=known.label,
        added_at=known.added_at,
        usable_at=known.usable_at,
        usable=known.usable,
    )

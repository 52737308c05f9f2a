"""What requests and responses look like. Names are camelCase; unknown fields are refused."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from fastapi import Request
from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field, StrictStr, WithJsonSchema

from engine_app.api.route_schemas import (
    AlternativeResponse,
    CandidateResponse,
    Kind,
    LeftOverResponse,
    LegResponse,
    RefusedResponse,
)
from engine_app.api.shapes import RequestShape as _Request
from engine_app.api.shapes import ResponseShape as _Response
from engine_app.exact_json import ExactNumber
from engine_app.markets.errors import InvalidAmount
from engine_app.markets.quotes import QuoteView
from engine_app.markets.tokens import Token, whole
from engine_app.markets.venues.venue import Dex
from engine_app.orders.errors import InvalidPriceImpact, InvalidSlippage, InvalidValidity
from engine_app.orders.service import MAX_VALID_SECONDS, MIN_VALID_SECONDS
from engine_app.orders.view import DexQuotes, OrderView, TokenWarningView
from engine_app.readiness import State
from engine_app.settings import Settings
from engine_app.wallets.balances import WalletView

_DECIMAL = re.compile(r"-?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
_LONGEST_DECIMAL = 100
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}[Tt]", re.ASCII)
"""How a moment begins; a bare number would else be taken for seconds since 1970."""


def amount_text(value: Any) -> str:
    """The text of an amount that is a JSON number or a string. Raises InvalidAmount."""
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise InvalidAmount('an amount is a JSON number or a decimal string, such as 1.5 or "1.5"')
    return str(value)


def _slippage(value: Any) -> Decimal:
    fraction = _decimal(value)
    if fraction is None:
        raise InvalidSlippage("slippage is a fraction from 0.0001 to below 0.5: give 0.01 for 1 %")
    return fraction


def _price_impact(value: Any) -> Decimal:
    fraction = _decimal(value)
    if fraction is None:
        raise InvalidPriceImpact("maxPriceImpact is a fraction above 0 and at most 0.5: give 0.05 for 5 %")
    return fraction


def _decimal(value: Any) -> Decimal | None:
    """The number of a JSON number or decimal string, None for anything else."""
    text = str(value)
    usable = isinstance(value, str | int | Decimal) and not isinstance(value, bool)
    return Decimal(text) if usable and len(text) <= _LONGEST_DECIMAL and _DECIMAL.fullmatch(text) else None


def _seconds(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidValidity(f"validForSeconds is a whole number from {MIN_VALID_SECONDS} to {MAX_VALID_SECONDS}")
    return value


def _moment_text(value: Any) -> Any:
    if not isinstance(value, str) or not _MOMENT.match(value):
        raise ValueError("a moment is a date and time with its zone, such as 2026-01-31T12:00:00Z")
    return value


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("a moment is one of the years 1 to 9999 in UTC") from None


NUMBER_OR_TEXT: dict[str, Any] = {"anyOf": [{"type": "number"}, {"type": "string"}]}
"""How amounts and fractions stand in the document."""

Amount = Annotated[
    str,
    BeforeValidator(amount_text),
    WithJsonSchema(
        NUMBER_OR_TEXT
        | {"description": "whole tokens, above 0, with at most the token's decimals", "examples": [1.5, "0.000001"]}
    ),
]
Slippage = Annotated[
    Decimal,
    BeforeValidator(_slippage),
    WithJsonSchema(NUMBER_OR_TEXT | {"description": "a fraction, 0.0001 ≤ s < 0.5: 0.01 is 1 %", "examples": [0.01]}),
]
PriceImpact = Annotated[
    Decimal,
    BeforeValidator(_price_impact),
    WithJsonSchema(NUMBER_OR_TEXT | {"description": "a fraction, 0 < p ≤ 0.5: 0.05 is 5 %", "examples": [0.05]}),
]
ValidForSeconds = Annotated[
    int,
    BeforeValidator(_seconds),
    WithJsonSchema({"type": "integer", "minimum": MIN_VALID_SECONDS, "maximum": MAX_VALID_SECONDS}),
]
TokenName = Annotated[StrictStr, Field(description="symbol or mint address", examples=["SOL"])]
TokenOut = Annotated[StrictStr, Field(description="symbol or mint address", examples=["USDC"])]
Status = Literal["pending", "routing", "building", "submitted", "confirmed", "failed"]
Moment = Annotated[
    AwareDatetime, BeforeValidator(_moment_text), AfterValidator(_in_utc), Field(examples=["2026-01-31T12:00:00Z"])
]
Units = Annotated[str, Field(description="base units", examples=["1500000000"])]


class AuthRequest(_Request):
    """Log in or make an account."""

    username: StrictStr = Field(description="1 to 50 characters", examples=["alice"])
    password: StrictStr = Field(description="8 to 72 bytes of UTF-8", examples=["correct horse battery"])
    mode: Literal["login", "create"] | None = Field(
        default=None, description="without it: logs in where the name exists, else makes the account"
    )


class AuthResponse(_Response):
    """A session."""

    success: Literal[True] = True
    user_id: int
    username: str
    token: str = Field(
        description="send it as `Authorization: Bearer <token>`",
        examples=["eyJ…the rest of a session's token…"],
    )
    warning: str | None = Field(
        default=None, description="what to tell the person about a new password; mostly not there"
    )


class ExecuteRequest(_Request):
    """A market order: swap an exact amount of one token for as much as possible of another."""

    token_in: TokenName
    token_out: TokenOut
    amount: Amount
    slippage: Slippage | None = None
    expected_quote: Amount | None = Field(
        default=None, description="whole tokens of tokenOut that the caller was quoted; fixes the floor"
    )
    min_amount_out: Amount | None = Field(
        default=None, description="whole tokens of tokenOut: an absolute floor; the higher of it and slippage's holds"
    )
    max_price_impact: PriceImpact | None = Field(
        default=None, description="above it the order fails with PRICE_IMPACT; the default is 0.05"
    )
    valid_for_seconds: ValidForSeconds | None = None


class ExecuteResponse(_Response):
    """An order that was accepted, durably."""

    order_id: str
    status: Literal["pending"]
    socket_url: str = Field(description="the origin to open a Socket.IO connection to")


def accepted(order: OrderView, settings: Settings, request: Request) -> ExecuteResponse:
    """What is answered for an order that was accepted."""
    return ExecuteResponse(
        order_id=str(order.order_id),
        status="pending",
        socket_url=settings.public_url or f"{request.url.scheme}://{request.url.netloc}",
    )


class HistoryFilterQuery(_Request):
    """Which orders. What is left out does not restrict."""

    status: list[Status] = Field(default=[], max_length=6, description="any of these; repeat it for several")
    token: TokenName | None = Field(default=None, description="on either side; symbol or mint address")
    kind: Literal["swap", "transfer"] | None = None
    placed_from: Moment | None = Field(default=None, alias="from", description="placed at this moment or later")
    placed_before: Moment | None = Field(default=None, alias="to", description="placed before this moment")
    search: str | None = Field(
        default=None, max_length=100, description="an order's id, or the signature of a transaction of it"
    )


class HistoryQuery(HistoryFilterQuery):
    """Which page of which orders."""

    limit: int = Field(default=50, ge=1, le=200)
    cursor: str | None = Field(default=None, max_length=200, description="`nextCursor` of the page before")


class QuoteQuery(_Request):
    """What to quote."""

    token_in: TokenName
    token_out: TokenOut
    amount: Amount
    slippage: Slippage | None = None


class TokenQuery(_Request):
    """Which tokens."""

    search: str = Field(
        default="", max_length=100, description="a part of symbol or name, or a mint address", examples=["usd"]
    )


class TokenResponse(_Response):
    """A token that may be traded."""

    symbol: str = Field(description="of a token that is not listed its mint's address")
    name: str = Field(examples=["Solana"])
    mint: str
    decimals: int
    token_program: str
    listed: bool
    warnings: list[TokenWarningView]


class TokensResponse(_Response):
    """Tokens that fit the search; the whole list for none."""

    tokens: list[TokenResponse]


class QuoteResponse(_Response):
    """What a swap would pay now, and why."""

    token_in: str
    token_out: str
    amount_in: ExactNumber
    amount_in_units: Units
    dex_quotes: DexQuotes
    selected_dex: str
    amount_out: ExactNumber
    amount_out_units: Units
    min_out: ExactNumber
    min_out_units: Units
    price_impact: ExactNumber = Field(description="fraction lost against the marginal price, fees included")
    price: ExactNumber = Field(description="whole tokens of tokenOut for each of tokenIn that is taken")
    kind: Kind
    route: list[LegResponse] = Field(description="the swaps, in the order in which one transaction makes them")
    left_over: LeftOverResponse | None = Field(description="what two hops leave besides", examples=[None])
    best_pool_units: Units = Field(description="base units that the best single pool of the pair would pay; 0 for none")
    gain_units: Units = Field(
        description="base units that the route pays more than that; less where that pool moves its price too much",
        examples=["0"],
    )
    extra_leg_cost_units: Units = Field(
        description="base units of tokenOut that a leg beyond the first has to bring in to be taken: its network fee",
        examples=["15"],
    )
    alternatives: list[AlternativeResponse] = Field(description="the other ways, the best first")
    candidates: list[CandidateResponse] = Field(description="every pool that takes the whole amount")
    refused: list[RefusedResponse] = Field(description="every other pool, with the reason")
    warnings: list[TokenWarningView] = Field(description="what to know of either token")
    slot: int = Field(description="the slot whose state was quoted")
    age_ms: int = Field(description="milliseconds since that state was read")
    age_slots: int = Field(description="slots since then, by the chain's present pace")
    pools_searched_seconds_ago: int | None = Field(
        description="since the chain was last searched for pools of the pair"
    )
    venues_without_search: list[str] = Field(
        description="venues of which only pools at derived and configured addresses are known: no node searches"
    )


class BalanceResponse(_Response):
    """One token of the wallet."""

    token: str = Field(examples=["SOL"])
    mint: str
    amount: ExactNumber
    amount_units: Units
    available: ExactNumber = Field(description="the part that no open order has reserved")
    available_units: Units


class WalletResponse(_Response):
    """The account's trading address and what it holds: SOL always and first, others where not zero."""

    address: str
    balances: list[BalanceResponse]


class AirdropRequest(_Request):
    """Which test funds."""

    token: TokenName | None = Field(default=None, description="one token alone; without it everything there is")


class AirdropResponse(_Response):
    """Test funds that are confirmed."""

    signatures: list[str]
    balances: list[BalanceResponse]


class HealthResponse(_Response):
    """The web process answers."""

    status: Literal["ok"] = "ok"


def token_of(token: Token) -> TokenResponse:
    """A token as it is sent."""
    return TokenResponse(
        symbol=token.symbol,
        name=token.name,
        mint=str(token.mint),
        decimals=token.decimals,
        token_program=str(token.program),
        listed=token.listed,
        warnings=warnings_of(token),
    )


def warnings_of(*tokens: Token) -> list[TokenWarningView]:
    """What to know of some tokens."""
    return [
        TokenWarningView(token=token.symbol, code=warning.value, text=warning.text)
        for token in tokens
        for warning in token.warnings
    ]


class CheckResponse(_Response):
    """What one part of the engine says."""

    status: State
    latency_ms: float = Field(description="how long it took to say so, milliseconds")
    detail: str


class ReadyResponse(_Response):
    """Whether the engine can do its work, and what each part says: postgres, redis, rpc, workers, orders."""

    status: State
    checks: dict[str, CheckResponse]


def quote_of(quote: QuoteView) -> QuoteResponse:
    """A quote as it is sent."""
    paid, received = quote.token_in.decimals, quote.token_out.decimals
    decision = quote.decision.as_json(paid, received)
    search = quote.last_search
    return QuoteResponse(
        token_in=quote.token_in.symbol,
        token_out=quote.token_out.symbol,
        amount_in=whole(quote.amount_in, paid),
        amount_in_units=str(quote.amount_in),
        dex_quotes=DexQuotes(raydium=quote.dex_quotes[Dex.RAYDIUM], meteora=quote.dex_quotes[Dex.METEORA]),
        selected_dex=quote.selected_dex.value,
        amount_out=whole(quote.amount_out, received),
        amount_out_units=str(quote.amount_out),
        min_out=whole(quote.min_out, received),
        min_out_units=str(quote.min_out),
        price_impact=quote.price_impact,
        price=quote.price,
        kind=decision["kind"],
        route=[LegResponse.model_validate(leg) for leg in decision["route"]],
        left_over=decision["leftOver"] and LeftOverResponse.model_validate(decision["leftOver"]),
        best_pool_units=decision["bestPoolUnits"],
        gain_units=decision["gainUnits"],
        extra_leg_cost_units=decision["extraLegCostUnits"],
        alternatives=[AlternativeResponse.model_validate(other) for other in decision["alternatives"]],
        candidates=[CandidateResponse.model_validate(candidate) for candidate in decision["candidates"]],
        refused=[RefusedResponse.model_validate(refused) for refused in decision["refused"]],
        warnings=warnings_of(quote.token_in, quote.token_out),
        slot=quote.slot,
        age_ms=int(quote.age.seconds * 1000),
        age_slots=quote.age.slots,
        pools_searched_seconds_ago=None if search is None else int(search.seconds_ago),
        venues_without_search=[] if search is None else sorted(search.without),
    )


def balances_of(view: WalletView) -> list[BalanceResponse]:
    """The balances of a wallet as they are sent."""
    return [
        BalanceResponse(
            token=balance.token,
            mint=balance.mint,
            amount=balance.amount,
            amount_units=str(balance.amount_units),
            available=balance.available,
            available_units=str(balance.available_units),
        )
        for balance in view.balances
    ]

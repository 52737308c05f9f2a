"""Placing orders and looking at them."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Header, Path, Query, Request
from fastapi.responses import StreamingResponse

from engine_app.api.auth import Caller, Services, Trader
from engine_app.api.exact import ExactResponse, ExactRoute
from engine_app.api.problems import documented
from engine_app.api.schemas import ExecuteRequest, ExecuteResponse, HistoryFilterQuery, HistoryQuery, accepted
from engine_app.markets.errors import InvalidAmount, UnknownToken
from engine_app.markets.tokens import TokenList
from engine_app.orders.detail import OrderDetail
from engine_app.orders.errors import (
    InvalidCursor,
    InvalidPriceImpact,
    InvalidSlippage,
    InvalidValidity,
    OrderNotFound,
    SameToken,
    WalletStopped,
)
from engine_app.orders.history import HistoryFilter
from engine_app.orders.idempotency import InvalidKey, KeyReused
from engine_app.orders.intake import IntakePaused
from engine_app.orders.limits import (
    DailyVolumeUsedUp,
    EngineFull,
    EngineVolumeUsedUp,
    OrderTooLarge,
    TooManyOpenOrders,
)
from engine_app.orders.service import PlaceSwap
from engine_app.orders.view import HistoryPage, OrderView

CSV = "text/csv; charset=utf-8"
CSV_EXAMPLE = (
    "orderId,kind,status,createdAt,tokenIn,amountIn,tokenOut,amountOut,…\r\n"
    "3f2b8c1e-6a5d-4c1b-9a7e-2d4f6b8a0c1e,swap,confirmed,2026-01-31T12:00:00.125Z,SOL,1.5,USDC,224.6625,…\r\n"
)
REFUSALS = (
    UnknownToken, SameToken, InvalidAmount, InvalidSlippage, InvalidPriceImpact, InvalidValidity, OrderTooLarge,
    InvalidKey, KeyReused,
)  # fmt: skip
"""What can be judged without the chain."""
NO_ROOM = (TooManyOpenOrders, DailyVolumeUsedUp)
NOT_NOW = (EngineFull, EngineVolumeUsedUp, IntakePaused)

router = APIRouter(prefix="/api/orders", tags=["orders"], route_class=ExactRoute)


@router.post(
    "/execute",
    status_code=202,
    summary="Place a market order",
    response_model=ExecuteResponse,
    responses=documented(401, 403, 422, *REFUSALS, 429, *NO_ROOM, 503, *NOT_NOW, WalletStopped),
)
async def execute(
    wanted: ExecuteRequest,
    request: Request,
    caller: Trader,
    services: Services,
    idempotency_key: Annotated[str | None, Header(description="the same key and body give the same order")] = None,
) -> ExactResponse:
    """202: the order is durable and is being executed. What only the chain can tell (balance, pools, price) ends as
    the order's status `failed`. Send an `Idempotency-Key` to be able to repeat the request safely."""
    order = await services.orders.place(
        caller.user_id,
        PlaceSwap(
            token_in=wanted.token_in,
            token_out=wanted.token_out,
            amount=wanted.amount,
            slippage=wanted.slippage,
            expected_quote=wanted.expected_quote,
            valid_for_seconds=wanted.valid_for_seconds,
            min_amount_out=wanted.min_amount_out,
            max_price_impact=wanted.max_price_impact,
        ),
        key=idempotency_key,
    )
    return ExactResponse(accepted(order, services.settings, request), status_code=202)


@router.get(
    "/history",
    summary="The caller's orders, newest first",
    response_model=HistoryPage,
    responses=documented(401, 403, 422, InvalidCursor, UnknownToken),
)
async def history(page: Annotated[HistoryQuery, Query()], caller: Caller, services: Services) -> ExactResponse:
    """A page of orders; `nextCursor` leads to the next one, null at the end. The filters can be combined."""
    wanted = _filter(page, services.tokens)
    return ExactResponse(await services.orders.history(caller.user_id, page.limit, page.cursor, wanted))


@router.get(
    "/history.csv",
    summary="The caller's orders as CSV",
    response_class=StreamingResponse,
    responses={
        200: {"content": {CSV: {"schema": {"type": "string"}, "example": CSV_EXAMPLE}}},
        **documented(401, 403, 422, UnknownToken),
    },
)
async def history_csv(
    wanted: Annotated[HistoryFilterQuery, Query()], caller: Caller, services: Services
) -> StreamingResponse:
    """All orders that the filters let through, newest first, one a line, however many; the whole history without
    filters. Amounts are whole tokens with every digit, times UTC."""
    lines = services.orders.export(caller.user_id, _filter(wanted, services.tokens))
    headers = {"Content-Disposition": 'attachment; filename="orders.csv"', "Cache-Control": "no-store"}
    return StreamingResponse(lines, media_type=CSV, headers=headers)


@router.get(
    "/{orderId}",
    summary="One order with its quotes and events",
    response_model=OrderDetail,
    responses=documented(401, 403, OrderNotFound),
)
async def order(
    order_id: Annotated[str, Path(alias="orderId", json_schema_extra={"format": "uuid"})],
    caller: Caller,
    services: Services,
) -> ExactResponse:
    """404 also for an order of somebody else."""
    return ExactResponse(await services.orders.get(caller.user_id, _known(order_id)))


@router.post(
    "/{orderId}/cancel",
    summary="Ask that nothing more be signed for an order",
    response_model=OrderView,
    responses=documented(401, 403, OrderNotFound),
)
async def cancel(
    order_id: Annotated[str, Path(alias="orderId", json_schema_extra={"format": "uuid"})],
    caller: Trader,
    services: Services,
) -> ExactResponse:
    """The order as it stands. It fails with `CANCELLED` as soon as nothing of it can land any more; a transaction
    that is on its way may still land and is then confirmed."""
    return ExactResponse(await services.orders.cancel(caller.user_id, _known(order_id)))


def _filter(wanted: HistoryFilterQuery, tokens: TokenList) -> HistoryFilter:
    """The filter in the words of the orders' room. Raises UnknownToken."""
    return HistoryFilter(
        statuses=frozenset(wanted.status),
        token=None if wanted.token is None else tokens.mint(wanted.token),
        kind=wanted.kind,
        placed_from=wanted.placed_from,
        placed_before=wanted.placed_before,
        search=wanted.search,
    )


def _known(order_id: str) -> UUID:
    """The id in a path. Raises OrderNotFound for what is none."""
    try:
        return UUID(order_id)
    except ValueError:
        raise OrderNotFound("there is no such order of yours") from None

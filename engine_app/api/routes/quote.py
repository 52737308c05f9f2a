"""What a swap would pay."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from engine_app.api.auth import Caller, Services
from engine_app.api.exact import ExactResponse, ExactRoute
from engine_app.api.problems import documented
from engine_app.api.schemas import QuoteQuery, QuoteResponse, quote_of
from engine_app.markets.tokens import parse_amount
from engine_app.orders.errors import SameToken
from engine_app.orders.service import check_slippage

router = APIRouter(tags=["quote"], route_class=ExactRoute)


@router.get(
    "/api/quote",
    summary="Quote a swap",
    response_model=QuoteResponse,
    responses=documented(401, 403, 404, 422, 502, 503),
)
async def quote(asked: Annotated[QuoteQuery, Query()], _caller: Caller, services: Services) -> ExactResponse:
    """Both DEXes' best prices at one slot, what an order with this slippage would get at least, the route, and every
    pool that was asked. A pair's pools are read once a slot, however many ask."""
    token_in = await services.token_lookup.find(asked.token_in)
    token_out = await services.token_lookup.find(asked.token_out)
    if token_in.mint == token_out.mint:
        raise SameToken(f"a quote cannot swap {token_in.symbol} for itself")
    amount_in = parse_amount(asked.amount, token_in.decimals)
    slippage = services.settings.default_slippage if asked.slippage is None else asked.slippage
    check_slippage(slippage)
    return ExactResponse(quote_of(await services.quotes.quote(token_in.symbol, token_out.symbol, amount_in, slippage)))

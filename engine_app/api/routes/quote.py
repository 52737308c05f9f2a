"""What a swap would pay."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from engine_app.api.auth import Anyone, Services
from engine_app.api.exact import ExactResponse, ExactRoute
from engine_app.api.problems import documented
from engine_app.api.schemas import QuoteQuery, QuoteResponse, quote_of
from engine_app.markets.errors import InvalidAmount, NoPool, SearchNeedsLogin, TokenNotAllowed, UnknownToken
from engine_app.markets.tokens import parse_amount
from engine_app.orders.errors import InvalidSlippage, SameToken
from engine_app.orders.service import check_slippage

router = APIRouter(tags=["quote"], route_class=ExactRoute)


@router.get(
    "/api/quote",
    summary="Quote a swap",
    response_model=QuoteResponse,
    responses=documented(
        401,
        SearchNeedsLogin,
        403,
        NoPool,
        422,
        UnknownToken,
        TokenNotAllowed,
        SameToken,
        InvalidAmount,
        InvalidSlippage,
        429,
        502,
        503,
    ),
)
async def quote(asked: Annotated[QuoteQuery, Query()], caller: Anyone, services: Services) -> ExactResponse:
    """Both DEXes' best prices at one slot, what an order with this slippage would get at least, the route, and every
    pool that was asked. A pair's pools are read once a slot, however many ask.

    Without a session, too: then of tokens and pools that are known already, and only so many in a while; nothing is
    looked for on the chain."""
    discover = caller is not None
    token_in = await services.token_lookup.find(asked.token_in, discover=discover)
    token_out = await services.token_lookup.find(asked.token_out, discover=discover)
    if token_in.mint == token_out.mint:
        raise SameToken(f"a quote cannot swap {token_in.symbol} for itself")
    amount_in = parse_amount(asked.amount, token_in.decimals)
    slippage = services.settings.default_slippage if asked.slippage is None else asked.slippage
    check_slippage(slippage)
    view = await services.quotes.quote(str(token_in.mint), str(token_out.mint), amount_in, slippage, discover=discover)
    return ExactResponse(quote_of(view))

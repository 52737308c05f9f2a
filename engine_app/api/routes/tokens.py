"""Which tokens may be traded."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from engine_app.api.auth import Caller, Services
from engine_app.api.exact import ExactResponse, ExactRoute
from engine_app.api.problems import documented
from engine_app.api.schemas import TokenQuery, TokensResponse, token_of

router = APIRouter(tags=["tokens"], route_class=ExactRoute)


@router.get(
    "/api/tokens",
    summary="Tokens by symbol, name or mint",
    response_model=TokensResponse,
    responses=documented(401, 403, 422, 502, 503),
)
async def tokens(asked: Annotated[TokenQuery, Query()], _caller: Caller, services: Services) -> ExactResponse:
    """The list, or what of it fits the search. A mint's address that is not listed finds that mint's token, with what
    should be known before it is bought; on mainnet only where the operator allows such tokens."""
    found = await services.token_lookup.search(asked.search)
    return ExactResponse(TokensResponse(tokens=[token_of(token) for token in found]))

"""Which tokens may be traded."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from engine_app.api.auth import Anyone, Services
from engine_app.api.exact import ExactResponse, ExactRoute
from engine_app.api.problems import documented
from engine_app.api.schemas import TokenQuery, TokensResponse, token_of
from engine_app.markets.errors import SearchNeedsLogin

router = APIRouter(tags=["tokens"], route_class=ExactRoute)


@router.get(
    "/api/tokens",
    summary="Tokens by symbol, name or mint",
    response_model=TokensResponse,
    responses=documented(401, SearchNeedsLogin, 403, 422, 429, 502, 503),
)
async def tokens(asked: Annotated[TokenQuery, Query()], caller: Anyone, services: Services) -> ExactResponse:
    """The list, or what of it fits the search. A mint's address that is not listed finds that mint's token, with what
    should be known before it is bought; on mainnet only where the operator allows such tokens.

    Without a session, too: then only so many in a while, and a mint that nobody has asked for lately is not looked for
    on the chain."""
    found = await services.token_lookup.search(asked.search, discover=caller is not None)
    return ExactResponse(TokensResponse(tokens=[token_of(token) for token in found]))

"""Tokens that a page asks for. What has to be looked for on the chain counts as the account's requests to the API do;
what is known already is told however often it is asked for.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Protocol, TypeVar

from engine_app.accounts.quotas import count_for_account
from engine_app.accounts.service import Identity
from engine_app.markets.errors import SearchNeedsLogin
from engine_app.markets.tokens import Token
from engine_app.services import services

Found_co = TypeVar("Found_co", covariant=True)


class _Look(Protocol[Found_co]):
    def __call__(self, text: str, /, *, discover: bool) -> Awaitable[Found_co]: ...


async def search_tokens(identity: Identity, text: str) -> list[Token]:
    """As `TokenLookup.search`; raises RateLimited, too, where the account asked for too many unknown mints."""
    return await _looked_up(identity, services().token_lookup.search, text)


async def find_token(identity: Identity, name: str) -> Token:
    """As `TokenLookup.find`; raises RateLimited, too, where the account asked for too many unknown mints."""
    return await _looked_up(identity, services().token_lookup.find, name)


async def _looked_up(identity: Identity, look: _Look[Found_co], text: str) -> Found_co:
    try:
        return await look(text, discover=False)
    except SearchNeedsLogin:
        offered = services()
        await count_for_account(offered.counters, offered.settings, identity.user_id)
        return await look(text, discover=True)

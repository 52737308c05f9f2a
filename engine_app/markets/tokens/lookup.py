"""Any token by its name: from the list, else from its mint's account."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from time import monotonic

from solders.pubkey import Pubkey

from engine_app.chain.accounts import DecodeError
from engine_app.chain.errors import RpcRefused, RpcUnavailable
from engine_app.chain.in_flight import InFlight
from engine_app.chain.methods import Methods
from engine_app.chain.token_accounts import decode_mint
from engine_app.markets.errors import SearchNeedsLogin, TokenNotAllowed, UnknownToken
from engine_app.markets.tokens.listed import TokenList, as_address, unknown
from engine_app.markets.tokens.token import Token, unlisted_token
from engine_app.telemetry.logging import get_logger

MOST_DECIMALS = 18
"""A token with more decimal places is not traded: its whole supply would be less than one."""

KEPT_SECONDS = 600
"""How long what a mint's account says holds: its authorities may change, its decimals do not."""
NOTHING_KEPT_SECONDS = 60
MOST_KEPT = 4_096
CHECK_PAUSE_SECONDS = 5.0

log = get_logger(__name__)


class TokenLookup:
    """Finds tokens, and remembers the mints that are not listed."""

    def __init__(self, tokens: TokenList, chain: Methods, *, allow_unlisted: bool) -> None:
        """Put it together; `allow_unlisted` says whether tokens that are not listed may be traded."""
        self.listed = tokens
        self._chain = chain
        self._allow_unlisted = allow_unlisted
        self._kept: OrderedDict[Pubkey, tuple[float, Token | None]] = OrderedDict()
        self._reads: InFlight[Pubkey, Token | None] = InFlight()

    async def find(self, symbol_or_mint: str, *, discover: bool = True) -> Token:
        """The token of a symbol of the list, or of any mint address.

        Of a listed token nothing is read; of another one its mint's account, where that has not been read lately.

        Args:
            symbol_or_mint: which.
            discover: read the account of a mint that is not known.

        Raises:
            UnknownToken: neither a listed symbol nor the address of a mint that can be traded.
            TokenNotAllowed: it is not listed, and such tokens are off.
            SearchNeedsLogin: it is not listed and not known, and may not be read.
            RpcUnavailable, RpcRefused: no node tells.
        """
        listed = self.listed.find(symbol_or_mint)
        if listed is not None:
            return listed
        mint = as_address(symbol_or_mint)
        if mint is None:
            raise unknown(symbol_or_mint)
        if not self._allow_unlisted:
            raise TokenNotAllowed(f"the token {mint} is not listed, and tokens that are not are off here")
        token = await self._of_mint(mint, discover=discover)
        if token is None:
            raise UnknownToken(f"there is no mint at {mint} whose token can be traded")
        return token

    async def search(self, text: str, *, discover: bool = True) -> list[Token]:
        """Listed tokens that fit the text (see `TokenList.search`); for a mint's address that is not listed its token,
        where such tokens may be traded. Raises SearchNeedsLogin, RpcUnavailable, RpcRefused."""
        found = self.listed.search(text)
        mint = as_address(text.strip())
        if found or mint is None or not self._allow_unlisted:
            return found
        token = await self._of_mint(mint, discover=discover)
        return [] if token is None else [token]

    async def check_list(self) -> None:
        """Hold the list against the chain: a token whose mint is missing or has other decimals is dropped from it.

        Waits for a node as long as it takes.
        """
        tokens = self.listed.all()
        while True:
            try:
                read = await self._chain.accounts([token.mint for token in tokens])
            except (RpcUnavailable, RpcRefused) as error:
                log.warning("tokens.not_checked_yet", error=error.detail)
                await asyncio.sleep(CHECK_PAUSE_SECONDS)
            else:
                break
        for token in tokens:
            account = read.accounts.get(token.mint)
            try:
                decimals = None if account is None else decode_mint(account).decimals
            except DecodeError:
                decimals = None
            if decimals != token.decimals:
                log.error("token.not_as_listed", token=token.symbol, mint=str(token.mint), decimals=decimals)
                self.listed.drop(token.mint)

    async def close(self) -> None:
        """Cancel every read under way."""
        await self._reads.close()

    async def _of_mint(self, mint: Pubkey, *, discover: bool) -> Token | None:
        kept = self._kept.get(mint)
        if kept is not None and monotonic() < kept[0]:
            return kept[1]
        if not discover:
            raise SearchNeedsLogin("nobody has asked for this token lately, and to look for it needs a login")
        return await self._reads.share(mint, lambda: self._read(mint))

    async def _read(self, mint: Pubkey) -> Token | None:
        account = (await self._chain.accounts([mint])).accounts.get(mint)
        token: Token | None = None
        try:
            decoded = None if account is None else decode_mint(account)
        except DecodeError:
            decoded = None
        if decoded is not None and decoded.decimals <= MOST_DECIMALS:
            token = unlisted_token(mint, decoded)
        self._kept[mint] = (monotonic() + (NOTHING_KEPT_SECONDS if token is None else KEPT_SECONDS), token)
        self._kept.move_to_end(mint)
        while len(self._kept) > MOST_KEPT:
            self._kept.popitem(last=False)
        return token

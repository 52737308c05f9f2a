"""Wallets as they change, for whoever looks at them: one reader a wallet, however many look.

A wallet's accounts are looked at over the websocket; where that is down, or too many wallets are looked at, it is read
again and again instead. Whatever tells of a change only has the wallet read: what is shown is what was read.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field, replace

from solders.pubkey import Pubkey
from solders.signature import Signature

from engine_app.chain.errors import RpcRefused, RpcUnavailable
from engine_app.chain.rpc import Rpc
from engine_app.chain.stream import AccountWatch, Stream
from engine_app.chain.token_accounts import TOKEN_2022_PROGRAM, TOKEN_PROGRAM, WRAPPED_SOL_MINT, ata
from engine_app.markets.tokens import TokenList
from engine_app.storage.postgres import DATABASE_AWAY
from engine_app.telemetry.logging import get_logger
from engine_app.wallets.balances import Wallets, WalletView
from engine_app.wallets.deposits import Deposit, Deposits

MOST_WATCHED = 200
"""Wallets whose accounts are looked at over the websocket at a time."""
MOST_ACCOUNTS = 24
"""Accounts of one wallet that are looked at so."""
SHORTEST_PAUSE_SECONDS = 0.2
"""Between two reads of one wallet, however often it changes."""
POLL_SECONDS = 5.0
SURE_SECONDS = 60.0
"""A wallet that is looked at over the websocket is read so often even where nothing is told of it."""
RETRY_SECONDS = 1.0
LOOKS = 6
"""How often the transaction behind a changed balance is looked for, after twice the pause each time: a node may know it
a little later. As often a wallet is read again whose nodes lag behind the one that told of its change."""
SIGNATURES = 20
"""Transactions of an account that are looked through when its balance has changed."""
MOST_UNREAD = 50
"""Deposits that a follower who does not read is told of at most."""

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class WalletNews:
    """What is new of a wallet.

    Attributes:
        wallet: what it holds now; None where nothing tells.
        deposits: what has arrived since the news before.
        trouble: why nothing tells: an error of the chain or of the database.
    """

    wallet: WalletView | None
    deposits: tuple[Deposit, ...] = ()
    trouble: Exception | None = None


class _Follower:
    """Keeps the news that its reader has not taken yet, as one."""

    def __init__(self) -> None:
        self._news: WalletNews | None = None
        self._some = asyncio.Event()

    def tell(self, news: WalletNews) -> None:
        if self._news is not None:
            news = replace(news, deposits=(*self._news.deposits, *news.deposits)[-MOST_UNREAD:])
        self._news = news
        self._some.set()

    async def news(self) -> AsyncGenerator[WalletNews]:
        while True:
            await self._some.wait()
            self._some.clear()
            if (news := self._news) is not None:
                self._news = None
                yield news


@dataclass(slots=True)
class _Watched:
    """A wallet that somebody looks at."""

    followers: set[_Follower] = field(default_factory=set)
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    slot: int = 0
    """The newest in which an account of it is known to have changed."""
    reader: asyncio.Task[None] | None = None

    def tell(self, news: WalletNews) -> None:
        for follower in self.followers:
            follower.tell(news)

    def has_changed(self, slot: int | None) -> None:
        """Have it read again, as it is in this slot at least where one is known."""
        self.slot = max(self.slot, slot or 0)
        self.changed.set()


class WalletFeed:
    """The wallets that pages of this process look at."""

    def __init__(self, rpc: Rpc, stream: Stream, wallets: Wallets, deposits: Deposits, tokens: TokenList) -> None:
        self._rpc = rpc
        self._stream = stream
        self._wallets = wallets
        self._deposits = deposits
        self._tokens = tokens
        self._watched: dict[int, _Watched] = {}
        self._on_stream = 0

    @asynccontextmanager
    async def follow(self, user_id: int) -> AsyncIterator[AsyncIterator[WalletNews]]:
        """A user's wallet as it is now, and again whenever it or the news of it change.

        Who reads slowly gets the newest state and the deposits since.
        """
        follower = _Follower()
        watched = self._watched.setdefault(user_id, _Watched())
        watched.followers.add(follower)
        if watched.reader is None:
            watched.reader = asyncio.create_task(self._read(user_id, watched), name=f"wallet-{user_id}")
        watched.changed.set()
        try:
            yield follower.news()
        finally:
            watched.followers.discard(follower)
            if not watched.followers:
                del self._watched[user_id]
                watched.reader.cancel()

    def is_watched(self, user_id: int) -> bool:
        """Whether somebody looks at a user's wallet."""
        return user_id in self._watched

    def look(self, user_id: int) -> None:
        """Have a user's wallet read again where somebody looks at it: what its orders reserve has changed."""
        if (watched := self._watched.get(user_id)) is not None:
            watched.changed.set()

    async def _read(self, user_id: int, watched: _Watched) -> None:
        """Read the wallet whenever it may have changed, until nobody looks any more."""
        while True:
            try:
                owner = await self._wallets.address(user_id)
                async with self._looking_at(owner, watched) as watches:
                    await self._keep_reading(user_id, owner, watched, watches)
            except (RpcUnavailable, RpcRefused, *DATABASE_AWAY) as error:
                watched.tell(WalletNews(None, trouble=error))
            except Exception as error:
                log.exception("wallet.reader_failed", user=user_id)
                watched.tell(WalletNews(None, trouble=error))
            await asyncio.sleep(RETRY_SECONDS)

    async def _keep_reading(
        self, user_id: int, owner: Pubkey, watched: _Watched, watches: Sequence[AccountWatch]
    ) -> None:
        arriving = _Arriving(self._deposits, owner, await self._rpc.slot())
        looks = 0
        while True:
            watched.changed.clear()
            view = await self._wallets.view(user_id)
            watched.tell(WalletNews(view))
            deposits = await arriving.since(view)
            if deposits:
                watched.tell(WalletNews(view, deposits))
            looks = looks + 1 if arriving.unexplained or view.slot < watched.slot else 0
            if 0 < looks < LOOKS:
                pause = SHORTEST_PAUSE_SECONDS * (2 ** (looks - 1) - 1)
            else:
                told = bool(watches) and all(watch.active for watch in watches)
                pause = SURE_SECONDS if told else POLL_SECONDS
            await asyncio.sleep(SHORTEST_PAUSE_SECONDS)
            with suppress(TimeoutError):
                await asyncio.wait_for(watched.changed.wait(), pause)
                looks = 0

    @asynccontextmanager
    async def _looking_at(self, owner: Pubkey, watched: _Watched) -> AsyncIterator[list[AccountWatch]]:
        """Have the wallet read whenever an account of it changes; none is looked at where too many are."""
        with self._room() as room:
            accounts = self._accounts(owner) if room else []
            watches = [await self._stream.watch_account(account, watched.has_changed) for account in accounts]
            try:
                yield watches
            finally:
                for watch in watches:
                    self._stream.drop(watch)

    @contextmanager
    def _room(self) -> Iterator[bool]:
        if self._on_stream >= MOST_WATCHED:
            yield False
            return
        self._on_stream += 1
        try:
            yield True
        finally:
            self._on_stream -= 1

    def _accounts(self, owner: Pubkey) -> list[Pubkey]:
        """The wallet itself and its accounts of the listed tokens, those that do not exist yet too."""
        tokens = [token for token in self._tokens.all() if token.mint != WRAPPED_SOL_MINT]
        return [owner, *(ata(owner, token.mint, token.program) for token in tokens)][:MOST_ACCOUNTS]


class _Arriving:
    """Finds the transactions behind balances that changed.

    Attributes:
        unexplained: accounts whose balance has changed by no transaction that is known yet, and how often it may still
            be looked for.
    """

    def __init__(self, deposits: Deposits, owner: Pubkey, slot: int) -> None:
        """Only what lands after `slot` is found."""
        self.unexplained: dict[Pubkey, int] = {}
        self._deposits = deposits
        self._owner = owner
        self._slot = slot
        self._seen: set[Signature] = set()
        self._units: dict[str, int] | None = None

    async def since(self, view: WalletView) -> tuple[Deposit, ...]:
        """What has arrived between the view before and this one. Raises RpcUnavailable, RpcRefused."""
        units = {balance.mint: balance.amount_units for balance in view.balances}
        before, self._units = self._units, units
        if before is not None:
            for mint in units.keys() | before.keys():
                if units.get(mint, 0) != before.get(mint, 0):
                    self.unexplained |= dict.fromkeys(self._accounts(Pubkey.from_string(mint)), LOOKS)
        if not self.unexplained:
            return ()
        named = await self._deposits.naming(list(self.unexplained), SIGNATURES)
        fresh = [each for each in named if each.slot > self._slot and each.signature not in self._seen]
        brought = await self._deposits.brought(self._owner, fresh)
        self._seen.update(brought)
        if fresh and all(each.error is not None or each.signature in brought for each in fresh):
            self.unexplained = {}
        else:
            self.unexplained = {account: looks - 1 for account, looks in self.unexplained.items() if looks > 1}
        return tuple(deposit for each in reversed(brought.values()) for deposit in each)

    def _accounts(self, mint: Pubkey) -> list[Pubkey]:
        if mint == WRAPPED_SOL_MINT:
            return [self._owner]
        return [ata(self._owner, mint, program) for program in (TOKEN_PROGRAM, TOKEN_2022_PROGRAM)]

"""What users do with orders: place, look at, page through."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import TypeVar
from uuid import UUID, uuid4

from solders.pubkey import Pubkey
from sqlmodel.ext.asyncio.session import AsyncSession

from engine_app.markets.tokens import Token, TokenLookup, parse_amount
from engine_app.orders import attempts, csv_export, history, idempotency, intake, repository, reservations
from engine_app.orders.detail import OrderDetail, order_detail
from engine_app.orders.errors import (
    InvalidPriceImpact,
    InvalidSlippage,
    InvalidValidity,
    OrderNotFound,
    SameToken,
    WalletStopped,
)
from engine_app.orders.history import EVERYTHING, HistoryFilter, decode_cursor, encode_cursor
from engine_app.orders.limits import LittleRoom, OrderLimits
from engine_app.orders.models import IdempotencyKey, Order
from engine_app.orders.progress import ProgressPublisher
from engine_app.orders.replay import as_of
from engine_app.orders.updates import Missed, Stage, Update, stage_of, update_of
from engine_app.orders.view import HistoryDocument, OrderView, order_document, order_view
from engine_app.settings import Settings
from engine_app.storage.connections import Straight
from engine_app.storage.postgres import Database
from engine_app.storage.prepared import Statements
from engine_app.telemetry import metrics
from engine_app.telemetry.logging import get_logger
from engine_app.wallets.models import Wallet

MIN_SLIPPAGE = Decimal("0.0001")
SLIPPAGE_BELOW = Decimal("0.5")
MOST_PRICE_IMPACT = Decimal("0.5")
FRACTION_STEP = Decimal("1e-9")
"""The finest slippage and price impact that an order keeps."""
MIN_VALID_SECONDS = 5
MAX_VALID_SECONDS = 3600
MOST_OPEN_TOLD = 1000
"""Open orders of one user that are told at once."""

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class PlaceSwap:
    """A market order as its user words it. Amounts are whole tokens in their own text, slippage and price impact
    fractions.

    `min_amount_out` is an absolute floor beside slippage: the higher of the two holds.
    """

    token_in: str
    token_out: str
    amount: str | Decimal
    slippage: Decimal | None = None
    expected_quote: str | Decimal | None = None
    valid_for_seconds: int | None = None
    min_amount_out: str | Decimal | None = None
    max_price_impact: Decimal | None = None


@dataclass(frozen=True, slots=True)
class PlaceTransfer:
    """A withdrawal as its user words it: an amount of whole tokens in its own text, or `max`, to a wallet's address."""

    token: str
    amount: str | Decimal
    address: str


Within = TypeVar("Within", Straight, AsyncSession)
Draft = Callable[[Within, UUID, Wallet], Awaitable[Order]]
"""Makes an order's row from its id and wallet, inside the transaction that inserts it."""


class Orders:
    """The orders of all users, as the web process and tests use them."""

    def __init__(
        self,
        database: Database,
        lookup: TokenLookup,
        settings: Settings,
        progress: ProgressPublisher,
    ) -> None:
        """Put the service together."""
        self._database = database
        self._lookup = lookup
        self._tokens = lookup.listed
        self._settings = settings
        self._progress = progress
        self._limits = OrderLimits.of(settings, lookup.listed)
        self._room = {alone: repository.Condition(self._limits.room(alone=alone)) for alone in (False, True)}

    async def place(self, user_id: int, wanted: PlaceSwap, *, key: str | None = None) -> OrderView:
        """Accept a market order: it is durable when this returns.

        For listed tokens placing reads no chain. The decimals of another one are its mint's, which is read where that
        has not been done lately; they are fixed on the order.

        Args:
            user_id: whose.
            wanted: what.
            key: an idempotency key: the same one with the same wish gives the same order.

        Raises:
            InvalidKey: the key cannot be used; no order was placed.
            UnknownToken, TokenNotAllowed, InvalidAmount, InvalidSlippage, InvalidPriceImpact, SameToken,
                InvalidValidity: what can be judged without the pools; no order was placed.
            RpcUnavailable, RpcRefused: a token is not listed, and no node tells its decimals; no order was placed.
            OrderTooLarge, DailyVolumeUsedUp, EngineVolumeUsedUp: it pays more than one order, one account or all
                together may; no order was placed. Else what `accept` raises.
        """
        if key is not None:
            idempotency.check_key(key)
        token_in = await self._lookup.find(wanted.token_in)
        token_out = await self._lookup.find(wanted.token_out)
        if token_in.mint == token_out.mint:
            raise SameToken(f"an order cannot swap {token_in.symbol} for itself")
        amount_in = parse_amount(wanted.amount, token_in.decimals)
        expected = _units(wanted.expected_quote, token_out.decimals)
        min_amount_out = _units(wanted.min_amount_out, token_out.decimals)
        slippage = self._settings.default_slippage if wanted.slippage is None else wanted.slippage
        check_slippage(slippage)
        impact = wanted.max_price_impact
        impact = self._settings.default_max_price_impact if impact is None else impact
        check_price_impact(impact)
        seconds = self._settings.order_seconds if wanted.valid_for_seconds is None else wanted.valid_for_seconds
        if not MIN_VALID_SECONDS <= seconds <= MAX_VALID_SECONDS:
            raise InvalidValidity(f"validForSeconds is {seconds}; give {MIN_VALID_SECONDS} to {MAX_VALID_SECONDS}")
        self._limits.require_size(token_in, amount_in)

        async def draft(session: Straight, order_id: UUID, wallet: Wallet) -> Order:
            return Order(
                id=order_id,
                user_id=user_id,
                wallet_id=wallet.id,
                token_in=str(token_in.mint),
                token_out=str(token_out.mint),
                decimals_in=token_in.decimals,
                decimals_out=token_out.decimals,
                amount_in=Decimal(amount_in),
                slippage=slippage,
                max_price_impact=impact,
                expected_quote=expected,
                min_amount_out=min_amount_out,
                token_warnings=_warnings(token_in, token_out),
                volume_day=await self._limits.take_volume(session, user_id, token_in, amount_in),
            )

        return await self._accept(user_id, wanted, draft, self._database.together, seconds=seconds, key=key)

    async def accept(
        self,
        user_id: int,
        wanted: PlaceSwap | PlaceTransfer,
        draft: Draft[AsyncSession],
        *,
        seconds: int,
        key: str | None,
    ) -> OrderView:
        """Insert an order, tell whoever watches, and ask a worker for it: it is durable when this returns.

        Args:
            user_id: whose.
            wanted: what, as its user words it.
            draft: makes the row, and writes whatever else stands and falls with it.
            seconds: how long it stays valid.
            key: an idempotency key, checked already.

        Raises:
            IntakePaused, WalletStopped: an operator takes no new orders, or none of this wallet; no order was placed.
            TooManyOpenOrders, EngineFull: there is no room; no order was placed.
            KeyReused: the key was used for another wish; no order was placed.
        """
        return await self._accept(user_id, wanted, draft, self._database.transaction, seconds=seconds, key=key)

    async def _accept(
        self,
        user_id: int,
        wanted: PlaceSwap | PlaceTransfer,
        draft: Draft[Within],
        within: Callable[[], AbstractAsyncContextManager[Within]],
        *,
        seconds: int,
        key: str | None,
    ) -> OrderView:
        placing = partial(self._insert, user_id, wanted, draft, within, seconds=seconds, key=key)
        try:
            order, is_new = await placing(alone=False)
        except LittleRoom:
            order, is_new = await placing(alone=True)
        if is_new:
            log.info("order.placed", order=str(order.id), user=user_id, kind=order.kind)
            metrics.ORDERS.labels(order.kind, "placed", "").inc()
            self._progress.publish(order)
            self._progress.ask_a_worker(order.id)
        return order_view(order, self._tokens)

    async def _insert(
        self,
        user_id: int,
        wanted: PlaceSwap | PlaceTransfer,
        draft: Draft[Within],
        within: Callable[[], AbstractAsyncContextManager[Within]],
        *,
        seconds: int,
        key: str | None,
        alone: bool,
    ) -> tuple[Order, bool]:
        """The order, and whether it was inserted just now or has been placed under the key before.

        Raises:
            LittleRoom: nothing was written; only an order that is placed `alone` may find room.
        """
        order_id = uuid4()
        async with within() as session:
            if key is not None:
                earlier = await idempotency.claim(
                    session, user_id, key, digest=idempotency.digest(wanted), order_id=order_id
                )
                if earlier is not None:
                    return await self._same_order(session, earlier, wanted), False
            wallet = await intake.enter(session, user_id, alone=alone)
            if wallet.stopped_at is not None:
                raise WalletStopped("this wallet takes no new orders until an operator has looked at it")
            made = await draft(session, order_id, wallet)
            order = await repository.insert_order(
                session,
                made,
                valid_for=timedelta(seconds=seconds),
                data={"amountInUnits": str(int(made.amount_in))},
                only_if=self._room[alone],
            )
            if order is None:
                raise await self._limits.why_full(session, user_id) if alone else LittleRoom
        return order, True

    async def earlier(self, user_id: int, wanted: PlaceSwap | PlaceTransfer, key: str) -> OrderView | None:
        """The order that was placed under the key before, None where none was. Raises KeyReused."""
        async with self._database.together() as session:
            claimed = await idempotency.claimed(session, user_id, key)
            order = None if claimed is None else await self._same_order(session, claimed, wanted)
        return None if order is None else order_view(order, self._tokens)

    async def cancel(self, user_id: int, order_id: UUID) -> OrderView:
        """Ask that nothing more be signed for an order; the order as it stands.

        It takes effect whenever no attempt is live: at once, or when the live one is proven dead. What lands all the
        same is confirmed. Asking again, or for an order that is done, changes nothing.

        Raises:
            OrderNotFound: there is no such order of this user.
        """
        async with self._database.together() as session:
            cancelled = await repository.request_cancel(session, user_id, order_id)
            order = cancelled or await repository.order_of_user(session, user_id, order_id)
        if order is None:
            raise OrderNotFound("there is no such order of yours")
        if cancelled is not None:
            log.info("order.cancel_requested", order=str(order_id), user=user_id)
            self._progress.publish(order)
            self._progress.ask_a_worker(order_id)
        return order_view(order, self._tokens)

    async def _same_order(
        self, session: Statements, earlier: IdempotencyKey, wanted: PlaceSwap | PlaceTransfer
    ) -> Order:
        """The order that was placed under the key before. Raises KeyReused where it asked for something else."""
        if earlier.digest != idempotency.digest(wanted):
            raise idempotency.KeyReused("this Idempotency-Key was used for a different order")
        order = await repository.order_by_id(session, earlier.order_id)
        if order is None:
            raise OrderNotFound("the order of this Idempotency-Key is gone")
        return order

    async def get(self, user_id: int, order_id: UUID) -> OrderDetail:
        """One of a user's orders with its quotes, tries and events. Raises OrderNotFound for anyone else's."""
        async with self._database.transaction() as session:
            order = await repository.order_of_user(session, user_id, order_id)
            if order is None:
                raise OrderNotFound(f"there is no order {order_id} of yours")
            tries = await attempts.attempts_of(session, order_id)
            events = await repository.events_of(session, order_id)
        # What was written between the reads belongs to a later state than the order's.
        return order_detail(
            order,
            [attempt for attempt in tries if attempt.number <= order.tries],
            [event for event in events if event.seq <= order.seq],
            self._tokens,
        )

    async def history(
        self, user_id: int, limit: int, cursor: str | None = None, wanted: HistoryFilter = EVERYTHING
    ) -> HistoryDocument:
        """A user's orders, newest first. Raises InvalidCursor."""
        before = None if cursor is None else decode_cursor(cursor)
        async with self._database.at_once() as connection:
            found = await history.page(connection, user_id, limit=limit + 1, before=before, wanted=wanted)
        page = found[:limit]
        return {
            "orders": [order_document(row, self._tokens) for row in page],
            "nextCursor": encode_cursor((page[-1]["created_at"], page[-1]["id"])) if len(found) > limit else None,
        }

    async def export(self, user_id: int, wanted: HistoryFilter = EVERYTHING) -> AsyncIterator[bytes]:
        """All of a user's orders that the filter lets through as CSV, newest first, in pieces."""
        yield csv_export.head()
        async for orders in history.export(self._database, user_id, wanted):
            yield csv_export.rows(orders, self._tokens)

    async def updates(self, user_id: int, after: Mapping[UUID, int | None]) -> Missed:
        """What happened to some of a user's orders, order by order as they are named.

        Args:
            user_id: whose.
            after: order → the last `seq` that is known, for its events above that; None for its present state.

        Raises:
            OrderNotFound: one of them is not his; it is not told which.
        """
        async with self._database.transaction() as session:
            orders = await repository.orders_of_user(session, user_id, after)
            if orders.keys() != after.keys():
                raise OrderNotFound("there is no such order of yours")
            events = await repository.events_after(
                session, {order_id: seq for order_id, seq in after.items() if seq is not None}
            )
        told = [update_of(order, self._tokens) for order_id, order in orders.items() if after[order_id] is None]
        told += [update_of(as_of(orders[event.order_id], event), self._tokens) for event in events]
        turn = {order_id: n for n, order_id in enumerate(after)}
        return Missed(
            sorted(told, key=lambda update: turn[update.order_id]),
            {order_id: order.created_at for order_id, order in orders.items() if stage_of(order) is Stage.ENDED},
        )

    async def open_updates(self, user_id: int) -> list[Update]:
        """The present state of a user's open orders, the oldest first."""
        async with self._database.at_once() as connection:
            found = await history.open_orders(connection, user_id, limit=MOST_OPEN_TOLD)
        return [update_of(order, self._tokens) for order in reversed(found)]

    async def clock(self) -> datetime:
        """The clock by which orders are placed: the database's."""
        async with self._database.at_once() as connection:
            return await history.clock(connection)

    async def placed_since(self, user_id: int, moment: datetime) -> dict[UUID, datetime]:
        """A user's orders that were placed at a moment (in UTC) or later, and when each was; the oldest first."""
        async with self._database.at_once() as connection:
            found = await history.placed(connection, user_id, moment)
        return {order_id: placed_at for placed_at, order_id in reversed(found)}

    async def reserved(self, user_id: int) -> dict[str, int]:
        """What a user's open orders hold, base units per mint."""
        async with self._database.transaction() as session:
            return await reservations.reserved_by_user(session, user_id)

    async def own_transactions(self, owner: Pubkey, signatures: Collection[str]) -> set[str]:
        """Those of the signatures (base58) that are of a wallet's own orders; another user's withdrawal is none."""
        async with self._database.transaction() as session:
            return await attempts.known_among(session, str(owner), signatures)


def check_slippage(slippage: Decimal) -> None:
    """Raise InvalidSlippage unless 0.0001 <= slippage < 0.5 with at most nine decimal places."""
    in_range = slippage.is_finite() and MIN_SLIPPAGE <= slippage < SLIPPAGE_BELOW
    if not in_range or slippage != slippage.quantize(FRACTION_STEP):
        raise InvalidSlippage(f"slippage {slippage} is not a fraction from 0.0001 to below 0.5: give 0.01 for 1 %")


def check_price_impact(impact: Decimal) -> None:
    """Raise InvalidPriceImpact unless 0 < impact <= 0.5 with at most nine decimal places."""
    in_range = impact.is_finite() and 0 < impact <= MOST_PRICE_IMPACT
    if not in_range or impact != impact.quantize(FRACTION_STEP):
        raise InvalidPriceImpact(
            f"maxPriceImpact {impact} is not a fraction above 0 and at most 0.5: give 0.05 for 5 %"
        )


def _warnings(*tokens: Token) -> dict[str, list[str]]:
    """What is warned of, by mint."""
    return {str(token.mint): [warning.value for warning in token.warnings] for token in tokens if token.warnings}


def _units(amount: str | Decimal | None, decimals: int) -> Decimal | None:
    """Base units of an amount that may not be given. Raises InvalidAmount."""
    return None if amount is None else Decimal(parse_amount(amount, decimals))

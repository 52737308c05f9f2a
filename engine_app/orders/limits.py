"""How many orders may be open, how large one may be, how much may be traded in a day: per account and altogether.

Nothing is read first and written later. An account's orders are placed one after the other, under a lock of its
wallet's row, and counted in the very statement that inserts; what was traded in a day is added up in a row of its own
by a statement that does nothing where the sum would exceed the limit. Orders of all accounts are placed side by side,
under a shared lock, as long as there is room for as many more as could be on their way at once; only when it gets
narrower than that is one placed at a time.

Sizes and volumes are limits of whole tokens paid, token by token, in its own units: no price is asked for and none can
be talked up. An order that fails gives back what it took of its day.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Date,
    Integer,
    String,
    bindparam,
    case,
    cast,
    delete,
    func,
    literal,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from engine_app.errors import EngineError, register
from engine_app.markets.errors import UnknownToken
from engine_app.markets.tokens import Token, TokenList, whole
from engine_app.orders.models import IS_OPEN, Order, OrderVolume
from engine_app.settings import Settings, SettingsError, TokenAmount
from engine_app.storage.prepared import Prepared, Statements

ENGINE = 0
"""Stands for all accounts together where volumes are kept by account."""
SIDE_BY_SIDE = 1_000
"""More than transactions that a Postgres runs at once: as many orders could be on their way unseen."""
KEPT = timedelta(days=7)
OF_USER = f"orders.user_id = :of_user AND orders.{IS_OPEN}"
"""The open orders of an account."""


class LittleRoom(Exception):
    """There may be room for the order, but not for all that could be placed side by side."""


class TooManyOpenOrders(EngineError):
    """The account has as many orders open as it may."""

    code = register(
        "TOO_MANY_OPEN_ORDERS",
        "The account has as many orders open as it may.",
        "No order was placed; open orders go on.",
        "Wait until some are done, or cancel some.",
    )
    status = 429


class EngineFull(EngineError):
    """All accounts together have as many orders open as the engine takes."""

    code = register(
        "ENGINE_FULL",
        "The engine has as many orders open as it takes.",
        "No order was placed; open orders go on.",
        "Try again as soon as Retry-After says.",
    )
    status = 503


class OrderTooLarge(EngineError):
    """The order pays more of its token than one order may."""

    code = register(
        "ORDER_TOO_LARGE",
        "The order pays more of its token than one order may.",
        "No order was placed.",
        "Place a smaller order.",
    )
    status = 422


class DailyVolumeUsedUp(EngineError):
    """The account has traded as much of the token as it may in a day."""

    code = register(
        "DAILY_VOLUME_USED_UP",
        "With this order the account would trade more of the token than it may in a day (UTC).",
        "No order was placed; open orders go on.",
        "Place a smaller order, or wait until the day is over.",
    )
    status = 429


class EngineVolumeUsedUp(EngineError):
    """All accounts together have traded as much of the token as the engine takes in a day."""

    code = register(
        "ENGINE_VOLUME_USED_UP",
        "With this order more of the token would be traded than the engine takes in a day (UTC).",
        "No order was placed; open orders go on.",
        "Place a smaller order, or wait until the day is over.",
    )
    status = 503


@dataclass(frozen=True, slots=True)
class OrderLimits:
    """The limits of an engine. Amounts are base units by mint; a mint that is not named has no limit.

    Attributes:
        open_of_account, open_altogether: orders under way.
        size: most that one order may pay.
        volume_of_account, volume_altogether: most that may be paid in a day (UTC).
    """

    open_of_account: int
    open_altogether: int
    size: Mapping[str, int]
    volume_of_account: Mapping[str, int]
    volume_altogether: Mapping[str, int]

    @classmethod
    def of(cls, settings: Settings, tokens: TokenList) -> OrderLimits:
        """The limits that the settings name. Raises SettingsError for a token that is not listed."""
        return cls(
            open_of_account=settings.max_open_orders,
            open_altogether=settings.max_open_orders_altogether,
            size=_by_mint(settings.max_order_size, tokens),
            volume_of_account=_by_mint(settings.max_daily_volume, tokens),
            volume_altogether=_by_mint(settings.max_daily_volume_altogether, tokens),
        )

    def require_size(self, token: Token, amount: int) -> None:
        """Raise OrderTooLarge where an order may not pay so many base units."""
        most = self.size.get(str(token.mint))
        if most is not None and amount > most:
            raise OrderTooLarge(f"an order may pay at most {whole(most, token.decimals)} {token.symbol}")

    def room(self, *, alone: bool) -> ColumnElement[bool]:
        """The condition under which an order may be inserted, for the statement that inserts it.

        The account is its bind parameter `of_user`. `alone` is what `intake.enter` was told in the same transaction, in
        which the wallet's row is locked, too.
        """
        least_room = 0 if alone else min(SIDE_BY_SIDE, self.open_altogether)
        mine = _counted(OF_USER, self.open_of_account)
        all_ = _counted(f"orders.{IS_OPEN}", self.open_altogether - least_room)
        return (mine < self.open_of_account) & (all_ < self.open_altogether - least_room)

    async def why_full(self, session: Statements, user_id: int) -> EngineError:
        """Which of the two numbers of open orders leaves no room."""
        mine = Prepared(select(_counted(OF_USER, self.open_of_account).label("open")))
        found = await mine.row(session, {"of_user": user_id})
        if found is not None and found["open"] >= self.open_of_account:
            told = f"the account has {self.open_of_account} open orders, the most it may"
            return TooManyOpenOrders(told, retry_after=1)
        return EngineFull("the engine takes no further order before some are done", retry_after=1)

    async def take_volume(self, session: Statements, user_id: int, token: Token, amount: int) -> date | None:
        """Count an amount towards its day, for the account and for all together.

        Returns:
            The day, to be kept with the order; None where this token has no limit.

        Raises:
            DailyVolumeUsedUp, EngineVolumeUsedUp: the caller's transaction must be left.
        """
        mint = str(token.mint)
        subjects = {
            user_id: (self.volume_of_account.get(mint), DailyVolumeUsedUp),
            ENGINE: (self.volume_altogether.get(mint), EngineVolumeUsedUp),
        }
        limited = {subject: most for subject, (most, _) in subjects.items() if most is not None}
        if not limited:
            return None
        counted_on: dict[int, date] = {}
        if all(amount <= most for most in limited.values()):
            counted_on = await _added(session, user_id, limited, mint, amount)
        for subject, (most, refusal) in subjects.items():
            if most is not None and (amount > most or subject not in counted_on):
                told = f"at most {whole(most, token.decimals)} {token.symbol} may be paid in a day (UTC)"
                raise refusal(told, retry_after=_until_tomorrow())
        return counted_on[user_id]


async def _added(
    session: Statements, user_id: int, limited: Mapping[int, int], mint: str, amount: int
) -> dict[int, date]:
    """Add an amount to today's sums, each unless it would exceed its limit; the day by who was added to."""
    values = {"subjects": [user_id, ENGINE], "mint": mint, "amount": Decimal(amount)}
    most = {
        name: None if (most := limited.get(subject)) is None else Decimal(most)
        for name, subject in (("most_of_account", user_id), ("most_altogether", ENGINE))
    }
    return {row["user_id"]: row["day"] for row in await _ADD.rows(session, values | most)}


def _adding() -> Prepared:
    """An account's row comes before that of all together, as whoever gives back locks them."""
    volumes = OrderVolume.metadata.tables["order_volumes"].c
    wished = select(
        func.unnest(bindparam("subjects", type_=ARRAY(Integer()))),
        bindparam("mint", type_=String()),
        cast(func.timezone("UTC", func.now()), Date),
        bindparam("amount", type_=volumes.amount.type),
    )
    added = insert(OrderVolume).from_select(["user_id", "mint", "day", "amount"], wished)
    total = volumes.amount + added.excluded.amount
    of_account, altogether = (
        bindparam(name, type_=volumes.amount.type) for name in ("most_of_account", "most_altogether")
    )
    most = case((volumes.user_id == ENGINE, altogether), else_=of_account)
    return Prepared(
        added.on_conflict_do_update(
            index_elements=["user_id", "mint", "day"],
            set_={"amount": total},
            where=most.is_(None) | (total <= most),
        ).returning(volumes.user_id, volumes.day)
    )


async def forget_old(session: AsyncSession) -> None:
    """Delete the sums of days that nothing counts towards any more."""
    await session.execute(delete(OrderVolume).where(col(OrderVolume.day) < func.current_date() - KEPT.days))


def _counted(condition: str, most: int) -> ColumnElement[int]:
    """How many orders there are, as far as that matters; `condition` in the words of an index's predicate."""
    some = select(literal(1)).select_from(Order).where(text(condition)).limit(max(most, 0)).subquery()
    return select(func.count()).select_from(some).scalar_subquery()


def _by_mint(amounts: Sequence[TokenAmount], tokens: TokenList) -> dict[str, int]:
    found: dict[str, int] = {}
    for name, amount in amounts:
        try:
            token = tokens.resolve(name)
        except UnknownToken as error:
            raise SettingsError(f"a limit on orders names a token that is not listed: {error.detail}") from None
        found[str(token.mint)] = int(amount.scaleb(token.decimals))
    return found


_ADD = _adding()


def _until_tomorrow() -> int:
    now = datetime.now(UTC)
    tomorrow = datetime.combine(now.date() + timedelta(days=1), datetime.min.time(), UTC)
    return max(1, int((tomorrow - now).total_seconds()))

"""Withdrawals: orders of kind `transfer`. They ask for the password again, and on mainnet for a known address."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from engine_app.accounts import security_log
from engine_app.accounts.security_log import SecurityEvent
from engine_app.accounts.service import Accounts
from engine_app.chain.token_accounts import WRAPPED_SOL_MINT
from engine_app.chain.transactions import SIGNATURE_LAMPORTS
from engine_app.errors import EngineError, register
from engine_app.markets.tokens import Token, TokenLookup, parse_amount
from engine_app.orders import idempotency
from engine_app.orders.address_book import AddressBook
from engine_app.orders.errors import INSUFFICIENT_FUNDS
from engine_app.orders.models import Order
from engine_app.orders.service import Orders, PlaceTransfer
from engine_app.orders.view import OrderView
from engine_app.settings import Settings
from engine_app.wallets.balances import Wallets
from engine_app.wallets.destinations import destination
from engine_app.wallets.models import Wallet

MAX = "max"
"""The amount that means everything."""

EMPTYING_FEE = 5_000
"""Most that a withdrawal pays as priority fee so that it leaves nothing behind, lamports."""


def emptying_cost(settings: Settings) -> int:
    """Lamports that a withdrawal of all SOL keeps back for its own fee."""
    return SIGNATURE_LAMPORTS + min(EMPTYING_FEE, settings.max_priority_fee)


class NothingToWithdraw(EngineError):
    """The wallet holds none of the token."""

    code = INSUFFICIENT_FUNDS
    status = 409


class OrdersHoldSol(EngineError):
    """Everything cannot be withdrawn while other orders need a part of it."""

    code = register(
        "ORDERS_HOLD_SOL",
        "Open orders hold a part of the wallet's SOL, so that it cannot be emptied now.",
        "Nothing was sent.",
        "Wait until they are done or cancel them, or withdraw an amount.",
    )
    status = 409


class Withdrawals:
    """The withdrawals of all users, as the web process and tests use them."""

    def __init__(  # noqa: PLR0917 - what it deals with
        self,
        orders: Orders,
        book: AddressBook,
        wallets: Wallets,
        tokens: TokenLookup,
        accounts: Accounts,
        settings: Settings,
    ) -> None:
        self._tokens = tokens
        self._orders = orders
        self._book = book
        self._wallets = wallets
        self._accounts = accounts
        self._settings = settings

    async def request(
        self, user_id: int, wanted: PlaceTransfer, *, password: str, ip: str, key: str | None = None
    ) -> OrderView:
        """Accept a withdrawal from whoever knows the password: it is durable when this returns.

        Raises:
            WrongPassword, RateLimited, LimitsUnavailable: as `Accounts.require_password`; no order was placed. Else
                what `place` raises.
        """
        await self._accounts.require_password(user_id, password, ip)
        return await self.place(user_id, wanted, ip=ip, key=key)

    async def place(self, user_id: int, wanted: PlaceTransfer, *, ip: str, key: str | None = None) -> OrderView:
        """Accept a withdrawal whose password was asked for.

        Args:
            user_id: whose.
            wanted: what.
            ip: where the request comes from, for the security log.
            key: an idempotency key: the same one with the same wish gives the same order.

        Raises:
            InvalidKey: the key cannot be used; no order was placed.
            UnknownToken, InvalidAmount, InvalidDestination: what can be judged without the chain; no order was placed.
            AddressNotInBook, AddressWaits: withdrawals may not go there, or not yet; no order was placed.
            NothingToWithdraw, OrdersHoldSol: of the amount `max`; no order was placed.
            RpcUnavailable, RpcRefused: no node tells what `max` is, or what an unlisted token is. Else what
                `Orders.accept` raises; limits of size and volume hold for swaps alone.
        """
        if key is not None:
            idempotency.check_key(key)
            earlier = await self._orders.earlier(user_id, wanted, key)
            if earlier is not None:
                return earlier
        token = await self._tokens.find(wanted.token)
        if wanted.amount == MAX:
            amount = await self._everything(user_id, token)
        else:
            amount = parse_amount(wanted.amount, token.decimals)

        mints = {token.mint, *(each.mint for each in self._tokens.listed.all())}

        async def draft(session: AsyncSession, order_id: UUID, wallet: Wallet) -> Order:
            to = str(destination(wanted.address, own=wallet.address, mints=mints))
            await self._book.require_usable(session, user_id, to)
            await security_log.record(
                session,
                user_id,
                SecurityEvent.WITHDRAWAL_REQUESTED,
                order=str(order_id),
                token=token.symbol,
                amount_units=str(amount),
                destination=to,
                ip=ip,
            )
            return Order(
                id=order_id,
                user_id=user_id,
                wallet_id=wallet.id,
                kind="transfer",
                token_in=str(token.mint),
                token_out=str(token.mint),
                decimals_in=token.decimals,
                decimals_out=token.decimals,
                destination=to,
                amount_in=Decimal(amount),
                slippage=Decimal(0),
                max_price_impact=self._settings.default_max_price_impact,
            )

        return await self._orders.accept(user_id, wanted, draft, seconds=self._settings.order_seconds, key=key)

    async def _everything(self, user_id: int, token: Token) -> int:
        """Base units that leave nothing behind; of SOL, what is left when its own fee is paid.

        Raises:
            NothingToWithdraw: there is nothing.
            OrdersHoldSol: other orders may need a part of the SOL.
        """
        balance = await self._wallets.balance(user_id, token)
        amount = balance.available_units
        if token.mint == WRAPPED_SOL_MINT:
            if balance.available_units != balance.amount_units:
                raise OrdersHoldSol("open orders hold a part of the SOL: wait for them, or withdraw an amount")
            amount -= emptying_cost(self._settings)
        if amount <= 0:
            raise NothingToWithdraw(f"the wallet holds no {token.symbol} that could be withdrawn")
        return amount

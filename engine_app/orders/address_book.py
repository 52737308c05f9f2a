"""The address book: where a user's withdrawals may go, on mainnet only after a new address has waited.

Whoever has stolen a session or an API key can add an address, but its owner has the waiting time to notice it in the
security log and to log everybody out. `WITHDRAW_ADDRESS_WAIT_HOURS` is that time; where it is 0, as it is off mainnet
unless set, withdrawals go to any address and the book is only a list of names.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import CheckConstraint, delete, func
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Field, SQLModel, col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from engine_app.accounts import security_log
from engine_app.accounts.security_log import SecurityEvent
from engine_app.accounts.service import Accounts
from engine_app.errors import EngineError, register
from engine_app.markets.tokens import TokenList
from engine_app.settings import Settings
from engine_app.storage.columns import moment, reference
from engine_app.storage.postgres import Database
from engine_app.wallets import repository as wallets
from engine_app.wallets.destinations import destination

LONGEST_LABEL = 50
MOST_ADDRESSES = 100


class WithdrawAddress(SQLModel, table=True):
    """An address of a user's book. It waits from `added_at` on; one that was removed and added again waits anew."""

    __tablename__ = "withdraw_addresses"
    __table_args__ = (CheckConstraint("char_length(label) <= 50", name="label_length"),)

    user_id: int = Field(sa_column=reference("users.id", primary_key=True))
    address: str = Field(primary_key=True)
    label: str = Field(default="", max_length=LONGEST_LABEL)
    added_at: datetime = Field(default=None, sa_column=moment(default_now=True))


class AddressNotInBook(EngineError):
    """Withdrawals go only to addresses of the book, and this is none."""

    code = register(
        "ADDRESS_NOT_IN_BOOK",
        "Withdrawals go only to addresses of your address book, and this is none.",
        "Nothing was sent.",
        "Add the address; it can be used when its waiting time is over.",
    )
    status = 409


class AddressWaits(EngineError):
    """The address was added too lately."""

    code = register(
        "ADDRESS_WAITS",
        "The address was added to the address book lately and still waits.",
        "Nothing was sent.",
        "Try again when its waiting time is over; the message says when.",
    )
    status = 409


class AddressUnknown(EngineError):
    """The address is not in the book."""

    code = register(
        "ADDRESS_UNKNOWN",
        "The address is not in your address book.",
        "Nothing was done, no money moved.",
        "Look at the list of your addresses.",
    )
    status = 404


class AddressBookFull(EngineError):
    """The book has as many addresses as it may have."""

    code = register(
        "ADDRESS_BOOK_FULL",
        "The address book is full.",
        "Nothing was done, no money moved.",
        "Remove an address that is not used any more.",
    )
    status = 409


@dataclass(frozen=True, slots=True)
class KnownAddress:
    """An address of a book.

    Attributes:
        address: base58.
        label: what its user calls it; may be empty.
        added_at: when it was added.
        usable_at: from when on withdrawals may go there.
        usable: whether that has come.
    """

    address: str
    label: str
    added_at: datetime
    usable_at: datetime
    usable: bool


class AddressBook:
    """The address books of all users."""

    def __init__(self, database: Database, tokens: TokenList, accounts: Accounts, settings: Settings) -> None:
        self._database = database
        self._accounts = accounts
        self._tokens = tokens
        self._wait = settings.withdraw_address_wait

    async def addresses(self, user_id: int) -> list[KnownAddress]:
        """A user's addresses, the newest first."""
        async with self._database.transaction() as session:
            return await self._known(session, user_id)

    async def add(self, user_id: int, address: str, *, label: str, password: str, ip: str) -> tuple[KnownAddress, bool]:
        """Put an address into the book, from now on waiting; one that is there already only gets the label.

        Args:
            user_id: whose book.
            address: base58.
            label: what to call it.
            password: the user's, asked again.
            ip: where the request comes from.

        Returns:
            The address as it stands, and whether it is new.

        Raises:
            InvalidDestination: nothing should ever be sent there.
            AddressBookFull: there are `MOST_ADDRESSES` already.
            WrongPassword, RateLimited, LimitsUnavailable: as `Accounts.require_password`.
        """
        await self._accounts.require_password(user_id, password, ip)
        async with self._database.transaction() as session:
            wallet = await wallets.wallet_of_user(session, user_id, locked=True)
            wanted = str(destination(address, own=wallet.address, mints={token.mint for token in self._tokens.all()}))
            before = {known.address for known in await self._known(session, user_id)}
            if wanted not in before and len(before) >= MOST_ADDRESSES:
                raise AddressBookFull(f"the address book has {MOST_ADDRESSES} addresses already")
            statement = insert(WithdrawAddress).values(user_id=user_id, address=wanted, label=label)
            await session.execute(
                statement.on_conflict_do_update(index_elements=["user_id", "address"], set_={"label": label})
            )
            if wanted not in before:
                await security_log.record(session, user_id, SecurityEvent.ADDRESS_ADDED, address=wanted, ip=ip)
            (known,) = await self._known(session, user_id, address=wanted)
        return known, wanted not in before

    async def remove(self, user_id: int, address: str, *, ip: str) -> None:
        """Take an address out of the book; open withdrawals to it go on. Raises AddressUnknown."""
        if not address.isalnum():
            raise AddressUnknown("this is no address")
        async with self._database.transaction() as session:
            removed = await session.execute(
                delete(WithdrawAddress)
                .where(col(WithdrawAddress.user_id) == user_id, col(WithdrawAddress.address) == address)
                .returning(col(WithdrawAddress.address))
            )
            if removed.one_or_none() is None:
                raise AddressUnknown("this address is not in your address book")
            await security_log.record(session, user_id, SecurityEvent.ADDRESS_REMOVED, address=address, ip=ip)

    async def require_usable(self, session: AsyncSession, user_id: int, address: str) -> None:
        """Check within the caller's transaction that a withdrawal may go to an address.

        Raises:
            AddressNotInBook, AddressWaits: it may not, or not yet.
        """
        if not self._wait:
            return
        found = await self._known(session, user_id, address=address)
        if not found:
            raise AddressNotInBook("withdrawals go only to addresses of your address book: add this one first")
        if not found[0].usable:
            raise AddressWaits(f"this address can be used from {found[0].usable_at.isoformat(timespec='seconds')} on")

    async def _known(self, session: AsyncSession, user_id: int, *, address: str | None = None) -> list[KnownAddress]:
        query = select(WithdrawAddress, func.clock_timestamp()).where(WithdrawAddress.user_id == user_id)
        if address is not None:
            query = query.where(WithdrawAddress.address == address)
        rows = await session.exec(query.order_by(col(WithdrawAddress.added_at).desc(), col(WithdrawAddress.address)))
        return [
            KnownAddress(
                address=row.address,
                label=row.label,
                added_at=row.added_at,
                usable_at=row.added_at + self._wait,
                usable=row.added_at + self._wait <= now,
            )
            for row, now in rows
        ]

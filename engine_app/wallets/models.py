"""The table of trading addresses."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, Column, ForeignKey, Index, text
from sqlmodel import Field, SQLModel

from engine_app.storage.columns import moment


class Wallet(SQLModel, table=True):
    """One address, m/44'/501'/n'/0' of the mnemonic, n = `derivation_index`; never reused.

    Without a user it is stock: made by a worker, waiting for the next account.
    """

    __tablename__ = "wallets"
    __table_args__ = (
        CheckConstraint("derivation_index BETWEEN 0 AND 2147483647", name="derivation_index_is_hardened"),
        CheckConstraint("(user_id IS NULL) = (assigned_at IS NULL)", name="assigned_with_its_time"),
        Index("wallets_stock", "id", postgresql_where=text("user_id IS NULL")),
    )

    id: int = Field(default=None, primary_key=True)
    address: str = Field(unique=True)
    derivation_index: int = Field(sa_column=Column(BigInteger, nullable=False, unique=True))
    user_id: int | None = Field(default=None, sa_column=Column(ForeignKey("users.id"), nullable=True, unique=True))
    created_at: datetime = Field(default=None, sa_column=moment(default_now=True))
    assigned_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    stopped_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    """Since when it takes no new orders: the chain shows a transaction of it that no attempt knows."""


class ExplainedSignature(SQLModel, table=True):
    """A transaction of a trading address that no attempt knows and that an operator has explained."""

    __tablename__ = "explained_signatures"

    signature: str = Field(primary_key=True)
    wallet_id: int = Field(sa_column=Column(ForeignKey("wallets.id"), nullable=False))
    note: str
    created_at: datetime = Field(default=None, sa_column=moment(default_now=True))

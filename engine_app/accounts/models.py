"""The table of users."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint
from sqlmodel import Field, SQLModel

from engine_app.storage.columns import moment


class User(SQLModel, table=True):
    """Someone who may trade.

    `name_key` is the name folded for comparison: names are unique without regard to case.
    """

    __tablename__ = "users"
    __table_args__ = (CheckConstraint("char_length(username) BETWEEN 1 AND 50", name="username_length"),)

    id: int = Field(default=None, primary_key=True)
    username: str = Field(max_length=50)
    name_key: str = Field(max_length=200, unique=True)
    password_hash: str
    created_at: datetime = Field(default=None, sa_column=moment(default_now=True))

"""The tables of users, their sessions and their API keys."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ARRAY, BigInteger, CheckConstraint, Column, Index, LargeBinary, String, text
from sqlmodel import Field, SQLModel

from engine_app.storage.columns import moment, reference

LONGEST_KEY_NAME = 50
LONGEST_AGENT = 200


class User(SQLModel, table=True):
    """Someone who may trade.

    `name_key` is the name folded for comparison: names are unique without regard to case. Devices that were known
    before `devices_since` are strangers again.
    """

    __tablename__ = "users"
    __table_args__ = (CheckConstraint("char_length(username) BETWEEN 1 AND 50", name="username_length"),)

    id: int = Field(default=None, primary_key=True)
    username: str = Field(max_length=50)
    name_key: str = Field(max_length=200, unique=True)
    password_hash: str
    devices_since: datetime = Field(default=None, sa_column=moment(default_now=True))
    created_at: datetime = Field(default=None, sa_column=moment(default_now=True))


class OpenedSession(SQLModel, table=True):
    """One log-in. It holds until `expires_at` or `ended_at`; who it is and how long never changes, and once ended it
    stays so."""

    __tablename__ = "sessions"
    __table_args__ = (
        Index("sessions_of_a_user", "user_id", "id"),
        Index("open_sessions_of_a_user", "user_id", postgresql_where=text("ended_at IS NULL")),
    )

    id: int = Field(default=None, primary_key=True, sa_type=BigInteger)
    token_id: str = Field(unique=True)
    user_id: int = Field(sa_column=reference("users.id"))
    ip: str
    agent: str = Field(max_length=LONGEST_AGENT)
    created_at: datetime = Field(default=None, sa_column=moment(default_now=True))
    expires_at: datetime = Field(sa_column=moment())
    ended_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))


class ApiKey(SQLModel, table=True):
    """A program's way in. The key itself is shown once and never stored: `digest` is its SHA-256, `hint` its end."""

    __tablename__ = "api_keys"
    __table_args__ = (
        CheckConstraint(f"char_length(name) BETWEEN 1 AND {LONGEST_KEY_NAME}", name="key_name_length"),
        CheckConstraint(
            "cardinality(scopes) > 0 AND scopes <@ ARRAY['read', 'trade', 'withdraw']::varchar[]",
            name="scopes_are_known",
        ),
        CheckConstraint("octet_length(digest) = 32", name="digest_is_sha256"),
        Index("api_keys_of_a_user", "user_id", "id"),
    )

    id: int = Field(default=None, primary_key=True)
    user_id: int = Field(sa_column=reference("users.id"))
    name: str = Field(max_length=LONGEST_KEY_NAME)
    digest: bytes = Field(sa_column=Column(LargeBinary, nullable=False, unique=True))
    hint: str
    scopes: list[str] = Field(sa_column=Column(ARRAY(String), nullable=False))
    created_at: datetime = Field(default=None, sa_column=moment(default_now=True))
    expires_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    last_used_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    revoked_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))

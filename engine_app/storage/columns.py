"""Column types shared by every room's tables."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import DateTime, ForeignKey, Numeric, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Column

BASE_UNITS = Numeric(20, 0, asdecimal=True)
"""A token amount in base units, or lamports: any u64."""


def base_units(*, nullable: bool = False) -> Column[Any]:
    """A column of base units; a database integer of any u64."""
    return Column(BASE_UNITS, nullable=nullable)


def document(*, nullable: bool = False, default_empty: bool = False) -> Column[Any]:
    """A JSON document; `default_empty` takes an object without members where none is given."""
    default = text("'{}'::jsonb") if default_empty else None
    return Column(JSONB(none_as_null=True), nullable=nullable, server_default=default)


def moment(*, nullable: bool = False, default_now: bool = False) -> Column[datetime]:
    """A point in time with its zone; `default_now` takes the database's own clock."""
    return Column(
        DateTime(timezone=True),
        nullable=nullable,
        server_default=text("clock_timestamp()") if default_now else None,
    )


def reference(target: str, *, nullable: bool = False, primary_key: bool = False, index: bool = False) -> Column[Any]:
    """A foreign key to `table.column`; rows that others refer to are never deleted."""
    return Column(ForeignKey(target), nullable=nullable, primary_key=primary_key, index=index)

"""Statements that are made once: described with SQLAlchemy, sent by psycopg.

Making a statement costs several times as much as sending it, and SQLAlchemy's way of sending it several times as much
as psycopg's own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any, TypeVar

import psycopg
from sqlalchemy import CompoundSelect, Delete, Insert, Select, Update
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import class_mapper
from sqlalchemy.types import TypeEngine
from sqlmodel import SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession

from engine_app.storage.connections import Straight

Statements = AsyncSession | AsyncConnection | Straight
"""Where a statement may be executed: in a transaction, or at once."""

Described = Select[*tuple[Any, ...]] | CompoundSelect[*tuple[Any, ...]] | Insert | Update | Delete

Model = TypeVar("Model", bound=SQLModel)
Convert = Callable[[Any], Any]

_DIALECT = PGDialect_psycopg()  # type: ignore[no-untyped-call]
_PLACEHOLDER = re.compile(r"%\((\w+)\)s")


class Prepared:
    """One statement, for any of `Statements`.

    What it is told with each execution are its bind parameters without a value. A value that stands in its description
    becomes a part of its text: Postgres knows it then as it makes the one plan, and finds a partial index by it.
    """

    def __init__(self, described: Described, *, by_values: bool = False) -> None:
        """Describe it; the text is made with the first execution.

        Args:
            described: the statement.
            by_values: have Postgres plan each execution anew by what it is told, where no one plan does for all.
        """
        self._described = described
        self._by_values = by_values

    async def rows(self, where: Statements, told: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
        """Execute it; what it gives, by the names of its columns.

        Raises:
            DATABASE_AWAY, REFUSED: Postgres does not answer, or a rule of its stands against it.
        """
        if not isinstance(where, psycopg.AsyncConnection):
            return [row._asdict() for row in await where.execute(self._described, told)]
        text, converted = self._text
        if converted:
            told = dict(told) | {name: convert(told[name]) for name, convert in converted}
        if self._by_values:
            # The values go in the text: beside it, Postgres would plan for any, as these connections ask it to.
            return await (await psycopg.AsyncClientCursor(where).execute(text, told)).fetchall()
        return await (await where.execute(text, told)).fetchall()

    async def row(self, where: Statements, told: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """The same for a statement that gives at most one row."""
        found = await self.rows(where, told)
        return found[0] if found else None

    @cached_property
    def _text(self) -> tuple[bytes, tuple[tuple[str, Convert], ...]]:
        """As psycopg takes it, with the parameters that are converted for it."""
        compiled = self._described.compile(dialect=_DIALECT)
        types = {name: bind.type.dialect_impl(_DIALECT) for bind, name in compiled.bind_names.items()}
        asked = [name for bind, name in compiled.bind_names.items() if bind.required]
        written = compiled.construct_expanded_state(dict.fromkeys(asked))
        for name, parts in written.parameter_expansion.items():
            types |= dict.fromkeys(parts, types[name])

        def filled_in(found: re.Match[str]) -> str:
            name = found[1]
            return found[0] if name in asked else _literal(types[name], written.parameters[name])

        text = _PLACEHOLDER.sub(filled_in, written.statement)
        converted = ((name, types[name].bind_processor(_DIALECT)) for name in asked)
        return text.encode(), tuple((name, convert) for name, convert in converted if convert is not None)


def loaded(kind: type[Model], row: Mapping[str, Any]) -> Model:
    """A row of a table as its object, made as the ORM makes one of what it reads: nothing is checked."""
    thing: Model = class_mapper(kind).class_manager.new_instance()
    vars(thing).update(row)
    return thing


def _literal(kind: TypeEngine[Any], value: Any) -> str:
    """A value as SQL, in a text in which `%` stands for a parameter. Raises ValueError where its type has no words."""
    if value is None:
        return "NULL"
    write = kind.literal_processor(_DIALECT)
    if write is None:
        raise ValueError(f"a {kind} cannot be written into a statement")
    return write(value)

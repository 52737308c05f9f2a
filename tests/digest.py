"""What a database holds, in one word a table, so that two moments can be compared."""

from __future__ import annotations

import psycopg
from psycopg.sql import SQL, Composed, Identifier

COLUMNS = "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public'"


def digest(database_url: str, *, user_id: int | None = None) -> dict[str, str]:
    """Table by table a digest of every row; of a user's own rows alone where one is given.

    A table whose rows belong to nobody is then left out.
    """
    with psycopg.connect(database_url) as connection:
        columns: dict[str, set[str]] = {}
        for table, column in connection.execute(COLUMNS):
            columns.setdefault(table, set()).add(column)
        digests = {}
        for table, own in sorted(columns.items()):
            rows = SQL("TRUE") if user_id is None else _of_user(table, own)
            if rows is None:
                continue
            query = SQL(
                "SELECT md5(coalesce(string_agg(r::text, E'\\n' ORDER BY r::text), '')) FROM {} AS r WHERE {}"
            ).format(Identifier(table), rows)
            found = connection.execute(query, {"user": user_id}).fetchone()
            assert found is not None
            digests[table] = found[0]
    return digests


def _of_user(table: str, columns: set[str]) -> SQL | Composed | None:
    if table == "users":
        return SQL("id = %(user)s")
    if "user_id" in columns:
        return SQL("user_id = %(user)s")
    if "order_id" in columns:
        return SQL("order_id IN (SELECT id FROM orders WHERE user_id = %(user)s)")
    return None

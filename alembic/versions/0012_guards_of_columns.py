"""Guards of single columns look only at updates that name their column.

Postgres reads the condition of a trigger anew with each update of a row that the trigger is for, and an order is
updated six times and more without a word of these columns.

Revision ID: 0012
Revises: 0011
"""

from __future__ import annotations

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

GUARDED = ("min_amount_out", "token_warnings", "volume_day")
"""What an order asks for, each with a trigger that refuses to change it."""


def upgrade() -> None:
    _replace_guards(of_columns=True)


def downgrade() -> None:
    _replace_guards(of_columns=False)


def _replace_guards(*, of_columns: bool) -> None:
    for column in GUARDED:
        op.execute(f"DROP TRIGGER orders_keep_{column} ON orders")
        op.execute(
            f"CREATE TRIGGER orders_keep_{column} BEFORE UPDATE {f'OF {column}' if of_columns else ''} ON orders"
            f" FOR EACH ROW WHEN (OLD.{column} IS DISTINCT FROM NEW.{column}) EXECUTE FUNCTION refuse_another_wish()"
        )
    op.execute("DROP TRIGGER failed_orders_give_back_volume ON orders")
    op.execute(
        f"CREATE TRIGGER failed_orders_give_back_volume AFTER UPDATE {'OF status' if of_columns else ''} ON orders"
        " FOR EACH ROW WHEN (NEW.status = 'failed' AND OLD.status <> 'failed' AND OLD.volume_day IS NOT NULL)"
        " EXECUTE FUNCTION give_back_volume()"
    )

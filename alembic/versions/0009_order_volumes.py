"""What was paid of a token in a day, per account and altogether.

Revision ID: 0009
Revises: 0008
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

TRIGGERS = """
CREATE FUNCTION give_back_volume() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- The account's row first, as whoever places an order locks them.
    UPDATE order_volumes SET amount = amount - OLD.amount_in
        WHERE user_id = OLD.user_id AND mint = OLD.token_in AND day = OLD.volume_day;
    UPDATE order_volumes SET amount = amount - OLD.amount_in
        WHERE user_id = 0 AND mint = OLD.token_in AND day = OLD.volume_day;
    RETURN NULL;
END
$$;
CREATE TRIGGER failed_orders_give_back_volume AFTER UPDATE ON orders
    FOR EACH ROW WHEN (NEW.status = 'failed' AND OLD.status <> 'failed' AND OLD.volume_day IS NOT NULL)
    EXECUTE FUNCTION give_back_volume();
CREATE TRIGGER orders_keep_volume_day BEFORE UPDATE ON orders
    FOR EACH ROW WHEN (OLD.volume_day IS DISTINCT FROM NEW.volume_day)
    EXECUTE FUNCTION refuse_another_wish();
"""


def upgrade() -> None:
    op.add_column("orders", sa.Column("volume_day", sa.Date(), nullable=True))
    op.create_table(
        "order_volumes",
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("mint", sa.String(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("amount", sa.Numeric(precision=40, scale=0), nullable=False),
        sa.CheckConstraint("amount >= 0", name="volume_is_not_negative"),
        sa.PrimaryKeyConstraint("user_id", "mint", "day"),
    )
    op.execute(TRIGGERS)


def downgrade() -> None:
    op.execute("DROP TRIGGER orders_keep_volume_day ON orders")
    op.execute("DROP TRIGGER failed_orders_give_back_volume ON orders")
    op.execute("DROP FUNCTION give_back_volume()")
    op.drop_table("order_volumes")
    op.drop_column("orders", "volume_day")

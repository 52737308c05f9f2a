"""A least amount out beside slippage, events that can be told again as they were, indexes for every view of a history.

Revision ID: 0006
Revises: 0005
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

MIN_AMOUNT_OUT_TRIGGER = """
CREATE FUNCTION refuse_another_wish() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'what order % asks for cannot change', OLD.id USING ERRCODE = 'restrict_violation';
END
$$;
CREATE TRIGGER orders_keep_min_amount_out BEFORE UPDATE ON orders
    FOR EACH ROW WHEN (OLD.min_amount_out IS DISTINCT FROM NEW.min_amount_out)
    EXECUTE FUNCTION refuse_another_wish();
"""

NEWEST_FIRST = (sa.text("created_at DESC"), sa.text("id DESC"))
PARTS = {
    "orders_of_a_user_open": "status IN ('pending', 'routing', 'building', 'submitted')",
    "orders_of_a_user_confirmed": "status = 'confirmed'",
    "orders_of_a_user_failed": "status = 'failed'",
    "orders_of_a_user_transfers": "kind = 'transfer'",
}
SIDES = {"orders_of_a_user_token_in": "token_in", "orders_of_a_user_token_out": "token_out"}


def upgrade() -> None:
    op.add_column("orders", sa.Column("min_amount_out", sa.Numeric(precision=20, scale=0), nullable=True))
    op.create_check_constraint("min_amount_out_is_positive", "orders", "min_amount_out IS NULL OR min_amount_out > 0")
    op.drop_constraint("floor_is_below_the_quote", "orders", type_="check")
    op.create_check_constraint(
        "floor_is_below_the_quote", "orders", "floor_out IS NULL OR floor_out <= greatest(quoted_out, min_amount_out)"
    )
    op.create_check_constraint(
        "floor_is_not_below_min_amount_out",
        "orders",
        "floor_out IS NULL OR min_amount_out IS NULL OR floor_out >= min_amount_out",
    )
    op.execute(MIN_AMOUNT_OUT_TRIGGER)
    op.add_column("order_events", sa.Column("state", postgresql.JSONB(none_as_null=True), nullable=True))
    for name, predicate in PARTS.items():
        op.create_index(name, "orders", ["user_id", *NEWEST_FIRST], postgresql_where=sa.text(predicate))
    for name, column in SIDES.items():
        op.create_index(name, "orders", ["user_id", column, *NEWEST_FIRST])


def downgrade() -> None:
    for name in (*PARTS, *SIDES):
        op.drop_index(name, table_name="orders")
    op.drop_column("order_events", "state")
    op.execute("DROP TRIGGER orders_keep_min_amount_out ON orders")
    op.execute("DROP FUNCTION refuse_another_wish()")
    op.drop_constraint("floor_is_not_below_min_amount_out", "orders", type_="check")
    op.drop_constraint("floor_is_below_the_quote", "orders", type_="check")
    op.drop_column("orders", "min_amount_out")
    op.create_check_constraint("floor_is_below_the_quote", "orders", "floor_out IS NULL OR floor_out <= quoted_out")

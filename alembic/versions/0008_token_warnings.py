"""What an order's tokens were warned of when it was placed.

Revision ID: 0008
Revises: 0007
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

TRIGGER = """
CREATE TRIGGER orders_keep_token_warnings BEFORE UPDATE ON orders
    FOR EACH ROW WHEN (OLD.token_warnings IS DISTINCT FROM NEW.token_warnings)
    EXECUTE FUNCTION refuse_another_wish();
"""


def upgrade() -> None:
    op.add_column(
        "orders",
        sa.Column(
            "token_warnings",
            postgresql.JSONB(none_as_null=True),
            nullable=False,
            server_default=sa.text("'{}'::jsonb"),
        ),
    )
    op.execute(TRIGGER)


def downgrade() -> None:
    op.execute("DROP TRIGGER orders_keep_token_warnings ON orders")
    op.drop_column("orders", "token_warnings")

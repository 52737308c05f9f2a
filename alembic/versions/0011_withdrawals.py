"""Withdrawals: what an order of kind `transfer` names, and the address book.

Revision ID: 0011
Revises: 0010
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_check_constraint(
        "transfer_has_its_destination", "orders", "(kind = 'transfer') = (destination IS NOT NULL)"
    )
    op.create_check_constraint("transfer_is_of_one_token", "orders", "kind <> 'transfer' OR token_in = token_out")
    op.create_table(
        "withdraw_addresses",
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("label", sa.String(length=50), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.CheckConstraint("char_length(label) <= 50", name="label_length"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"]),
        sa.PrimaryKeyConstraint("user_id", "address"),
    )


def downgrade() -> None:
    op.drop_table("withdraw_addresses")
    op.drop_constraint("transfer_is_of_one_token", "orders", type_="check")
    op.drop_constraint("transfer_has_its_destination", "orders", type_="check")

"""Intake can be paused; the one row of `deployment` needs no sequence.

Revision ID: 0005
Revises: 0004
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("deployment", sa.Column("intake_paused_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("deployment", sa.Column("intake_paused_why", sa.String(), nullable=True))
    op.create_check_constraint(
        "paused_for_a_reason", "deployment", "(intake_paused_at IS NULL) = (intake_paused_why IS NULL)"
    )
    op.execute("ALTER TABLE deployment ALTER COLUMN id DROP DEFAULT")
    op.execute("DROP SEQUENCE deployment_id_seq")


def downgrade() -> None:
    op.execute("CREATE SEQUENCE deployment_id_seq AS integer OWNED BY deployment.id")
    op.execute("ALTER TABLE deployment ALTER COLUMN id SET DEFAULT nextval('deployment_id_seq')")
    op.drop_constraint("paused_for_a_reason", "deployment")
    op.drop_column("deployment", "intake_paused_why")
    op.drop_column("deployment", "intake_paused_at")

"""Sessions and API keys, which end once.

Revision ID: 0007
Revises: 0006
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

SESSION_TRIGGERS = """
CREATE FUNCTION sessions_keep_the_rules() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (OLD.id, OLD.token_id, OLD.user_id, OLD.created_at, OLD.expires_at)
        IS DISTINCT FROM (NEW.id, NEW.token_id, NEW.user_id, NEW.created_at, NEW.expires_at) THEN
        RAISE EXCEPTION 'whose session % is and how long cannot change', OLD.id USING ERRCODE = 'restrict_violation';
    END IF;
    IF OLD.ended_at IS NOT NULL AND NEW.ended_at IS DISTINCT FROM OLD.ended_at THEN
        RAISE EXCEPTION 'session % has ended', OLD.id USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER sessions_keep_the_rules BEFORE UPDATE ON sessions
    FOR EACH ROW EXECUTE FUNCTION sessions_keep_the_rules();
"""

KEY_TRIGGERS = """
CREATE FUNCTION api_keys_keep_the_rules() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (OLD.id, OLD.user_id, OLD.digest, OLD.scopes, OLD.created_at, OLD.expires_at)
        IS DISTINCT FROM (NEW.id, NEW.user_id, NEW.digest, NEW.scopes, NEW.created_at, NEW.expires_at) THEN
        RAISE EXCEPTION 'whose key % is and what it may do cannot change', OLD.id USING ERRCODE = 'restrict_violation';
    END IF;
    IF OLD.revoked_at IS NOT NULL AND NEW.revoked_at IS DISTINCT FROM OLD.revoked_at THEN
        RAISE EXCEPTION 'key % is revoked', OLD.id USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER api_keys_keep_the_rules BEFORE UPDATE ON api_keys
    FOR EACH ROW EXECUTE FUNCTION api_keys_keep_the_rules();
"""


def upgrade() -> None:
    op.add_column(
        "users",
        sa.Column(
            "devices_since", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
    )
    op.create_table(
        "sessions",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("token_id", sa.String(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("ip", sa.String(), nullable=False),
        sa.Column("agent", sa.String(length=200), nullable=False),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("token_id"),
    )
    op.create_index("sessions_of_a_user", "sessions", ["user_id", "id"])
    op.create_index("open_sessions_of_a_user", "sessions", ["user_id"], postgresql_where=sa.text("ended_at IS NULL"))
    op.create_table(
        "api_keys",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=50), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("hint", sa.String(), nullable=False),
        sa.Column("scopes", sa.ARRAY(sa.String()), nullable=False),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("char_length(name) BETWEEN 1 AND 50", name="key_name_length"),
        sa.CheckConstraint(
            "cardinality(scopes) > 0 AND scopes <@ ARRAY['read', 'trade', 'withdraw']::varchar[]",
            name="scopes_are_known",
        ),
        sa.CheckConstraint("octet_length(digest) = 32", name="digest_is_sha256"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("digest"),
    )
    op.create_index("api_keys_of_a_user", "api_keys", ["user_id", "id"])
    for triggers in (SESSION_TRIGGERS, KEY_TRIGGERS):
        op.execute(triggers)


def downgrade() -> None:
    op.drop_table("api_keys")
    op.drop_table("sessions")
    op.drop_column("users", "devices_since")
    for function in ("sessions_keep_the_rules", "api_keys_keep_the_rules"):
        op.execute(f"DROP FUNCTION {function}()")

"""Users, wallets, orders, attempts, events, reservations, and the triggers that keep the rules.

Revision ID: 0001
Revises:
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

ORDERS_TRIGGER = """
CREATE FUNCTION orders_keep_the_rules() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    probe orders;
BEGIN
    IF OLD.status = 'failed' OR OLD.finalized_at IS NOT NULL THEN
        probe := NEW;
        probe.lease_owner := OLD.lease_owner;
        probe.lease_until := OLD.lease_until;
        probe.fencing_token := OLD.fencing_token;
        IF probe IS DISTINCT FROM OLD THEN
            RAISE EXCEPTION 'order % is final', OLD.id USING ERRCODE = 'restrict_violation';
        END IF;
    END IF;
    IF NEW.status <> OLD.status AND (OLD.status, NEW.status) NOT IN (
        ('pending', 'routing'), ('pending', 'failed'),
        ('routing', 'building'), ('routing', 'failed'),
        ('building', 'routing'), ('building', 'submitted'), ('building', 'failed'),
        ('submitted', 'routing'), ('submitted', 'confirmed'), ('submitted', 'failed'),
        ('confirmed', 'submitted')
    ) THEN
        RAISE EXCEPTION 'order % cannot go from % to %', OLD.id, OLD.status, NEW.status
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.status = 'failed' AND OLD.status <> 'failed' AND EXISTS (
        SELECT 1 FROM attempts WHERE order_id = NEW.id AND (verdict IS NULL OR verdict = 'landed')
    ) THEN
        RAISE EXCEPTION 'order % has an attempt that landed or may still land', OLD.id
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.status = 'confirmed' AND NOT EXISTS (
        SELECT 1 FROM attempts
        WHERE order_id = NEW.id AND signature = NEW.tx_hash
            AND (verdict = 'landed' OR (verdict IS NULL AND NEW.finalized_at IS NULL))
    ) THEN
        RAISE EXCEPTION 'order % is confirmed by no attempt of its own', OLD.id USING ERRCODE = 'restrict_violation';
    END IF;
    IF OLD.cancel_requested_at IS NOT NULL AND NEW.cancel_requested_at IS DISTINCT FROM OLD.cancel_requested_at
    THEN
        RAISE EXCEPTION 'order % stays cancelled', OLD.id USING ERRCODE = 'restrict_violation';
    END IF;
    IF (OLD.user_id, OLD.wallet_id, OLD.kind, OLD.token_in, OLD.token_out, OLD.decimals_in, OLD.decimals_out,
        OLD.destination, OLD.amount_in, OLD.slippage, OLD.max_price_impact, OLD.expected_quote, OLD.expires_at,
        OLD.created_at)
        IS DISTINCT FROM
       (NEW.user_id, NEW.wallet_id, NEW.kind, NEW.token_in, NEW.token_out, NEW.decimals_in, NEW.decimals_out,
        NEW.destination, NEW.amount_in, NEW.slippage, NEW.max_price_impact, NEW.expected_quote, NEW.expires_at,
        NEW.created_at) THEN
        RAISE EXCEPTION 'what order % asks for cannot change', OLD.id USING ERRCODE = 'restrict_violation';
    END IF;
    IF OLD.floor_out IS NOT NULL
        AND (OLD.floor_out, OLD.quoted_out) IS DISTINCT FROM (NEW.floor_out, NEW.quoted_out) THEN
        RAISE EXCEPTION 'the floor of order % is set once', OLD.id USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.fencing_token < OLD.fencing_token OR NEW.seq < OLD.seq OR NEW.tries < OLD.tries THEN
        RAISE EXCEPTION 'the counters of order % only rise', OLD.id USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER orders_keep_the_rules BEFORE UPDATE ON orders
    FOR EACH ROW EXECUTE FUNCTION orders_keep_the_rules();
"""

ATTEMPTS_TRIGGER = """
CREATE FUNCTION attempts_keep_the_rules() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    parent orders;
BEGIN
    IF TG_OP = 'INSERT' THEN
        SELECT * INTO parent FROM orders WHERE id = NEW.order_id FOR UPDATE;
        IF parent.status IN ('confirmed', 'failed') THEN
            RAISE EXCEPTION 'order % is done', parent.id USING ERRCODE = 'restrict_violation';
        END IF;
        IF EXISTS (
            SELECT 1 FROM attempts WHERE order_id = NEW.order_id AND (verdict IS NULL OR verdict = 'landed')
        ) THEN
            RAISE EXCEPTION 'order % has an attempt that landed or may still land', parent.id
                USING ERRCODE = 'restrict_violation';
        END IF;
        IF NEW.verdict IS NULL THEN
            IF NEW.fencing_token <> parent.fencing_token THEN
                RAISE EXCEPTION 'order % was taken over', parent.id USING ERRCODE = 'restrict_violation';
            END IF;
            IF parent.cancel_requested_at IS NOT NULL OR parent.expires_at <= clock_timestamp() THEN
                RAISE EXCEPTION 'order % was cancelled or has expired', parent.id
                    USING ERRCODE = 'restrict_violation';
            END IF;
            IF parent.rolled_back_at IS NOT NULL THEN
                RAISE EXCEPTION 'order % was rolled back and is not traded again', parent.id
                    USING ERRCODE = 'restrict_violation';
            END IF;
            IF parent.floor_out IS NULL OR NEW.min_out IS NULL OR NEW.min_out < parent.floor_out THEN
                RAISE EXCEPTION 'the attempt would accept less than the floor of order %', parent.id
                    USING ERRCODE = 'restrict_violation';
            END IF;
        ELSIF NEW.verdict <> 'not_sent' THEN
            RAISE EXCEPTION 'an attempt is born live or not_sent' USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN NEW;
    END IF;
    IF OLD.verdict IS NOT NULL THEN
        RAISE EXCEPTION 'attempt % has its verdict', OLD.id USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.verdict = 'not_sent' THEN
        RAISE EXCEPTION 'attempt % was signed', OLD.id USING ERRCODE = 'restrict_violation';
    END IF;
    IF (OLD.id, OLD.order_id, OLD.number, OLD.fencing_token, OLD.quoted_out, OLD.min_out, OLD.selected_dex,
        OLD.compute_unit_limit, OLD.compute_unit_price, OLD.signature, OLD.transaction, OLD.blockhash,
        OLD.blockhash_slot, OLD.last_valid_block_height, OLD.created_at)
        IS DISTINCT FROM
       (NEW.id, NEW.order_id, NEW.number, NEW.fencing_token, NEW.quoted_out, NEW.min_out, NEW.selected_dex,
        NEW.compute_unit_limit, NEW.compute_unit_price, NEW.signature, NEW.transaction, NEW.blockhash,
        NEW.blockhash_slot, NEW.last_valid_block_height, NEW.created_at) THEN
        RAISE EXCEPTION 'the signed facts of attempt % cannot change', OLD.id
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER attempts_keep_the_rules BEFORE INSERT OR UPDATE ON attempts
    FOR EACH ROW EXECUTE FUNCTION attempts_keep_the_rules();
"""

APPEND_ONLY_TRIGGER = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'rows of % are never changed or deleted', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END
$$;
CREATE TRIGGER events_are_append_only BEFORE UPDATE OR DELETE ON order_events
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER attempts_are_never_deleted BEFORE DELETE ON attempts
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER orders_are_never_deleted BEFORE DELETE ON orders
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
"""


def upgrade() -> None:
    op.create_table(
        "deployment",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("cluster", sa.String(), nullable=False),
        sa.Column("genesis_hash", sa.String(), nullable=False),
        sa.Column("mnemonic_fingerprint", sa.String(), nullable=True),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.CheckConstraint("id = 1", name="deployment_is_one_row"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "users",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("username", sa.String(length=50), nullable=False),
        sa.Column("name_key", sa.String(length=200), nullable=False),
        sa.Column("password_hash", sa.String(), nullable=False),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.CheckConstraint("char_length(username) BETWEEN 1 AND 50", name="username_length"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name_key"),
    )
    op.create_table(
        "wallets",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("derivation_index", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column("assigned_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(user_id IS NULL) = (assigned_at IS NULL)", name="assigned_with_its_time"),
        sa.CheckConstraint("derivation_index BETWEEN 0 AND 2147483647", name="derivation_index_is_hardened"),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["users.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("address"),
        sa.UniqueConstraint("derivation_index"),
        sa.UniqueConstraint("user_id"),
    )
    op.create_index("wallets_stock", "wallets", ["id"], unique=False, postgresql_where=sa.text("user_id IS NULL"))
    op.create_table(
        "orders",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("wallet_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("token_in", sa.String(), nullable=False),
        sa.Column("token_out", sa.String(), nullable=False),
        sa.Column("decimals_in", sa.SmallInteger(), nullable=False),
        sa.Column("decimals_out", sa.SmallInteger(), nullable=False),
        sa.Column("destination", sa.String(), nullable=True),
        sa.Column("amount_in", sa.Numeric(precision=20, scale=0), nullable=False),
        sa.Column("slippage", sa.Numeric(precision=10, scale=9), nullable=False),
        sa.Column("max_price_impact", sa.Numeric(precision=10, scale=9), nullable=False),
        sa.Column("expected_quote", sa.Numeric(precision=20, scale=0), nullable=True),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("quoted_out", sa.Numeric(precision=20, scale=0), nullable=True),
        sa.Column("floor_out", sa.Numeric(precision=20, scale=0), nullable=True),
        sa.Column("min_out", sa.Numeric(precision=20, scale=0), nullable=True),
        sa.Column("selected_dex", sa.String(), nullable=True),
        sa.Column("decision", postgresql.JSONB(none_as_null=True), nullable=True),
        sa.Column("tx_hash", sa.String(), nullable=True),
        sa.Column("spent_in", sa.Numeric(precision=20, scale=0), nullable=True),
        sa.Column("amount_out", sa.Numeric(precision=20, scale=0), nullable=True),
        sa.Column("fill", postgresql.JSONB(none_as_null=True), nullable=True),
        sa.Column("error_code", sa.String(), nullable=True),
        sa.Column("error_message", sa.String(), nullable=True),
        sa.Column("tries", sa.SmallInteger(), nullable=False),
        sa.Column("waiting_for", postgresql.JSONB(none_as_null=True), nullable=True),
        sa.Column("not_before", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("rolled_back_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancel_requested_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("lease_owner", sa.String(), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("fencing_token", sa.BigInteger(), nullable=False),
        sa.Column("rpc_calls", postgresql.JSONB(none_as_null=True), nullable=False),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column(
            "updated_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column("finalized_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(status = 'failed') = (error_code IS NOT NULL)", name="failed_has_its_reason"),
        sa.CheckConstraint("finalized_at IS NULL OR status = 'confirmed'", name="only_confirmed_is_finalized"),
        sa.CheckConstraint("slippage >= 0 AND slippage < 0.5", name="slippage_is_a_fraction"),
        sa.CheckConstraint("max_price_impact > 0 AND max_price_impact <= 0.5", name="max_price_impact_is_a_fraction"),
        sa.CheckConstraint("floor_out IS NULL OR floor_out <= quoted_out", name="floor_is_below_the_quote"),
        sa.CheckConstraint(
            "status NOT IN ('confirmed', 'failed') OR waiting_for IS NULL", name="done_waits_for_nothing"
        ),
        sa.CheckConstraint("kind IN ('swap', 'transfer')", name="kind_is_known"),
        sa.CheckConstraint(
            "status <> 'confirmed' OR (spent_in IS NOT NULL AND amount_out IS NOT NULL AND tx_hash IS NOT NULL)",
            name="confirmed_has_its_amounts",
        ),
        sa.CheckConstraint(
            "status IN ('pending', 'routing', 'building', 'submitted', 'confirmed', 'failed')",
            name="status_is_known",
        ),
        sa.CheckConstraint("amount_in > 0", name="amount_in_is_positive"),
        sa.CheckConstraint("amount_out IS NULL OR amount_out >= floor_out", name="never_below_the_floor"),
        sa.CheckConstraint("tries BETWEEN 0 AND 3", name="at_most_three_tries"),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["users.id"],
        ),
        sa.ForeignKeyConstraint(
            ["wallet_id"],
            ["wallets.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_orders_wallet_id", "orders", ["wallet_id"], unique=False)
    op.create_index(
        "orders_in_flight",
        "orders",
        ["created_at"],
        unique=False,
        postgresql_where=sa.text("status IN ('pending', 'routing', 'building', 'submitted')"),
    )
    op.create_index(
        "orders_of_a_user",
        "orders",
        ["user_id", sa.literal_column("created_at DESC"), sa.literal_column("id DESC")],
        unique=False,
    )
    op.create_index(
        "orders_to_finalize",
        "orders",
        ["created_at"],
        unique=False,
        postgresql_where=sa.text("status = 'confirmed' AND finalized_at IS NULL"),
    )
    op.create_table(
        "attempts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.SmallInteger(), nullable=False),
        sa.Column("fencing_token", sa.BigInteger(), nullable=True),
        sa.Column("quoted_out", sa.Numeric(precision=20, scale=0), nullable=True),
        sa.Column("min_out", sa.Numeric(precision=20, scale=0), nullable=True),
        sa.Column("selected_dex", sa.String(), nullable=True),
        sa.Column("compute_unit_limit", sa.Integer(), nullable=True),
        sa.Column("compute_unit_price", sa.BigInteger(), nullable=True),
        sa.Column("signature", sa.String(), nullable=True),
        sa.Column("transaction", sa.LargeBinary(), nullable=True),
        sa.Column("blockhash", sa.String(), nullable=True),
        sa.Column("blockhash_slot", sa.BigInteger(), nullable=True),
        sa.Column("last_valid_block_height", sa.BigInteger(), nullable=True),
        sa.Column("observed_slot", sa.BigInteger(), nullable=True),
        sa.Column("observed_error", postgresql.JSONB(none_as_null=True), nullable=True),
        sa.Column("observed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("verdict", sa.String(), nullable=True),
        sa.Column("evidence", postgresql.JSONB(none_as_null=True), nullable=True),
        sa.Column("verdict_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error_code", sa.String(), nullable=True),
        sa.Column("error_message", sa.String(), nullable=True),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.CheckConstraint(
            "CASE WHEN verdict = 'not_sent' THEN num_nonnulls(signature, transaction, blockhash, blockhash_slot, last_valid_block_height) = 0 ELSE num_nulls(signature, transaction, blockhash, blockhash_slot, last_valid_block_height, fencing_token) = 0 END",
            name="signed_facts_are_whole",
        ),
        sa.CheckConstraint(
            "verdict IS NULL OR verdict <> 'expired' OR evidence ->> 'operator' IS NOT NULL OR coalesce((evidence ->> 'blockHeight')::bigint > last_valid_block_height AND (evidence ->> 'firstAvailableBlock')::bigint <= blockhash_slot AND (evidence ->> 'statusSlot')::bigint >= (evidence ->> 'slot')::bigint, false)",
            name="expired_is_proven",
        ),
        sa.CheckConstraint(
            "verdict IS NULL OR verdict IN ('not_sent', 'landed', 'landed_error', 'expired')",
            name="verdict_is_known",
        ),
        sa.CheckConstraint(
            "verdict IS NULL OR verdict NOT IN ('landed', 'landed_error') OR (evidence ->> 'commitment' IS NOT DISTINCT FROM 'finalized' AND evidence ->> 'slot' IS NOT NULL AND (verdict = 'landed') = (evidence ->> 'error' IS NULL))",
            name="landed_is_finalized",
        ),
        sa.CheckConstraint(
            "(verdict IS NULL) = (verdict_at IS NULL) AND (verdict IS NULL OR evidence IS NOT NULL)",
            name="verdict_has_evidence",
        ),
        sa.CheckConstraint("number BETWEEN 1 AND 3", name="at_most_three_attempts"),
        sa.ForeignKeyConstraint(
            ["order_id"],
            ["orders.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("order_id", "number", name="attempt_number_is_unique"),
        sa.UniqueConstraint("signature"),
    )
    op.create_index(
        "one_live_attempt", "attempts", ["order_id"], unique=True, postgresql_where=sa.text("verdict IS NULL")
    )
    op.create_table(
        "order_events",
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("data", postgresql.JSONB(none_as_null=True), nullable=False),
        sa.Column("worker", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["order_id"],
            ["orders.id"],
        ),
        sa.PrimaryKeyConstraint("order_id", "seq"),
    )
    op.create_table(
        "reservations",
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("mint", sa.String(), nullable=False),
        sa.Column("wallet_id", sa.Integer(), nullable=False),
        sa.Column("amount", sa.Numeric(precision=20, scale=0), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("landed_slot", sa.BigInteger(), nullable=True),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.CheckConstraint("amount > 0", name="reserved_amount_is_positive"),
        sa.CheckConstraint("landed_slot IS NULL OR closed_at IS NOT NULL", name="landed_is_closed"),
        sa.ForeignKeyConstraint(
            ["order_id"],
            ["orders.id"],
        ),
        sa.ForeignKeyConstraint(
            ["wallet_id"],
            ["wallets.id"],
        ),
        sa.PrimaryKeyConstraint("order_id", "mint"),
    )
    op.create_index("closed_reservations", "reservations", ["wallet_id", "mint", "landed_slot"], unique=False)
    op.create_index(
        "open_reservations",
        "reservations",
        ["wallet_id", "mint"],
        unique=False,
        postgresql_where=sa.text("closed_at IS NULL"),
    )
    for trigger in (ORDERS_TRIGGER, ATTEMPTS_TRIGGER, APPEND_ONLY_TRIGGER):
        op.execute(trigger)


def downgrade() -> None:
    op.drop_index("open_reservations", table_name="reservations", postgresql_where=sa.text("closed_at IS NULL"))
    op.drop_index("closed_reservations", table_name="reservations")
    op.drop_table("reservations")
    op.drop_table("order_events")
    op.drop_index("one_live_attempt", table_name="attempts", postgresql_where=sa.text("verdict IS NULL"))
    op.drop_table("attempts")
    op.drop_index(
        "orders_to_finalize",
        table_name="orders",
        postgresql_where=sa.text("status = 'confirmed' AND finalized_at IS NULL"),
    )
    op.drop_index("orders_of_a_user", table_name="orders")
    op.drop_index(
        "orders_in_flight",
        table_name="orders",
        postgresql_where=sa.text("status IN ('pending', 'routing', 'building', 'submitted')"),
    )
    op.drop_index("ix_orders_wallet_id", table_name="orders")
    op.drop_table("orders")
    op.drop_index("wallets_stock", table_name="wallets", postgresql_where=sa.text("user_id IS NULL"))
    op.drop_table("wallets")
    op.drop_table("users")
    op.drop_table("deployment")
    for function in ("orders_keep_the_rules", "attempts_keep_the_rules", "refuse_change"):
        op.execute(f"DROP FUNCTION {function}()")

"""Run the migrations against DATABASE_URL, or against the URL the caller put into `config.attributes`.

An advisory lock lets any number of processes migrate at the same time: one does the work, the rest wait.
"""

from __future__ import annotations

from alembic import context
from sqlalchemy import NullPool, create_engine, text
from sqlmodel import SQLModel

import engine_app.accounts.models
import engine_app.accounts.security_log
import engine_app.orders.address_book
import engine_app.orders.models
import engine_app.storage.deployment
import engine_app.storage.heartbeats
import engine_app.wallets.models  # noqa: F401
from engine_app.settings import Settings, SettingsError, load
from engine_app.storage.postgres import driver_url

MIGRATION_LOCK = 0x6F72646572  # "order"


def database_url() -> str:
    """The URL of the database to migrate; raises SettingsError where none is given."""
    given: str | None = context.config.attributes.get("database_url")
    url = given or load(Settings).database_url
    if url is None:
        raise SettingsError("DATABASE_URL is not set")
    return driver_url(url)


def run() -> None:
    """Bring the database to the asked revision in one transaction."""
    engine = create_engine(database_url(), poolclass=NullPool)
    with engine.begin() as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK})
        context.configure(
            connection=connection,
            target_metadata=SQLModel.metadata,
            compare_type=True,
            compare_server_default=True,
        )
        context.run_migrations()
    engine.dispose()


if context.is_offline_mode():
    raise SettingsError("migrations run against a database; offline SQL is not supported")
run()

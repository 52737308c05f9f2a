"""Bring a database to the newest revision."""

from __future__ import annotations

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy.exc import OperationalError

from engine_app.embedded.errors import StartFailed
from engine_app.embedded.processes import PROJECT


def migrate(database_url: str, revision: str = "head") -> None:
    """Upgrade the database; does nothing where it is there already. Blocks.

    Raises:
        StartFailed: the database does not answer, or was made by a newer version of the engine.
    """
    config = Config(str(PROJECT / "alembic.ini"))
    config.attributes["database_url"] = database_url
    try:
        command.upgrade(config, revision)
    except OperationalError as error:
        raise StartFailed(f"the database does not answer: {str(error.orig).strip()}") from None
    except CommandError as error:
        raise StartFailed(f"the database cannot be migrated: {error}") from None

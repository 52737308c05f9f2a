"""The command line itself: what its commands share, and how each of them ends."""

from __future__ import annotations

import sys
from pathlib import Path

import typer

from engine_app.errors import EngineError
from engine_app.settings import Settings, SettingsError, load
from engine_app.telemetry import logging

app = typer.Typer(
    help="Executes Solana swaps at the best price over Raydium and Meteora, each exactly once.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def tell(line: str) -> None:
    """Tell the person at the terminal; stdout is for what a program may read."""
    typer.echo(line, err=True)


def main() -> None:
    """Run the command line; a bad setting or a failed start is a clear line on stderr, never a traceback."""
    from engine_app.embedded.errors import CANNOT_START, StartFailed

    logging.configure(level="WARNING", json_lines=False, process="cli")
    try:
        app()
    except (SettingsError, EngineError) as error:
        tell(f"error: {error}")
        sys.exit(CANNOT_START)
    except StartFailed as error:
        tell(f"error: {error}")
        sys.exit(StartFailed.exit_code)
    except _database_away() as error:
        reason = " ".join(str(getattr(error, "orig", None) or error).split())
        tell(f"error: the database does not answer: {reason}")
        sys.exit(StartFailed.exit_code)
    except OSError as error:
        if not _about_data_dir(error):
            raise
        tell(f"error: {error.filename}: {(error.strerror or '').lower()}; set DATA_DIR to a folder of your own")
        sys.exit(CANNOT_START)


def _database_away() -> tuple[type[Exception], ...]:
    """Loaded only once something has failed: most commands need no SQLAlchemy."""
    from engine_app.storage.postgres import DATABASE_AWAY

    return DATABASE_AWAY


def _about_data_dir(error: OSError) -> bool:
    """Whether the error is of DATA_DIR, of what lies in it, or of a folder that it would lie in."""
    if not isinstance(error.filename, str):
        return False
    path, data_dir = Path(error.filename).resolve(), load(Settings).data_dir.resolve()
    return path.is_relative_to(data_dir) or data_dir.is_relative_to(path)

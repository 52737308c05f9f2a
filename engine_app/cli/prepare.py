"""Preparing a start: the database's revision, the page, a clean DATA_DIR, the list of settings."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Annotated

import typer

from engine_app.cli.program import app, tell
from engine_app.settings import Settings, load

PREPARING = "Prepare"


@app.command(rich_help_panel=PREPARING)
def migrate(
    revision: Annotated[str, typer.Option(help="Revision to go to.")] = "head",
    down: Annotated[bool, typer.Option("--down", help="Go back to it, losing what only later ones hold.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before going back.")] = False,
) -> None:
    """Bring the database to the newest revision; any number of processes may do so at the same time."""
    from engine_app.embedded.endpoints import database_url
    from engine_app.embedded.migrations import migrate as upgrade
    from engine_app.embedded.migrations import migrate_down

    settings = load(Settings)
    url = database_url(settings, settings.data_dir.resolve())
    if down:
        if not yes:
            typer.confirm(f"Go back to {revision}? What only later revisions hold is lost", abort=True)
        migrate_down(url, revision)
    else:
        upgrade(url, revision)
    tell("The database is at the newest revision." if revision == "head" else f"The database is at {revision}.")


@app.command(rich_help_panel=PREPARING)
def build(
    into: Annotated[Path | None, typer.Option(help="Build it here instead, for an image; needs no setting.")] = None,
) -> None:
    """Build the page into DATA_DIR, as `web` serves it."""
    from engine_app.embedded import frontend

    if into is not None:
        tell(f"The page is in {frontend.build_into(into)}.")
        return
    settings = load(Settings)
    page = frontend.prepare(settings.data_dir.resolve(), settings.port, settings.public_url, tell)
    tell(f"The page is in {page}.")


@app.command(rich_help_panel=PREPARING)
def reset(
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Remove the embedded database, queue and chain: accounts, orders and balances. Secrets stay."""
    from engine_app.embedded.state import sole_owner

    settings = load(Settings)
    data_dir = settings.data_dir.resolve()
    if settings.database_url:
        tell(
            "DATABASE_URL is set, and reset leaves that database alone. To empty it: "
            "DROP SCHEMA public CASCADE; CREATE SCHEMA public; then run `python -m engine_app migrate`."
        )
    data = [path for path in (data_dir / name for name in ("postgres", "valkey", "localnet")) if path.exists()]
    if not data:
        tell(f"There is nothing to remove in {data_dir}.")
        return
    names = ", ".join(path.name for path in data)
    if not yes:
        typer.confirm(f"Remove {names} from {data_dir}? All accounts, orders and balances in them go", abort=True)
    with sole_owner(data_dir):
        for path in data:
            shutil.rmtree(path)
    tell(f"Removed {names}.")


@app.command(rich_help_panel=PREPARING)
def settings(
    markdown: Annotated[bool, typer.Option("--markdown", help="As the table in README.")] = False,
    write: Annotated[
        bool, typer.Option("--write", help="Bring README, .env.example and docs/errors.md up to date.")
    ] = False,
) -> None:
    """Print every setting with its default, as `.env.example` has them."""
    from engine_app import errors_table, settings_table
    from engine_app.embedded.processes import PROJECT

    if write:
        settings_table.write(PROJECT)
        errors_table.write(PROJECT)
    else:
        typer.echo(settings_table.markdown() if markdown else settings_table.env_example(), nl=False)


@app.command(rich_help_panel=PREPARING)
def secrets() -> None:
    """Print a fresh JWT_SECRET and WALLET_MNEMONIC, as a file of settings has them; nothing is kept."""
    from engine_app.embedded.secrets import new_jwt_secret, new_mnemonic

    typer.echo(f'JWT_SECRET={new_jwt_secret()}\nWALLET_MNEMONIC="{new_mnemonic()}"')

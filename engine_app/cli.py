"""The command line: everything on one machine (`up`), or one part at a time.

Exit codes: 0, stopped as asked; 1, a part failed; 2, something must be changed before a start makes sense.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import threading
from pathlib import Path
from typing import Annotated, NoReturn
from uuid import UUID

import typer

from engine_app.errors import EngineError
from engine_app.settings import Settings, SettingsError, WorkerSettings, load

app = typer.Typer(
    help="Executes Solana swaps at the best price over Raydium and Meteora, each exactly once.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

DataDir = Annotated[Path, typer.Option(help="Where the chain keeps its state.")]


@app.command()
def up() -> None:
    """Start everything on this machine: Postgres, Valkey, localnet, workers, web. Ctrl-C stops it."""
    from engine_app.embedded.up import up as start

    start(load(WorkerSettings))


@app.command()
def web() -> None:
    """Start the web process alone; what no setting names must run from DATA_DIR."""
    from engine_app.embedded import frontend, processes
    from engine_app.embedded.endpoints import base_environment, running_endpoints
    from engine_app.embedded.ports import require_listenable
    from engine_app.embedded.secrets import WEB_NEEDS, jwt_secret, refuse_embedded

    settings = load(Settings)
    refuse_embedded(settings, *WEB_NEEDS)
    require_listenable(settings.host, settings.port)
    data_dir = settings.data_dir.resolve()
    environment = base_environment(data_dir) | running_endpoints(settings, data_dir).environment()
    secret = settings.jwt_secret
    environment["JWT_SECRET"] = secret.get_secret_value() if secret else jwt_secret(data_dir)
    page = frontend.prepare(data_dir, settings.port, settings.public_url, _tell)
    _become(processes.web_command(settings.host, settings.port), processes.web_environment(environment, page))


@app.command()
def worker() -> None:
    """Start one worker process alone; what no setting names must run from DATA_DIR."""
    from engine_app.embedded import processes
    from engine_app.embedded.endpoints import base_environment, running_endpoints
    from engine_app.embedded.secrets import WORKER_NEEDS, refuse_embedded, wallet_mnemonic

    settings = load(WorkerSettings)
    refuse_embedded(settings, *WORKER_NEEDS)
    data_dir = settings.data_dir.resolve()
    environment = base_environment(data_dir) | running_endpoints(settings, data_dir).environment()
    given = settings.wallet_mnemonic
    phrase = given.get_secret_value() if given else wallet_mnemonic(data_dir)
    service = processes.worker(environment, phrase, name="worker")
    _become(service.argv, dict(service.env or {}))


@app.command()
def localnet(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="JSON-RPC port.")] = 8899,
    ws_port: Annotated[int, typer.Option(help="Websocket port.")] = 8900,
    slot_ms: Annotated[int, typer.Option(help="Slot time, milliseconds.")] = 400,
    data_dir: DataDir = Path(".data/localnet"),
    programs: Annotated[Path | None, typer.Option(help="Other compiled programs, by program id.")] = None,
    admin_port: Annotated[int | None, typer.Option(help="Where tests make it misbehave.")] = None,
) -> None:
    """Start the local chain alone: a real SVM behind Solana's own JSON-RPC, with seeded pools."""
    from engine_app.embedded.errors import StartFailed
    from engine_app.localnet.server import LocalnetOptions, serve

    options = LocalnetOptions(
        host=host,
        port=port,
        ws_port=ws_port,
        slot_ms=slot_ms,
        data_dir=data_dir,
        programs_dir=programs,
        admin_port=admin_port,
    )
    listening = threading.Event()
    try:
        asyncio.run(serve(options, started=listening.set))
    except OSError as error:
        if listening.is_set():
            raise
        raise StartFailed(f"the local chain cannot start: {error}") from None


@app.command()
def migrate(revision: Annotated[str, typer.Option(help="Revision to go to.")] = "head") -> None:
    """Bring the database to the newest revision."""
    from engine_app.embedded.endpoints import database_url
    from engine_app.embedded.migrations import migrate as run

    settings = load(Settings)
    run(database_url(settings, settings.data_dir.resolve()), revision)
    _tell("The database is at the newest revision." if revision == "head" else f"The database is at {revision}.")


@app.command()
def reconcile(
    explain: Annotated[
        tuple[str, str, str] | None,
        typer.Option(help="Explain an unknown transaction: its wallet's address, its signature, what it was."),
    ] = None,
) -> None:
    """Compare every order and every wallet with the chain; exits with 1 where they differ.

    A wallet that has signed a transaction which no attempt knows takes no new orders until it is explained.
    """
    from engine_app import operations
    from engine_app.embedded.endpoints import running_endpoints

    settings = load(Settings)
    endpoints = running_endpoints(settings, settings.data_dir.resolve())
    if explain is not None:
        asyncio.run(operations.explain(endpoints.database_url, *explain))
    rpc_urls = endpoints.solana_rpc_url.split(",")
    differences = asyncio.run(operations.reconcile(settings.solana_cluster, endpoints.database_url, rpc_urls))
    for difference in differences:
        typer.echo(f"{difference.subject}  {difference.signature}  {difference.found}")
    _tell(f"{len(differences)} differences.")
    if differences:
        raise typer.Exit(1)


@app.command()
def outcome(
    order_id: Annotated[UUID, typer.Argument(help="An order that waits with OUTCOME_UNKNOWN.")],
    note: Annotated[str, typer.Option(help="What was looked at, and where.")],
    operator: Annotated[str, typer.Option(help="Who decides.")],
) -> None:
    """Record that an order's transaction never landed, where no endpoint can prove it any more, and fail the order."""
    from engine_app import operations
    from engine_app.embedded.endpoints import database_url

    settings = load(Settings)
    url = database_url(settings, settings.data_dir.resolve())
    asyncio.run(operations.declare_expired(url, order_id, operator=operator, note=note))
    _tell(f"Order {order_id} has failed; its evidence is in the attempt's row.")


@app.command()
def build() -> None:
    """Build the page into DATA_DIR, as `web` serves it."""
    from engine_app.embedded import frontend

    settings = load(Settings)
    page = frontend.prepare(settings.data_dir.resolve(), settings.port, settings.public_url, _tell)
    _tell(f"The page is in {page}.")


@app.command()
def reset(
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Remove the embedded database, queue and chain: accounts, orders and balances. Secrets stay."""
    from engine_app.embedded.state import sole_owner

    settings = load(Settings)
    data_dir = settings.data_dir.resolve()
    if settings.database_url:
        _tell(
            "DATABASE_URL is set, and reset leaves that database alone. To empty it: "
            "DROP SCHEMA public CASCADE; CREATE SCHEMA public; then run `python -m engine_app migrate`."
        )
    data = [path for path in (data_dir / name for name in ("postgres", "valkey", "localnet")) if path.exists()]
    if not data:
        _tell(f"There is nothing to remove in {data_dir}.")
        return
    names = ", ".join(path.name for path in data)
    if not yes:
        typer.confirm(f"Remove {names} from {data_dir}? All accounts, orders and balances in them go", abort=True)
    with sole_owner(data_dir):
        for path in data:
            shutil.rmtree(path)
    _tell(f"Removed {names}.")


@app.command()
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


def _tell(line: str) -> None:
    typer.echo(line, err=True)


def _become(argv: tuple[str, ...], environment: dict[str, str]) -> NoReturn:
    """Replace this process with another program; its signals and its exit code are then this command's."""
    from engine_app.embedded.processes import PROJECT

    os.chdir(PROJECT)
    os.execve(argv[0], argv, environment)  # noqa: S606 - there is no shell to want


def main() -> None:
    """Run the command line; a bad setting or a failed start is a clear line on stderr, never a traceback."""
    from engine_app.embedded.errors import CANNOT_START, StartFailed

    try:
        app()
    except (SettingsError, EngineError) as error:
        _tell(f"error: {error}")
        sys.exit(CANNOT_START)
    except StartFailed as error:
        _tell(f"error: {error}")
        sys.exit(StartFailed.exit_code)
    except _database_away() as error:
        reason = " ".join(str(getattr(error, "orig", None) or error).split())
        _tell(f"error: the database does not answer: {reason}")
        sys.exit(StartFailed.exit_code)
    except OSError as error:
        if not _about_data_dir(error):
            raise
        _tell(f"error: {error.filename}: {(error.strerror or '').lower()}; set DATA_DIR to a folder of your own")
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

"""Starting: everything on one machine (`up`), or one part at a time."""

from __future__ import annotations

import asyncio
import os
import threading
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from engine_app.cli.program import app, tell
from engine_app.settings import Settings, WorkerSettings, load

STARTING = "Start"

DataDir = Annotated[Path, typer.Option(help="Where the chain keeps its state.")]


@app.command(rich_help_panel=STARTING)
def up() -> None:
    """Start everything on this machine: Postgres, Valkey, localnet, workers, web. Ctrl-C stops it."""
    from engine_app.embedded.up import up as start

    start(load(WorkerSettings))


@app.command(rich_help_panel=STARTING)
def web() -> None:
    """Start the web process alone; what no setting names must run from DATA_DIR."""
    from engine_app.embedded import frontend, processes
    from engine_app.embedded.endpoints import base_environment, running_endpoints
    from engine_app.embedded.ports import require_listenable
    from engine_app.embedded.secrets import WEB_NEEDS, jwt_environment, refuse_embedded

    settings = load(Settings)
    refuse_embedded(settings, *WEB_NEEDS)
    require_listenable(settings.host, settings.port)
    data_dir = settings.data_dir.resolve()
    endpoints = running_endpoints(settings, data_dir)
    _require_usable_database(endpoints.database_url)
    environment = base_environment(data_dir) | endpoints.environment()
    environment |= jwt_environment(settings, data_dir)
    page = frontend.prepare(data_dir, settings.port, settings.public_url, tell)
    count = settings.web_processes
    argv = processes.web_command(settings.host, settings.port, count)
    _become(argv, processes.web_environment(environment, page, count))


@app.command(rich_help_panel=STARTING)
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


@app.command(rich_help_panel=STARTING)
def localnet(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="JSON-RPC port.")] = 8899,
    ws_port: Annotated[int, typer.Option(help="Websocket port.")] = 8900,
    slot_ms: Annotated[int, typer.Option(help="Slot time, milliseconds.")] = 400,
    data_dir: DataDir = Path(".data/localnet"),
    programs: Annotated[Path | None, typer.Option(help="Other compiled programs, by program id.")] = None,
    clone: Annotated[str | None, typer.Option(help="RPC URL of a cluster to copy pools from.")] = None,
    pool: Annotated[list[str] | None, typer.Option(help="A pool to copy, with its program; any number.")] = None,
    admin_port: Annotated[int | None, typer.Option(help="Where tests make it misbehave.")] = None,
) -> None:
    """Start the local chain alone: a real SVM behind Solana's own JSON-RPC, with seeded pools.

    With `--clone` a fresh chain is born with copies of a cluster's pools, and runs their programs in the place of the
    stand-ins, now and whenever it is started on the same DATA_DIR.
    """
    from engine_app.cli.cloned_chain import cloned_chain
    from engine_app.embedded.errors import StartFailed
    from engine_app.localnet.server import LocalnetOptions, serve

    copied = cloned_chain(data_dir, clone, pool or [])
    options = LocalnetOptions(
        host=host,
        port=port,
        ws_port=ws_port,
        slot_ms=slot_ms,
        data_dir=data_dir,
        programs_dir=programs or copied.programs,
        accounts_dir=copied.accounts,
        admin_port=admin_port,
    )
    listening = threading.Event()
    try:
        asyncio.run(serve(options, started=listening.set))
    except OSError as error:
        if listening.is_set():
            raise
        raise StartFailed(f"the local chain cannot start: {error}") from None


def _become(argv: tuple[str, ...], environment: dict[str, str]) -> NoReturn:
    """Replace this process with another program; its signals and its exit code are then this command's."""
    from engine_app.embedded.processes import PROJECT

    os.chdir(PROJECT)
    os.execve(argv[0], argv, environment)  # noqa: S606 - there is no shell to want


def _require_usable_database(url: str) -> None:
    """Refuse a database that was not migrated; one that does not answer yet is looked at when it does."""
    from engine_app.storage.postgres import DATABASE_AWAY, Database
    from engine_app.storage.schema import require_usable

    async def look() -> None:
        database = Database(url)
        try:
            await require_usable(database)
        except DATABASE_AWAY as error:
            tell(f"the database does not answer yet: {type(error).__name__}")
        finally:
            await database.close()

    asyncio.run(look())

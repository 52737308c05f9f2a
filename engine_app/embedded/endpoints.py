"""Where the services are: what a setting names, else what runs from DATA_DIR on this machine."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from dotenv import dotenv_values

from engine_app.embedded.errors import CannotStart
from engine_app.embedded.postgres import DATABASE, USER
from engine_app.embedded.secrets import service_password
from engine_app.embedded.state import RunState
from engine_app.settings import Settings, env_file

LOCAL_CHAIN_PORTS = (8899, 8900)
"""JSON-RPC and websocket, as every Solana tool expects them."""


@dataclass(frozen=True)
class Endpoints:
    """The services' URLs.

    Attributes:
        database_url: PostgreSQL.
        redis_url: Redis or Valkey.
        solana_rpc_url: one or several, comma separated.
        solana_ws_url: None where it follows from the first RPC endpoint.
    """

    database_url: str
    redis_url: str
    solana_rpc_url: str
    solana_ws_url: str | None

    def environment(self) -> dict[str, str]:
        """As the settings of a process name them."""
        urls = {
            "DATABASE_URL": self.database_url,
            "REDIS_URL": self.redis_url,
            "SOLANA_RPC_URL": self.solana_rpc_url,
        }
        return urls | ({"SOLANA_WS_URL": self.solana_ws_url} if self.solana_ws_url else {})


def base_environment(data_dir: Path) -> dict[str, str]:
    """What every process of the engine starts from: `.env` below this process's own environment.

    The processes read no `.env` of their own, which may hold the mnemonic.
    """
    path = env_file()
    from_file = dotenv_values(path) if path else {}
    given = {name: value for name, value in from_file.items() if value is not None}
    names = {name.upper() for name in os.environ}
    below = {name: value for name, value in given.items() if name.upper() not in names}
    return below | dict(os.environ) | {"ENV_FILE": "", "DATA_DIR": str(data_dir)}


def postgres_url(data_dir: Path, port: int) -> str:
    """The embedded Postgres's URL."""
    return f"postgresql://{USER}:{service_password(data_dir, 'postgres')}@127.0.0.1:{port}/{DATABASE}"


def database_url(settings: Settings, data_dir: Path) -> str:
    """DATABASE_URL, else the URL of the Postgres that runs from DATA_DIR; raises CannotStart where none does."""
    if settings.database_url:
        return settings.database_url
    return postgres_url(data_dir, _running_port(data_dir, "postgres", "DATABASE_URL"))


def running_endpoints(settings: Settings, data_dir: Path) -> Endpoints:
    """The services a single process can use.

    Raises:
        CannotStart: naming the first setting that is missing, where no service of `up` runs in its place.
    """
    redis_url = settings.redis_url.get_secret_value() if settings.redis_url else None
    if redis_url is None:
        port = _running_port(data_dir, "valkey", "REDIS_URL")
        redis_url = f"redis://:{service_password(data_dir, 'valkey')}@127.0.0.1:{port}/0"
    rpc_url, ws_url = ",".join(settings.solana_rpc_url), settings.solana_ws_url
    if not rpc_url:
        rpc_url = f"http://127.0.0.1:{_running_port(data_dir, 'localnet', 'SOLANA_RPC_URL')}"
        ws_url = f"ws://127.0.0.1:{RunState.read(data_dir).ports['localnet_ws']}"
    return Endpoints(database_url(settings, data_dir), redis_url, rpc_url, ws_url)


def _running_port(data_dir: Path, service: str, setting: str) -> int:
    state = RunState.read(data_dir)
    if state.running(service) is None or service not in state.ports:
        raise CannotStart(
            f"{setting} is not set, and no {service} runs from DATA_DIR {data_dir}: "
            f"set {setting}, or start everything with `python -m engine_app up`"
        )
    return state.ports[service]

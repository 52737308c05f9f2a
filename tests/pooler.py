"""PgBouncer as an operator would put it before Postgres: each transaction gets another connection."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

from engine_app.embedded.service import Service
from engine_app.embedded.users import path_for, service_user

CONNECTIONS = 3
"""To Postgres, for all clients together."""


def pgbouncer(directory: Path, port: int, database_url: str) -> tuple[Service, str]:
    """PgBouncer 1.18 or newer, as Debian has it, and the URL under which it gives the database.

    Args:
        directory: for its configuration; made.
        port: on 127.0.0.1.
        database_url: of the Postgres behind it.
    """
    program = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
    assert program is not None, "install pgbouncer: sudo apt-get install pgbouncer"
    server = urlsplit(database_url)
    name = server.path[1:]
    user = service_user(directory)
    directory.mkdir()
    here = path_for(user, directory)
    (directory / "users.txt").write_text(f'"{server.username}" "{server.password}"\n')
    (directory / "pgbouncer.ini").write_text(
        f"""
        [databases]
        {name} = host=127.0.0.1 port={server.port}
        [pgbouncer]
        listen_addr = 127.0.0.1
        listen_port = {port}
        unix_socket_dir =
        auth_type = scram-sha-256
        auth_file = {here}/users.txt
        pool_mode = transaction
        default_pool_size = {CONNECTIONS}
        max_client_conn = 200
        server_round_robin = 1
        """
    )
    if user is not None:
        for path in (directory, *directory.iterdir()):
            os.chown(path, *user)
    url = server._replace(netloc=f"{server.username}:{server.password}@127.0.0.1:{port}").geturl()
    return (
        Service(
            name="pgbouncer",
            argv=(program, f"{here}/pgbouncer.ini"),
            ready=lambda pid: _answers(url),
            env={},
            cwd=directory,
            user=user,
        ),
        url,
    )


async def _answers(url: str) -> bool:
    try:
        async with await psycopg.AsyncConnection.connect(url, autocommit=True, prepare_threshold=None) as connection:
            await connection.execute("SELECT 1")
    except psycopg.OperationalError:
        return False
    return True

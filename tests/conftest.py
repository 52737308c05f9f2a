"""Real services for every test: Postgres, Valkey, the local chain, and the whole engine, each on free ports.

They start when a test first asks for them and end with the test process, however that ends.
"""

from __future__ import annotations

import itertools
import os
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import hypothesis
import psycopg
import pytest
from psycopg import sql
from redis.asyncio import Redis
from xdist.remote import Producer
from xdist.scheduler import Scheduling

from engine_app.embedded import frontend, processes
from engine_app.embedded.addresses import wait_for_addresses
from engine_app.embedded.background import BackgroundSupervisor
from engine_app.embedded.endpoints import Endpoints
from engine_app.embedded.migrations import migrate
from engine_app.embedded.ports import free_port
from engine_app.embedded.postgres import Postgres
from engine_app.embedded.processes import LocalChain
from engine_app.embedded.valkey import Valkey
from engine_app.storage.postgres import Database
from engine_app.storage.redis import connect
from tests.deployed import Deployed, deploy
from tests.sharing import GroupScheduling, turn_of

TESTS = Path(__file__).parent

MNEMONIC = "legal winner thank year wave sausage worth useful legal winner thank yellow"
"""Of the tests alone: a published test vector."""

DEPLOYED_MNEMONIC = "letter advice cage absurd amount doctor acoustic avoid letter advice cage above"
"""Of the second engine that tests run on the same chain: another published test vector."""

JWT_SECRET = "the tests' own key, long enough for HS256"
SLOT_MS = 50
ADDRESS_STOCK = 200
PAGE_CACHE = processes.PROJECT / ".artifacts"

hypothesis.settings.register_profile("tests", deadline=None)
hypothesis.settings.load_profile("tests")  # An example that has to wait for the processor is no failure.

ENGINE_SETTINGS = {
    "LOG_LEVEL": "INFO",
    "ACCOUNTS_PER_IP_HOUR": "100000",
    "LOGIN_FAILURES_PER_IP": "100000",
    "AIRDROPS_PER_HOUR": "1000",
    "SOCKET_MESSAGES_PER_SECOND": "10000",
    "REQUESTS_PER_ACCOUNT": "1000000",
    "REQUESTS_PER_IP": "1000000",
    "ORDERS_PER_ACCOUNT": "1000000",
    "ADDRESS_STOCK": str(ADDRESS_STOCK),
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the tests that take longest begin first."""
    items.sort(key=lambda item: turn_of(item.path.relative_to(TESTS)))


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Scheduling | None:
    """Keep tests together that share dear services, where pytest-xdist spreads them over processes; with
    `--dist=loadfile` each process has such services of its own."""
    return None if config.getoption("dist") == "loadfile" else GroupScheduling(config, log)


@pytest.fixture(scope="session")
def supervisor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BackgroundSupervisor]:
    """Runs the services of the whole session; their logs lie in its directory."""
    supervisor = BackgroundSupervisor(tmp_path_factory.mktemp("services"))
    yield supervisor
    supervisor.close()


@pytest.fixture(scope="session")
def postgres_server(supervisor: BackgroundSupervisor, tmp_path_factory: pytest.TempPathFactory) -> Postgres:
    """A Postgres of the session's own, as durable as the real one, with a migrated database to copy."""
    server = Postgres(tmp_path_factory.mktemp("pg") / "data", free_port(), "tests")
    supervisor.start(server.service())
    _execute(server, "CREATE DATABASE template_engine")
    migrate(server.url("template_engine"))
    return server


@pytest.fixture(scope="session")
def new_database(postgres_server: Postgres) -> Callable[[], str]:
    """Makes a fresh migrated database and gives its URL."""
    numbers = itertools.count(1)

    def make() -> str:
        name = f"engine_{next(numbers)}"
        statement = sql.SQL("CREATE DATABASE {} TEMPLATE template_engine").format(sql.Identifier(name))
        _execute(postgres_server, statement)
        return postgres_server.url(name)

    return make


@pytest.fixture
def database_url(new_database: Callable[[], str], postgres_server: Postgres) -> Iterator[str]:
    """A fresh migrated database for this test alone."""
    url = new_database()
    yield url
    name = sql.Identifier(url.rpartition("/")[2])
    _execute(postgres_server, sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))


@pytest.fixture(scope="session")
def new_redis(supervisor: BackgroundSupervisor, tmp_path_factory: pytest.TempPathFactory) -> Callable[[], str]:
    """Starts a Valkey and gives its URL."""

    def start() -> str:
        server = Valkey(tmp_path_factory.mktemp("valkey"), free_port(), "tests")
        supervisor.start(server.service(f"valkey-{server.port}"))
        return server.url

    return start


@pytest.fixture(scope="session")
def redis_url(new_redis: Callable[[], str]) -> str:
    """The session's Valkey for tests of single modules; no engine runs on it."""
    return new_redis()


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """Connections to this test's own database."""
    opened = Database(database_url)
    yield opened
    await opened.close()


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    """A client of the session's Valkey, emptied for this test."""
    client = connect(redis_url)
    await client.flushdb()
    yield client
    await client.aclose()


@pytest.fixture(scope="session")
def new_localnet(
    supervisor: BackgroundSupervisor, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[int], LocalChain]:
    """Starts a fresh local chain with the given slot time in milliseconds."""

    def start(slot_ms: int) -> LocalChain:
        directory = tmp_path_factory.mktemp("localnet")
        chain = LocalChain(directory, free_port(), free_port(), slot_ms, admin_port=free_port())
        supervisor.start(chain.service(plain_environment(), f"localnet-{chain.port}"))
        return chain

    return start


@pytest.fixture(scope="session")
def localnet(new_localnet: Callable[[int], LocalChain]) -> LocalChain:
    """The session's local chain, with slots of 50 ms."""
    return new_localnet(SLOT_MS)


@pytest.fixture(scope="session")
def page() -> Iterator[Callable[[int], Path]]:
    """Gives the page's files for a port; built once per version of the page, also over several sessions."""
    copies: list[Path] = []

    def for_port(port: int) -> Path:
        copies.append(frontend.prepare(PAGE_CACHE, port, None))
        return copies[-1]

    yield for_port
    for copy in copies:
        shutil.rmtree(copy, ignore_errors=True)


@dataclass(frozen=True)
class RunningEngine:
    """Worker processes and a web process over services of their own.

    Attributes:
        base_url: the page's origin; the API is below `/api`.
        chain: the local chain it trades on.
        database_url: its database.
        redis_url: its Valkey.
        metrics_url: where web or a worker tells the metrics of all of them.
        supervisor: knows its processes, `worker-1`, `worker-2` and `web`, and restarts them.
        another_web: starts one more web process, with settings of its own, and stops it at the end of the block.
    """

    base_url: str
    chain: LocalChain
    database_url: str
    redis_url: str
    metrics_url: str
    supervisor: BackgroundSupervisor
    another_web: Callable[..., AbstractContextManager[str]]


@pytest.fixture(scope="session")
def engine(  # noqa: PLR0917 - what it runs on
    supervisor: BackgroundSupervisor,
    new_database: Callable[[], str],
    new_redis: Callable[[], str],
    localnet: LocalChain,
    page: Callable[[int], Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> RunningEngine:
    """The whole engine as `up` starts it, on 50 ms slots, with limits that tests do not run into."""
    port = free_port()
    endpoints = Endpoints(new_database(), new_redis(), localnet.rpc_url, localnet.ws_url)
    data_dir = tmp_path_factory.mktemp("engine")
    metrics_port = free_port()
    # Pools are searched once: no test here waits for new ones, and counts of commands are not disturbed.
    own = {"DATA_DIR": str(data_dir), "METRICS_PORT": str(metrics_port), "POOL_REFRESH_SECONDS": "3600"}
    base = plain_environment() | ENGINE_SETTINGS | endpoints.environment() | own
    supervisor.start(*(processes.worker(base, MNEMONIC, f"worker-{n}") for n in (1, 2)))
    supervisor.call(wait_for_addresses(endpoints.database_url, ADDRESS_STOCK))
    base |= {"JWT_SECRET": JWT_SECRET, "HOST": "127.0.0.1", "PORT": str(port)}
    supervisor.start(processes.web(base, page(port), "127.0.0.1", port))

    @contextmanager
    def another_web(**changed: str) -> Iterator[str]:
        other = free_port()
        name, environment = f"web-{other}", base | {"PORT": str(other)} | changed
        supervisor.start(processes.web(environment, page(other), "127.0.0.1", other, name))
        try:
            yield f"http://localhost:{other}"
        finally:
            supervisor.stop(name)

    return RunningEngine(
        base_url=f"http://localhost:{port}",
        chain=localnet,
        database_url=endpoints.database_url,
        redis_url=endpoints.redis_url,
        metrics_url=f"http://127.0.0.1:{metrics_port}/metrics",
        supervisor=supervisor,
        another_web=another_web,
    )


@pytest.fixture(scope="session")
def deployed(  # noqa: PLR0917 - what it runs on
    supervisor: BackgroundSupervisor,
    postgres_server: Postgres,
    new_redis: Callable[[], str],
    localnet: LocalChain,
    page: Callable[[int], Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Deployed]:
    """The engine behind a pooler, with two web processes, on a chain that other tests trade on too."""
    _execute(postgres_server, "CREATE DATABASE deployed")
    secrets = {"JWT_SECRET": JWT_SECRET, "WALLET_MNEMONIC": DEPLOYED_MNEMONIC}
    with deploy(
        postgres_server.url("deployed"),
        new_redis(),
        localnet,
        page,
        supervisor,
        tmp_path_factory.mktemp("deployed"),
        plain_environment() | ENGINE_SETTINGS | secrets,
    ) as running:
        yield running


def plain_environment() -> dict[str, str]:
    """This process's environment without any setting of the engine, and no `.env` either."""
    return processes.without_settings(os.environ)


def _execute(server: Postgres, statement: str | sql.Composed) -> None:
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        connection.execute(sql.SQL(statement) if isinstance(statement, str) else statement)

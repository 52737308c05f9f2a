import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from engine_app.embedded.background import BackgroundSupervisor
from engine_app.embedded.ports import free_port
from engine_app.embedded.valkey import Valkey
from tests.waiting import wait_until


@pytest.fixture
def services(tmp_path: Path) -> Iterator[BackgroundSupervisor]:
    services = BackgroundSupervisor(tmp_path / "run")
    yield services
    services.close()


def test_keys_survive_a_restart(services: BackgroundSupervisor, tmp_path: Path) -> None:
    server = Valkey(tmp_path / "data", free_port(), "secret")
    services.start(server.service())
    redis.Redis.from_url(server.url).set("kept", "yes")
    services.stop("valkey")

    again = Valkey(tmp_path / "data", free_port(), "secret")
    services.start(again.service())
    assert redis.Redis.from_url(again.url).get("kept") == b"yes"


def test_it_wants_its_password_and_shows_it_to_nobody(services: BackgroundSupervisor, tmp_path: Path) -> None:
    server = Valkey(tmp_path / "data", free_port(), "very-secret")
    services.start(server.service())
    with pytest.raises(redis.AuthenticationError):
        redis.Redis(port=server.port).ping()
    assert "very-secret" not in Path(f"/proc/{services.pid('valkey')}/cmdline").read_text()


def test_another_server_on_its_port_is_not_mistaken_for_it(services: BackgroundSupervisor, tmp_path: Path) -> None:
    port = free_port()
    first = Valkey(tmp_path / "first", port, "same")
    services.start(first.service("first"))
    pid = services.pid("first")
    assert pid is not None
    probe = Valkey(tmp_path / "second", port, "same").service("second").ready

    assert services.call(probe(pid))
    assert not services.call(probe(pid + 1))


def test_a_killed_server_comes_back_with_its_data(services: BackgroundSupervisor, tmp_path: Path) -> None:
    server = Valkey(tmp_path / "data", free_port(), "secret")
    services.start(server.service())
    client = redis.Redis.from_url(server.url, retry=None)
    client.set("kept", "yes")
    killed = services.pid("valkey")
    assert killed is not None
    os.kill(killed, signal.SIGKILL)
    wait_until(lambda: services.pid("valkey") not in (None, killed))

    def answers() -> bool:
        try:
            return bool(client.get("kept") == b"yes")
        except redis.ConnectionError:
            return False

    wait_until(answers)

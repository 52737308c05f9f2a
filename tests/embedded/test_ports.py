"""Ports that are handed out: free ones, and each to one process only."""

from __future__ import annotations

import socket
import subprocess
import sys

import pytest

from engine_app.embedded import ports

ELSEWHERE = """
import sys
from engine_app.embedded import ports
ports._LOW, ports._HIGH = int(sys.argv[1]), int(sys.argv[1]) + 1
print(ports.free_port(), flush=True)
sys.stdin.read()
"""


def only(monkeypatch: pytest.MonkeyPatch, port: int) -> None:
    """There is no other port to hand out."""
    monkeypatch.setattr(ports, "_LOW", port)
    monkeypatch.setattr(ports, "_HIGH", port + 1)


def test_a_port_that_somebody_listens_on_is_not_handed_out(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        only(monkeypatch, server.getsockname()[1])
        with pytest.raises(OSError, match="no free port"):
            ports.free_port()


def test_a_port_is_handed_out_to_one_process_though_nobody_listens_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    only(monkeypatch, port)
    with subprocess.Popen(
        [sys.executable, "-c", ELSEWHERE, str(port)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert int(other.stdout.readline()) == port
        with pytest.raises(OSError, match="no free port"):
            ports.free_port()
        other.communicate()
    assert ports.free_port() == port
    with pytest.raises(OSError, match="no free port"):
        ports.free_port()
    monkeypatch.setattr(ports, "_CLAIMED_SECONDS", 0.0)
    assert ports.free_port() == port

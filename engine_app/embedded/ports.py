"""Free TCP ports on this machine."""

from __future__ import annotations

import errno
import random
import socket
import sys
import time
from collections import deque

from engine_app.embedded.errors import CannotStart

_LOW, _HIGH = 20_000, 32_000
"""Below the range from which the system takes ports for outgoing connections, so that none of those collides."""

_CLAIMED_SECONDS = 60.0
"""Ample for a server to listen on a port that was chosen for it."""
_claims: deque[tuple[float, socket.socket]] = deque()


def is_free(host: str, port: int) -> bool:
    """Whether nothing listens on this address now; raises OSError where no server could listen there at all."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            return False
    return True


def require_listenable(host: str, port: int) -> None:
    """Make sure that the web server can listen on HOST and PORT; raises CannotStart, which says which of them bars."""
    try:
        if is_free(host, port):
            return
        why = f"PORT {port} on {host} is taken by another program; stop it, or set another PORT"
    except PermissionError:
        why = f"PORT {port} on {host} is not for this user; set another PORT"
    except OSError as error:
        raise CannotStart(f"HOST {host} is no address of this machine: {error.strerror}") from None
    raise CannotStart(f"{why}, such as PORT={choose_port(8000, 8080)}")


def free_port(host: str = "127.0.0.1") -> int:
    """A port that nothing listens on, and that no process has been given here within a minute; raises OSError where
    none is found."""
    for _ in range(200):
        port = random.randrange(_LOW, _HIGH)  # noqa: S311 - not a secret
        if is_free(host, port) and claim(port):
            return port
    raise OSError(f"no free port between {_LOW} and {_HIGH} on {host}")


def choose_port(*wanted: int | None, host: str = "127.0.0.1") -> int:
    """The first of the wanted ports that is free, else any free one."""
    return next((port for port in wanted if port and is_free(host, port)), None) or free_port(host)


def claim(port: int) -> bool:
    """Whether this process may have the port: two that choose at once would both find it free.

    A claim is a name among the system's abstract sockets, which goes with the process; only Linux has them.
    """
    if sys.platform != "linux":
        return True
    while _claims and _claims[0][0] < time.monotonic() - _CLAIMED_SECONDS:
        _claims.popleft()[1].close()
    claim = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        claim.bind(f"\0order-engine-port-{port}")
    except OSError as error:
        claim.close()
        if error.errno != errno.EADDRINUSE:
            raise
        return False
    _claims.append((time.monotonic(), claim))
    return True

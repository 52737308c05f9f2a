"""Ports that belong together."""

from __future__ import annotations

from engine_app.embedded import ports


def ports_in_a_row(count: int) -> int:
    """The first of so many ports that nothing listens on, and that nobody else is given for now."""
    while True:
        first = ports.free_port()
        others = range(first + 1, first + count)
        if all(ports.is_free("127.0.0.1", port) and ports.claim(port) for port in others):
            return first

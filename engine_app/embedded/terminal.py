"""What `up` shows: one line per step, the services' log lines with their names before them, the address."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from logging.handlers import RotatingFileHandler
from pathlib import Path

from rich.console import Console
from rich.text import Text

from engine_app.embedded.service import Service

_COLOURS = ("cyan", "magenta", "blue", "green", "yellow")
_NAME_WIDTH = 10
_LOG_BYTES = 5_000_000


class Terminal:
    """Writes to the terminal, and each service's lines to `logs/<name>.log` too."""

    def __init__(self, logs: Path, *, bare_lines: bool) -> None:
        """
        Args:
            logs: directory of the log files; each is kept below 5 MB, with one older file.
            bare_lines: services log JSON, whose lines name the process already: nothing is put before them.
        """
        logs.mkdir(parents=True, exist_ok=True)
        self._logs = logs
        self._bare_lines = bare_lines
        self._console = Console(highlight=False, soft_wrap=True)
        self._files: dict[str, RotatingFileHandler] = {}

    @contextmanager
    def step(self, name: str, detail: str = "") -> Iterator[None]:
        """Show that something is being done, and when it is done how long it took."""
        began = time.monotonic()
        with self._console.status(f"{name} …"):
            yield
        took = f"{time.monotonic() - began:.1f} s"
        self._console.print(Text.assemble(("✓ ", "green"), f"{name:<{_NAME_WIDTH}} ", f"{detail:<32}", (took, "dim")))

    def skipped(self, name: str, why: str) -> None:
        """Show that a service is not started here."""
        self._console.print(Text.assemble(("· ", "dim"), f"{name:<{_NAME_WIDTH}} ", (why, "dim")))

    def say(self, line: str, style: str = "") -> None:
        """A line of the supervisor's own."""
        self._console.print(Text(line, style=style))

    def service_line(self, service: Service, line: str) -> None:
        """A line that a service wrote."""
        self._file(service.name).emit(logging.LogRecord(service.name, logging.INFO, "", 0, line, None, None))
        if service.quiet:
            return
        if self._bare_lines:
            self._console.out(line, highlight=False)
            return
        colour = _COLOURS[sum(service.name.encode()) % len(_COLOURS)]
        prefix = Text(f"{service.name:<{_NAME_WIDTH}} │ ", style=colour)
        self._console.print(prefix + Text.from_ansi(line))

    def _file(self, name: str) -> RotatingFileHandler:
        if name not in self._files:
            path = self._logs / f"{name}.log"
            self._files[name] = RotatingFileHandler(path, maxBytes=_LOG_BYTES, backupCount=1, encoding="utf-8")
        return self._files[name]

    def close(self) -> None:
        """Close the log files."""
        for file in self._files.values():
            file.close()

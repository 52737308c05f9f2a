"""What `up` shows: one line per step, the services' log lines with their names before them, the address."""

from __future__ import annotations

import io
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
_CONTROLS = dict.fromkeys({*range(0x20), *range(0x7F, 0xA0)} - {ord("\t")})
"""Characters with which a line could tell the terminal what to do."""


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
        self._before_lines: dict[str, str] = {}
        self._in_step = False

    @contextmanager
    def step(self, name: str, detail: str = "") -> Iterator[None]:
        """Show that something is being done, and when it is done how long it took."""
        began = time.monotonic()
        self._in_step = True
        try:
            with self._console.status(f"{name} …"):
                yield
        finally:
            self._in_step = False
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
        shown = f"{self._before(service.name)}{line.translate(_CONTROLS)}"
        if self._in_step:
            self._console.print(Text.from_ansi(shown))
            return
        # There is no spinner to write around, and an order has a dozen lines, for each of which rich takes 50 µs.
        self._console.file.write(f"{shown}\n")
        self._console.file.flush()

    def _before(self, name: str) -> str:
        """What stands before the lines of a service, in its colour where the terminal has colours."""
        if self._bare_lines:
            return ""
        if name not in self._before_lines:
            colour = _COLOURS[sum(name.encode()) % len(_COLOURS)]
            apart = Console(file=io.StringIO(), force_terminal=self._console.is_terminal)
            with apart.capture() as shown:
                apart.print(Text(f"{name:<{_NAME_WIDTH}} │ ", style=colour), end="")
            self._before_lines[name] = shown.get()
        return self._before_lines[name]

    def _file(self, name: str) -> RotatingFileHandler:
        if name not in self._files:
            path = self._logs / f"{name}.log"
            self._files[name] = RotatingFileHandler(path, maxBytes=_LOG_BYTES, backupCount=1, encoding="utf-8")
        return self._files[name]

    def close(self) -> None:
        """Close the log files."""
        for file in self._files.values():
            file.close()

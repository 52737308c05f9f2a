"""Structured logs: readable at a terminal, JSON lines in production, with the order and attempt ids bound."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from structlog.typing import EventDict, Processor


def configure(*, level: str, json_lines: bool, process: str) -> None:
    """Send every log line of this process, standard library loggers included, through structlog to stderr.

    Args:
        level: the least level that is written, such as `INFO`.
        json_lines: JSON, one object a line, instead of the terminal's form.
        process: `web`, `worker-1`, …; in each line.
    """

    def name_process(_logger: object, _method: str, event: EventDict) -> EventDict:
        """Not bound as the ids are: a request's handler starts from a context of its own."""
        event["process"] = process
        return event

    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        name_process,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info if json_lines else structlog.stdlib.ExtraAdder(),
    ]
    # Tracebacks without local variables: those may hold a password or a key.
    renderer: Processor = (
        structlog.processors.JSONRenderer()
        if json_lines
        else structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
    )
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for noisy in ("httpx", "httpx2", "httpcore", "httpcore2", "websockets", "dramatiq", "alembic"):
        logging.getLogger(noisy).setLevel(max(logging.WARNING, logging.getLevelName(level)))


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """The logger of a module; call it with `__name__`."""
    logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name)
    return logger


@contextmanager
def bound(**values: object) -> Iterator[None]:
    """Bind ids (order, attempt, account) to every line logged inside the block, by this task and its children."""
    with structlog.contextvars.bound_contextvars(**values):
        yield

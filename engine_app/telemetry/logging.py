"""Structured logs: readable at a terminal, JSON lines in production, with the order and attempt ids bound."""

from __future__ import annotations

import json
import logging
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import orjson
import structlog
from structlog.typing import EventDict, FilteringBoundLogger, Processor


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

    told: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        name_process,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    if json_lines:
        told.append(structlog.processors.format_exc_info)
    # Tracebacks without local variables: those may hold a password or a key.
    console = structlog.dev.ConsoleRenderer(
        colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
    )
    # Its own lines go straight to stderr: by way of the standard library each would take several times as long.
    structlog.configure(
        processors=[
            *told,
            _name_logger,
            structlog.processors.JSONRenderer(serializer=_as_json) if json_lines else console,
        ],
        logger_factory=(
            structlog.BytesLoggerFactory(sys.stderr.buffer) if json_lines else structlog.WriteLoggerFactory(sys.stderr)
        ),
        wrapper_class=type("Logger", (_Harmless, structlog.make_filtering_bound_logger(level)), {}),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*told, structlog.stdlib.add_logger_name, structlog.stdlib.ExtraAdder()],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer() if json_lines else console,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for noisy in ("httpx", "httpx2", "httpcore", "httpcore2", "websockets", "dramatiq", "alembic"):
        logging.getLogger(noisy).setLevel(max(logging.WARNING, logging.getLevelName(level)))


def get_logger(name: str) -> FilteringBoundLogger:
    """The logger of a module; call it with `__name__`."""
    logger: FilteringBoundLogger = structlog.get_logger(logger_name=name)
    return logger


@contextmanager
def bound(**values: object) -> Iterator[None]:
    """Bind ids (order, attempt, account) to every line logged inside the block, by this task and its children."""
    with structlog.contextvars.bound_contextvars(**values):
        yield


class _Harmless(structlog.BoundLoggerBase):
    """What the standard library's handlers promise, too: a line that cannot be written, for a full disk or a value that
    cannot be shown, stops nobody who logs it. What went wrong is told where that is possible."""

    def _proxy_to_logger(self, method_name: str, event: str | None = None, **told: Any) -> Any:
        try:
            return super()._proxy_to_logger(method_name, event, **told)
        except Exception:  # noqa: BLE001 - the code of a value that is shown may raise anything
            with suppress(OSError):
                traceback.print_exc()


def _name_logger(_logger: object, _method: str, event: EventDict) -> EventDict:
    """Under the name that lines of the standard library's loggers have it by; structlog keeps that one to itself."""
    event["logger"] = event.pop("logger_name")
    return event


def _as_json(event: EventDict, *, default: Callable[[Any], Any]) -> bytes:
    """A line of JSON, also of what orjson does not write: integers of more than 64 bits, halves of surrogate pairs.

    A dataclass is shown as its `repr`, which leaves out what it hides.
    """
    try:
        return orjson.dumps(event, default=default, option=orjson.OPT_NON_STR_KEYS | orjson.OPT_PASSTHROUGH_DATACLASS)
    except TypeError:
        return json.dumps(event, default=default).encode()

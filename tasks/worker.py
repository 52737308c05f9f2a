"""A worker process: `python -m tasks.worker`. Ends within seconds on SIGTERM and Ctrl-C."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from types import FrameType
from typing import Any

import uvloop
from dramatiq import Worker
from dramatiq.asyncio import get_event_loop_thread
from dramatiq.middleware import Middleware, MiddlewareError

from engine_app import garbage, queue
from engine_app.errors import EngineError
from engine_app.execution.process import ExecutionProcess
from engine_app.settings import SettingsError, WorkerSettings, load
from engine_app.storage.postgres import DATABASE_AWAY
from engine_app.telemetry import logging, metrics_files, tracing
from engine_app.telemetry.ready import tell_ready
from tasks import actors

STOP_MILLISECONDS = 10_000

log = logging.get_logger(__name__)


class ExecutionCannotStart(MiddlewareError):
    """Execution did not start; the cause says why. Dramatiq logs and goes on after any other kind of error."""


class ExecutionLife(Middleware):
    """Starts execution on Dramatiq's event loop before the first message is taken, and stops it after the last."""

    def __init__(self, process: ExecutionProcess) -> None:
        self._process = process

    def before_worker_boot(self, broker: Any, worker: Any) -> None:
        try:
            _loop_thread().run_coroutine(self._process.start())
        except Exception as error:
            raise ExecutionCannotStart(str(error)) from error

    def after_worker_shutdown(self, broker: Any, worker: Any) -> None:
        _loop_thread().run_coroutine(self._process.stop())


def _loop_thread() -> Any:
    thread = get_event_loop_thread()
    if thread is None:
        raise RuntimeError("Dramatiq's event loop is not running")
    return thread


def main() -> int:
    """Run until SIGTERM or SIGINT; the exit status, 2 where another start would not help."""
    try:
        settings = load(WorkerSettings)
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    name = os.environ.get("PROCESS_NAME", "worker")
    logging.configure(level=settings.log_level, json_lines=settings.strict, process=name)
    tracing.configure(settings.otel_exporter_otlp_endpoint, name)
    if settings.metrics_port is not None:
        metrics_files.serve(settings.metrics_host, settings.metrics_port)
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    started, stop = threading.Event(), threading.Event()

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        """Before the start is over there is nothing to drain: leave at once."""
        if not started.is_set():
            raise KeyboardInterrupt
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, interrupt)
    if settings.redis_url is None:
        sys.stderr.write("REDIS_URL is not set; `up` provides it\n")
        return 2
    process = ExecutionProcess(settings)
    broker = queue.broker(settings.redis_url.get_secret_value(), middleware=[ExecutionLife(process)])
    actors.register(process)
    worker = Worker(broker, worker_threads=settings.worker_concurrency)
    try:
        worker.start()
        garbage.spare_what_is_there()
        started.set()
        tell_ready()
    except ExecutionCannotStart as error:
        hopeless = isinstance(error.__cause__, (SettingsError, EngineError))
        explained = hopeless or isinstance(error.__cause__, DATABASE_AWAY)
        log.critical("worker.cannot_start", reason=str(error), exc_info=None if explained else error.__cause__)
        _loop_thread().stop()
        sys.stderr.write(f"{error}\n")
        return 2 if hopeless else 1
    except KeyboardInterrupt:
        _loop_thread().stop()
        return 0
    stop.wait()
    worker.stop(timeout=STOP_MILLISECONDS)
    tracing.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Traces: from the request over the queue to each call to a node, sent to an OpenTelemetry collector.

Off unless OTEL_EXPORTER_OTLP_ENDPOINT names one: then nothing of OpenTelemetry is even imported, and a span is an
object that does nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Tracer

NOTHING: AbstractContextManager[None] = nullcontext()

_provider: TracerProvider | None = None
_tracer: Tracer | None = None


def configure(endpoint: str | None, process: str) -> None:
    """Send this process's spans to a collector from now on; does nothing where none is named.

    Args:
        endpoint: the collector's OTLP/HTTP address, such as `http://127.0.0.1:4318`.
        process: `web`, `worker-1`, …; named in every span.
    """
    global _provider, _tracer  # noqa: PLW0603 - spans are opened where nothing can be handed in
    if endpoint is None:
        return
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

    resource = Resource.create({"service.name": "order-engine", "service.instance.id": process})
    _provider = TracerProvider(resource=resource)
    exporter = OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces")
    _provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=1000))
    _tracer = _provider.get_tracer("order-engine")


def close() -> None:
    """Send what is left."""
    if _provider is not None:
        _provider.shutdown()


def span(
    name: str, *, carried: Mapping[str, str] | None = None, **attributes: str | int
) -> AbstractContextManager[None]:
    """Time a block as part of the trace it runs in, or of the one that `carried` comes from."""
    return NOTHING if _tracer is None else _span(_tracer, name, carried, attributes)


def carried() -> dict[str, str]:
    """The trace this code runs in, to be carried to another process; empty where there is none."""
    if _tracer is None:
        return {}
    from opentelemetry.propagate import inject  # noqa: PLC0415

    carrier: dict[str, str] = {}
    inject(carrier)
    return carrier


@contextmanager
def _span(
    tracer: Tracer, name: str, carried: Mapping[str, str] | None, attributes: Mapping[str, str | int]
) -> Iterator[None]:
    from opentelemetry.propagate import extract  # noqa: PLC0415

    context = extract(carried) if carried else None
    with tracer.start_as_current_span(name, context=context, attributes=attributes):
        yield

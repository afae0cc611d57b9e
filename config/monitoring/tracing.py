"""Traces for an OpenTelemetry collector, where one is named: a span a request, and one a task that hangs below it.

Nothing of OpenTelemetry is imported until then. No address, no query and no name of a reader goes into a span: the name
of the page, its status, the name of the task.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.http import HttpRequest

from config.monitoring.optional import needed

TRACE_HEADERS = ("traceparent", "tracestate")
_tracers: dict[int, Any] = {}
"""By process: what sends has a thread, which does not come along into a forked one."""
_spans: dict[str, tuple[Any, Any]] = {}
"""By id of the task that runs: its span, and what ends its being the current one."""


class RequestSpan:
    """A request in its trace; without a collector, nothing."""

    def __init__(self, span: Any = None) -> None:
        self._span = span

    def end(self, view: str, status: int) -> None:
        """What is known of it when it is answered."""
        if self._span is not None:
            self._span.update_name(view)
            self._span.set_attribute("http.route", view)
            self._span.set_attribute("http.response.status_code", status)


_NO_SPAN = RequestSpan()


def tracer() -> Any:
    """What makes spans in this process; None where no collector is named."""
    if not settings.OTEL_ENDPOINT:
        return None
    found = _tracers.get(os.getpid())
    if found is None:
        found = _tracers[os.getpid()] = _make_tracer()
    return found


def check_packages() -> None:
    """Raises ImproperlyConfigured where a collector is named and what speaks to it is not installed."""
    if settings.OTEL_ENDPOINT:
        for module in ("opentelemetry.sdk.trace", "opentelemetry.exporter.otlp.proto.http.trace_exporter"):
            needed(module, "BROADSHEET_OTEL_ENDPOINT")


def _make_tracer() -> Any:
    check_packages()
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    resource = Resource.create({"service.name": "broadsheet", "service.version": settings.VERSION})
    provider = TracerProvider(resource=resource)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=f"{settings.OTEL_ENDPOINT}/v1/traces")))
    return provider.get_tracer("broadsheet")


@contextmanager
def _span_of(request: HttpRequest, ours: Any) -> Iterator[RequestSpan]:
    from opentelemetry.trace import SpanKind

    # An exception's words may be a stranger's.
    quiet = {"record_exception": False, "set_status_on_exception": False}
    with ours.start_as_current_span("request", kind=SpanKind.SERVER, **quiet) as span:
        span.set_attribute("http.request.method", request.method if request.method in _METHODS else "_OTHER")
        yield RequestSpan(span)


_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))


class _Nothing:
    def __enter__(self) -> RequestSpan:
        return _NO_SPAN

    def __exit__(self, *_: object) -> None:
        """Nothing was begun."""


_NOTHING = _Nothing()


def request_span(request: HttpRequest) -> Any:
    """A context manager around a request that gives its RequestSpan."""
    ours = tracer()
    return _NOTHING if ours is None else _span_of(request, ours)


def trace_headers() -> dict[str, str]:
    """What tells a task which trace it belongs to; empty without one."""
    if not settings.OTEL_ENDPOINT:
        return {}
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    carrier: dict[str, str] = {}
    TraceContextTextMapPropagator().inject(carrier)
    return carrier


def begin_task_span(task_id: str, name: str, context: Any) -> None:
    """A task begins, in the trace that its message names."""
    ours = tracer()
    if ours is None:
        return
    from opentelemetry.trace import SpanKind, use_span
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    carrier = {key: value for key in TRACE_HEADERS if (value := getattr(context, key, None))}
    parent = TraceContextTextMapPropagator().extract(carrier)
    span = ours.start_span(name, context=parent, kind=SpanKind.CONSUMER)
    current = use_span(span, end_on_exit=True, record_exception=False)
    current.__enter__()
    _spans[task_id] = span, current


def end_task_span(task_id: str, *, has_failed: bool) -> None:
    span, current = _spans.pop(task_id, (None, None))
    if span is None:
        return
    span.set_attribute("broadsheet.failed", has_failed)
    current.__exit__(None, None, None)

"""Where a request comes from: its id, its W3C trace context, and a span where OpenTelemetry is asked for.

OpenTelemetry is asked for by its own variables (OTEL_TRACES_EXPORTER, or an OTLP endpoint), and needs its SDK among the
package's dependencies. Source of the header: W3C Trace Context, section 3.2.
"""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Mapping
from typing import Any

from fogbank.serve.problems import LoadError

TRACEPARENT = re.compile(rb"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(-.*)?")
REQUEST_ID = re.compile(rb"[A-Za-z0-9._:/+=@-]{1,128}")
ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")


class RequestIds:
    """Ids for requests: the caller's own where it is plain, else one that no other request of this service has."""

    def __init__(self) -> None:
        self._prefix = os.urandom(6).hex()
        self._numbers = itertools.count(1)

    def of(self, headers: dict[bytes, bytes]) -> str:
        """The request's id."""
        given = headers.get(b"x-amzn-sagemaker-inference-id") or headers.get(b"x-request-id")
        if given is not None and REQUEST_ID.fullmatch(given):
            return given.decode("ascii")
        return f"{self._prefix}-{next(self._numbers):x}"


def trace_id(traceparent: bytes | None) -> str | None:
    """The trace's id where the header is one of the standard's.

    >>> trace_id(b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
    '4bf92f3577b34da6a3ce929d0e0e4736'
    """
    match = TRACEPARENT.fullmatch(traceparent) if traceparent else None
    if match is None or match[1] == b"ff" or not int(match[2], 16) or not int(match[3], 16):
        return None
    return match[2].decode("ascii")


class Tracer:
    """Spans of invocations by OpenTelemetry's SDK."""

    def __init__(self, tracer: Any, shut_down: Any) -> None:
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        self._tracer, self.shut_down = tracer, shut_down
        self._propagator = TraceContextTextMapPropagator()

    def start(self, headers: dict[bytes, bytes], request: str) -> Any:
        """A server span, a child of the caller's where the request names one."""
        from opentelemetry.trace import SpanKind

        carrier = {
            name.decode("latin-1"): headers[name].decode("latin-1")
            for name in (b"traceparent", b"tracestate")
            if name in headers
        }
        parent = self._propagator.extract(carrier)
        attributes = {"http.request.method": "POST", "url.path": "/invocations", "fogbank.request_id": request}
        return self._tracer.start_span("POST /invocations", context=parent, kind=SpanKind.SERVER, attributes=attributes)

    @staticmethod
    def end(span: Any, status: int) -> None:
        """End a span with the answer's status."""
        from opentelemetry.trace import StatusCode

        span.set_attribute("http.response.status_code", status)
        if status >= 500:
            span.set_status(StatusCode.ERROR)
        span.end()


def tracer_from(env: Mapping[str, str]) -> Tracer | None:
    """A tracer where the environment asks for one. Raises LoadError where it does and the SDK is not installed."""
    kind = env.get("OTEL_TRACES_EXPORTER", "otlp" if any(env.get(name) for name in ENDPOINTS) else "none")
    if kind == "none" or env.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return None
    try:
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter, SpanExporter

        exporter: SpanExporter
        if kind == "console":
            exporter = ConsoleSpanExporter()
        elif kind == "otlp":
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

            exporter = OTLPSpanExporter()
        else:
            raise LoadError(f"OTEL_TRACES_EXPORTER is {kind!r}; this server knows otlp, console and none")
    except ImportError as error:
        raise LoadError(
            f"OTEL_* asks for traces and {error.name} is not installed: add `opentelemetry-sdk` and"
            " `opentelemetry-exporter-otlp-proto-http` to the package's dependencies, or unset it"
        ) from error
    provider = TracerProvider(resource=Resource.create({"service.name": env.get("OTEL_SERVICE_NAME", "fogbank")}))
    provider.add_span_processor(BatchSpanProcessor(exporter))
    return Tracer(provider.get_tracer("fogbank.serve"), provider.shutdown)

"""Spans reach an OpenTelemetry collector as children of the caller's, where OTEL_* asks for them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from fogbank.contracts.container import ServeSettings
from fogbank.serve.tracing import RequestIds, trace_id
from tests.contracts.container.conftest import Start
from tests.contracts.container.served import invoke

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@pytest.fixture
def collector() -> Iterator[tuple[str, list[Span]]]:
    """An OTLP collector on loopback: its address, and the spans that it got."""
    spans: list[Span] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            message = ExportTraceServiceRequest.FromString(body)
            spans.extend(span for r in message.resource_spans for s in r.scope_spans for span in s.spans)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", spans
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.on_host
def test_spans_are_children_of_the_callers(
    start: Start, settings: ServeSettings, collector: tuple[str, list[Span]]
) -> None:
    url, spans = collector
    server = start(
        settings, OTEL_EXPORTER_OTLP_ENDPOINT=url, OTEL_SERVICE_NAME="tested", OTEL_EXPORTER_OTLP_COMPRESSION="none"
    )
    invoke(server, b"1,2", traceparent=f"00-{TRACE}-{PARENT}-01", x_request_id="r-1")
    invoke(server, b"-1,2")
    assert server.stop() == 0

    good, failed = sorted(spans, key=lambda span: span.start_time_unix_nano)
    assert (good.trace_id.hex(), good.parent_span_id.hex(), good.name) == (TRACE, PARENT, "POST /invocations")
    attributes = {item.key: item.value for item in good.attributes}
    assert attributes["http.response.status_code"].int_value == 200
    assert attributes["fogbank.request_id"].string_value == "r-1"
    assert failed.status.code == Status.STATUS_CODE_ERROR
    assert failed.trace_id.hex() != TRACE


@pytest.mark.parametrize(
    "header",
    [
        None,
        b"",
        b"x",
        b"00-" + b"0" * 32 + b"-00f067aa0ba902b7-01",
        b"ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    ],
)
def test_a_trace_context_that_is_not_one_is_passed_over(header: bytes | None) -> None:
    assert trace_id(header) is None


def test_ids_are_the_callers_where_they_are_plain() -> None:
    ids = RequestIds()

    assert ids.of({b"x-request-id": b"order/7"}) == "order/7"
    assert ids.of({b"x-request-id": b'in"jected'}) != ids.of({})

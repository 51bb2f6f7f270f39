"""The HTTP server under the cloud: one loopback port, HTTP/1.1, requests exactly as they were sent.

In: WSGI from werkzeug's server; out: a Request whose path is still percent-encoded and whose headers keep their own names. WSGI
alone decodes the path and cannot tell `my_key` from `my-key`; S3 needs both.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from urllib.parse import quote
from wsgiref.types import StartResponse, WSGIApplication

from werkzeug.http import HTTP_STATUS_CODES
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from fogbank.cloud.ground.wire import Answer, Request

HEADERS, TARGET = "fogbank.headers", "fogbank.target"
"""The keys of a WSGI environment under which headers and request target lie as they were sent."""
HOP_BY_HOP = frozenset({"connection", "transfer-encoding"})


class Handler(WSGIRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # head and body are two writes: without this every kept-alive call waits 40 ms
    timeout = 120

    def make_environ(self) -> dict[str, Any]:
        """The WSGI environment, and beside it what it does not have."""
        target = self.requestline.split()[1].encode("latin-1")
        return {**super().make_environ(), HEADERS: tuple(self.headers.items()), TARGET: target}

    def log_request(self, *_: object) -> None:
        """Requests are not logged."""


def listen(port: int, application: WSGIApplication) -> BaseWSGIServer:
    """A server on a loopback port, 0 for any, that answers when `serve_forever` runs. Raises OSError."""
    server = make_server("127.0.0.1", port, application, threaded=True, request_handler=Handler)
    server.daemon_threads = True  # type: ignore[attr-defined]  # the threaded server's
    return server


def read_request(environ: dict[str, Any]) -> Request:
    """A Request from a WSGI environment, body and all."""
    headers: dict[str, str] = {}
    for name, value in environ[HEADERS]:
        key = name.lower()
        headers[key] = f"{headers[key]},{value}" if key in headers else value
    return Request(
        method=environ["REQUEST_METHOD"],
        path=_path(environ),
        query=environ.get("QUERY_STRING", ""),
        headers=headers,
        body=_body(environ, headers.get("content-length")),
    )


def write_answer(answer: Answer, request: Request, start_response: StartResponse) -> Iterable[bytes]:
    """An Answer as WSGI."""
    headers = {name: value for name, value in answer.headers.items() if name.lower() not in HOP_BY_HOP}
    if not any(name.lower() == "content-length" for name in headers):
        headers["Content-Length"] = str(len(answer.body))
    start_response(f"{answer.status} {HTTP_STATUS_CODES.get(answer.status, 'Unknown')}", list(headers.items()))
    return [] if request.method == "HEAD" else [answer.body]


def _path(environ: dict[str, Any]) -> str:
    sent: bytes = environ[TARGET].partition(b"?")[0]
    if not sent.startswith(b"/"):  # the form that proxies are sent: http://host/path
        sent = b"/" + sent.partition(b"://")[2].partition(b"/")[2]
    return quote(sent, safe="/%:@!$&'()*+,;=~-._")  # bytes that no client should have sent bare


def _body(environ: dict[str, Any], length: str | None) -> bytes:
    stream = environ["wsgi.input"]
    if length:
        body: bytes = stream.read(int(length))
        return body
    return stream.read() if environ.get("wsgi.input_terminated") else b""

"""The HTTP server under the cloud: one loopback port, HTTP/1.1, requests exactly as they were sent.

In: WSGI from werkzeug's server; out: a Request whose path is still percent-encoded and whose headers keep their own names. WSGI
alone decodes the path and cannot tell `my_key` from `my-key`; S3 needs both. A long body lies in a file of `incoming` until the request
is answered; one that ends too early, or whose length is said in two ways, is refused whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote
from wsgiref.types import StartResponse, WSGIApplication

from werkzeug.http import HTTP_STATUS_CODES
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from fogbank.cloud.ground.payload import ShortBodyError, parts_of, spool
from fogbank.cloud.ground.wire import Answer, Request, error_answer

HEADERS, TARGET = "fogbank.headers", "fogbank.target"
"""The keys of a WSGI environment under which headers and request target lie as they were sent."""
HOP_BY_HOP = frozenset({"connection", "transfer-encoding"})
LONGEST_LENGTH = 18
"""Digits of a Content-Length."""


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


class BadRequestError(Exception):
    """What came is no request whose end is known, or its body did not come whole."""

    def __init__(self, request: Request, code: str, message: str) -> None:
        super().__init__(message)
        self.answer = error_answer(request, 400, code, message)
        self.request = request


def read_request(environ: dict[str, Any], incoming: Path) -> Request:
    """A Request from a WSGI environment, body and all; who gets it closes its payload. Raises BadRequestError, OSError."""
    headers: dict[str, str] = {}
    for name, value in environ[HEADERS]:
        key = name.lower()
        headers[key] = f"{headers[key]},{value}" if key in headers else value
    head = Request(
        method=environ["REQUEST_METHOD"], path=_path(environ), query=environ.get("QUERY_STRING", ""), headers=headers
    )
    chunked = bool(environ.get("wsgi.input_terminated"))
    length = _length(head, chunked)
    if not length and not chunked:
        return head
    try:
        payload = spool(parts_of(environ["wsgi.input"], None if chunked else length), incoming)
    except ShortBodyError as error:
        raise BadRequestError(
            head,
            "IncompleteBody",
            f"You did not provide the number of bytes specified by the Content-Length HTTP header: {error}",
        ) from error
    return replace(head, payload=payload)


def write_answer(answer: Answer, request: Request, start_response: StartResponse) -> Iterable[bytes]:
    """An Answer as WSGI; what it returns is closed by the server, and closes both bodies."""
    headers = {name: value for name, value in answer.headers.items() if name.lower() not in HOP_BY_HOP}
    if not any(name.lower() == "content-length" for name in headers):
        headers["Content-Length"] = str(answer.payload.size)
    start_response(f"{answer.status} {HTTP_STATUS_CODES.get(answer.status, 'Unknown')}", list(headers.items()))
    return _Sent(request, answer)


class _Sent:
    """The bytes of an answer on their way; closed when they left, or when nobody takes them any more."""

    def __init__(self, request: Request, answer: Answer) -> None:
        self._request, self._answer = request, answer

    def __iter__(self) -> Iterator[bytes]:
        return iter(()) if self._request.method == "HEAD" else self._answer.payload.parts()

    def close(self) -> None:
        self._request.payload.close()
        self._answer.payload.close()


def _length(head: Request, chunked: bool) -> int:
    """The declared number of bytes. Raises BadRequestError where it is said in two ways, or is no number."""
    declared = head.headers.get("content-length")
    if declared is None:
        return 0
    values = {value.strip() for value in declared.split(",")}
    if chunked or len(values) > 1 or not (declared := values.pop()).isdecimal() or len(declared) > LONGEST_LENGTH:
        raise BadRequestError(
            head, "InvalidRequest", "the request says in two ways, or not in a number, how long it is"
        )
    return int(declared)


def _path(environ: dict[str, Any]) -> str:
    sent: bytes = environ[TARGET].partition(b"?")[0]
    if not sent.startswith(b"/"):  # the form that proxies are sent: http://host/path
        sent = b"/" + sent.partition(b"://")[2].partition(b"/")[2]
    return quote(sent, safe="/%:@!$&'()*+,;=~-._")  # bytes that no client should have sent bare

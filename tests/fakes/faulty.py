"""A way to a cloud on which something goes wrong at the n-th call: it is refused from then on, its answer is lost, or somebody acts.

In: a cloud's URL; out: a URL of its own. The error is one that no SDK tries again, so that a sequence goes on at once.
"""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

HOP = {"connection", "transfer-encoding", "content-length", "keep-alive"}
REFUSAL = json.dumps({"__type": "AccessDeniedException", "message": "a fault of the test"}).encode()


class Faulty:
    """The way. `at` is the call that it happens at (0: none); `then` happens before it is passed on, if at all."""

    def __init__(self, url: str) -> None:
        self._target = urlsplit(url)
        self._lock = threading.Lock()
        self.calls = self.at = 0
        self.kind = ""
        self.then: Callable[[], None] = lambda: None
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def fails(self, kind: str, at: int, then: Callable[[], None] = lambda: None) -> None:
        """From now on, count anew: at that call `refuse` (and every later one), `lose` its answer, or do `then`. An empty kind heals."""
        with self._lock:
            self.calls, self.kind, self.at, self.then = 0, kind, at, then

    @property
    def happened(self) -> bool:
        """Whether it came to that call."""
        return bool(self.kind) and self.calls >= self.at

    def pass_on(
        self, method: str, path: str, headers: dict[str, str], body: bytes
    ) -> tuple[int, list[tuple[str, str]], bytes]:
        """Do one call: status, headers and body of the answer."""
        with self._lock:
            self.calls += 1
            here, kind, then = self.calls == self.at, self.kind, self.then
            refused = kind == "refuse" and self.calls >= self.at
        if refused:
            return 403, [("Content-Type", "application/x-amz-json-1.1")], REFUSAL
        if here and kind == "act":
            then()
        connection = http.client.HTTPConnection(self._target.hostname or "", self._target.port, timeout=120)
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        read = answer.read()
        told = [(name, value) for name, value in answer.getheaders() if name.lower() not in HOP]
        connection.close()
        if here and kind == "lose":
            return 403, [("Content-Type", "application/x-amz-json-1.1")], REFUSAL
        return answer.status, told, read

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        way = self

        class Handler(BaseHTTPRequestHandler):
            """One connection."""

            protocol_version = "HTTP/1.1"

            def _any(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                sent = {name: value for name, value in self.headers.items() if name.lower() not in HOP}
                try:
                    status, told, read = way.pass_on(self.command, self.path, sent, body)
                except OSError:  # the cloud is gone
                    self.close_connection = True
                    return
                self.send_response_only(status)
                for name, value in told:
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(read)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(read)

            do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = _any  # noqa: N815 - the library's names

            def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
                """Nothing is printed."""

        return Handler

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

"""A server of OSV's API, with data of its own: querybatch with pages, and vulnerabilities by their ids."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class OsvState:
    """`known` is ids by (name, version); `documents` by id; `answers` are raw answers in the place of the right ones, by path."""

    known: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    documents: dict[str, dict[str, Any]] = field(default_factory=dict)
    answers: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    asked: list[dict[str, Any]] = field(default_factory=list)
    page: int = 1


class _Handler(BaseHTTPRequestHandler):
    state: OsvState

    def log_message(self, *_: object) -> None:
        """Nothing."""

    def _handle(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        raw = next((answer for path, answer in self.state.answers.items() if self.path.startswith(path)), None)
        if raw is not None:
            self._answer(*raw)
        elif self.path == "/v1/querybatch":
            queries = json.loads(body)["queries"]
            self.state.asked += queries
            self._answer(200, json.dumps({"results": [self._result(query) for query in queries]}).encode())
        elif (document := self.state.documents.get(self.path.removeprefix("/v1/vulns/"))) is not None:
            self._answer(200, json.dumps(document).encode())
        else:
            self._answer(404, b'{"code":5,"message":"Bug not found."}')

    do_GET = do_POST = _handle  # noqa: N815 - the library's names

    def _result(self, query: dict[str, Any]) -> dict[str, Any]:
        ids = self.state.known.get((query["package"]["name"], query["version"]), [])
        start = int(query.get("page_token", 0))
        page = ids[start : start + self.state.page]
        more = {"next_page_token": str(start + len(page))} if start + len(page) < len(ids) else {}
        return {
            **({"vulns": [{"id": id_, "modified": "2026-01-01T00:00:00Z"} for id_ in page]} if page else {}),
            **more,
        }

    def _answer(self, status: int, data: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


@contextmanager
def osv() -> Iterator[tuple[str, OsvState]]:
    """A server on this machine: its URL, and its state to look at and to change."""
    state = OsvState()
    with ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"state": state})) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", state
        finally:
            server.shutdown()

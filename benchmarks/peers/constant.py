"""The ceiling: a bare ASGI server that answers a constant."""

from __future__ import annotations

from typing import Any

BODY = b"[[0.25,0.75]]"
HEADERS = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(BODY))]


async def app(scope: Any, receive: Any, send: Any) -> None:
    del scope
    await receive()
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    await send({"type": "http.response.body", "body": BODY})

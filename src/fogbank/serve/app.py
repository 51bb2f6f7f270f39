"""The ASGI application: /ping, /invocations and /execution-parameters, and nothing in between but the handler.

The handler runs in a thread of its own, so that /ping answers while a model is busy.
"""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import Awaitable, Callable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import orjson

from fogbank.serve.handler import Handler
from fogbank.serve.problems import RequestError

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Reply = tuple[int, bytes, str]

log = logging.getLogger("fogbank.serve")
TEXT, JSON = "text/plain; charset=utf-8", "application/json"


class ServeApp:
    """SageMaker's container contract over one handler."""

    def __init__(self, handler: Handler, payload_limit: int) -> None:
        self._handler, self._payload_limit = handler, payload_limit
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="model")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; websockets are refused by closing, the lifespan protocol is followed."""
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
        elif scope["type"] == "http":
            await _answer(send, *await self._route(scope, receive))

    async def _route(self, scope: Scope, receive: Receive) -> Reply:
        path, method = scope["path"], scope["method"]
        if path == "/invocations":
            return await self._invoke(scope, receive) if method == "POST" else (405, b"use POST\n", TEXT)
        if method not in {"GET", "HEAD"}:
            return 405, b"use GET\n", TEXT
        if path == "/ping":
            return 200, b"\n", TEXT
        if path == "/execution-parameters":
            parameters = self._handler.execution_parameters()
            return (404, b"not implemented\n", TEXT) if parameters is None else (200, orjson.dumps(parameters), JSON)
        return 404, b"no such path; this container has /ping and /invocations\n", TEXT

    async def _invoke(self, scope: Scope, receive: Receive) -> Reply:
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        try:
            body = await self._body(receive)
            result, content_type = await asyncio.get_running_loop().run_in_executor(
                self._thread, self._handler, body, headers.get(b"content-type", ""), headers.get(b"accept")
            )
            return 200, result, content_type
        except RequestError as error:
            return error.status, orjson.dumps({"error": str(error)}), JSON
        except Exception as error:  # noqa: BLE001 - the handler is the user's: whatever it raises is a 500, and the server lives on
            log.error("the handler failed: %s", "".join(traceback.format_exception(error)[-4:]).strip())
            return 500, orjson.dumps({"error": f"the handler failed: {type(error).__name__}: {error}"}), JSON

    async def _body(self, receive: Receive) -> bytes:
        pieces: list[bytes] = []
        size = 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise RequestError(400, "the connection closed before the body was complete")
            piece = message.get("body", b"")
            size += len(piece)
            if size > self._payload_limit:
                raise RequestError(413, f"the body is larger than the limit of {self._payload_limit} bytes")
            pieces.append(piece)
            if not message.get("more_body"):
                return pieces[0] if len(pieces) == 1 else b"".join(pieces)


async def _answer(send: Send, status: int, body: bytes, content_type: str) -> None:
    headers = [(b"content-type", content_type.encode("latin-1")), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return

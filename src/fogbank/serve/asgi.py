"""The service as an ASGI application: for tests in process, and for those who run it behind a server of their own."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from fogbank.serve.problems import RequestError
from fogbank.serve.protocol import Reply, Request
from fogbank.serve.service import Service, failure

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class ServeApp:
    """SageMaker's container contract as ASGI 3."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Answer one request; websockets are refused by closing, the lifespan protocol is followed."""
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
        elif scope["type"] == "http":
            request = Request(scope["method"], scope["path"], dict(scope["headers"]))
            await self._send(send, receive, request, await self._answer(request, receive))

    async def _answer(self, request: Request, receive: Receive) -> Reply:
        try:
            request.body = await self._body(request, receive)
        except RequestError as error:
            return self._service.refuse(request, error)
        answer = self._service.answer(request)
        return answer if isinstance(answer, Reply) else await answer

    async def _body(self, request: Request, receive: Receive) -> bytes:
        bodies = self._service.bodies
        refused = bodies.declared(request.headers)
        held: list[bytes] = []
        size = 0
        try:
            while refused is None:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise RequestError(400, "the connection closed before the body was complete")
                held.append(message.get("body", b""))
                size += len(held[-1])
                refused = bodies.arrived(len(held[-1]), size)
                if not message.get("more_body") and refused is None:
                    return b"".join(held)
            raise refused
        finally:
            bodies.done(size)

    async def _send(self, send: Send, receive: Receive, request: Request, reply: Reply) -> None:
        if isinstance(reply.body, bytes):
            headers = [*_headers(request, reply), (b"content-length", b"%d" % len(reply.body))]
            await send({"type": "http.response.start", "status": reply.status, "headers": headers})
            await send({"type": "http.response.body", "body": reply.body})
            self._service.finished(request, reply.status, len(reply.body))
            return
        async with contextlib.aclosing(self._service.pieces(reply)) as coming:
            try:
                piece = await anext(coming, None)
            except Exception as error:  # noqa: BLE001 - nothing is sent yet: the caller gets an error of its own
                await self._send(send, receive, request, failure(error))
                return
            await send({"type": "http.response.start", "status": reply.status, "headers": _headers(request, reply)})
            gone = asyncio.ensure_future(receive())  # done when the peer has gone
            sent = 0
            while piece is not None and not gone.done():
                sent += len(piece)
                await send({"type": "http.response.body", "body": piece, "more_body": True})
                piece = await anext(coming, None)
            gone.cancel()
        await send({"type": "http.response.body", "body": b""})
        self._service.finished(request, reply.status, sent)


def _headers(request: Request, reply: Reply) -> list[tuple[bytes, bytes]]:
    more = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in (reply.headers or {}).items()]
    if request.id:
        more.append((b"x-request-id", request.id.encode()))
    return [(b"content-type", reply.content_type.encode("latin-1")), *more]


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return

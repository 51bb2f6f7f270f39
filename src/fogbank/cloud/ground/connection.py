"""HTTP/1.1 on one socket of the cloud, over httptools' parser: whole requests to the handler, each answer in order.

In: bytes on the event loop; out: Requests as they were sent (a path still percent-encoded, headers by their own names; WSGI alone
cannot tell `my_key` from `my-key`, and S3 needs both). A peer costs memory, never a thread; a long body lies in a file.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections import deque
from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httptools

from fogbank.cloud.ground.arriving import Arriving
from fogbank.cloud.ground.live import Live
from fogbank.cloud.ground.payload import EMPTY, SPOOL_OVER, Payload
from fogbank.cloud.ground.peer import Peer, Peers
from fogbank.cloud.ground.sending import Sending, send_live, send_whole
from fogbank.cloud.ground.wire import Answer, Request, error_answer

Done = Callable[[Answer], None]
"""Takes the answer, once, on the event loop."""
Handler = Callable[[Request, Done], None]
"""Answers a request, now or later; called on the event loop, which it must not keep."""
Heard = Callable[[Request], "RefusalError | None"]
"""Whether the body of a request is heard, by its head alone; called for long bodies."""
HEAD_LIMIT = 64 * 1024
SILENCE_S = 120.0
"""A peer that says nothing for so long, between two requests or in the middle of one, is let go."""
CONNECTIONS_LIMIT = 4096
"""Peers at once; each may hold a head of HEAD_LIMIT, and a body's first megabyte."""
OTHERS_SHARE = 8
"""Which part of them others than the cloud's own user may take: who is not answered at all keeps nobody out."""
PLAIN = re.compile(rb"/[A-Za-z0-9_/%:@!$&'()*+,;=~.-]*")
ASCII = "".join(map(chr, range(128)))
SHORT = "You did not provide the number of bytes specified by the Content-Length HTTP header"


class RefusalError(Exception):
    """What a peer sent is not taken; it is told so, and the connection closes."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code = status, code


TOO_LONG = RefusalError(431, "RequestHeaderSectionTooLarge", f"the request's head is over {HEAD_LIMIT} bytes")


class Connection(asyncio.Protocol):
    """One peer. `connections` are all that are open; bodies go to the folder `incoming`; `peers` says who it is, and `heard` whether
    it may send a long body."""

    def __init__(
        self,
        handler: Handler,
        connections: set[Connection],
        incoming: Path,
        peers: Peers,
        heard: Heard,
        most: int = CONNECTIONS_LIMIT,
    ) -> None:
        self._handler, self._connections, self._peers = handler, connections, peers
        self._heard, self._most = heard, most
        self._peer: Peer
        self._parser: Any = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport
        self._waiting: deque[Request] = deque()
        self._busy = self._last = self._partial = self._in_head = False
        self._sending: Sending | Live | None = None
        self._refusal: RefusalError | None = None
        self._since = time.monotonic()
        self._arriving = Arriving(incoming)
        self._head_size = self._chunk = 0

    # What the event loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The peer is there."""
        self._transport = transport  # type: ignore[assignment]  # of a socket, so it is a Transport
        self._peer = self._peers.of(transport.get_extra_info("sockname"), transport.get_extra_info("peername"))
        crowded = self._crowded()
        self._connections.add(self)
        if crowded is not None:
            self._refuse(RefusalError(503, "ServiceUnavailable", crowded))

    def _crowded(self) -> str | None:
        """Why there is no place for the peer; None where there is one. What others have open is counted for them alone: the user's own
        connections take nothing of their share."""
        if len(self._connections) >= self._most:
            return f"{self._most} connections are open already: close some, or ask again"
        share = self._most // OTHERS_SHARE
        if not self._peer.is_anothers or sum(each._peer.is_anothers for each in self._connections) < share:
            return None
        return f"{share} connections of others than the cloud's own user are open already, as many as they may have: close some, or ask again"

    def connection_lost(self, exc: Exception | None) -> None:
        """The peer has gone; what it had not sent whole was never asked."""
        del exc
        self._connections.discard(self)
        self._arriving.drop()
        for request in self._waiting:
            request.payload.close()
        self._waiting.clear()
        if self._sending is not None:
            self._sending.end()
            self._sending = None

    def data_received(self, data: bytes) -> None:
        """Bytes of one or more requests."""
        if self._refusal is not None:
            return
        if not self._partial and not data.isascii():
            data = _encode_target(data)
        self._chunk = len(data)
        try:
            self._parser.feed_data(data)
            if self._in_head:
                self._head_size += len(data)
                if self._head_size > HEAD_LIMIT:
                    self._refuse(TOO_LONG)
        except httptools.HttpParserUpgrade:
            self._last = True  # it is answered as it is; what follows would be another protocol
        except httptools.HttpParserCallbackError as error:
            cause = error.__context__
            known = cause if isinstance(cause, RefusalError) else None
            self._refuse(known or RefusalError(500, "InternalFailure", f"the request was not taken: {cause!r}"))
        except httptools.HttpParserError as error:
            self._refuse(RefusalError(400, "InvalidRequest", f"the request is not HTTP: {error}"))

    def eof_received(self) -> bool:
        """The peer says no more; whether it still gets an answer."""
        self._last = True
        if self._partial and self._refusal is None:
            self._refuse(RefusalError(400, "IncompleteBody", SHORT))
        return self._busy

    def pause_writing(self) -> None:
        """The peer reads slowly: it is not heard until it has read."""
        self._transport.pause_reading()
        if self._sending is not None:
            self._sending.pause()

    def resume_writing(self) -> None:
        """The peer has read."""
        if self._sending is not None:
            self._sending.resume()
        if not self._waiting:
            self._transport.resume_reading()

    # What the parser calls.

    def on_message_begin(self) -> None:
        """A request begins."""
        self._target = b""
        self._headers: dict[str, str] = {}
        self._partial = self._in_head = True
        self._head_size = 0
        self._since = time.monotonic()

    def on_url(self, url: bytes) -> None:
        """A part of the target."""
        self._target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header, or, after a body, a trailer."""
        key, text = header_name(name), value.decode("latin-1")
        earlier = self._headers.get(key)
        self._headers[key] = text if earlier is None else f"{earlier},{text}"

    def on_headers_complete(self) -> None:
        """The body is next."""
        self._in_head = False
        seen = self._head_size + self._chunk  # with bytes of the body, perhaps: only then it is counted
        if seen > HEAD_LIMIT and sum(map(len, (self._target, *self._headers, *self._headers.values()))) > HEAD_LIMIT:
            raise TOO_LONG
        if (refusal := _coded(self._headers, self._parser.get_http_version())) is not None:
            raise refusal
        if not self._target.startswith(b"/") and (host := _authority(self._target)):
            self._headers["host"] = host
        if self._is_long() and (refusal := self._heard(self._request(EMPTY))) is not None:
            raise refusal
        if self._headers.get("expect", "").lower() == "100-continue" and not self._busy:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, body: bytes) -> None:
        """A piece of the body."""
        self._arriving.add(body)
        self._since = time.monotonic()

    def on_message_complete(self) -> None:
        """The request is whole."""
        self._partial = False
        self._last = self._last or not self._parser.should_keep_alive()
        payload = self._arriving.whole()
        request = self._request(payload)
        if self._busy:
            self._waiting.append(request)
            self._transport.pause_reading()
        else:
            self._ask(request)

    def _request(self, payload: Payload) -> Request:
        path, _, query = self._target.partition(b"?")
        return Request(
            method=_text(self._parser.get_method()),
            path=path.decode("ascii") if PLAIN.fullmatch(path) else _path(path),
            query=query.decode("latin-1"),
            headers=self._headers,
            payload=payload,
            peer=self._peer,
        )

    def _is_long(self) -> bool:
        """Whether a body comes that may be too long for the memory."""
        length = self._headers.get("content-length", "0")
        return "transfer-encoding" in self._headers or not length.isdecimal() or int(length) > SPOOL_OVER

    # Answering.

    def idle(self) -> bool:
        """Whether the peer waits for nothing and has sent nothing."""
        return not self._busy and not self._partial

    def close(self) -> None:
        """Close once everything that was written is sent."""
        if not self._transport.is_closing():
            self._transport.close()

    def abort(self) -> None:
        """Close at once, whatever the peer waits for."""
        self._transport.abort()

    def leave(self) -> None:
        """No request is taken after those that came."""
        self._last = True
        if self.idle():
            self.close()

    def let_go(self, now: float) -> None:
        """Close the connection of a peer that is silent for too long, though nobody keeps it waiting."""
        if not self._busy and now - self._since > SILENCE_S:
            if self._partial:
                self._refuse(RefusalError(408, "RequestTimeout", f"nothing more came for {SILENCE_S:g} s"))
            else:
                self.close()

    def send(self, request: Request, answer: Answer) -> None:
        """Write the answer to the request that is next; goes on when all of it is written."""
        last = self._last and not self._waiting and self._refusal is None
        if answer.live is not None:
            self._sending = answer.live
            send_live(self._transport, request, answer, answer.live, partial(self._sent, whole=True))
        elif send_whole(self._transport, request, answer, last=last):
            self._next()
        else:
            self._sending = sending = Sending(self._transport, request, answer)
            sending.stream(self._sent)

    def _sent(self, *, whole: bool) -> None:
        self._sending = None
        if whole:
            self._next()
        else:
            self._transport.abort()  # the peer sees that the answer is not whole

    def _next(self) -> None:
        if self._waiting:
            request = self._waiting.popleft()
            if not self._waiting and self._refusal is None:
                self._transport.resume_reading()
            asyncio.get_running_loop().call_soon(self._ask, request)  # a peer may send more of them than calls can nest
            return
        self._busy, self._since = False, time.monotonic()
        if self._refusal is not None:
            self._refuse(self._refusal)
        elif self._last:
            self.close()

    def _ask(self, request: Request) -> None:
        self._busy = True
        self._handler(request, partial(self.send, request))

    def _refuse(self, refusal: RefusalError) -> None:
        """Answer what cannot be read any further, after what was asked before it, and close."""
        self._partial, self._last, self._refusal = False, True, refusal
        self._arriving.drop()
        if self._transport.is_closing() or self._busy:
            return
        request = Request(method="POST", path="/", query="", headers=getattr(self, "_headers", {}))
        answer = error_answer(request, refusal.status, refusal.code, str(refusal))
        send_whole(self._transport, request, answer, last=True)
        self.close()


@lru_cache(maxsize=1024)
def header_name(sent: bytes) -> str:
    """In lower case; there are few of them."""
    return sent.decode("latin-1").lower()


@lru_cache(maxsize=64)
def _text(method: bytes) -> str:
    return method.decode("ascii")


def _path(sent: bytes) -> str:
    if not sent.startswith(b"/"):  # the form that proxies are sent: http://host/path
        sent = b"/" + sent.partition(b"://")[2].partition(b"/")[2]
    return quote(sent, safe="/%:@!$&'()*+,;=~-._")  # bytes that no client should have sent bare


def _authority(sent: bytes) -> str:
    """The host of a target in the form that proxies are sent; it counts, whatever the header says (RFC 9112, 3.2.2)."""
    return sent.partition(b"://")[2].partition(b"/")[0].partition(b"?")[0].decode("latin-1")


def _coded(headers: Mapping[str, str], version: str) -> RefusalError | None:
    """Why a body in this coding is not taken: one that is not undone would be kept as what it is not (RFC 9112, 6.1)."""
    coding = headers.get("transfer-encoding")
    if coding is None:
        return None
    codings = [item.strip().lower() for item in coding.split(",")]
    if version == "1.0" or codings[-1] != "chunked":
        return RefusalError(
            400, "InvalidRequest", f"Transfer-Encoding {coding[:50]!r} of HTTP/{version} says no length"
        )
    if len(codings) > 1:
        return RefusalError(501, "NotImplemented", f"Transfer-Encoding {coding[:50]!r} is not taken: chunked is")
    return None


def _encode_target(data: bytes) -> bytes:
    """A request whose target has bytes that its client did not encode, as if it had: the parser takes no others."""
    line, end, rest = data.partition(b"\r\n")
    return data if line.isascii() else quote(line, safe=ASCII).encode() + end + rest

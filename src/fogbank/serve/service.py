"""What a worker answers: /ping, /invocations, /execution-parameters, /metrics and /openapi.json.

In: a whole `Request`; out: a `Reply`, or a coroutine of one. How they travel is the carrier's matter: `connection` (HTTP/1.1
on a socket) or `asgi`. Each invocation is counted, logged and traced when its carrier says that it is done.
"""

from __future__ import annotations

import logging
import time
import traceback
from collections.abc import AsyncGenerator, Coroutine, Sequence
from typing import Any

import orjson

from fogbank.contracts.container import ServeSettings
from fogbank.scoring import RefusedError
from fogbank.serve import logs, metrics, protocol
from fogbank.serve.access import AccessLog
from fogbank.serve.context import Context
from fogbank.serve.handler import Call, Handler
from fogbank.serve.openapi import document
from fogbank.serve.problems import RequestError, bad_request, overloaded
from fogbank.serve.protocol import Reply, Request
from fogbank.serve.runner import NOT_LOADED, Runner
from fogbank.serve.scoreboard import Field, Scoreboard, Slot
from fogbank.serve.streaming import pieces
from fogbank.serve.tracing import RequestIds, Tracer, trace_id

log = logging.getLogger("fogbank.serve")
TURN_S = 0.02
"""How long the event loop may compute before others have a turn: /ping, and connections that come."""
BACKLOG_S = 1.0
"""Requests that wait for their turn are refused when there are more of them than the queue holds, and more work than this."""
Answer = Reply | Coroutine[Any, Any, Reply]
LOADING = Reply(503, b"the model is not loaded yet\n", protocol.TEXT, {"retry-after": "1"})


class Service:
    """SageMaker's container contract over one runner. `leaving` makes each answer its connection's last."""

    def __init__(
        self,
        runner: Runner,
        settings: ServeSettings,
        board: Scoreboard,
        slot: Slot,
        tracer: Tracer | None = None,
        write: logs.Write = logs.write_all,
    ) -> None:
        self.runner, self._settings, self._board, self._slot, self._tracer = runner, settings, board, slot, tracer
        self.bodies = protocol.Bodies(settings.payload_limit)
        self.leaving = False
        self._ids = RequestIds()
        enabled = logging.getLogger().isEnabledFor(logging.INFO)
        self.access = AccessLog(write, enabled=enabled, as_json=settings.log_format == "json")

    def answer(self, request: Request) -> Answer:
        """The answer, at once where it can be."""
        if _is_invocation(request):
            return self._invocation(request)
        return self._page(request.path, request.method)

    def answers(self, requests: Sequence[Request]) -> list[Answer]:
        """The answers to requests that came at the same moment, in order; small ones may share a run of the model.

        There may be fewer answers than requests: what is left comes in the next turn, so that others have theirs between.
        """
        until = time.perf_counter() + TURN_S
        answers: list[Answer] = []
        while len(answers) < len(requests) and time.perf_counter() < until:
            answers += self._run(requests[len(answers) : len(answers) + self.runner.batch_size])
        return answers

    def overloaded(self, waiting: int) -> RequestError | None:
        """Why one more request is not taken, where so many wait for their turn already."""
        if waiting < self._settings.queue_size or self.runner.backlog_s(waiting) < BACKLOG_S:
            return None
        return overloaded(f"{waiting} requests are waiting already")

    def _run(self, requests: Sequence[Request]) -> list[Answer]:
        """The answers to requests that may share one run."""
        if len(requests) == 1:
            return [self.answer(requests[0])]
        calls = [self._call_at_once(request) for request in requests]
        made = iter(self.runner.invoke_together([call for call in calls if call is not None]))
        return [
            self.answer(request) if call is None else self._made(request, next(made))
            for request, call in zip(requests, calls, strict=True)
        ]

    def _call_at_once(self, request: Request) -> Call | None:
        call = self._call(request) if _is_invocation(request) else None
        return call if call is not None and self.runner.at_once(call) else None

    def _made(self, request: Request, outcome: Reply | Exception) -> Reply:
        self._begin(request)
        return outcome if isinstance(outcome, Reply) else failure(outcome)

    def refuse(self, request: Request, error: RequestError) -> Reply:
        """The answer to a request whose body the carrier does not take."""
        if request.path == "/invocations":
            self._begin(request)
        return protocol.refusal(error)

    def finished(self, request: Request, status: int, sent: int) -> None:
        """The answer is written: count and log an invocation."""
        if not request.id:
            return
        seconds = time.perf_counter() - request.started
        self._slot.answered(status, seconds, len(request.body), sent)
        if self.access.enabled:
            trace = trace_id(request.headers.get(b"traceparent"))
            self.access.add(request.id, trace, status, seconds, len(request.body), sent)
        if request.span is not None and self._tracer is not None:
            self._tracer.end(request.span, status)

    def pieces(self, reply: Reply) -> AsyncGenerator[bytes]:
        """A streamed answer's pieces."""
        return pieces(reply.body, self.runner)

    def _begin(self, request: Request) -> None:
        request.id = self._ids.of(request.headers)
        if self._tracer is not None:
            request.span = self._tracer.start(request.headers, request.id)

    def _invocation(self, request: Request) -> Answer:
        self._begin(request)
        handler = self.runner.handler
        if handler is None:
            return (
                self._when_loaded(request) if self._slot[Field.RESTARTS] else protocol.refusal(overloaded(NOT_LOADED))
            )
        call = self._call(request)
        if not self.runner.at_once(call):
            return self._later(request, call)
        try:
            return self.runner.invoke_at_once(call)
        except Exception as error:  # noqa: BLE001 - as below
            return failure(error)

    @staticmethod
    def _call(request: Request) -> Call:
        kind, accept = request.headers.get(b"content-type", b""), request.headers.get(b"accept", b"")
        return Call(request.body, kind.decode("latin-1"), accept.decode("latin-1"))

    async def _when_loaded(self, request: Request) -> Reply:
        """The answer of a worker that takes a dead one's place: who was told that the model is loaded waits for it."""
        try:
            await self.runner.loaded()
        except RequestError as error:
            return protocol.refusal(error)
        return await self._later(request, self._call(request))

    async def _later(self, request: Request, call: Call) -> Reply:
        handler = self.runner.handler
        if handler is not None and handler.wants_context:
            given = request.headers.get(b"traceparent", b"").decode("latin-1") or None
            model_dir, headers = str(self._settings.model_dir), request.headers.items()
            call.context = Context(model_dir, handler.package, headers, request.id, given)
        token = logs.request_id.set(request.id)
        try:
            reply = await self.runner.invoke(call)
            protocol.check_headers(reply)
        except Exception as error:  # noqa: BLE001 - the handler is the user's: whatever it raises is a 500, and the server lives on
            return failure(error)
        finally:
            logs.request_id.reset(token)
        return reply

    def _page(self, path: str, method: str) -> Answer:
        if path == "/invocations":
            return Reply(405, b"use POST\n", protocol.TEXT, {"allow": "POST"})
        if path not in {"/ping", "/execution-parameters", "/metrics", "/openapi.json"}:
            return Reply(404, b"no such path; this container has /ping and /invocations\n", protocol.TEXT)
        if method not in {"GET", "HEAD"}:
            return Reply(405, b"use GET\n", protocol.TEXT, {"allow": "GET, HEAD"})
        if path == "/ping":
            return Reply(200, b"\n", protocol.TEXT) if self._board.ready() else LOADING
        if path == "/metrics":
            return Reply(200, metrics.exposition(self._board), metrics.CONTENT_TYPE)
        handler = self.runner.handler
        if handler is None:
            return LOADING
        if path == "/openapi.json":
            return Reply(200, orjson.dumps(document(handler.package, handler.accepted, handler.offered)), protocol.JSON)
        return self._execution_parameters(handler)

    async def _execution_parameters(self, handler: Handler) -> Reply:
        """A function of the user's: it runs in the model's thread, as the others do."""
        try:
            parameters: Reply | None = await self.runner.in_thread(handler.execution_parameters)
        except Exception as error:  # noqa: BLE001 - as above
            return failure(error)
        return parameters or Reply(404, b"not implemented\n", protocol.TEXT)


def _is_invocation(request: Request) -> bool:
    return request.path == "/invocations" and request.method == "POST"


def failure(error: Exception) -> Reply:
    """The answer to an invocation that raised: the caller's fault by name, the handler's as a 500."""
    if isinstance(error, RequestError):
        return protocol.refusal(error)
    if isinstance(error, RefusedError):
        return protocol.refusal(bad_request(str(error)))
    log.error("the handler failed: %s", "".join(traceback.format_exception(error)[-4:]).strip())
    return protocol.refusal(RequestError(500, f"the handler failed: {type(error).__name__}: {error}"))

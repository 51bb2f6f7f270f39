"""The multi-model container: SageMaker's /models API over a process for each loaded model.

Source: AWS Developer Guide, "Build your own container for SageMaker AI multi-model endpoints". What is least recently used
is unloaded when the models together hold more than the budget; a model that alone is more than the budget is a 507.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Coroutine, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote

import orjson
import uvloop

from fogbank.contracts.container import ENV_PARENT_FD, STOP_GRACE_S, ServeSettings
from fogbank.serve import logs, metrics, protocol
from fogbank.serve.accept import Acceptor, Turn
from fogbank.serve.access import AccessLog
from fogbank.serve.connection import Connections
from fogbank.serve.model_process import ModelProcess
from fogbank.serve.problems import LoadError, RequestError, bad_request
from fogbank.serve.protocol import Reply, Request
from fogbank.serve.scoreboard import Field, Scoreboard, State
from fogbank.serve.service import failure
from fogbank.serve.supervisor import listen
from fogbank.serve.tracing import RequestIds, trace_id

log = logging.getLogger("fogbank.serve")
PAGE = 100
BEAT_S = 0.5
NOT_FOR_MODELS = {"SAGEMAKER_MULTI_MODEL", "SAGEMAKER_SUBMIT_DIRECTORY", "FOGBANK_MANIFEST_SHA256"}
"""Variables that are about the container, or about one model of it."""
NOT_FOUND = "no model {name!r} is loaded"


class Models:
    """The loaded models, the least recently used first."""

    def __init__(self, settings: ServeSettings) -> None:
        self._settings = settings
        self._loaded: dict[str, ModelProcess] = {}
        self._loading: set[str] = set()
        self._folder = Path(tempfile.mkdtemp(prefix="fogbank-models-"))
        self._numbers = 0
        self._room = asyncio.Lock()

    def names(self) -> list[tuple[str, str]]:
        """Name and folder of each loaded model, by name."""
        return sorted((name, model.url) for name, model in self._loaded.items())

    def memory(self) -> int:
        """The bytes that all models hold."""
        return sum(model.memory() for model in self._loaded.values())

    def use(self, name: str) -> ModelProcess:
        """A loaded model, which is now the most recently used. Raises RequestError 404."""
        model = self._loaded.pop(name, None)
        if model is None or not model.alive():
            raise RequestError(404, NOT_FOUND.format(name=name))
        self._loaded[name] = model
        return model

    async def load(self, name: str, url: str, python: str = sys.executable) -> None:
        """Load a model, with a Python that has what it needs. Raises RequestError: 409 where it is loaded, 400 where it cannot be, 507 where it has no room."""
        if name in self._loaded or name in self._loading:
            raise RequestError(409, f"the model {name!r} is loaded already")
        if not _is_folder(url):
            raise bad_request(f"there is no folder at {url!r}")
        self._loading.add(name)
        try:
            self._numbers += 1
            environment = {key: value for key, value in os.environ.items() if key not in NOT_FOR_MODELS}
            environment["SAGEMAKER_MODEL_SERVER_WORKERS"] = str(self._settings.workers)
            socket_path = self._folder / str(self._numbers)
            model = await ModelProcess.start(url, socket_path, environment, self._settings.startup_timeout_s, python)
        except LoadError as error:
            raise bad_request(f"the model {name!r} cannot be loaded: {error}") from error
        finally:
            self._loading.discard(name)
        await self._make_room(name, model)

    async def unload(self, name: str) -> None:
        """Unload a model and return when its memory is free. Raises RequestError 404."""
        model = self._loaded.pop(name, None)
        if model is None:
            raise RequestError(404, NOT_FOUND.format(name=name))
        await model.stop()

    async def close(self) -> None:
        """Unload everything."""
        await asyncio.gather(*(self.unload(name) for name in list(self._loaded)))
        shutil.rmtree(self._folder, ignore_errors=True)

    async def forget_dead(self) -> None:
        """Drop models whose server has ended: the next invocation gets 404, and the platform loads the model again."""
        for name in [name for name, model in self._loaded.items() if not model.alive()]:
            log.error("the server of model %r has ended: it is unloaded", name)
            with contextlib.suppress(RequestError):
                await self.unload(name)

    async def _make_room(self, name: str, model: ModelProcess) -> None:
        async with self._room:
            budget = self._settings.model_memory
            needed = model.memory()
            if needed > budget:
                await model.stop()
                raise RequestError(
                    507, f"the model {name!r} holds {needed >> 20} MiB, the budget is {budget >> 20} MiB"
                )
            while self._loaded and self.memory() + needed > budget:
                idle = [old for old, other in self._loaded.items() if not other.in_flight]
                oldest = (idle or list(self._loaded))[0]
                log.warning("the model %r is unloaded: %r needs the room", oldest, name)
                with contextlib.suppress(RequestError):
                    await self.unload(oldest)
            self._loaded[name] = model


class MultiModelService:
    """What a multi-model container answers."""

    def __init__(self, models: Models, settings: ServeSettings, board: Scoreboard, write: logs.Write) -> None:
        self._models, self._board, self._slot = models, board, board.slots[0]
        self._pythons = settings.model_pythons
        self.bodies = protocol.Bodies(settings.payload_limit)
        self.leaving = False
        self._ids = RequestIds()
        self.access = AccessLog(write, enabled=log.isEnabledFor(logging.INFO), as_json=settings.log_format == "json")

    def answers(self, requests: Sequence[Request]) -> list[Reply | Coroutine[Any, Any, Reply]]:
        """The answers, at once where nothing is waited for."""
        return [self._answer(request) for request in requests]

    def overloaded(self, waiting: int) -> RequestError | None:
        """None: each model's own server refuses what is too much for it."""
        del waiting
        return None

    def _answer(self, request: Request) -> Reply | Coroutine[Any, Any, Reply]:
        if request.path == "/ping":
            return Reply(200, b"\n", protocol.TEXT)
        if request.path == "/metrics":
            return Reply(200, metrics.exposition(self._board) + self._own_metrics(), metrics.CONTENT_TYPE)
        if request.path != "/models" and not request.path.startswith("/models/"):
            return Reply(404, b"no such path; this container has /ping and /models\n", protocol.TEXT)
        return self._answer_models(request)

    def refuse(self, request: Request, error: RequestError) -> Reply:
        """The answer to a request whose body the carrier does not take."""
        request.id = self._ids.of(request.headers)
        return protocol.refusal(error)

    def finished(self, request: Request, status: int, sent: int) -> None:
        """Count and log an invocation."""
        if request.id:
            seconds = time.perf_counter() - request.started
            self._slot.answered(status, seconds, len(request.body), sent)
            trace = trace_id(request.headers.get(b"traceparent"))
            self.access.add(request.id, trace, status, seconds, len(request.body), sent)

    async def pieces(self, reply: Reply) -> AsyncGenerator[bytes]:
        """A streamed answer's pieces, as the model's server sends them."""
        if isinstance(reply.body, AsyncGenerator):
            async with contextlib.aclosing(reply.body) as coming:
                async for piece in coming:
                    yield piece

    async def _answer_models(self, request: Request) -> Reply:
        _, _, name, *rest = [*request.path.split("/"), "", ""][:5]
        try:
            if request.path == "/models":
                return await self._all(request)
            if [part for part in rest if part] == ["invoke"]:
                return await self._invoke(request, unquote(name))
            return await self._one(request.method, unquote(name))
        except Exception as error:  # noqa: BLE001 - whatever went wrong is this request's answer, and the server lives on
            return failure(error)

    async def _all(self, request: Request) -> Reply:
        if request.method == "GET":
            return self._page(request)
        if request.method != "POST":
            raise RequestError(405, "use GET or POST")
        try:
            document = orjson.loads(request.body)
            name, url = str(document["model_name"]), str(document["url"])
            python = str(document.get("python", sys.executable)) if self._pythons else sys.executable
        except (orjson.JSONDecodeError, KeyError, TypeError) as error:
            raise bad_request("the body must be JSON with `model_name` and `url`") from error
        await self._models.load(name, url, python)
        return _json({"modelName": name, "modelUrl": url})

    def _page(self, request: Request) -> Reply:
        token = parse_qs(request.query).get("next_page_token", ["0"])[0]
        start = int(token) if token.isdecimal() else 0
        names = self._models.names()
        document: dict[str, Any] = {
            "models": [{"modelName": name, "modelUrl": url} for name, url in names[start : start + PAGE]]
        }
        if len(names) > start + PAGE:
            document["nextPageToken"] = str(start + PAGE)
        return _json(document)

    async def _one(self, method: str, name: str) -> Reply:
        if method == "DELETE":
            await self._models.unload(name)
            return _json({"modelName": name})
        if method != "GET":
            raise RequestError(405, "use GET or DELETE")
        return _json({"modelName": name, "modelUrl": self._models.use(name).url})

    async def _invoke(self, request: Request, name: str) -> Reply:
        if request.method != "POST":
            raise RequestError(405, "use POST")
        request.id = self._ids.of(request.headers)
        headers = {**request.headers, b"x-request-id": request.id.encode()}
        return await self._models.use(name).send("POST", "/invocations", headers, request.body)

    def _own_metrics(self) -> bytes:
        return (
            "# HELP fogbank_models_loaded Models that are loaded.\n# TYPE fogbank_models_loaded gauge\n"
            f"fogbank_models_loaded {len(self._models.names())}\n"
            "# HELP fogbank_models_bytes Memory that the models' processes hold (PSS).\n# TYPE fogbank_models_bytes gauge\n"
            f"fogbank_models_bytes {self._models.memory()}\n"
        ).encode()


def _is_folder(url: str) -> bool:
    return Path(url).is_dir()


def serve_models(settings: ServeSettings) -> int:
    """Serve the /models API until told to stop; returns the exit status."""
    return uvloop.run(_serve(settings))


async def _serve(settings: ServeSettings) -> int:
    loop, leave = asyncio.get_running_loop(), asyncio.Event()
    board = Scoreboard(1)
    models = Models(settings)
    writer = logs.LogWriter()
    logs.set_up(settings.log_level, settings.log_format, writer.write)
    service = MultiModelService(models, settings, board, writer.write)
    connections = Connections(service, settings.timeout_s, board.slots[0])
    acceptor = Acceptor(listen(settings), connections, lambda _: Turn.MINE, settings.user)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, leave.set)
    if ENV_PARENT_FD in os.environ:
        loop.add_reader(int(os.environ[ENV_PARENT_FD]), leave.set)
    board.slots[0][Field.STATE] = State.READY
    watching = loop.create_task(_watch_models(models, connections))
    await leave.wait()
    if ENV_PARENT_FD in os.environ:
        loop.remove_reader(int(os.environ[ENV_PARENT_FD]))  # once closed it is readable for good
    watching.cancel()
    service.leaving = True
    await acceptor.close()
    await connections.drain(STOP_GRACE_S - 10)
    await models.close()
    service.access.flush()
    writer.close()
    return 0


async def _watch_models(models: Models, connections: Connections) -> None:
    while True:
        connections.sweep(time.monotonic())
        await models.forget_dead()
        await asyncio.sleep(BEAT_S)


def _json(document: dict[str, Any]) -> Reply:
    return Reply(200, orjson.dumps(document), protocol.JSON)

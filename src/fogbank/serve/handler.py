"""A loaded model behind the user's functions, with the toolkit's defaults for those that are not there.

In: the unpacked model folder and the settings; out: a `Handler`, which answers one call, or the steps of it. Nothing is
unpickled before every file has the digest that the package's manifest names.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

import numpy as np

from fogbank.contracts.container import ServeSettings
from fogbank.contracts.errors import DigestError, FogbankError
from fogbank.contracts.manifest import INNER_NAME, PackageManifest, decode_package
from fogbank.ground.digest import sha256_bytes
from fogbank.scoring.refusal import FAULTS
from fogbank.serve import media
from fogbank.serve.answers import Answers
from fogbank.serve.context import Context
from fogbank.serve.decode import Decoder
from fogbank.serve.encode import Encoder, not_writable
from fogbank.serve.guard import blamed
from fogbank.serve.models import load_model, predictor
from fogbank.serve.plain import NotWritableError
from fogbank.serve.problems import LoadError
from fogbank.serve.program import ANSWERING, UserFunction, located, user_functions
from fogbank.serve.protocol import JSON, Reply
from fogbank.serve.toolkit import is_response, of_parameters, of_response, toolkit_body, with_context

InThread = Callable[..., Awaitable[Any]]


@dataclass(slots=True)
class Call:
    """One request, as the handler sees it. `context` is there where a function asks for it."""

    body: bytes
    content_type: str
    accept: str
    context: Context | None = None


class Handler:
    """What answers a call.

    `own_code` says whether code of the user's runs, `is_async` whether any of it is awaited, `batches` whether several
    calls' rows may be predicted together, `batch_exact` whether pack has proven that no answer changes by it.
    """

    def __init__(
        self,
        functions: dict[str, UserFunction],
        model: Any,
        package: PackageManifest | None,
        settings: ServeSettings,
    ) -> None:
        self.package, self._model, self._functions = package, model, functions
        self._decoder = Decoder(package.input if package else None)
        self._encoder = Encoder(package.output if package else None)
        self._default_accept = settings.default_accept
        self.accepted, self.offered = self._decoder.accepted, self._encoder.preference(settings.default_accept or JSON)
        self._offers = {kind: self._encoder.preference(kind) for kind in self.offered}
        self._accepted = lru_cache(256)(self._accept)
        self._names = package.input.names if package else ()
        self._predictor = (
            None
            if functions.keys() & {"predict_fn", "transform_fn"}
            else predictor(model, _method(package), self._names)
        )
        self._answers = Answers(package, model, self._predictor)
        answering = [function for name, function in functions.items() if name in ANSWERING]
        known = callable(getattr(model, _method(package), None))
        self.own_code = package is None or package.handler is not None or not known
        self.is_async = any(function.is_async for function in answering)
        self.wants_context = any(function.wants_context for function in answering)
        predicts = functions.get("predict_fn")
        self.batches = (
            not self.is_async
            and "transform_fn" not in functions
            and not (predicts is not None and predicts.wants_context)  # which is one call's, not that of several
        )
        self.batch_exact = package is not None and package.compilation.batch_exact
        self._writes_itself = bool(functions.keys() & {"output_fn", "transform_fn"})

    def __call__(self, call: Call) -> Reply:
        """Answer in this thread. Raises RequestError for the caller's faults, anything else for the handler's."""
        accept = self.accept(call)
        if self._predictor is not None and not self._functions and ";" not in accept:  # the way that is taken most
            return Reply(200, *self._encoder(self._predictor(self._decoder(call.body, call.content_type)), accept))
        if "transform_fn" in self._functions:
            body = toolkit_body(call.body, call.content_type)
            return self.reply(
                self._own("transform_fn", call, self._model, body, call.content_type, accept), call, accept
            )
        return self.encode(self._predicted(self.decode(call), call, accept), call, accept)

    def of_numbers(self, table: Any) -> Any | None:
        """The prediction for CSV of finite numbers, shape (rows, columns of the schema), that has no header; None where code of the user's
        runs or its text has to be looked at."""
        if self._predictor is None or self._functions:
            return None
        rows = self._decoder.of_numbers(table)
        return None if rows is None else self._predictor(rows)

    def decode(self, call: Call) -> Any:
        """The call's rows, or whatever the user's input_fn makes of the body."""
        if "input_fn" in self._functions:
            return self._own("input_fn", call, toolkit_body(call.body, call.content_type), call.content_type)
        return self._decoder(call.body, call.content_type)

    def predict(self, data: Any, call: Call) -> Any:
        """The prediction of one call's data, or of several calls' rows together."""
        if self._predictor is not None:
            return self._predictor(data)
        try:
            return self._own("predict_fn", call, data, self._model)
        except FAULTS as error:
            ask = partial(self._own, "predict_fn", call)
            fault = blamed(lambda rows: ask(rows, self._model), data, self._model, self._names, error)
            if fault is error:
                raise
            raise fault from error

    def _predicted(self, data: Any, call: Call, accept: str) -> Any:
        if ";" in accept and self._predictor is not None:
            return self._answers.predict(data, accept)
        return self.predict(data, call)

    def encode(self, prediction: Any, call: Call, accept: str) -> Reply:
        """The answer's bytes."""
        if "output_fn" in self._functions:
            return self.reply(self._own("output_fn", call, prediction, accept), call, accept)
        if type(prediction) is not np.ndarray and (hasattr(prediction, "__next__") or hasattr(prediction, "__anext__")):
            return self.reply(prediction, call, accept)
        if ";" not in accept:
            return with_context(Reply(200, *self._encoder(prediction, accept)), call.context)
        try:
            return with_context(Reply(200, *self._answers.write(prediction, accept)), call.context)
        except NotWritableError as error:
            raise not_writable(accept, error) from error

    async def run_async(self, call: Call, in_thread: InThread) -> Reply:
        """Answer with the user's coroutine functions on this loop and the plain ones in the model's thread."""
        accept = self.accept(call)
        if "transform_fn" in self._functions:
            body = toolkit_body(call.body, call.content_type)
            result = await self._step("transform_fn", call, in_thread, self._model, body, call.content_type, accept)
            return self.reply(result, call, accept)
        if "input_fn" in self._functions:
            data = await self._step(
                "input_fn", call, in_thread, toolkit_body(call.body, call.content_type), call.content_type
            )
        else:
            data = self._decoder(call.body, call.content_type)
        if self._predictor is not None:
            prediction = await in_thread(self._predicted, data, call, accept)
        else:
            prediction = await self._step("predict_fn", call, in_thread, data, self._model)
        if "output_fn" in self._functions:
            return self.reply(await self._step("output_fn", call, in_thread, prediction, accept), call, accept)
        return self.encode(prediction, call, accept)

    def accept(self, call: Call) -> str:
        """The type to answer with: where the caller has no wish the one that is configured, else the request's own, so that both sides
        of a captured record have one encoding. A script that writes its own answers is asked for JSON, as by the toolkit.

        Raises RequestError 406 before anything runs.
        """
        return self._accepted(call.accept, call.content_type)

    def _accept(self, accept: str, content_type: str) -> str:
        if self._writes_itself:
            return media.first_choice(accept, self._default_accept or JSON)
        if self._default_accept:
            accepted = media.styled(accept, self.offered, self._default_accept)
        else:
            kind, _ = media.content_type(content_type)
            accepted = media.styled(accept, self._offers.get(kind, self.offered), kind)
        if accepted is None:
            raise self._encoder.unacceptable(accept)
        return accepted

    def reply(self, result: Any, call: Call, accept: str) -> Reply:
        """A function's own result as an answer: a body, a body with its content type, pieces, or a response object."""
        if is_response(result):
            return with_context(of_response(result), call.context)
        body, kind = result if isinstance(result, tuple) and len(result) == 2 else (result, accept)
        if isinstance(body, str):
            body = body.encode()
        elif isinstance(body, bytearray | memoryview):
            body = bytes(body)
        if isinstance(body, bytes) or hasattr(body, "__next__") or hasattr(body, "__anext__"):
            return with_context(Reply(200, body, kind), call.context)
        return with_context(Reply(200, *self._encoder(body, kind)), call.context)

    def execution_parameters(self) -> Reply | None:
        """What `execution_parameters_fn` says, or None where the user has none: a dictionary, its text, or a response."""
        function = self._functions.get("execution_parameters_fn")
        if function is None:
            return None
        return of_parameters(_now(function))

    def _own(self, name: str, call: Call, *arguments: Any) -> Any:
        function = self._functions[name]
        return function.call(*arguments, call.context) if function.wants_context else function.call(*arguments)

    async def _step(self, name: str, call: Call, in_thread: InThread, *arguments: Any) -> Any:
        if self._functions[name].is_async:
            return await self._own(name, call, *arguments)
        return await in_thread(self._own, name, call, *arguments)


def load_handler(settings: ServeSettings) -> Handler:
    """Check the digests, import the user's module and load the model. Raises LoadError."""
    package = checked_package(settings)
    functions = user_functions(settings, package)
    context = Context(str(settings.model_dir), package)
    own = functions.get("model_fn")
    if own is None and package is None:
        raise LoadError(
            "the handler has no model_fn, and the archive has no manifest that names the model's file",
            "handler-contract",
        )
    try:
        model = _model(functions, context, package, settings)
        return Handler(functions, model, package, settings)
    except (Exception, SystemExit) as error:
        if isinstance(error, LoadError):
            raise
        what, code = ("model_fn failed", "model-fn-error") if own else ("the model does not load", "model-unreadable")
        raise LoadError(f"{what}: {located(error, settings.code_dir)}", code) from error


def _model(
    functions: Mapping[str, UserFunction], context: Context, package: PackageManifest | None, settings: ServeSettings
) -> Any:
    """The loaded model, with the toolkit's hooks before and after. Raises LoadError, and whatever a library raises."""
    own = functions.get("model_fn")
    _hook(functions, context, settings, "pre_model_fn", context.model_dir)
    model = (
        load_model(package, settings.model_dir)  # type: ignore[arg-type]  # without a model_fn there is a package
        if own is None
        else _now(own, context.model_dir, context=context)
    )
    _hook(functions, context, settings, "model_warmup_fn", context.model_dir, model)
    return model


def _hook(
    functions: Mapping[str, UserFunction], context: Context, settings: ServeSettings, name: str, *arguments: Any
) -> None:
    if name not in functions:
        return
    try:
        _now(functions[name], *arguments, context=context)
    except (Exception, SystemExit) as error:
        raise LoadError(f"{name} failed: {located(error, settings.code_dir)}", "model-fn-error") from error


def checked_package(settings: ServeSettings) -> PackageManifest | None:
    """The package's manifest with every digest checked; None for a plain script-mode archive. Raises LoadError."""
    path = settings.model_dir / INNER_NAME
    if not path.is_file():
        if settings.package_sha256:
            raise LoadError(f"{INNER_NAME} is missing, and its digest is required", "file-differs")
        return None
    data = path.read_bytes()
    if settings.package_sha256 and sha256_bytes(data) != settings.package_sha256:
        raise LoadError(str(DigestError(INNER_NAME, settings.package_sha256, sha256_bytes(data))), "file-differs")
    try:
        package = decode_package(data)
        package.check_files(settings.model_dir)
    except FogbankError as error:
        raise LoadError(str(error), "file-differs") from error
    return package


def _method(package: PackageManifest | None) -> str:
    return package.method if package else "predict"


def _now(function: UserFunction, *arguments: Any, context: Context | None = None) -> Any:
    """Call one of the user's functions outside of a request, one that is a coroutine function on a loop of its own."""
    result = function.call(*arguments, context) if function.wants_context else function.call(*arguments)
    return asyncio.run(result) if function.is_async else result

"""A function invoked: found, given a process, answered, logged.

In: a function's name, a qualifier and an event; out: its answer, or the error that Lambda's API has for that. Sources: the Lambda API
reference, "Invoke"; the Developer Guide, "Lambda runtime environment".
"""

from __future__ import annotations

import json
import random
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

from fogbank.cloud.api.errors import ApiError
from fogbank.cloud.functions.code import CodeError
from fogbank.cloud.functions.logs import Invoked, Logs
from fogbank.cloud.functions.pool import Held, Pool
from fogbank.cloud.functions.sandbox import Answered
from fogbank.cloud.hosting.environment import DependencyError
from fogbank.cloud.moto.functions import Function, find
from fogbank.ground.aws import LOCAL_ACCOUNT

MOST_RETURNED = 6_291_556
"""Bytes of an answer."""


@dataclass(frozen=True, kw_only=True)
class Result:
    """What an invocation is answered with: the handler's answer, or the error, as JSON text. `tail` is the end of its log, in base64."""

    version: str
    payload: str
    failed: bool
    tail: str


class Invocations:
    """Runs functions."""

    def __init__(self, pool: Pool, logs: Logs, look: Callable[..., Function | None] = find) -> None:
        self._pool, self._logs, self._look = pool, logs, look

    def find(self, region: str, name: str, qualifier: str | None = None, request_id: str = "") -> Function:
        """What is to run. Raises ApiError."""
        share = random.Random(request_id).random()
        function = self._look(region, name, qualifier, share)
        if function is None:
            arn = name if name.startswith("arn:") else f"arn:aws:lambda:{region}:{LOCAL_ACCOUNT}:function:{name}"
            more = f":{qualifier}" if qualifier and not arn.endswith(f":{qualifier}") else ""
            raise ApiError("ResourceNotFoundException", f"Function not found: {arn}{more}", 404, Type="User")
        if refused := unrunnable(function):
            raise ApiError("NotImplemented", refused, 501)
        return function

    def run(self, function: Function, event: str, request_id: str, client_context: str = "") -> Result:
        """Let it answer an event. Raises ApiError."""
        try:
            held = self._pool.take(function)
        except CodeError as error:
            raise ApiError("InvalidZipFileException", str(error), 502) from error
        except (DependencyError, OSError) as error:
            raise ApiError("ServiceException", f"the function's process cannot be started: {error}", 500) from error
        init = answered = None
        over = True
        try:
            if held.sandbox.init is None:
                init = held.sandbox.start()
            if init is None or not init.failed:
                asked = {
                    "id": request_id,
                    "event": event,
                    "arn": function.arn,
                    "deadline": time.time() + function.timeout_s,
                    "client_context": json.loads(client_context) if client_context else None,
                }
                answered = held.sandbox.invoke(asked, function.timeout_s)
                over = answered.over
        finally:
            self._pool.give_back(held, over=over)
        return self._told(function, held, request_id, init, answered)

    def _told(
        self, function: Function, held: Held, request_id: str, init: Answered | None, answered: Answered | None
    ) -> Result:
        invoked = Invoked(
            name=function.name,
            region=function.region,
            version=function.version,
            stream=held.stream,
            request_id=request_id,
            memory_mb=function.memory_mb,
            runtime=_runtime(),
            notice=_notice(function),
            init=init,
            answered=answered,
        )
        self._logs.write(invoked)
        last = answered or init
        payload, failed = (last.payload, last.failed) if last else ("null", False)
        if len(payload.encode()) > MOST_RETURNED:
            failed = True
            payload = json.dumps({
                "errorMessage": f"Response payload size exceeded maximum allowed payload size ({MOST_RETURNED} bytes).",
                "errorType": "Function.ResponseSizeTooLarge",
            })  # fmt: skip
        return Result(version=function.version, payload=payload, failed=failed, tail=invoked.tail())


def unrunnable(function: Function) -> str | None:
    """Why the local cloud does not run a function; None where it does."""
    if function.package != "Zip":
        return f"the local cloud runs functions of zips: {function.name} is an image"
    if not function.runtime.startswith("python3."):
        return f"the local cloud runs functions of Python's runtimes: {function.name} has {function.runtime or 'none'}"
    return None


def _runtime() -> str:
    return f"python:{sys.version_info.major}.{sys.version_info.minor} (local)"


def _notice(function: Function) -> str:
    """That another Python runs the function than the one it names: this machine has the cloud's own."""
    own = f"python{sys.version_info.major}.{sys.version_info.minor}"
    return "" if function.runtime == own else f"the function names {function.runtime}; this machine runs {own}"

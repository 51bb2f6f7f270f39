"""InvokeEndpointAsync: a call becomes a request in the backlog, and is answered 202 when the store has it.

In: a request on the event loop; out: its answer there. The store is written in a thread.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import uuid
from functools import partial
from urllib.parse import unquote

from fogbank.cloud.api.errors import ApiError
from fogbank.cloud.api.resource import Ground
from fogbank.cloud.ground.connection import Done
from fogbank.cloud.ground.wire import Answer, Request, error_answer, json_answer
from fogbank.cloud.hosting.asynchronous import Taken, accepted
from fogbank.cloud.hosting.backlog import Backlog
from fogbank.cloud.hosting.endpoints import Endpoints
from fogbank.cloud.hosting.refused import invalid, not_serving, refusal
from fogbank.cloud.hosting.stages import ComingError, Name
from fogbank.ground.aws import LOCAL_ACCOUNT

log = logging.getLogger("fogbank.cloud")
PREFIX, SUFFIX = "/endpoints/", "/async-invocations"
THREADS = 8


class Acceptance:
    """Accepts."""

    def __init__(self, ground: Ground, endpoints: Endpoints, backlog: Backlog) -> None:
        self._clock, self._endpoints, self._backlog = ground.clock, endpoints, backlog
        self._threads = ground.runner.threads("accept", THREADS)

    @staticmethod
    def takes(request: Request) -> bool:
        """Whether it is an InvokeEndpointAsync."""
        return request.method == "POST" and request.path.endswith(SUFFIX)

    def start(self, request: Request, done: Done) -> None:
        """Begin to answer a call, on the event loop."""
        self._threads.submit(partial(self._answer, request, done, asyncio.get_running_loop()))

    def _answer(self, request: Request, done: Done, loop: asyncio.AbstractEventLoop) -> None:
        """In a thread."""
        try:
            answer = self._accept(request)
        except ApiError as error:
            answer = refusal(request, error)
        except Exception as error:  # a full disk: nothing was accepted
            log.exception("%s", request.path)
            answer = error_answer(request, 500, "InternalFailure", f"the local cloud failed: {error!r}")
        with contextlib.suppress(RuntimeError):  # the loop has closed: nobody waits any more
            loop.call_soon_threadsafe(done, answer)

    def _accept(self, request: Request) -> Answer:
        name = unquote(request.path[len(PREFIX) : -len(SUFFIX)])
        record = self._endpoints.find(request.region, name)
        if record is None or record.state.live is None or not self._serves((request.region, name)):
            raise not_serving(record, name)
        config = record.state.live.asynchronous
        if config is None:
            raise invalid(
                f"Endpoint {name} of account {LOCAL_ACCOUNT} is not an asynchronous endpoint: its configuration has no "
                "AsyncInferenceConfig. Call InvokeEndpoint instead."
            )
        taken = Taken(
            id=str(uuid.uuid4()),
            region=request.region,
            endpoint=name,
            endpoint_made=record.public["CreationTime"],
            received=self._clock.epoch(),
            config=config,
        )
        one = accepted(request.headers, request.body, taken)
        self._backlog.put(one)
        answer = json_answer({"InferenceId": one.inference_id}, 202, "application/json")
        failure = {"X-Amzn-SageMaker-FailureLocation": one.failure} if one.failure else {}
        headers = {**answer.headers, "X-Amzn-SageMaker-OutputLocation": one.output, **failure}
        return Answer(status=202, headers=headers, body=answer.body)

    def _serves(self, name: Name) -> bool:
        """Whether the endpoint takes requests: one that comes up again does, and one whose components do."""
        try:
            record = self._endpoints.find(*name)
            hosts = record is not None and record.state.live is not None and record.state.live.hosts_components
            return hosts or self._endpoints.router(*name) is not None
        except ComingError:
            return True

"""One invocation's way on the event loop: an endpoint's router, a variant's seat, an instance, and once more where that one died.

In: a request; out: an outcome, or the error of a caller who named what is not there. Who must wait, for an instance or for an endpoint
that comes up again, is looked after a few times a second: waiting holds no thread.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import NamedTuple, Protocol

from fogbank.cloud.api.errors import ApiError
from fogbank.cloud.ground.connection import Done
from fogbank.cloud.ground.wire import Request
from fogbank.cloud.hosting.address import TARGET_MODEL
from fogbank.cloud.hosting.instance import FleetGoneError
from fogbank.cloud.hosting.lines import InstanceDownError, InstanceTimeoutError, NoReplyError, RefusedError, Reply
from fogbank.cloud.hosting.pool import Seat, SeatGoneError
from fogbank.cloud.hosting.sessions import SESSION, gone
from fogbank.cloud.hosting.stages import ComingError
from fogbank.cloud.hosting.streams import Stream
from fogbank.cloud.hosting.variant import Variant
from fogbank.contracts.container import INVOCATION_LIMIT_S, STREAM_LIMIT_S

TIMED_OUT = (
    "Your invocation timed out while waiting for a response from container {container}. Review the latency metrics for each "
    "container in Amazon CloudWatch, resolve the issue, and try again."
)

NOT_READY = "The serverless endpoint variant's resources are still being provisioned. Wait and try your request again."


class Outcome(NamedTuple):
    """What came of a request to a container; `status` 0 where it did not answer. Header names are in lower case."""

    status: int
    body: bytes
    headers: Mapping[str, str]
    model_s: float
    container: str = NoReplyError.container


class Plane(Protocol):
    """Who looks after invocations."""

    def ended(self, invocation: Invocation) -> None:
        """It has an `outcome` or an `error`."""

    def wait(self, invocation: Invocation) -> None:
        """It cannot be asked yet: `begin` it again in a moment."""

    def choose(self, invocation: Invocation) -> Variant:
        """The variant that gets the request. Raises ComingError, ApiError."""


class Invocation:
    """One request that is under way, for any instance or for `only` one; with a `stream`, which is `done` too, a reply in pieces is answered as it comes."""

    __slots__ = (
        "_again", "_plane", "_seat", "asked", "done", "error", "headers", "instance", "only", "outcome", "request", "started", "stream", "variant"
    )  # fmt: skip

    def __init__(
        self, request: Request, headers: dict[str, str], plane: Plane, done: Done, stream: Stream | None = None
    ) -> None:
        self.request, self.done, self.stream = request, done, stream
        self.headers, self._plane = headers, plane
        self.started = time.perf_counter()
        self.variant: Variant | None = None
        self.outcome: Outcome | None = None
        self.error: ApiError | None = None
        self.only = self.instance = ""
        self._seat: Seat | None = None
        self.asked = 0.0
        self._again = True

    def begin(self) -> None:
        """Go to an instance that answers, or wait for one."""
        try:
            while not self._ask():
                pass
        except ComingError:
            self._wait("the endpoint does not come up again")
        except ApiError as error:
            self._end(error)

    def _ask(self) -> bool:
        """Take a seat; False where the fleet has gone in the meantime, and another one has the traffic."""
        variant = self.variant = self.variant or self._choose()
        self.asked = time.perf_counter()
        try:
            seat = variant.pool.take(self.headers.get(TARGET_MODEL, ""), self.only)
        except SeatGoneError:
            raise gone(self.request.headers.get(SESSION, "")) from None
        except FleetGoneError:
            self._leave()
            self.variant = None
            return False
        except InstanceDownError as error:
            self._answered(error)
            return True
        if seat is None:
            self._wait("no instance")
            return True
        self._seat, self.instance = seat, seat.server.id
        if self.stream is not None:
            self.stream.variant = variant.name
        limit_s = INVOCATION_LIMIT_S if self.stream is None else STREAM_LIMIT_S
        seat.server.ask(self.request.body, self.headers, limit_s, self._answered, self.stream)
        return True

    def _wait(self, why: str) -> None:
        """Wait, unless it has waited for as long as an invocation may take: then that is what comes of it."""
        if time.perf_counter() - self.started < INVOCATION_LIMIT_S:
            self._plane.wait(self)
        elif self.variant is None:
            self._end(ApiError("ServiceUnavailable", why, 503))
        elif self.variant.plan.concurrency is not None:
            self._end(ApiError("ModelNotReadyException", NOT_READY, 429))
        else:
            self._answered(InstanceDownError(why))

    def _choose(self) -> Variant:
        """A variant that has room for the request. Raises ComingError, ApiError."""
        variant = self._plane.choose(self)
        if variant.plan.concurrency is not None and not variant.plan.concurrency.enter():
            raise ApiError("ThrottlingException", "Rate exceeded")
        return variant

    def _leave(self) -> None:
        if self.variant is not None and self.variant.plan.concurrency is not None:
            self.variant.plan.concurrency.leave()

    def _end(self, error: ApiError | None = None) -> None:
        self.error = error
        self._leave()
        self._plane.ended(self)

    def _answered(self, reply: Reply | NoReplyError) -> None:
        seat, self._seat = self._seat, None
        if seat is not None and self.variant is not None:
            self.variant.pool.leave(seat)
        if self.stream is not None and self.stream.begun:
            self._streamed(self.stream, reply)
            return
        if isinstance(reply, InstanceDownError) and seat is not None and self._again and not seat.server.alive():
            self._again = False
            self._plane.wait(self)
            return
        model_s = time.perf_counter() - self.asked
        if isinstance(reply, Reply):
            self.outcome = Outcome(reply.status, reply.data, reply.headers, model_s, reply.container)
        elif isinstance(reply, RefusedError):
            self.error = reply.error
        else:
            slow = isinstance(reply, InstanceTimeoutError)
            said = (
                TIMED_OUT.format(container=reply.container)
                if slow
                else f"the container died while it answered: {reply}"
            )
            self.outcome = Outcome(0, said.encode(), {}, model_s, reply.container)
        self._end(self.error)

    def _streamed(self, stream: Stream, reply: Reply | NoReplyError) -> None:
        """The stream is at its end: its status was told at its beginning, whatever came after."""
        stream.ends(None if isinstance(reply, Reply) else reply)
        self.outcome = Outcome(200, b"", {}, time.perf_counter() - self.asked)
        self._end()

"""One invocation's way on the event loop: an endpoint's router, a variant's seat, an instance, and once more where that one died.

In: a request; out: an outcome, or the error of a caller who named what is not there. Who must wait, for an instance or for an endpoint
that comes up again, is looked after a few times a second: waiting holds no thread.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from fogbank.cloud.api.errors import ApiError
from fogbank.cloud.ground.connection import Done
from fogbank.cloud.ground.wire import Request
from fogbank.cloud.hosting.instance import FleetGoneError
from fogbank.cloud.hosting.lines import InstanceDownError, InstanceTimeoutError, Reply
from fogbank.cloud.hosting.pool import Seat
from fogbank.cloud.hosting.stages import ComingError
from fogbank.cloud.hosting.variant import Variant
from fogbank.contracts.container import INVOCATION_LIMIT_S

TIMED_OUT = (
    "Your invocation timed out while waiting for a response from container primary. Review the latency metrics for each "
    "container in Amazon CloudWatch, resolve the issue, and try again."
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a request to a container; `status` 0 where it did not answer. Header names are in lower case."""

    status: int
    body: bytes
    headers: Mapping[str, str]
    model_s: float


class Plane(Protocol):
    """Who looks after invocations."""

    def ended(self, invocation: Invocation) -> None:
        """It has an `outcome` or an `error`."""

    def wait(self, invocation: Invocation) -> None:
        """It cannot be asked yet: `begin` it again in a moment."""


class Invocation:
    """One request that is under way."""

    __slots__ = (
        "_again", "_asked", "_choose", "_headers", "_plane", "_seat", "done", "error", "outcome", "request", "started", "variant"
    )  # fmt: skip

    def __init__(
        self, request: Request, headers: Mapping[str, str], choose: Callable[[], Variant], plane: Plane, done: Done
    ) -> None:
        """`choose` gives the variant that is asked. Raises ComingError, ApiError."""
        self.request, self.done = request, done
        self._headers, self._choose, self._plane = headers, choose, plane
        self.started = time.perf_counter()
        self.variant: Variant | None = None
        self.outcome: Outcome | None = None
        self.error: ApiError | None = None
        self._seat: Seat | None = None
        self._asked = 0.0
        self._again = True

    def begin(self) -> None:
        """Go to an instance that answers, or wait for one."""
        try:
            while not self._ask():
                pass
        except ComingError:
            self._wait("the endpoint does not come up again")
        except ApiError as error:
            self.error = error
            self._plane.ended(self)

    def _ask(self) -> bool:
        """Take a seat; False where the fleet has gone in the meantime, and another one has the traffic."""
        variant = self.variant = self.variant or self._choose()
        self._asked = time.perf_counter()
        try:
            seat = variant.pool.take()
        except FleetGoneError:
            self.variant = None
            return False
        except InstanceDownError as error:
            self._answered(error)
            return True
        if seat is None:
            self._wait("no instance")
            return True
        self._seat = seat
        seat.server.ask(self.request.body, self._headers, INVOCATION_LIMIT_S, self._answered)
        return True

    def _wait(self, why: str) -> None:
        """Wait, unless it has waited for as long as an invocation may take: then that is what comes of it."""
        if time.perf_counter() - self.started < INVOCATION_LIMIT_S:
            self._plane.wait(self)
        elif self.variant is None:
            self.error = ApiError("ServiceUnavailable", why, 503)
            self._plane.ended(self)
        else:
            self._answered(InstanceDownError(why))

    def _answered(self, reply: Reply | InstanceDownError | InstanceTimeoutError) -> None:
        seat, self._seat = self._seat, None
        if seat is not None and self.variant is not None:
            self.variant.pool.leave(seat)
        if isinstance(reply, InstanceDownError) and seat is not None and self._again and not seat.server.alive():
            self._again = False
            self._plane.wait(self)
            return
        model_s = time.perf_counter() - self._asked
        if isinstance(reply, Reply):
            self.outcome = Outcome(reply.status, reply.data, reply.headers, model_s)
        elif isinstance(reply, InstanceTimeoutError):
            self.outcome = Outcome(0, TIMED_OUT.encode(), {}, model_s)
        else:
            self.outcome = Outcome(0, f"the container died while it answered: {reply}".encode(), {}, model_s)
        self._plane.ended(self)

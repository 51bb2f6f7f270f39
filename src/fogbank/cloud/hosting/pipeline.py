"""The containers of one instance as one server: a request passes all of them in order, or goes to the one that it names.

In: a request; out: the last container's reply, the first that is no success, or why there is none, with the name of the container that
it is of. What one answers is the next one's request, with its content type; the caller's Accept is for the last alone, as the toolkits'
default between containers is their own. Source: AWS Developer Guide, "Inference pipelines in Amazon SageMaker AI", "Invoke a multi-container
endpoint with direct invocation".
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Protocol

from fogbank.cloud.hosting.instance import Instance
from fogbank.cloud.hosting.lines import InstanceTimeoutError, NoReplyError, Replied, Reply, Sink
from fogbank.cloud.hosting.pool import Answered
from fogbank.cloud.observe.measures import NAMESPACE, Values

TARGET_CONTAINER = "x-amzn-sagemaker-target-container-hostname"


class Tell(Protocol):
    """Takes values of CloudWatch's metrics."""

    def __call__(self, values: Values, container: str = "", namespace: str = NAMESPACE) -> None:
        """Of the instance, or of one container of it."""


class Machine(Protocol):
    """What a host starts: one container, or several as one."""

    @property
    def id(self) -> str:
        """What it is known by."""

    @property
    def instances(self) -> Sequence[Instance]:
        """The servers that it is."""

    def alive(self) -> bool:
        """Whether all of them run."""

    def ask(
        self, body: bytes, headers: Mapping[str, str], timeout_s: float, done: Replied, sink: Sink | None = None
    ) -> None:
        """Ask it, on the event loop."""

    def invoke(self, body: bytes, headers: Mapping[str, str], timeout_s: float) -> Answered:
        """Ask it and wait. Raises InstanceDownError, InstanceTimeoutError."""

    def get(self, path: str) -> Answered:
        """GET of the first container. Raises InstanceDownError."""

    def kill(self) -> None:
        """End it at once."""


class Pipeline:
    """The containers of one instance, by their host names in the order of a request; `direct` where a request names its one."""

    def __init__(self, name: str, parts: Mapping[str, Machine], tell: Tell, *, direct: bool) -> None:
        self.id, self._parts, self._tell, self._direct = name, dict(parts), tell, direct

    @property
    def instances(self) -> Sequence[Instance]:
        """The servers of all containers."""
        return [instance for part in self._parts.values() for instance in part.instances]

    def alive(self) -> bool:
        """Whether all containers run: where one does not, the instance is replaced."""
        return all(part.alive() for part in self._parts.values())

    def ask(
        self, body: bytes, headers: Mapping[str, str], timeout_s: float, done: Replied, sink: Sink | None = None
    ) -> None:
        """Ask the containers, on the event loop; a `sink` gets what the last one says in pieces."""
        target = headers.get(TARGET_CONTAINER, "")
        sent = {name: value for name, value in headers.items() if name != TARGET_CONTAINER}
        names = [target] if self._direct else list(self._parts)
        _Passage(self, names, sent, time.monotonic() + timeout_s, done, sink).send(body)

    def invoke(self, body: bytes, headers: Mapping[str, str], timeout_s: float) -> Answered:
        """Ask the containers and wait. Raises InstanceDownError, InstanceTimeoutError."""
        until, earlier = time.monotonic() + timeout_s, None
        *first, last = self._parts.values()
        for part in first:
            sent = passed(headers, earlier, last=False)
            reply = part.invoke(body, sent, max(0.001, until - time.monotonic()))
            if not 200 <= reply.status < 300:
                return reply
            body, earlier = reply.data, reply.headers
        return last.invoke(body, passed(headers, earlier, last=True), max(0.001, until - time.monotonic()))

    def get(self, path: str) -> Answered:
        """GET of the first container. Raises InstanceDownError."""
        return next(iter(self._parts.values())).get(path)

    def kill(self) -> None:
        """End every container at once."""
        for part in self._parts.values():
            part.kill()

    def part(self, name: str) -> Machine:
        """A container."""
        return self._parts[name]

    def tell(self, name: str, seconds: float, status: int) -> None:
        """Count what a container answered; where it was asked alone, as an invocation of its own."""
        values = {"ContainerLatency": (seconds * 1e6, "Microseconds")}
        if self._direct:
            values["Invocations"] = (1.0, "None")
            values["Invocation4XXErrors"] = (float(400 <= status < 500), "None")
            values["Invocation5XXErrors"] = (float(status >= 500 or status == 0), "None")
        self._tell(values, name)


class _Passage:
    """One request on its way through containers."""

    def __init__(
        self,
        pipeline: Pipeline,
        names: Sequence[str],
        headers: Mapping[str, str],
        until: float,
        done: Replied,
        sink: Sink | None,
    ) -> None:
        self._pipeline, self._left, self._headers = pipeline, list(names), headers
        self._until, self._done, self._sink = until, done, sink

    def send(self, body: bytes, earlier: Mapping[str, str] | None = None) -> None:
        """Ask the next container with this body, which comes with the headers of the `earlier` one's reply."""
        name, last = self._left.pop(0), not self._left
        left_s = self._until - time.monotonic()
        if left_s <= 0:
            self._replied(name, time.monotonic(), InstanceTimeoutError("the earlier containers took all of the time"))
            return
        replied = partial(self._replied, name, time.monotonic())
        headers = passed(self._headers, earlier, last=last)
        self._pipeline.part(name).ask(body, headers, left_s, replied, self._sink if last else None)

    def _replied(self, name: str, asked: float, reply: Reply | NoReplyError) -> None:
        status = reply.status if isinstance(reply, Reply) else 0
        self._pipeline.tell(name, time.monotonic() - asked, status)
        reply.container = name
        if self._left and isinstance(reply, Reply) and 200 <= status < 300:
            self.send(reply.data, reply.headers)
        else:
            self._done(reply)


def passed(headers: Mapping[str, str], earlier: Mapping[str, str] | None, *, last: bool) -> dict[str, str]:
    """A request's headers for one container: of the type that the `earlier` one answered; what the caller accepts is for the last."""
    sent = {name: value for name, value in headers.items() if last or name.lower() != "accept"}
    if earlier is not None:
        sent = {name: value for name, value in sent.items() if name.lower() != "content-type"}
        sent["content-type"] = earlier.get("content-type", "application/octet-stream")
    return sent

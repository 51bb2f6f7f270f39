"""Instances of a model in this process: what transform jobs are tested on."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from fogbank.cloud.hosting.lines import InstanceDownError
from tests.fakes.reply import FakeReply

NONE_THERE = FakeReply(404)
Model = Callable[["FakeScorer", bytes], FakeReply]


@dataclass
class FakeStream:
    """An answer in parts."""

    status: int
    parts: Iterator[bytes]


@dataclass
class FakeScorer:
    """An instance whose `model` answers; `bodies` are the requests that it got."""

    number: int
    model: Model
    parameters: FakeReply = NONE_THERE
    bodies: list[bytes] = field(default_factory=list)
    headers: list[Mapping[str, str]] = field(default_factory=list)
    gone: threading.Event = field(default_factory=threading.Event)

    def alive(self) -> bool:
        """Whether it was not ended, and did not die."""
        return not self.gone.is_set()

    def get(self, path: str) -> FakeReply:
        """/execution-parameters."""
        assert path == "/execution-parameters"
        return self.parameters

    def invoke(self, body: bytes, headers: Mapping[str, str], timeout_s: float) -> FakeReply:
        """What the model says, if the instance is there."""
        if self.gone.is_set():
            raise InstanceDownError("connection refused")
        self.bodies.append(body)
        self.headers.append(headers)
        return self.model(self, body)

    def stream(self, parts: Iterator[bytes], headers: Mapping[str, str], timeout_s: float) -> FakeStream:
        """What the model says of the whole, in two parts."""
        reply = self.invoke(b"".join(parts), headers, timeout_s)
        return FakeStream(reply.status, iter([reply.data[:1], reply.data[1:]]))

    def die(self) -> FakeReply:
        """End in the middle of an answer."""
        self.gone.set()
        raise InstanceDownError("connection reset")

    def hang(self) -> FakeReply:
        """Answer nothing until it is ended."""
        assert self.gone.wait(20)
        raise InstanceDownError("connection reset")

    def close(self) -> None:
        """End."""
        self.gone.set()


class FakeInstances:
    """Starts instances of a model; all that were started are in `started`."""

    def __init__(self, model: Model, parameters: FakeReply = NONE_THERE) -> None:
        self._model, self._parameters = model, parameters
        self.started: list[FakeScorer] = []
        self._lock = threading.Lock()

    def __call__(self) -> FakeScorer:
        """A new instance."""
        with self._lock:
            scorer = FakeScorer(len(self.started), self._model, self._parameters)
            self.started.append(scorer)
            return scorer

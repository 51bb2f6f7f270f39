"""Instances (`fogbank.cloud.hosting.pool.Server` and `Host`) without processes: they start, answer and die as they are told."""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections.abc import Mapping

from fogbank.cloud.ground.store import Document
from fogbank.cloud.hosting.instance import StartError
from fogbank.cloud.hosting.lines import InstanceDownError, Replied, Reply, Sink
from fogbank.cloud.observe.capture import Source


class FakeInstance:
    """Answers with its model's name and `status`; `hold` keeps answers back until it is set again, `die` kills it, `resets` breaks
    connections."""

    def __init__(self, name: str, model: str) -> None:
        self.id, self.model = name, model
        self.hold = threading.Event()
        self.hold.set()
        self.asked = 0
        self.status = 200
        self.resets = False
        self.stopped = threading.Event()
        self._dead = False

    def alive(self) -> bool:
        return not self._dead and not self.stopped.is_set()

    def die(self) -> None:
        self._dead = True

    def ask(
        self, body: bytes, headers: Mapping[str, str], timeout_s: float, done: Replied, sink: Sink | None = None
    ) -> None:
        self.asked += 1
        self._answer(body, done)

    def kill(self) -> None:
        self.die()

    def invoke(self, body: bytes, headers: Mapping[str, str], timeout_s: float) -> Reply:
        self.asked += 1
        while not self.hold.wait(0.005):
            if not self.alive():
                break
        if not self.alive() or self.resets:
            raise InstanceDownError("connection refused")
        return Reply(self.status, self.model.encode() + b":" + body, {"content-type": "text/plain"})

    def _answer(self, body: bytes, done: Replied) -> None:
        if not self.hold.is_set():
            asyncio.get_running_loop().call_later(0.005, self._answer, body, done)
        elif not self.alive():
            done(InstanceDownError("connection refused"))
        elif self.resets:
            done(InstanceDownError("connection reset"))
        else:
            done(Reply(self.status, self.model.encode() + b":" + body, {"content-type": "text/plain"}))


class FakeHost:
    """Starts FakeInstances of one model. `go` holds starts back; `failure` is why they fail, `error` what they raise against the
    Protocol; `started` is all that ever ran; one that `holds` starts those that keep their answers back."""

    def __init__(self, model: str = "m") -> None:
        self.model = model
        self.go = threading.Event()
        self.go.set()
        self.failure: str | None = None
        self.error: Exception | None = None
        self.started: list[FakeInstance] = []
        self.attempts = 0
        self.holds = False
        self._numbers = itertools.count()
        self._lock = threading.Lock()

    def start(self, stop: threading.Event) -> FakeInstance:
        with self._lock:
            self.attempts += 1
        while not self.go.wait(0.01):
            if stop.is_set():
                raise StartError("it was stopped while it started")
        if self.error is not None:
            raise self.error
        if self.failure is not None:
            raise StartError(self.failure)
        with self._lock:
            instance = FakeInstance(f"i-{self.model}-{next(self._numbers)}", self.model)
            if self.holds:
                instance.hold.clear()
            self.started.append(instance)
        return instance

    def stop(self, server: FakeInstance, grace_s: float) -> None:
        server.stopped.set()

    @property
    def running(self) -> list[FakeInstance]:
        """The instances that run now."""
        return [instance for instance in self.started if instance.alive()]


class FakeHosts:
    """A host for each model, by name: what a Yard asks for."""

    def __init__(self) -> None:
        self._hosts: dict[str, FakeHost] = {}
        self._lock = threading.Lock()

    def __call__(self, model: Document, source: Source, startup_limit_s: float, memory: int) -> FakeHost:
        return self.of(model["ModelName"])

    def of(self, model: str) -> FakeHost:
        """The host of a model."""
        with self._lock:
            return self._hosts.setdefault(model, FakeHost(model))

    @property
    def running(self) -> list[FakeInstance]:
        """All instances that run now."""
        with self._lock:
            hosts = list(self._hosts.values())
        return [instance for host in hosts for instance in host.running]

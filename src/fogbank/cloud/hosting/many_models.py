"""A multi-model container: models are brought when they are first asked for, and go when others need the room, or at once where none are kept.

In: requests that name a model; out: its replies, ModelNotReadyException for who has waited as long as an invocation may, or why it cannot be
brought. All is decided on the event loop; what takes its time is a task. Source: AWS Developer Guide, "Build your own container for SageMaker
AI multi-model endpoints", "Invoke a Multi-Model Endpoint", "CloudWatch Metrics for Multi-Model Endpoint Deployments".
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from fogbank.cloud.api.errors import ApiError
from fogbank.cloud.ground.runner import Runner
from fogbank.cloud.hosting.address import TARGET_MODEL
from fogbank.cloud.hosting.instance import Instance
from fogbank.cloud.hosting.lines import InstanceDownError, NoReplyError, RefusedError, Replied, Reply, Sink
from fogbank.cloud.hosting.loading import Done, Loader
from fogbank.cloud.hosting.pipeline import Tell
from fogbank.cloud.hosting.pool import Answered
from fogbank.cloud.observe.measures import INSTANCES

AT_ONCE = 4
"""Models that one container loads side by side; others wait for their turn."""
ABSENT, COMING, LOADED, GOING = "absent", "coming", "loaded", "going"
NOT_READY = "The model {name} is still being downloaded or loaded. Wait and try your request again."
NO_ROOM, NOT_LOADED = 507, 404
"""What a container answers that has no room for another model, and one that is asked for a model that it has not loaded."""
Work = Callable[[str], Done | NoReplyError]


@dataclass(eq=False)
class _Call:
    """One request, that may wait for its model."""

    body: bytes
    headers: Mapping[str, str]
    until: float
    done: Replied
    sink: Sink | None
    asked: float
    waited: bool = False
    again: bool = False
    timer: asyncio.TimerHandle | None = None


@dataclass(eq=False)
class _Model:
    """One model of the container. `used` is when it was asked for, `since` when it was loaded, `in_flight` how many requests are with it."""

    name: str
    state: str = ABSENT
    used: float = 0.0
    since: float = 0.0
    in_flight: int = 0
    waiting: list[_Call] = field(default_factory=list)


class MultiModel:
    """The models of one container; `cached` where they are kept. Asked on the event loop alone."""

    def __init__(self, instance: Instance, loader: Loader, runner: Runner, tell: Tell, *, cached: bool) -> None:
        self._instance, self._loader, self._runner, self._tell, self._cached = instance, loader, runner, tell, cached
        self._models: dict[str, _Model] = {}
        self._next: deque[_Model] = deque()
        self._coming = 0

    @property
    def id(self) -> str:
        """What the instance is known by."""
        return self._instance.id

    @property
    def instances(self) -> Sequence[Instance]:
        """The container's server."""
        return (self._instance,)

    def alive(self) -> bool:
        """Whether the container runs."""
        return self._instance.alive()

    def count(self) -> None:
        """Tell how many models are loaded; from any thread."""
        loaded = sum(model.state == LOADED for model in list(self._models.values()))
        self._tell({"LoadedModelCount": (float(loaded), "None")}, namespace=INSTANCES)

    def ask(
        self, body: bytes, headers: Mapping[str, str], timeout_s: float, done: Replied, sink: Sink | None = None
    ) -> None:
        """Ask the model that the headers name, which is brought first where it is not loaded."""
        name, now = headers[TARGET_MODEL], time.monotonic()
        model = self._models.setdefault(name, _Model(name))
        model.used = now
        call = _Call(body, headers, now + timeout_s, done, sink, now)
        if model.state == LOADED:
            self._invoke(model, call)
        else:
            self._wait(model, call)

    def invoke(self, body: bytes, headers: Mapping[str, str], timeout_s: float) -> Answered:
        """No job asks a multi-model container: it would have to name a model."""
        raise InstanceDownError("a multi-model container is asked for one of its models")

    def get(self, path: str) -> Answered:
        """GET of the container itself. Raises InstanceDownError."""
        return self._instance.get(path)

    def kill(self) -> None:
        """End the container at once."""
        self._instance.kill()

    def _wait(self, model: _Model, call: _Call) -> None:
        """Until the model is loaded, or time is over."""
        call.waited = True
        model.waiting.append(call)
        loop = asyncio.get_running_loop()
        call.timer = loop.call_later(max(0.0, call.until - time.monotonic()), self._late, model, call)
        if model.state == ABSENT:
            self._bring(model)

    def _late(self, model: _Model, call: _Call) -> None:
        """Who has waited as long as an invocation may is told to come again; the model comes all the same."""
        model.waiting.remove(call)
        call.done(RefusedError(ApiError("ModelNotReadyException", NOT_READY.format(name=model.name), 429)))

    def _bring(self, model: _Model) -> None:
        """Begin with it, or when one that comes has come."""
        model.state = COMING
        if self._coming < AT_ONCE:
            self._coming += 1
            self._begin("load", self._loader.bring, model, self._brought)
        else:
            self._next.append(model)

    def _brought(self, model: _Model, came: Done | NoReplyError) -> None:
        """The model is loaded, or is not: those who wait are asked, or told."""
        self._coming -= 1
        if self._next:
            self._bring(self._next.popleft())
        if isinstance(came, Done):
            self._tell(came.values)
            self._compare(came)
            if came.refusal is None:
                model.state, model.since = LOADED, time.monotonic()
                self.count()
                self._invoke(model, *self._called(model))
                self._spare(model)
                return
            if came.refusal.status == NO_ROOM and self._makes_room(model):
                return
        calls = self._called(model)
        self._gone(model)
        for call in calls:
            call.done(came if isinstance(came, NoReplyError) else came.refusal or InstanceDownError("it has no answer"))

    def _compare(self, came: Done) -> None:
        """The container may have made room by itself; what was loaded since it was asked is not in its list."""
        for model in list(self._models.values()):
            known = model.state == LOADED and model.since < came.at
            if known and self._loader.id_of(model.name) not in came.loaded:
                self._gone(model)

    def _spare(self, model: _Model) -> None:
        """Let go of a model that nobody asks, where none is kept."""
        if model.state == LOADED and not (self._cached or model.in_flight):
            self._let_go(model)

    def _called(self, model: _Model) -> list[_Call]:
        """Those who waited; they do so no more."""
        waiting, model.waiting = model.waiting, []
        for call in waiting:
            if call.timer is not None:
                call.timer.cancel()
        return waiting

    def _invoke(self, model: _Model, *calls: _Call) -> None:
        model.in_flight += len(calls)
        for call in calls:
            self._send(model, call)

    def _send(self, model: _Model, call: _Call) -> None:
        now = time.monotonic()
        values = {"ModelCacheHit": (float(not call.waited), "None")}
        if call.waited:
            values["ModelLoadingWaitTime"] = ((now - call.asked) * 1e6, "Microseconds")
        self._tell(values)
        path = f"/models/{self._loader.id_of(model.name)}/invoke"
        replied = partial(self._replied, model, call)
        self._instance.ask(call.body, call.headers, max(0.001, call.until - now), replied, call.sink, path)

    def _replied(self, model: _Model, call: _Call, reply: Reply | NoReplyError) -> None:
        model.in_flight -= 1
        if isinstance(reply, Reply) and reply.status == NOT_LOADED and not call.again:
            call.again = True
            if model.state == LOADED:  # the container has let it go, or the model's server has died
                self._gone(model)
            self._wait(model, call)
            return
        call.done(reply)
        if model.state == ABSENT:
            self._gone(model)
        else:
            self._spare(model)

    def _makes_room(self, model: _Model) -> bool:
        """Unload what was not used for the longest, and bring the model then; False where nothing can go."""
        idle = [other for other in self._models.values() if other.state == LOADED and not other.in_flight]
        if idle:
            self._let_go(min(idle, key=lambda other: other.used), then=model)
        return bool(idle)

    def _let_go(self, model: _Model, then: _Model | None = None) -> None:
        model.state = GOING
        self._begin("unload", self._loader.unload, model, partial(self._went, then))

    def _went(self, then: _Model | None, model: _Model, came: Done | NoReplyError) -> None:
        if isinstance(came, Done):
            self._tell(came.values)
        self._gone(model)
        self.count()
        if then is not None:
            self._bring(then)

    def _gone(self, model: _Model) -> None:
        """It is not loaded: it comes again where somebody waits for it, and is forgotten where nobody does."""
        model.state = ABSENT
        if model.waiting:
            self._bring(model)
        elif not model.in_flight:
            self._models.pop(model.name, None)

    def _begin(self, verb: str, work: Work, model: _Model, then: Callable[[_Model, Done | NoReplyError], None]) -> None:
        """Do what takes its time beside the requests, and go on with what came of it on this event loop."""
        loop = asyncio.get_running_loop()

        def tell(came: Done | NoReplyError) -> None:
            with contextlib.suppress(RuntimeError):  # the loop has closed: nobody waits any more
                loop.call_soon_threadsafe(then, model, came)

        key = ("model", self.id, verb)
        self._runner.begin(key, lambda _: tell(work(model.name)), lambda error: tell(InstanceDownError(repr(error))))

"""A hosting room of a test's own, on instances in memory: the store, the clock and the calls are the real ones."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from fogbank.cloud.api.control import Scope
from fogbank.cloud.api.models import Models
from fogbank.cloud.api.resource import Ground, Record
from fogbank.cloud.ground.clock import Clock
from fogbank.cloud.ground.events import Events
from fogbank.cloud.ground.runner import Runner
from fogbank.cloud.ground.store import Store
from fogbank.cloud.ground.wire import Answer, Request
from fogbank.cloud.hosting.acceptance import Acceptance
from fogbank.cloud.hosting.backlog import Backlog
from fogbank.cloud.hosting.bakes import catch_up
from fogbank.cloud.hosting.components import Components
from fogbank.cloud.hosting.configs import EndpointConfigs
from fogbank.cloud.hosting.deliveries import Deliveries
from fogbank.cloud.hosting.deployment import EndpointState
from fogbank.cloud.hosting.endpoints import Endpoints
from fogbank.cloud.hosting.notices import Notices
from fogbank.cloud.hosting.runtime import Runtime
from fogbank.cloud.observe.capture import Recorder
from fogbank.cloud.observe.metrics import Metrics
from fogbank.cloud.observe.points import Points
from tests.fakes.bucket import Bucket
from tests.fakes.instances import FakeHosts
from tests.fakes.topics import Topics
from tests.waiting import until

US = Scope("us-east-1")
SIGNED = {"authorization": "AWS4-HMAC-SHA256 Credential=k/20260101/us-east-1/sagemaker/aws4_request, Signature=-"}
REQUEST = Request(method="POST", path="/endpoints/e/invocations", query="", headers=SIGNED, body=b"x")
NAME = ("us-east-1", "e")


class Hosting:
    """Endpoints on a store; `kill` ends the process that they were in, `start` is the next one."""

    def __init__(self, store: Store, folder: Path) -> None:
        self.store, self.folder = store, folder
        self.now = 1000.0
        self.alarms: dict[str, str] = {}
        self.start()

    def start(self) -> None:
        self.hosts, self.runner = FakeHosts(), Runner()
        self.clock = Clock(self.store, wall=lambda: self.now)
        self.events = Events(self.store, self.clock)
        ground = Ground(self.store, self.clock, self.events, self.runner)
        self.models = Models(ground)
        self.configs = EndpointConfigs(ground, self.models)
        self.bucket = Bucket()
        self.recorder = Recorder(self.folder / "capture", self.clock, lambda: self.bucket)
        self.points = Points(self.folder / "metrics.db")
        self.metrics = Metrics(self.folder / "metrics", self.clock, self.points)
        samples, self.topics = self.metrics.samples, Topics()
        clients = {"s3": self.bucket, "sns": self.topics}
        notices = Notices(lambda service, _: clients[service], samples)
        announce = partial(notices.announce, self.runner)
        self.endpoints = Endpoints(
            ground,
            self.models,
            self.configs,
            self.hosts,
            samples,
            announce,
            self._alarm,
        )
        deliveries = Deliveries(self.store, self.clock, lambda service, _: clients[service], notices, samples)
        self.backlog = Backlog(ground, self.endpoints, deliveries, self.recorder, samples)
        acceptance = Acceptance(ground, self.endpoints, self.backlog)
        self.components = Components(ground, self.models, self.endpoints, self._alarm)
        self.runtime = Runtime(self.endpoints, self.components, acceptance, self.recorder, self.metrics)
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever)
        self._thread.start()

    def _alarm(self, region: str, name: str) -> str | None:
        return self.alarms.get(name)

    def catch_up(self, epoch: float) -> None:
        """What a clock that is moved there carries out."""
        catch_up((self.endpoints.rollouts, self.components.rollouts), self.clock, datetime.fromtimestamp(epoch, UTC))

    def ask(self, request: Request) -> Answer:
        """The runtime's answer."""
        answer: Future[Answer] = Future()
        self.loop.call_soon_threadsafe(self.runtime.start, request, answer.set_result)
        return answer.result(90)

    def close(self) -> None:
        """End what runs."""
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(20)
        self.loop.close()
        self.backlog.close()
        assert self.runner.close(20)
        self.recorder.flush()
        self.metrics.flush()
        self.points.close()

    def kill(self) -> None:
        """What a process leaves behind: the store, and nothing else."""
        self.close()
        self.start()

    def model(self, name: str) -> None:
        container = {"Image": f"registry/{name}@sha256:{'0' * 64}"}
        self.models.create(US, {"ModelName": name, "PrimaryContainer": container})

    def config(self, name: str, *variants: tuple[str, str, int, float], **members: Any) -> None:
        """A configuration of (variant, model, count, weight)."""
        items = [
            {
                "VariantName": variant,
                "ModelName": model,
                "InstanceType": "ml.m5.large",
                "InitialInstanceCount": count,
                "InitialVariantWeight": weight,
            }
            for variant, model, count, weight in variants
        ]
        self.configs.create(US, {"EndpointConfigName": name, "ProductionVariants": items, **members})

    def endpoint(self, count: int = 1) -> None:
        """An endpoint `e` of model `old`, InService, and a configuration `new` of model `new`."""
        for name in ("old", "new"):
            self.model(name)
            self.config(name, ("v", name, count, 1.0))
        self.create("old")
        self.settle()

    def create(self, config: str) -> None:
        self.endpoints.create(US, {"EndpointName": "e", "EndpointConfigName": config})

    def update(self, config: str = "new", **members: Any) -> None:
        self.endpoints.update(US, {"EndpointName": "e", "EndpointConfigName": config, **members})

    def scale(self, **item: Any) -> None:
        wanted = [{"VariantName": "v", **item}]
        self.endpoints.update_variants(US, {"EndpointName": "e", "DesiredWeightsAndCapacities": wanted})

    def record(self) -> Record[EndpointState]:
        return self.endpoints.get(*NAME)

    @property
    def status(self) -> str:
        status: str = self.record().public["EndpointStatus"]
        return status

    def settle(self, *statuses: str) -> None:
        """Wait until the endpoint has one of these statuses, or InService."""
        until(lambda: self.status in (statuses or ("InService",)))

    def baking(self) -> None:
        """Wait until the rollout bakes."""
        until(self.endpoints.rollouts.moments)

    def pass_by(self, seconds: float) -> None:
        """Let time pass, and the clockwork turn."""
        self.now += seconds
        self.endpoints.rollouts.turn()
        self.components.rollouts.turn()

    def share(self, model: str, asks: int = 200) -> float:
        """The part of the requests that a model answers."""
        answers = [self.ask(REQUEST) for _ in range(asks)]
        assert {answer.status for answer in answers} == {200}, answers
        return sum(answer.body.startswith(model.encode()) for answer in answers) / asks

    def changes(self, topic: str) -> list[str]:
        return [event.change for event in self.events.since(0) if event.topic == topic]

    def describe(self) -> dict[str, Any]:
        return self.endpoints.describe(US, {"EndpointName": "e"})


@pytest.fixture
def hosting(tmp_path: Path) -> Iterator[Hosting]:
    with closing(Store(tmp_path / "cloud.db")) as store:
        hosting = Hosting(store, tmp_path)
        yield hosting
        hosting.close()

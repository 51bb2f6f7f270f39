"""The local cloud, put together: every room made once, started and stopped in order.

In: settings; out: a cloud that listens on one loopback port until `stop`.
"""

from __future__ import annotations

import gc
import os
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from fogbank import __version__
from fogbank.cloud.admin import Admin
from fogbank.cloud.api.control import ControlPlane, service_model
from fogbank.cloud.api.models import Models
from fogbank.cloud.api.resource import Ground, Resource
from fogbank.cloud.api.tags import Tags
from fogbank.cloud.front import Front
from fogbank.cloud.ground.clock import Clock
from fogbank.cloud.ground.events import Events
from fogbank.cloud.ground.payload import emptied
from fogbank.cloud.ground.runner import Runner
from fogbank.cloud.ground.server import Server
from fogbank.cloud.ground.store import Store
from fogbank.cloud.ground.wire import DEFAULT_REGION
from fogbank.cloud.hosting.configs import EndpointConfigs
from fogbank.cloud.hosting.containers import Containers
from fogbank.cloud.hosting.endpoints import Endpoints
from fogbank.cloud.hosting.environment import Environments
from fogbank.cloud.hosting.runtime import Runtime
from fogbank.cloud.hosting.workspace import Workspace
from fogbank.cloud.jobs.objects import S3Objects
from fogbank.cloud.jobs.processing import Places, ProcessingJobs
from fogbank.cloud.jobs.processor import AnalyzerProcessor
from fogbank.cloud.jobs.transforms import TransformJobs
from fogbank.cloud.monitoring.captures import Captures, capture_source
from fogbank.cloud.monitoring.clockwork import MonitoringClockwork
from fogbank.cloud.monitoring.definitions import JobDefinitions, refusal
from fogbank.cloud.monitoring.executions import Executions
from fogbank.cloud.monitoring.kinds import KINDS
from fogbank.cloud.monitoring.schedules import MonitoringSchedules
from fogbank.cloud.moto.gateway import MotoGateway
from fogbank.cloud.moto.internals import answers, event_schedules, rule_targets
from fogbank.cloud.moto.references import missing
from fogbank.cloud.moto.snapshot import Snapshots, user_key
from fogbank.cloud.object_rooms import MotoBuckets, bring_back
from fogbank.cloud.objects.blobs import Blobs
from fogbank.cloud.objects.events import Events as ObjectEvents
from fogbank.cloud.objects.index import Index
from fogbank.cloud.objects.lifecycle import Lifecycle
from fogbank.cloud.objects.room import ObjectsRoom
from fogbank.cloud.objects.shelf import Shelf
from fogbank.cloud.observe.capture import Recorder
from fogbank.cloud.observe.metrics import Metrics
from fogbank.cloud.time.expiry import ExpirySource
from fogbank.cloud.time.scheduler import Scheduler
from fogbank.cloud.time.targets import Targets
from fogbank.cloud.time.timeline import Timeline
from fogbank.ground.aws import LOCAL_ACCOUNT, LocalClients
from fogbank.ground.ports import is_free

FLUSH_PERIOD_S = 2.0
METRICS_PERIOD_S = 10.0
SNAPSHOT_PERIOD_S = 1.0
LONGEST_WAIT_S = 60.0
PORT = "port"
JOBS_STOP_LIMIT_S = 30.0
WHOLE = frozenset({"s3", "sagemaker-runtime"})
"""Services whose operations moto, or fogbank, has under no names of their own: an operation that is lacking is told when it is called."""
TASKS_STOP_LIMIT_S = 5.0
THREADS = 64
"""For requests that are not invocations; and as many for the cloud's own calls, which may wait."""


@dataclass(frozen=True, kw_only=True)
class CloudSettings:
    """`folder` holds all state; `port` 0 takes any; `server_pins` are the server's own locked dependencies.

    `keys` is a folder of the user's, outside of every project, for what proves that a file is this user's own.
    `containers` is the engine that runs the instances; without one they are processes.
    """

    folder: Path
    port: int
    environments: Path
    keys: Path
    server_pins: Sequence[str]
    containers: Containers | None = None


class LocalCloud:
    """The cloud of one folder."""

    def __init__(self, settings: CloudSettings) -> None:
        folder = settings.folder
        self.settings = settings
        self._started = time.time()
        self._stopped = threading.Event()
        self.store = Store(folder / "cloud.db")
        self.clock = Clock(self.store)
        self.events = Events(self.store, self.clock)
        self.runner = Runner()
        self.moto = MotoGateway(self.store, time.time, Snapshots(folder, user_key(settings.keys)))
        self._incoming = emptied(folder / "incoming")
        tell = ObjectEvents(self.moto.handle, rule_targets, LOCAL_ACCOUNT).tell
        self.objects = ObjectsRoom(self._shelf(folder / "objects"), self.moto.handle, tell)
        environments = Environments(settings.environments, settings.server_pins)
        logs = folder / "logs"
        self._workspace = Workspace(folder / "instances", logs, environments, self.s3, settings.containers)
        ground = Ground(self.store, self.clock, self.events, self.runner)
        models = Models(ground)
        configs = EndpointConfigs(ground, models)
        self.endpoints = Endpoints(ground, models, configs, self._workspace.host)
        objects = S3Objects(self.s3)
        self.transforms = TransformJobs(ground, models=models, workspace=self._workspace, objects=objects, logs=logs)
        self.processing = ProcessingJobs(
            ground,
            objects=objects,
            processor=AnalyzerProcessor(environments),
            cloudwatch=self.cloudwatch,
            places=Places(work=folder / "processing", logs=logs),
        )
        self.recorder = Recorder(folder / "capture", self.clock, self.s3)
        self.metrics = Metrics(self.clock, self.cloudwatch)
        definitions = {kind.type: JobDefinitions(kind, ground) for kind in KINDS.values() if kind.runs}
        captures = Captures(objects, partial(capture_source, self.endpoints.find), self.recorder.flush)
        self.executions = Executions(ground, definitions=definitions, captures=captures, processing=self.processing)
        self._jobs = (self.executions, self.processing, self.transforms)
        self.schedules = MonitoringSchedules(ground, definitions, self.executions)
        kinds: tuple[Resource[Any], ...] = (
            models,
            configs,
            self.endpoints,
            self.transforms,
            self.processing,
            *definitions.values(),
            self.schedules,
        )
        control = ControlPlane(
            *(kind.operations() for kind in kinds),
            *(refusal(kind) for kind in KINDS.values() if not kind.runs),
            self.executions.operations(),
            Tags(*kinds).operations(),
            missing=missing,
            events=self.events,
        )
        targets = Targets(self._client, {"CreateTransformJob": self._ended_transform})
        scheduler = Scheduler(
            ground, self.moto.handle, event_schedules, partial(_answers, control), missing, targets.fire
        )
        self.monitors = MonitoringClockwork(self.schedules, self.clock)
        self.timeline = Timeline(
            self.clock,
            self.runner,
            (self.monitors, scheduler, ExpirySource(Lifecycle(self.objects.shelf, tell))),
            self.flush,
            self.endpoints.rollouts.catch_up,
        )
        runtime = Runtime(self.endpoints, self.recorder, self.metrics)
        threads = partial(self.runner.threads, most=THREADS)
        self.front = Front(
            runtime, self._admin(), (control, self.objects, scheduler), self.moto.handle, self.metrics.flush, threads
        )
        self._server: Server

    def _shelf(self, folder: Path) -> Shelf:
        index = Index(folder / "index.db", Blobs(folder / "bodies", self._incoming))
        return Shelf(index, MotoBuckets(), self.clock.epoch)

    def bind(self) -> None:
        """Take the port: the one that is set, or, for 0, the one that this folder's cloud had before. Raises OSError."""
        wanted = self.settings.port
        earlier = int(self.store.setting(PORT, "0"))
        if wanted == 0 and earlier and not is_free(earlier):
            earlier = 0
        self._server = Server(wanted or earlier, self.front, self._incoming)
        self.store.set_setting(PORT, str(self.port))

    @property
    def port(self) -> int:
        """The port that the cloud listens on."""
        return self._server.port

    @cached_property
    def _clients(self) -> LocalClients:
        return LocalClients(self.url, attempts=2, connections=32)

    @property
    def url(self) -> str:
        """What to give boto3 as `endpoint_url`."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Play the journal back, answer, bring the data plane up. The port is bound already."""
        self._workspace.clear()
        bring_back(self.moto, self.store, self.objects)
        self.endpoints.start()
        gc.freeze()  # what is loaded stays: the collector need not look at it again, and stops no request to do so
        gc.set_threshold(50_000, 20, 50)
        self._server.start(self.runner)
        self.runner.submit(("warm",), lambda _: service_model())
        self.runner.submit(("sweep",), lambda _: self.objects.shelf.index.sweep())
        self.processing.resume()
        self.executions.resume()
        self.transforms.resume()
        self.timeline.start()
        self.runner.every(("flush",), FLUSH_PERIOD_S, self._deliver)
        self.runner.every(("metrics",), METRICS_PERIOD_S, self.metrics.flush)
        self.runner.every(("snapshot",), SNAPSHOT_PERIOD_S, self.moto.turn)

    def wait(self) -> None:
        """Return when `stop` was asked for."""
        self._stopped.wait()

    def ask_to_stop(self) -> None:
        """Let `wait` return."""
        self._stopped.set()

    def stop(self) -> None:
        """Finish what is in flight, deliver what is captured, stop every instance, close."""
        self.end_jobs()
        self.endpoints.stop()
        self.flush()
        self.runner.close(TASKS_STOP_LIMIT_S)
        self._server.close()
        self.moto.save()
        self._workspace.clear()
        self.objects.shelf.index.close()
        self.store.close()

    def reset(self) -> None:
        """Forget every resource and object; the clock keeps its time."""
        self.end_jobs()
        with self.endpoints.emptied():
            self.moto.forget()
            self.store.reset()
            self.objects.shelf.index.clear()
            self.recorder.reset()
            self.metrics.reset()
            self.moto.reset()

    def end_jobs(self) -> None:
        """Let every job leave off."""
        for jobs in self._jobs:
            jobs.stop_all(JOBS_STOP_LIMIT_S)

    def flush(self) -> None:
        """Deliver captured records and metrics now."""
        self.recorder.flush()
        self.metrics.flush()

    def s3(self) -> Any:
        """A client of the cloud's own S3."""
        return self._clients("s3", DEFAULT_REGION)

    def cloudwatch(self, region: str) -> Any:
        """A client of a region's CloudWatch."""
        return self._clients("cloudwatch", region)

    def _client(self, service: str, region: str) -> Any:
        return self._clients(service, region)

    def _ended_transform(self, region: str, request: dict[str, Any]) -> str:
        """Wait for a job; how it ended, in a sentence."""
        name = request["TransformJobName"]
        job = self.transforms.wait(region, name)
        if job is None:
            return f"transform job {name} started"
        reason = f" ({job.public['FailureReason']})" if job.public.get("FailureReason") else ""
        return f"transform job {name}: {job.public['TransformJobStatus']}{reason}"

    def status(self) -> dict[str, Any]:
        """What `fogbank cloud status` shows."""
        return {
            "version": __version__,
            "url": self.url,
            "folder": str(self.settings.folder),
            "pid": os.getpid(),
            "runtime": "container" if self.settings.containers else "process",
            "started": self._started,
            "time": self.clock.now().isoformat(),
            "history": self.moto.history(),
            "endpoints": {record.name: record.public["EndpointStatus"] for record in self.endpoints.all()},
            "starting": self.endpoints.starting(),
            "transform_jobs": {job.name: job.public["TransformJobStatus"] for job in self.transforms.all()},
            "monitoring_schedules": {
                schedule.name: schedule.public["MonitoringScheduleStatus"] for schedule in self.schedules.all()
            },
        }

    def _events_since(self, since: int, wait_s: float) -> dict[str, Any]:
        events = self.events.wait(since, min(wait_s, LONGEST_WAIT_S))
        return {"events": [event.document() for event in events], "next": events[-1].seq if events else since}

    def _admin(self) -> Admin:
        def reset(_: dict[str, Any]) -> object:
            self.reset()
            return {}

        def flush(_: dict[str, Any]) -> object:
            self.flush()
            return {}

        def stop(_: dict[str, Any]) -> object:
            self.ask_to_stop()
            return {}

        return Admin(
            {
                "status": lambda _: self.status(),
                "events": lambda asked: self._events_since(int(asked.get("since", 0)), float(asked.get("wait", 0))),
                "advance": lambda asked: self.timeline.advance(timedelta(seconds=float(asked["seconds"]))),
                "run-monitor": lambda asked: self.monitors.run_now(
                    asked.get("region", DEFAULT_REGION), asked["name"], self.timeline.turn
                ),
                "flush": flush,
                "reset": reset,
                "stop": stop,
            }
        )

    def _deliver(self) -> None:
        if not self.settings.folder.is_dir():  # the project was deleted: nobody will stop this cloud
            self.ask_to_stop()
        for jobs in self._jobs:
            jobs.settle()
        self.recorder.turn()


def _answers(control: ControlPlane, service: str, operation: str) -> bool:
    """Whether the cloud has an operation: fogbank or moto."""
    ours = service == "sagemaker" and control.has(operation)
    return ours or service in WHOLE or answers(service, operation)

"""The local cloud, put together: every room made once, started and stopped in order.

In: settings; out: a cloud that listens on one loopback port until `stop`.
"""

from __future__ import annotations

import gc
import os
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property, lru_cache, partial
from pathlib import Path
from typing import Any

from fogbank import __version__
from fogbank.cloud.access.room import AccessRoom
from fogbank.cloud.admin import Admin
from fogbank.cloud.api.bus import Bus
from fogbank.cloud.api.control import ControlPlane, service_model
from fogbank.cloud.api.resource import Ground, Resource
from fogbank.cloud.api.tags import Tags
from fogbank.cloud.enforcement.guard import Guard, service_may
from fogbank.cloud.enforcement.simulation import Simulations
from fogbank.cloud.event_rooms import EventRooms, FunctionSettings
from fogbank.cloud.front import Door, Everything, Front
from fogbank.cloud.gate import Gate
from fogbank.cloud.ground.acting import current
from fogbank.cloud.ground.clock import Clock
from fogbank.cloud.ground.events import Events
from fogbank.cloud.ground.payload import emptied
from fogbank.cloud.ground.roles import Issued, Roles
from fogbank.cloud.ground.runner import Runner
from fogbank.cloud.ground.server import Server
from fogbank.cloud.ground.store import Store
from fogbank.cloud.ground.wire import DEFAULT_REGION
from fogbank.cloud.host_rooms import HostRooms, HostSettings
from fogbank.cloud.hosting.containers import Containers
from fogbank.cloud.hosting.environment import Environments
from fogbank.cloud.hosting.workspace import Approval
from fogbank.cloud.identity import Identity
from fogbank.cloud.inside import InsideClients
from fogbank.cloud.job_rooms import JobRooms
from fogbank.cloud.moto.functions import function_states
from fogbank.cloud.moto.gateway import MotoGateway
from fogbank.cloud.moto.internals import answers, event_schedules, metric_data, waiting_rules
from fogbank.cloud.moto.lacking import OPERATIONS
from fogbank.cloud.moto.references import missing
from fogbank.cloud.moto.rules import event_rules, tagged_rules
from fogbank.cloud.moto.snapshot import Snapshots, user_key
from fogbank.cloud.moto.waiting import LongPolls
from fogbank.cloud.object_rooms import MotoBuckets, bring_back, with_sizes
from fogbank.cloud.objects.blobs import Blobs
from fogbank.cloud.objects.events import Events as ObjectEvents
from fogbank.cloud.objects.index import Index
from fogbank.cloud.objects.lifecycle import Lifecycle
from fogbank.cloud.objects.room import ObjectsRoom
from fogbank.cloud.objects.shelf import Shelf
from fogbank.cloud.pipelines.rights import needs as pipeline_needs
from fogbank.cloud.registry.search import Search
from fogbank.cloud.registry.tagged import Tagged
from fogbank.cloud.scale_rooms import ScaleRooms
from fogbank.cloud.state_events import StateEvents
from fogbank.cloud.time.expiry import ExpirySource
from fogbank.cloud.time.scheduler import Scheduler
from fogbank.cloud.time.targets import Targets
from fogbank.cloud.time.timeline import Timeline
from fogbank.cloud.training.refused import CANNED, refusals
from fogbank.cloud.watch_rooms import LogRooms, WatchRooms
from fogbank.ground.aws import LOCAL_ACCOUNT
from fogbank.ground.collector import collect_seldom
from fogbank.ground.ports import is_free
from fogbank.ground.processes import Orphans

FLUSH_PERIOD_S = 2.0
METRICS_PERIOD_S = 1.0
ALARMS_PERIOD_S = 1.0
SNAPSHOT_PERIOD_S = 1.0
ORPHANS_PERIOD_S = 30.0
LONGEST_WAIT_S = 60.0
PORT = "port"
WHOLE = frozenset({"s3", "sagemaker-runtime"})
"""Services whose operations moto, or fogbank, has under no names of their own: an operation that is lacking is told when it is called."""
TASKS_STOP_LIMIT_S = 5.0
THREADS = 64
"""For requests that are not invocations; and as many for the cloud's own calls, which may wait."""


@dataclass(frozen=True, kw_only=True)
class CloudSettings:
    """`folder` holds all state; `port` 0 takes any; `server_pins` says the server's own locked dependencies.

    `keys` is a folder of the user's, outside of every project, for what proves that a file is this user's own.
    `containers` is the engine that runs the instances; without one they are processes. `secret` is what others than the user sign
    with; `open` lets everybody in who is on this machine; with `enforce_iam` roles may do what IAM lets them. `approval` decides what may run at all.
    """

    folder: Path
    port: int
    environments: Path
    keys: Path
    server_pins: Callable[[], Sequence[str]]
    secret: str
    containers: Containers | None = None
    open: bool = False
    enforce_iam: bool = False
    approval: Approval | None = None


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
        snapshots = Snapshots(folder, user_key(settings.keys))
        self.moto = MotoGateway(self.store, time.time, snapshots, self.clock.ahead)
        self._incoming = emptied(folder / "incoming")
        bus = Bus(self.moto.handle, waiting_rules, LOCAL_ACCOUNT)
        tell = ObjectEvents(bus, LOCAL_ACCOUNT).tell
        self.objects = ObjectsRoom(self._shelf(folder / "objects"), self.moto.handle, tell)
        self._roles = Roles(lambda: self.url)
        ground = Ground(self.store, self.clock, self.events, self.runner)
        self.watching = WatchRooms(folder, ground, self.moto.handle, self._client, bus, self._remembered_metrics)
        scaling = ScaleRooms(ground, self.watching.changes, self._client)
        self._guard = Guard(self._whose, self.clock.now, self._spelled, scaling.dependents.needs, pipeline_needs)
        bare = Environments(settings.environments, lambda: ())
        host = HostSettings(
            folder=folder,
            environments=Environments(settings.environments, settings.server_pins),
            grant=self._roles.grant,
            containers=settings.containers,
            approval=settings.approval,
        )
        self.hosting = HostRooms(ground, host, self._client, self.watching)
        self.hosting.endpoints.targets = scaling.dependents
        self.wired = EventRooms(ground, self.moto, self._client, self._functions(bare), self.watching.metrics.triggered)
        self.jobs = JobRooms(ground, host, self._client, self.hosting, bare, self.wired.write)
        transforms, processing = self.jobs.transforms, self.jobs.processing
        self.wired.know(transforms, processing, self.jobs.training, self.jobs.tuning)
        self._log_rooms = LogRooms(folder / "logs", ground, self.moto.handle, transforms, processing)
        told = (
            self.hosting.endpoints,
            self.hosting.packages,
            transforms,
            processing,
            self.jobs.training,
            self.jobs.tuning,
            self.jobs.pipelines,
        )
        self._told = StateEvents(ground, told, bus.put)
        kinds = (*self.hosting.kinds, *self.jobs.kinds)
        control = self._control(kinds)
        scheduler = self._scheduler(ground, control)
        self._watch = self.watching.watch(self._catch_up)
        self.timeline = Timeline(
            self.store,
            self.clock,
            self.runner,
            (
                self.jobs.monitors,
                scheduler,
                self.wired.rules,
                scaling.scaler,
                ExpirySource(Lifecycle(self.objects.shelf, tell)),
            ),
            self.flush,
            self._watch.catch_up,
        )
        self._gate = Gate(
            settings.secret,
            self._roles,
            self.moto.sessions.find,
            open_=settings.open,
            enforced=settings.enforce_iam,
        )
        may = self._guard.may if settings.enforce_iam else _anything
        self._access = AccessRoom(ground, self._incoming, self.wired.invocations, self._gate.signer, may)
        self.moto.listeners.append(self._access.urls.listen)
        self.front = self._front(
            control,
            self.objects,
            scheduler,
            self.watching.door,
            scaling.door,
            self._log_rooms.door,
            self.wired.functions,
            self._access.urls,
            self._access.apis,
            self.wired.rules,
            self.wired.entries,
            Tagged(self.moto.handle, kinds, (tagged_rules, scaling.tagged)),
        )
        self._server: Server

    def _functions(self, environments: Environments) -> FunctionSettings:
        permitted = service_may if self.settings.enforce_iam else _everything
        folder = self.settings.folder / "functions"
        return FunctionSettings(folder=folder, environments=environments, grant=self._roles.grant, permitted=permitted)

    def _front(self, control: ControlPlane, *doors: Door) -> Front:
        """What answers requests: SageMaker's calls, the data plane, the doors in their order, moto."""
        threads = (self.runner.threads("request", THREADS), self.runner.threads("call", THREADS))
        self._polls = LongPolls(self.moto, threads[0].submit)
        rights = self._guard if self.settings.enforce_iam else Everything()
        every: tuple[Door, ...] = (Identity(self._roles), Simulations(), control, *doors)
        return Front(
            self._gate, self.hosting.runtime, self._admin(), every, self.moto.handle, self._polls, threads, rights
        )

    def _control(self, kinds: Sequence[Resource[Any]]) -> ControlPlane:
        """SageMaker's calls: those of the kinds that there are, and of their tags."""
        return ControlPlane(
            *(kind.operations() for kind in kinds),
            *self.jobs.operations(),
            refusals(),
            Tags(*kinds).operations(),
            Search(*kinds).operations(),
            missing=missing,
            events=self.events,
        )

    def _scheduler(self, ground: Ground, control: ControlPlane) -> Scheduler:
        targets = Targets(self._client, self.wired.outcomes, self.wired.later)
        return Scheduler(ground, self.moto.handle, event_schedules, partial(_answers, control), missing, targets.fire)

    def _shelf(self, folder: Path) -> Shelf:
        index = Index(folder / "index.db", Blobs(folder / "bodies", self._incoming))
        return Shelf(index, MotoBuckets(), self.clock.epoch)

    def _remembered_metrics(self, account: str, region: str) -> Iterable[Mapping[str, Any]]:
        return with_sizes(metric_data(account, region), self.objects.shelf)

    def bind(self) -> None:
        """Take the port: the one that is set, or, for 0, the one that this folder's cloud had before. Raises OSError."""
        wanted = self.settings.port
        earlier = int(self.store.setting(PORT, "0"))
        if wanted == 0 and earlier and not is_free(earlier):
            earlier = 0
        self._server = Server(wanted or earlier, self.front, self._incoming, self._gate.hear)
        self.store.set_setting(PORT, str(self.port))

    @property
    def port(self) -> int:
        """The port that the cloud listens on."""
        return self._server.port

    @cached_property
    def _own_clients(self) -> InsideClients:
        return self._clients_of("")

    @lru_cache(maxsize=256)  # noqa: B019 - a cloud lives as long as its process
    def _clients_of(self, role: str) -> InsideClients:
        return InsideClients(self.url, self.settings.secret, self.front.inside, self._incoming, role)

    @property
    def _clients(self) -> InsideClients:
        """Those of the role that something is done as, where that matters; else the cloud's own."""
        role = current() if self.settings.enforce_iam else ""
        return self._clients_of(role) if role else self._own_clients

    def _whose(self, key: str) -> Issued | None:
        """Whose an access key is, if it is a role's."""
        return self._roles.find(key) or self.moto.sessions.find(key)

    def _spelled(self, arn: str) -> str:
        """An ARN as what it names has it: the names of pipelines are found in whatever case."""
        return self.jobs.pipeline_arn(arn) if ":pipeline/" in arn else arn

    @property
    def url(self) -> str:
        """What to give boto3 as `endpoint_url`."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Play the journal back, answer, bring the data plane up. The port is bound already."""
        self.hosting.workspace.clear()
        self.wired.clear()
        bring_back(self.moto, self.store, self.objects)
        self.watching.adopt()
        self.hosting.bring_up()
        gc.enable()  # which whoever started this may have put off
        gc.freeze()  # what is loaded stays: the collector need not look at it again, and stops no request to do so
        collect_seldom()
        self._server.start(self.runner)
        self.runner.submit(("warm",), lambda _: service_model())
        self.runner.submit(("sweep",), lambda _: self.objects.shelf.index.sweep())
        self.jobs.resume()
        self.hosting.start()
        self.wired.start()
        self._access.start()
        self.timeline.start()
        self.runner.submit(("polls",), self._polls.watch)
        self.runner.submit(("state-changes",), self._told.follow)
        self.runner.every(("flush",), FLUSH_PERIOD_S, self._deliver)
        self.runner.every(("metrics",), METRICS_PERIOD_S, self.watching.metrics.flush)
        self.runner.every(("logs",), FLUSH_PERIOD_S, self._log_rooms.marks.note)
        self.runner.every(("alarms",), ALARMS_PERIOD_S, partial(self._watch.turn, self.timeline.turn))
        self.runner.every(("snapshot",), SNAPSHOT_PERIOD_S, self.moto.turn)
        self.runner.every(("orphans",), ORPHANS_PERIOD_S, Orphans().reap)

    def wait(self) -> None:
        """Return when `stop` was asked for."""
        self._stopped.wait()

    def ask_to_stop(self) -> None:
        """Let `wait` return."""
        self._stopped.set()

    def stop(self) -> None:
        """Finish what is in flight, deliver what is captured, stop every instance, close."""
        self._access.close()
        self.jobs.end()
        self.hosting.stop()
        self.flush()
        self.wired.close()
        self.events.close()
        self.runner.close(TASKS_STOP_LIMIT_S)
        self._server.close()
        self.moto.save()
        self.hosting.workspace.clear()
        self.wired.clear()
        self.objects.shelf.index.close()
        self.watching.points.close()
        self.store.close()

    def reset(self) -> None:
        """Forget every resource and object; the clock keeps its time."""
        self._access.close()
        self.jobs.end()
        self.hosting.backlog.close()
        with self.hosting.emptied():
            self.moto.forget()
            self.store.reset()
            self.hosting.backlog.forget()
            self.objects.shelf.index.clear()
            self.hosting.recorder.reset()
            self.watching.metrics.reset()
            self.moto.reset()
            self._log_rooms.marks.reset()
        self.wired.reset()

    def flush(self) -> None:
        """Deliver captured records and metrics now."""
        self.hosting.recorder.flush()
        self.watching.metrics.flush()

    def _catch_up(self, until: datetime) -> None:
        """What goes by the clock, up to a moment that it has not reached."""
        self.hosting.catch_up(until)
        self.wired.later.catch_up(until)
        self.hosting.backlog.catch_up(until)
        self.watching.metrics.flush()

    def _client(self, service: str, region: str) -> Any:
        return self._clients(service, region)

    def status(self) -> dict[str, Any]:
        """What `fogbank cloud status` shows."""
        return {
            "version": __version__,
            "url": self.url,
            "folder": str(self.settings.folder),
            "pid": os.getpid(),
            "runtime": "container" if self.settings.containers else "process",
            "open": self.settings.open,
            "enforce_iam": self.settings.enforce_iam,
            "started": self._started,
            "time": self.clock.now().isoformat(),
            "speed": self.clock.speed,
            "history": self.moto.history(),
            "endpoints": {record.name: record.public["EndpointStatus"] for record in self.hosting.endpoints.all()},
            "inference_components": {
                record.name: record.public["InferenceComponentStatus"] for record in self.hosting.components.all()
            },
            "starting": self.hosting.endpoints.starting(),
            "transform_jobs": {job.name: job.public["TransformJobStatus"] for job in self.jobs.transforms.all()},
            "monitoring_schedules": {
                schedule.name: schedule.public["MonitoringScheduleStatus"] for schedule in self.jobs.schedules.all()
            },
            "schedules": {document["Name"]: document["State"] for _, document in event_schedules()},
            "rules": event_rules(),
            "functions": function_states(),
            "alarms": {alarm.name: alarm.state for alarm in self.watching.alarms.all(LOCAL_ACCOUNT)},
        }

    def _events_since(self, since: int, wait_s: float) -> dict[str, Any]:
        events = self.events.wait(since, min(wait_s, LONGEST_WAIT_S))
        return {"events": [event.document() for event in events], "next": events[-1].seq if events else since}

    def _set_clock(self, asked: Mapping[str, Any]) -> list[dict[str, str]]:
        moment, speed = asked.get("moment"), asked.get("speed")
        at = None if moment is None else datetime.fromisoformat(moment)
        if at is not None and at.tzinfo is None:
            at = at.replace(tzinfo=UTC)
        return self.timeline.set(at, None if speed is None else float(speed))

    def _admin(self) -> Admin:
        return Admin(
            {
                "status": lambda _: self.status(),
                "events": lambda asked: self._events_since(int(asked.get("since", 0)), float(asked.get("wait", 0))),
                "advance": lambda asked: self.timeline.advance(timedelta(seconds=float(asked["seconds"]))),
                "clock": self._set_clock,
                "run-monitor": lambda asked: self.jobs.monitors.run_now(
                    asked.get("region", DEFAULT_REGION), asked["name"], self.timeline.turn
                ),
                "flush": _quietly(self.flush),
                "reset": _quietly(self.reset),
                "stop": _quietly(self.ask_to_stop),
                **({"iam": self._guard.ledger.ask} if self.settings.enforce_iam else {}),
            }
        )

    def _deliver(self) -> None:
        if not self.settings.folder.is_dir():  # the project was deleted: nobody will stop this cloud
            self.ask_to_stop()
        self.jobs.settle()
        self.hosting.recorder.turn()


def _quietly(call: Callable[[], object]) -> Callable[[dict[str, Any]], object]:
    """A call that takes nothing and answers with nothing."""

    def answer(_: dict[str, Any]) -> object:
        call()
        return {}

    return answer


def _anything(_: Issued, __: str, ___: str) -> str | None:
    """IAM is not enforced."""
    return None


def _everything(_: str, __: str) -> bool:
    """IAM is not enforced."""
    return True


def _answers(control: ControlPlane, service: str, operation: str) -> bool:
    """Whether the cloud has an operation: fogbank or moto. What it refuses whenever it is called is none."""
    if service == "sagemaker" and operation in CANNED:
        return False
    ours = service == "sagemaker" and control.has(operation)
    return ours or service in WHOLE or ((service, operation) not in OPERATIONS and answers(service, operation))

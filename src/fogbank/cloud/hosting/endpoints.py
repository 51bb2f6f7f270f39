"""Endpoints: CreateEndpoint, DescribeEndpoint, ListEndpoints, UpdateEndpoint, UpdateEndpointWeightsAndCapacities, DeleteEndpoint.

In: the calls; out: records, and a rollout for each change, which is carried out beside the call.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from typing import Any, Protocol

from fogbank.cloud.api.control import Operation, Params, Scope
from fogbank.cloud.api.errors import ApiError, validation
from fogbank.cloud.api.listing import Listing
from fogbank.cloud.api.models import Models
from fogbank.cloud.api.resource import Ground, Kind, Record, Resource
from fogbank.cloud.ground.runner import Task
from fogbank.cloud.ground.store import Document
from fogbank.cloud.hosting.configs import EndpointConfigs
from fogbank.cloud.hosting.deployment import Deployment, EndpointState
from fogbank.cloud.hosting.described import described
from fogbank.cloud.hosting.exclusions import check_guardrails, check_serverless
from fogbank.cloud.hosting.fleet import Hosts, Yard
from fogbank.cloud.hosting.revival import Revival
from fogbank.cloud.hosting.rollout import Rollout, create, guarded, resize
from fogbank.cloud.hosting.rollouts import AlarmState, Rollouts
from fogbank.cloud.hosting.router import Router
from fogbank.cloud.hosting.scaled import NoTargets, Targets, check_scaled
from fogbank.cloud.hosting.stages import Name, Running, Stages
from fogbank.cloud.hosting.variant import Variant
from fogbank.cloud.observe.samples import Samples
from fogbank.contracts.container import STOP_GRACE_S
from fogbank.contracts.status import ENDPOINT as TRANSITIONS

ENDPOINT = Kind(
    path="endpoint",
    stem="Endpoint",
    key="EndpointName",
    arn="EndpointArn",
    missing=lambda arn: validation(f'Could not find endpoint "{arn}".'),
    taken=lambda arn: validation(f'Cannot create already existing endpoint "{arn}".'),
    listing=Listing(operation="ListEndpoints", answer="Endpoints", name="EndpointName", status="EndpointStatus"),
    status="EndpointStatus",
    transitions=TRANSITIONS,
)
DELETABLE = frozenset({"InService", "OutOfService", "Failed"})
LOOK_S = 0.5
Announce = Callable[[str, str, Deployment], None]
"""Hears of each deployment that an endpoint is to have, by region and name."""


class Tenants(Protocol):
    """The inference components that endpoints host."""

    def check(self, region: str, endpoint: str, deployment: Deployment) -> None:
        """Raises ValidationException for a deployment that has no room for those that are there."""

    def settle(self, record: Record[EndpointState]) -> None:
        """The endpoint is InService, with what it serves now."""

    def evict(self, endpoint: Record[EndpointState]) -> list[Task]:
        """The endpoint goes: the tasks that end their processes."""


class Nobody:
    """No component."""

    def check(self, region: str, endpoint: str, deployment: Deployment) -> None:
        """All is well."""

    def settle(self, record: Record[EndpointState]) -> None:
        """Nothing follows."""

    def evict(self, endpoint: Record[EndpointState]) -> list[Task]:
        """Nothing ends."""
        del endpoint
        return []


class Endpoints(Resource[EndpointState]):
    """The endpoints of every region, and what runs for them; `alarm` knows the states of alarms."""

    def __init__(
        self,
        ground: Ground,
        models: Models,
        configs: EndpointConfigs,
        hosts: Hosts,
        samples: Samples,
        announce: Announce,
        alarm: AlarmState = lambda _region, _name: None,
    ) -> None:
        super().__init__(ENDPOINT, EndpointState, ground)
        self._models = models
        self._configs = configs
        self.stages = Stages()
        self._announce, self._alarm = announce, alarm
        self.tenants: Tenants = Nobody()
        self.targets: Targets = NoTargets()
        self.yard = yard = Yard(
            hosts=hosts, runner=ground.runner, events=ground.events, clock=ground.clock, samples=samples
        )
        self.rollouts = Rollouts(self, self.stages, yard, alarm)
        self._revival = Revival(self, self.stages, self.rollouts, models, ground.runner)

    def operations(self) -> Mapping[str, Operation]:
        """The calls that this room answers."""
        return {
            **super().operations(),
            "CreateEndpoint": self.create,
            "UpdateEndpoint": self.update,
            "UpdateEndpointWeightsAndCapacities": self.update_variants,
        }

    def create(self, scope: Scope, params: Params) -> Params:
        """Creating, then InService or Failed."""
        deployment = self._deployment(scope, params["EndpointConfigName"])
        now = self.clock.epoch()
        if config := params.get("DeploymentConfig"):
            guarded(config, deployment.production_counts, now)  # it counts for later updates, and is looked at now
            if deployment.hosts_components:
                check_steps(config)
        public = {
            "EndpointName": params["EndpointName"],
            "EndpointConfigName": deployment.name,
            "EndpointStatus": "Creating",
            "LastDeploymentConfig": params.get("DeploymentConfig"),
            "Tags": params.get("Tags", []),
        }
        rollout = Rollout(steps=create(), started=now, since=now)
        record = self.add(scope, params["EndpointName"], public, EndpointState(pending=deployment, rollout=rollout))
        self._announce(scope.region, record.name, deployment)
        self.rollouts.begin((scope.region, record.name))
        return {"EndpointArn": record.public["EndpointArn"]}

    def update(self, scope: Scope, params: Params) -> Params:
        """Updating, then InService under the new configuration, or RollingBack and InService under the old one."""
        with self.lock:
            record, live = self._changeable(scope, params["EndpointName"])
            deployment = self._deployment(scope, params["EndpointConfigName"])
            excluded = {item["VariantPropertyType"] for item in params.get("ExcludeRetainedVariantProperties", [])}
            if "DataCaptureConfig" in excluded:
                raise validation("VariantPropertyType DataCaptureConfig is not supported, here as on AWS.")
            if params.get("RetainAllVariantProperties"):
                deployment = deployment.retaining(live, excluded)
            given = params.get("DeploymentConfig")
            retained = record.public.get("LastDeploymentConfig") if params.get("RetainDeploymentConfig") else None
            check_move(live, deployment)
            check_scaled(self.targets.registered(scope.region, record.name), live, deployment)
            if deployment.hosts_components:
                check_steps(given or retained)
                self.tenants.check(scope.region, record.name, deployment)
            config = {} if deployment.serverless else given or retained or {}  # guardrails are about instances
            check_guardrails(config, *([item["VariantName"] for item in each.variants] for each in (live, deployment)))
            rollout = guarded(config, deployment.production_counts, self.clock.epoch())
            check_alarms({name: self._alarm(scope.region, name) for name in rollout.alarms})
            state = EndpointState(live=live, pending=deployment, rollout=rollout)
            members = {"LastDeploymentConfig": given} if given else {}
            self.move(scope.region, record.name, "Updating", lambda _: state, FailureReason=None, **members)
        self._announce(scope.region, record.name, deployment)
        self.rollouts.begin((scope.region, record.name))
        return {"EndpointArn": record.public["EndpointArn"]}

    def update_variants(self, scope: Scope, params: Params) -> Params:
        """Updating, then InService: weights change at once, counts when as many instances run."""
        changes = params["DesiredWeightsAndCapacities"]
        with self.lock:
            record, live = self._changeable(scope, params["EndpointName"])
            check_variants(changes, live)
            weights = {item["VariantName"]: item["DesiredWeight"] for item in changes if "DesiredWeight" in item}
            counts = {
                item["VariantName"]: item["DesiredInstanceCount"] for item in changes if "DesiredInstanceCount" in item
            }
            now = self.clock.epoch()
            pending = live.changed(weights, counts, changed_serverless(changes, live))
            if pending.hosts_components:
                self.tenants.check(scope.region, record.name, pending)
            state = EndpointState(live=live, pending=pending, rollout=Rollout(steps=resize(), started=now, since=now))
            self.move(scope.region, record.name, "Updating", lambda _: state, FailureReason=None)
            stage = self.stages.find((scope.region, record.name))
            if stage is not None:
                self.rollouts.route(stage, EndpointState(live=pending), 0)
        self._announce(scope.region, record.name, pending)
        self.rollouts.begin((scope.region, record.name))
        return {"EndpointArn": record.public["EndpointArn"]}

    def delete(self, scope: Scope, params: Params) -> Params:
        """Deleting, then gone: when the last instance has ended. What scales is deregistered before, outside the lock: its alarms go."""
        name = (scope.region, params["EndpointName"])
        self._deletable(name)
        self.targets.deregister(*name)
        with self.lock:
            record = self._deletable(name)
            self.move(*name, "Deleting")
            tasks = self.tenants.evict(record)
            stage = self.stages.find(name)
            if stage is None:
                self.remove(*name)
                return {}
            self.stages.route(stage, None)
        self.runner.begin(("endpoint", *name, "delete"), partial(self._end, name, tasks))
        return {}

    def move(
        self,
        region: str,
        name: str,
        status: str,
        state: Callable[[EndpointState], EndpointState] | None = None,
        **members: Any,
    ) -> Record[EndpointState] | None:
        """As for every kind; its inference components follow to what it serves then."""
        record = super().move(region, name, status, state, **members)
        if record and status == "InService" and record.state.live and record.state.live.hosts_components:
            self.tenants.settle(record)
        return record

    def set_instances(self, region: str, name: str, variant: str, count: int) -> None:
        """A variant that hosts components has so many instances from now on."""
        counts = {variant: count}
        self.change(region, name, lambda state: replace(state, live=state.live and state.live.changed({}, counts)))

    def described(self, record: Record[EndpointState]) -> Params:
        """The endpoint with what runs now; instances that host components are no processes of their own."""
        state = record.state
        if state.live is not None and state.live.hosts_components:
            return described(
                record, Running(live=state.live.counts, pending=state.pending.counts if state.pending else {})
            )
        return described(record, self.stages.running((record.region, record.name)))

    def router(self, region: str, name: str) -> Router[Variant] | None:
        """Where the endpoint's traffic goes; None where it takes none. Raises ComingError for one that comes up after a restart."""
        return self.stages.router((region, name))

    def starting(self) -> list[str]:
        """The names of endpoints that do not answer yet: new ones, and those that come up after a restart."""
        new = {record.name for record in self.all() if record.public["EndpointStatus"] == "Creating"}
        return sorted(new | {name for _, name in self.stages.coming()})

    def start(self) -> None:
        """Bring every endpoint up again, and look after them from now on."""
        self._revival.begin()
        self.runner.every(("watch",), LOOK_S, self.stages.adjust)
        self.runner.every(("rollouts",), LOOK_S, self.rollouts.turn)

    def stop(self) -> None:
        """Stop every fleet, finishing what is in flight."""
        with self.stages.emptied(STOP_GRACE_S):
            pass

    @contextmanager
    def emptied(self) -> Iterator[None]:
        """While the caller forgets the records, none is made; when this ends, every fleet that there was has stopped."""
        with ExitStack() as stopping, self.lock:
            stopping.enter_context(self.stages.emptied(STOP_GRACE_S))
            yield

    def _end(self, name: Name, tasks: Sequence[Task], stop: threading.Event) -> None:
        for task in tasks:
            task.ended.wait()
        stage = self.stages.find(name)
        if stage is not None:
            self.stages.close(stage)
        with self.lock:
            record = self.find(*name)
            if record is not None and record.public["EndpointStatus"] == "Deleting":
                self.remove(*name)

    def _deployment(self, scope: Scope, config_name: str) -> Deployment:
        """A configuration and its models as they are now. Raises ValidationException."""
        config = self._configs.get(scope.region, config_name).public
        names = Deployment(config=config).model_names
        models = {name: self._models.get(scope.region, name).public for name in names}
        return Deployment.of(config, models, self.clock.epoch())

    def _deletable(self, name: Name) -> Record[EndpointState]:
        record = self.get(*name)
        if record.public["EndpointStatus"] not in DELETABLE:
            raise _in_progress(record)
        return record

    def _changeable(self, scope: Scope, name: str) -> tuple[Record[EndpointState], Deployment]:
        record = self.get(scope.region, name)
        if record.public["EndpointStatus"] != "InService" or record.state.live is None:
            raise _in_progress(record)
        return record, record.state.live


def check_variants(wanted: list[dict[str, Any]], live: Deployment) -> None:
    """Refuse variants that are not there, that are named twice, or that would have no instance. Raises ValidationException."""
    for name, times in Counter(item["VariantName"] for item in wanted).items():
        if name not in live.weights:
            raise validation(
                f'The variant name(s) "{name}" is/are not present within endpoint configuration "{live.name}".'
            )
        if times > 1:
            raise validation(f'The variant name "{name}" was non-unique within the request.')
    for item in wanted:
        name, serverless = item["VariantName"], item["VariantName"] in live.serverless
        if "DesiredInstanceCount" in item and serverless:
            raise validation(f'Variant "{name}" is serverless: it has no DesiredInstanceCount.')
        if "ServerlessUpdateConfig" in item and not serverless:
            raise validation(f'Variant "{name}" is not serverless: it has no ServerlessUpdateConfig.')
        if item.get("DesiredInstanceCount") == 0 and live.asynchronous is None:
            raise validation(f'Variant "{name}" must have at least one instance.')


def changed_serverless(wanted: list[dict[str, Any]], live: Deployment) -> dict[str, Document]:
    """The serverless configurations that a request changes. Raises ValidationException."""
    changed = {
        item["VariantName"]: {**live.serverless[item["VariantName"]], **item["ServerlessUpdateConfig"]}
        for item in wanted
        if "ServerlessUpdateConfig" in item
    }
    for config in changed.values():
        check_serverless(config)
    return changed


def check_move(live: Deployment, deployment: Deployment) -> None:
    """An endpoint on instances never becomes serverless; the other way is open, and a way of no return. One that hosts inference components
    goes on doing so, and no other begins. Raises ValidationException."""
    if deployment.hosts_components != live.hosts_components:
        raise validation(
            f'Cannot update to the endpoint configuration "{deployment.name}": an endpoint has models of its variants, or hosts '
            "inference components, for as long as it lives."
        )
    if deployment.serverless and not live.serverless:
        raise validation(
            f'Cannot update an endpoint on instances to the serverless endpoint configuration "{deployment.name}".'
        )


def check_steps(config: Mapping[str, Any] | None) -> None:
    """Components move one after the other, each when it answers on the new instances. Raises ValidationException."""
    if config:
        raise validation(
            "The local cloud does not have a DeploymentConfig of endpoints that host inference components yet."
        )


def check_alarms(states: Mapping[str, str | None]) -> None:
    """Refuse alarms that are not there, or that have gone off already: they could not tell of the update. Raises ValidationException."""
    gone = [name for name, state in states.items() if state is None]
    if gone:
        raise validation(f"Could not find the CloudWatch alarm(s) [{', '.join(gone)}] of AutoRollbackConfiguration.")
    off = [name for name, state in states.items() if state == "ALARM"]
    if off:
        raise validation(f"The CloudWatch alarm(s) [{', '.join(off)}] of AutoRollbackConfiguration are in ALARM state.")


def _in_progress(record: Record[EndpointState]) -> ApiError:
    return validation(f'Cannot update in-progress endpoint "{record.public["EndpointArn"]}".')

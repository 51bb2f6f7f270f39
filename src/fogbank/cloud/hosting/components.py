"""Inference components: CreateInferenceComponent, DescribeInferenceComponent, ListInferenceComponents, UpdateInferenceComponent,
UpdateInferenceComponentRuntimeConfig, DeleteInferenceComponent.

In: the calls; out: records, and copies that are started and stopped beside the call. A component has room on the instances of its variant,
or fails with SageMaker's words. Sources: botocore's documentation; the states in refusals as others quote them from AWS.
"""

from __future__ import annotations

import contextlib
import logging
import sqlite3
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from typing import Any

from fogbank.cloud.api.control import Operation, Params, Scope
from fogbank.cloud.api.errors import validation
from fogbank.cloud.api.listing import Listing
from fogbank.cloud.api.models import Models
from fogbank.cloud.api.resource import Ground, Kind, Resource
from fogbank.cloud.ground.runner import Task
from fogbank.cloud.ground.store import Document
from fogbank.cloud.hosting.component import (
    ComponentState,
    Part,
    check_copies,
    check_hosted,
    check_idle,
    check_specification,
    in_state,
    model_of,
)
from fogbank.cloud.hosting.component_rollouts import ComponentRollouts, planned
from fogbank.cloud.hosting.copies import Copies, Site, Slot
from fogbank.cloud.hosting.deployment import Deployment
from fogbank.cloud.hosting.endpoints import Endpoints, check_alarms
from fogbank.cloud.hosting.housing import Component, Endpoint, Housing, item_of, lives_on
from fogbank.cloud.hosting.instance import StartError
from fogbank.cloud.hosting.instance_sizes import Size
from fogbank.cloud.hosting.placement import NO_ROOM
from fogbank.cloud.hosting.rollout import Rollout
from fogbank.cloud.hosting.rollouts import LONGEST_REASON, AlarmState
from fogbank.cloud.hosting.stages import Name
from fogbank.cloud.observe.capture import Source
from fogbank.contracts.container import STOP_GRACE_S
from fogbank.contracts.status import INFERENCE_COMPONENT as TRANSITIONS

log = logging.getLogger("fogbank.cloud")
COMPONENT = Kind(
    path="inference-component",
    stem="InferenceComponent",
    key="InferenceComponentName",
    arn="InferenceComponentArn",
    missing=lambda arn: validation(f'Could not find inference component "{arn}".'),
    taken=lambda arn: validation(f'Cannot create already existing inference component "{arn}".'),
    listing=Listing(
        operation="ListInferenceComponents",
        answer="InferenceComponents",
        name="InferenceComponentName",
        status="InferenceComponentStatus",
    ),
    status="InferenceComponentStatus",
    transitions=TRANSITIONS,
)
LOOK_S = 0.5


class Components(Resource[ComponentState]):
    """The inference components of every region, and what runs for them."""

    def __init__(
        self, ground: Ground, models: Models, endpoints: Endpoints, alarm: AlarmState = lambda _region, _name: None
    ) -> None:
        super().__init__(COMPONENT, ComponentState, ground)
        self._models, self._endpoints = models, endpoints
        self._housing = Housing(self, endpoints)
        self.copies = Copies(lambda: endpoints.yard)
        self._alarm = alarm
        self.rollouts = ComponentRollouts(self, self.copies, alarm, self._go_on, self._begin)
        endpoints.tenants = self

    def operations(self) -> Mapping[str, Operation]:
        """The calls that this room answers."""
        return {
            **super().operations(),
            "CreateInferenceComponent": self.create,
            "UpdateInferenceComponent": self.update,
            "UpdateInferenceComponentRuntimeConfig": self.update_runtime,
        }

    def create(self, scope: Scope, params: Params) -> Params:
        """Creating, then InService or Failed."""
        name, count = params["InferenceComponentName"], params.get("RuntimeConfig", {}).get("CopyCount", 0)
        specification = params.get("Specification")
        if specification is None:
            raise validation("A Specification must be given.")
        if count < 1:
            raise validation("Inference components copy count must be an integer larger than 0.")
        with self.lock:
            endpoint, item = self._housing.host(scope.region, params["EndpointName"], params.get("VariantName"))
            part = self._part(scope, name, specification, count, endpoint)
            state = ComponentState(endpoint_made=endpoint.public["CreationTime"], pending=part)
            site = {"EndpointName": endpoint.name, "VariantName": item["VariantName"]}
            public = {
                "InferenceComponentName": name,
                **site,
                "EndpointArn": endpoint.public["EndpointArn"],
                "InferenceComponentStatus": "Creating",
                "Tags": params.get("Tags", []),
            }
            record = self.add(scope, name, public, state)
            self._claim(record, endpoint)
        self._begin((scope.region, name))
        return {"InferenceComponentArn": record.public["InferenceComponentArn"]}

    def update(self, scope: Scope, params: Params) -> Params:
        """Updating, then InService with another specification, other copies, or both; where those do not come, with those that it had."""
        return self._change(
            scope, params, params.get("Specification"), params.get("RuntimeConfig"), params.get("DeploymentConfig")
        )

    def update_runtime(self, scope: Scope, params: Params) -> Params:
        """Updating, then InService with as many copies."""
        return self._change(scope, params, None, params["DesiredRuntimeConfig"])

    def delete(self, scope: Scope, params: Params) -> Params:
        """Deleting, then gone: when the last copy has ended."""
        name = (scope.region, params["InferenceComponentName"])
        with self.lock:
            check_idle(self.get(*name), "delete")
            self.move(*name, "Deleting")
        self.runner.begin(("component", *name, "delete"), partial(self._end, name))
        return {}

    def described(self, record: Component) -> Params:
        """The component with what runs now."""
        part = record.state.described
        if part is None:
            return record.public
        wanted = record.state.placed or part
        running = self.copies.running((record.region, record.name))
        kind = self._instance_type(record)
        placed = [{"InstanceType": kind, "CurrentCopyCount": running}] if kind and running else None
        runtime = {"DesiredCopyCount": wanted.copies, "CurrentCopyCount": running, "PlacementStatus": placed}
        return {**record.public, "Specification": part.summary, "RuntimeConfig": runtime}

    def reserved(self, region: str, name: str) -> Size | None:
        """What is reserved for a copy of a component."""
        record = self.find(region, name)
        part = record.state.described if record else None
        return part.need.size if part else None

    def start(self) -> None:
        """Bring every component up again, and look after them from now on."""
        for record in self.all():
            name, status = (record.region, record.name), record.public["InferenceComponentStatus"]
            if status == "Deleting":
                self.remove(*name)
                self._housing.release(record.region, record.public["EndpointName"], record.public["VariantName"])
            elif status in {"Creating", "Updating"} or (record.state.live and self._housing.endpoint_of(record)):
                self._revive(name, status)
        self.runner.every(("copies",), LOOK_S, self.copies.adjust)
        self.runner.every(("batches",), LOOK_S, self.rollouts.turn)

    def stop(self) -> None:
        """Stop every copy, finishing what is in flight."""
        with self.copies.emptied(STOP_GRACE_S):
            pass

    @contextmanager
    def emptied(self) -> Iterator[None]:
        """While the caller forgets the records, none is made; when this ends, every copy that there was has stopped."""
        with ExitStack() as stopping, self.lock:
            stopping.enter_context(self.copies.emptied(STOP_GRACE_S))
            yield

    # What an endpoint asks of its tenants.

    def check(self, region: str, endpoint: str, deployment: Deployment) -> None:
        """Raises ValidationException for a deployment that has no room for the components that the endpoint hosts."""
        self._housing.check(region, endpoint, deployment)

    def settle(self, record: Endpoint) -> None:
        """The endpoint serves another configuration: its components move there."""
        self.runner.begin(("component", record.region, record.name, "move"), partial(self._move_all, record))

    def evict(self, endpoint: Endpoint) -> list[Task]:
        """The endpoint goes, and its components' processes with it; the tasks that end them. The records stay, as on AWS."""
        tasks = []
        for record in self.all(endpoint.region):
            if lives_on(record, endpoint):
                name = (record.region, record.name)
                tasks += self.copies.close(self.copies.slot(name))
                if record.state.rollout is not None:
                    self._begin(name)  # it bakes no more
        return tasks

    # The rest is the work itself.

    def _change(
        self,
        scope: Scope,
        params: Params,
        specification: Document | None,
        runtime: Mapping[str, Any] | None,
        deployment: Document | None = None,
    ) -> Params:
        name = params["InferenceComponentName"]
        with self.lock:
            record = self.get(scope.region, name)
            check_idle(record, "update")
            live, endpoint = record.state.live, self._housing.endpoint_of(record)
            if specification is None and runtime is None:
                raise validation("A Specification, a RuntimeConfig or both must be given.")
            if endpoint is None:
                raise validation(f'Could not find endpoint "{record.public["EndpointArn"]}".')
            if live is None:
                raise in_state(record, "update", "CREATE_FAILED")
            count = runtime["CopyCount"] if runtime else live.copies
            check_copies(count)
            part = replace(live, copies=count)
            if specification is not None:
                part = self._part(scope, name, specification, count, endpoint)
            rollout = self._rollout(scope.region, deployment, live, part)
            state = replace(record.state, pending=part, refusal="", rollout=rollout)
            given = {"LastDeploymentConfig": deployment} if deployment else {}
            moved = self.move(scope.region, name, "Updating", lambda _: state, FailureReason=None, **given)
            if moved is not None:
                self._claim(moved, endpoint)
        self._begin((scope.region, name))
        return {"InferenceComponentArn": record.public["InferenceComponentArn"]}

    def _part(self, scope: Scope, name: str, specification: Document, count: int, endpoint: Endpoint) -> Part:
        """What is to run. Raises ValidationException."""
        check_specification(specification)
        check_copies(count)
        live = endpoint.state.live
        config = live.config if live else {}
        if specification.get("ModelName"):
            model = self._models.get(scope.region, specification["ModelName"]).public
        else:
            model = model_of(name, scope.arn(COMPONENT.path, name), specification["Container"], config)
        check_hosted(model)
        return Part(specification=specification, model=model, copies=count, taken=self.clock.epoch())

    def _rollout(self, region: str, config: Document | None, live: Part, part: Part) -> Rollout | None:
        """The batches of an update; None where nothing is replaced, or there is no copy that could be. Raises ValidationException."""
        if not config:
            return None
        rollout = planned(config, part if part.copies else live, self.clock.epoch())
        check_alarms({name: self._alarm(region, name) for name in rollout.alarms})
        return None if live.is_same(part) or not (live.copies and part.copies) else rollout

    def _claim(self, record: Component, endpoint: Endpoint) -> None:
        """Let the variant have the instances that all copies on it need, or note that there is no room for those of this one."""
        if not self._housing.widen(endpoint, record.public["VariantName"]):
            self.change(record.region, record.name, lambda state: replace(state, refusal=NO_ROOM))

    def _instance_type(self, record: Component) -> str:
        endpoint = self._housing.endpoint_of(record)
        if endpoint is None:
            return ""
        kind: str = item_of(endpoint, record.public["VariantName"]).get("InstanceType", "")
        return kind

    def _revive(self, name: Name, status: str) -> None:
        if status != "Creating":
            self.copies.expect(name)
        if status in {"InService", "Failed"}:
            record = self.move(*name, "Updating", FailureReason=None)
            endpoint = self._housing.endpoint_of(record) if record else None
            if record and endpoint and status == "Failed":  # its room may be another one's by now
                self._claim(record, endpoint)
        self._begin(name)

    def _begin(self, name: Name) -> None:
        """Go on with a component, beside the request that asked for it."""
        self.runner.begin(("component", *name), partial(self._go_on, name), partial(self._crashed, name))

    def _go_on(self, name: Name, stop: threading.Event) -> None:
        slot = self.copies.slot(name)
        try:
            with slot.work:
                record = self.find(*name)
                if record is None or record.public["InferenceComponentStatus"] not in {"Creating", "Updating"}:
                    return
                try:
                    if not self._bring(slot, record, stop):
                        return  # it bakes
                except StartError as error:
                    leaves = stop.is_set() or slot.closed  # the cloud stops, or the endpoint has gone
                    if not leaves:
                        self._bring_back(slot, record, str(error), stop)
                        if stop.is_set():
                            return
                    gone = self._housing.endpoint_of(record) is None
                    if not leaves or gone:
                        self._fail(record, _gone(record) if gone else str(error))
                    if leaves or record.state.live is None or record.state.pending is None:
                        return
                else:
                    serves = replace(
                        record.state, live=record.state.pending or record.state.live, pending=None, rollout=None
                    )
                    self.move(*name, "InService", lambda _: serves, FailureReason=None)
        finally:
            self.copies.arrived(name)
        self._housing.release(name[0], record.public["EndpointName"], record.public["VariantName"])
        self._follow(name)

    def _bring(self, slot: Slot, record: Component, stop: threading.Event) -> bool:
        """Have what is to serve serve; False where it bakes on the way. Raises StartError."""
        part = record.state.pending or record.state.live
        if record.state.refusal or part is None:
            raise StartError(record.state.refusal or "it has no specification")
        if record.state.rollout is not None:
            return self.rollouts.carry_out(slot, record, self._site(record), stop)
        self.copies.bring(slot, part, self._site(record), stop)
        return True

    def _bring_back(self, slot: Slot, record: Component, reason: str, stop: threading.Event) -> None:
        """What it had serves again, where batches or a restart in the middle of an update ended it."""
        if record.state.rollout is not None:
            self.rollouts.roll_back(slot, record, reason, stop)
        if slot.serving is None and record.state.live is not None and record.state.pending is not None:
            with contextlib.suppress(StartError):
                self.copies.bring(slot, record.state.live, self._site(record), stop)

    def _fail(self, record: Component, reason: str) -> None:
        """It has what it had, if anything of it runs."""
        log.warning("inference component %s: %s", record.name, reason)
        name = (record.region, record.name)
        status = "InService" if self.copies.slot(name).serving is not None else "Failed"
        state = replace(record.state, pending=None, refusal="", rollout=None)
        if record.state.live is None:
            state = replace(state, pending=record.state.pending)
        self.move(*name, status, lambda _: state, FailureReason=reason[:LONGEST_REASON])
        self._housing.release(record.region, record.public["EndpointName"], record.public["VariantName"])

    def _crashed(self, name: Name, error: Exception) -> None:
        """Something that nobody foresaw: the component is not left half-way."""
        try:
            record = self.find(*name)
            if record is not None and record.public["InferenceComponentStatus"] in {"Creating", "Updating"}:
                self.copies.drop(self.copies.slot(name))
                self._fail(record, f"InternalServerError: {error!r}")
        except (OSError, sqlite3.Error):
            log.exception("how the inference component %s is cannot be written yet", name[1])
            self.rollouts.again(name)

    def _site(self, record: Component) -> Site:
        """Where it runs now. Raises StartError."""
        endpoint, variant = self._housing.endpoint_of(record), record.public["VariantName"]
        live = endpoint.state.live if endpoint else None
        if endpoint is None or live is None:
            raise StartError(_gone(record))
        source = Source(record.region, endpoint.name, variant, record.name)
        return Site(source=source, deployment=live, item=item_of(endpoint, variant))

    def _move_all(self, endpoint: Endpoint, stop: threading.Event) -> None:
        """Instances for all copies, and the copies to where the endpoint is now."""
        for item in endpoint.state.live.variants if endpoint.state.live else []:
            self._housing.widen(endpoint, item["VariantName"])
        for record in self._housing.hosted(endpoint.region, endpoint.name):
            if not stop.is_set():
                self._follow((record.region, record.name))

    def _follow(self, name: Name) -> None:
        """One that runs under another configuration than its endpoint's own starts again under that one, and goes there then."""
        with self.lock:
            record, serving = self.find(*name), self.copies.slot(name).serving
            endpoint = self._housing.endpoint_of(record) if record else None
            live = endpoint.state.live if endpoint else None
            if record is None or serving is None or live is None or serving.config == live.name:
                return
            if record.public["InferenceComponentStatus"] != "InService":
                return  # what is under way follows when it is done
            self.move(*name, "Updating", FailureReason=None)
        self._begin(name)

    def _end(self, name: Name, stop: threading.Event) -> None:
        record = self.find(*name)
        for task in self.copies.close(self.copies.slot(name)):
            task.ended.wait()
        self.remove(*name)
        if record is not None:
            self._housing.release(name[0], record.public["EndpointName"], record.public["VariantName"])


def _gone(record: Component) -> str:
    return f"the endpoint {record.public['EndpointName']} does not exist any more"

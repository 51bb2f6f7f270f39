"""After a restart of the cloud: every endpoint comes up again as it was, and what was under way goes on.

In: records as the last process left them; out: fleets that run. What serves comes first: a new fleet that does not come up again
rolls back to it. An endpoint that does not come up is OutOfService with the reason, and the next restart tries again.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from dataclasses import replace
from functools import partial

from fogbank.cloud.api.errors import ApiError
from fogbank.cloud.api.models import Models
from fogbank.cloud.api.resource import Resource
from fogbank.cloud.ground.runner import Runner
from fogbank.cloud.hosting.deployment import Deployment, EndpointState
from fogbank.cloud.hosting.instance import StartError
from fogbank.cloud.hosting.rollout import Rollout, create, replacement, resize
from fogbank.cloud.hosting.rollouts import LONGEST_REASON, Endpoint, Rollouts
from fogbank.cloud.hosting.stages import Name, Stage, Stages

log = logging.getLogger("fogbank.cloud")


class Revival:
    """Brings endpoints up again."""

    def __init__(
        self, records: Resource[EndpointState], stages: Stages, rollouts: Rollouts, models: Models, runner: Runner
    ) -> None:
        self._records = records
        self._stages = stages
        self._rollouts = rollouts
        self._models = models
        self._runner = runner

    def begin(self) -> None:
        """Begin with every endpoint, each beside the others."""
        for record in self._records.all():
            name, status = (record.region, record.name), record.public["EndpointStatus"]
            if status == "Deleting":
                self._records.remove(*name)
            if status in {"Deleting", "Failed"}:
                continue
            if status == "InService":
                self._records.move(*name, "SystemUpdating")
            if status == "OutOfService":
                self._records.move(*name, "SystemUpdating", FailureReason=None)
            if status != "Creating":
                self._stages.expect(name)
            key = ("endpoint", *name, "revival")
            self._runner.submit(key, partial(self._revive, name), partial(self._crashed, name))

    def _revive(self, name: Name, stop: threading.Event) -> None:
        stage = self._stages.stage(name)
        try:
            with stage.work:
                record = self._known(name)
                if record is not None and record.state.live is not None:
                    self._serve(stage, record, record.state.live, stop)
        finally:
            self._stages.arrived(name)
        self._rollouts.begin(name)

    def _serve(self, stage: Stage, record: Endpoint, live: Deployment, stop: threading.Event) -> None:
        """Start what served, and let it serve."""
        restarts = record.public["EndpointStatus"] == "SystemUpdating"
        try:
            fleet = self._rollouts.fleet(record, live)
            if not self._stages.place(stage, live=fleet, pending=None):
                return
            fleet.start(stop)
        except StartError as error:
            if stop.is_set() or stage.closed:
                return
            log.warning("endpoint %s does not come up again: %s", record.name, error)
            for fleet in stage.fleets:
                fleet.close()
            self._stages.place(stage, live=None, pending=None)
            self._stages.arrived(stage.name)  # first: who is told that it is out of service is not told to ask later
            if restarts:
                self._records.move(
                    record.region, record.name, "OutOfService", FailureReason=str(error)[:LONGEST_REASON]
                )
            return
        self._rollouts.route(stage, record.state, 0)
        if restarts:
            self._records.move(record.region, record.name, "InService")

    def _known(self, name: Name) -> Endpoint | None:
        """The record, with all that a rollout needs to go on in this process."""
        now = self._records.clock.epoch()
        record = self._records.find(*name)
        if record is None:
            return None
        state = resumed(self._complete(record.region, record.state), record.public["EndpointStatus"], now)
        return record if state == record.state else self._records.change(*name, lambda _: state)

    def _complete(self, region: str, state: EndpointState) -> EndpointState:
        """The models of a document of version 1 are looked up now; later ones hold them."""
        return replace(
            state, live=self._with_models(region, state.live), pending=self._with_models(region, state.pending)
        )

    def _with_models(self, region: str, deployment: Deployment | None) -> Deployment | None:
        if deployment is None or deployment.models:
            return deployment
        models = {}
        for name in deployment.model_names:
            with contextlib.suppress(ApiError):  # a model that is gone is told when it is to run
                models[name] = self._models.get(region, name).public
        return replace(deployment, models=models)

    def _crashed(self, name: Name, error: Exception) -> None:
        """Something that nobody foresaw: the endpoint is not left half-way."""
        record = self._records.find(*name)
        if record is None or record.public["EndpointStatus"] != "SystemUpdating":
            self._rollouts.begin(name)
            return
        self._records.move(*name, "OutOfService", FailureReason=f"InternalServerError: {error!r}"[:LONGEST_REASON])


def resumed(state: EndpointState, status: str, now: float) -> EndpointState:
    """The state from which a new process goes on. Documents of version 1 had no rollouts: they get the one they were in."""
    if state.rollout is not None:
        return replace(state, rollout=state.rollout.resumed(now))
    if status == "Creating":
        return EndpointState(pending=state.live, rollout=Rollout(steps=create(), started=now, since=now))
    if status == "Updating" and state.pending is not None:
        steps = replacement({}, state.pending.production_counts)
        return replace(state, rollout=Rollout(steps=steps, started=now, since=now))
    if status == "Updating":
        return replace(state, pending=state.live, rollout=Rollout(steps=resize(), started=now, since=now))
    return state

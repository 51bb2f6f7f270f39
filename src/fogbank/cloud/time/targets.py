"""What a schedule's target does. The local cloud fires the universal target CreateTransformJob; any other is named when its moment comes."""

from __future__ import annotations

import json
import logging
import uuid
from collections.abc import Callable
from datetime import datetime

from fogbank.cloud.api.control import ControlPlane, Scope
from fogbank.cloud.api.errors import ApiError
from fogbank.cloud.ground.store import Document
from fogbank.cloud.time.scheduler import Schedule
from fogbank.contracts.transform import CREATE_TRANSFORM_JOB_TARGET, EXECUTION_ID, SCHEDULED_TIME

log = logging.getLogger("fogbank.cloud")
Ended = Callable[[str, str], Document | None]
"""A transform job's document by region and name, when it has ended."""


class Targets:
    """Fires schedules over the control plane."""

    def __init__(self, control: ControlPlane, ended: Ended) -> None:
        self._control = control
        self._ended = ended

    def fire(self, schedule: Schedule, moment: datetime, wait: bool) -> str:
        """Do it; in a sentence, what came of it."""
        arn = schedule.document["Target"]["Arn"]
        if arn.lower() != CREATE_TRANSFORM_JOB_TARGET.lower():
            log.warning("EventBridge schedule %s: its target %s is not fired", schedule.name, arn)
            return f"the local cloud does not fire the target {arn} yet"
        params = json.loads(_input(schedule, moment))
        try:
            self._control.call("CreateTransformJob", Scope(schedule.region), params)
        except ApiError as error:
            log.warning("EventBridge schedule %s: %s: %s", schedule.name, error.code, error.message)
            return f"{error.code}: {error.message}"
        name = params["TransformJobName"]
        job = self._ended(schedule.region, name) if wait else None
        if job is None:
            return f"transform job {name} started"
        reason = f" ({job['FailureReason']})" if job.get("FailureReason") else ""
        return f"transform job {name}: {job['TransformJobStatus']}{reason}"


def _input(schedule: Schedule, moment: datetime) -> str:
    """The target's input with the context attributes filled in; the execution's id is made from what it is of, so it is the same again."""
    arn = f"{schedule.region}/{schedule.key}"
    execution = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{arn}{moment.isoformat()}"))
    text = str(schedule.document["Target"].get("Input") or "{}").replace(EXECUTION_ID, execution)
    return text.replace(SCHEDULED_TIME, moment.strftime("%Y-%m-%dT%H:%M:%SZ"))

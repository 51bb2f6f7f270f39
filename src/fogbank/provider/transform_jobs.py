"""TransformJob, a type of fogbank's own provider: a batch that is scored once, waited for, and scored again when what it is changes.

In: a CreateTransformJob request without its name, as JSON, what the job's names begin with, and `triggers`, whose change is another run;
out: the job's name and status. A job that fails fails the `up`, with SageMaker's reason; it stays in SageMaker's history, as all do.

An engine that is killed leaves the job running, and a state without it. The next `up` takes that job for its own: the newest of its
names, if it is of the same request, and no `up` has kept it (which a tag of it says). Source: the SageMaker API reference.
"""

from __future__ import annotations

import json
import re
import threading
import time
import uuid
from dataclasses import dataclass
from typing import Any, ClassVar

from fogbank.contracts.transform import TransformRequest
from fogbank.ground.digest import sha256_bytes
from fogbank.provider.calls import GoneError, call, ensure_gone, require
from fogbank.provider.declarable import Allowed
from fogbank.provider.own import WHERE, AccountClients, replaced
from fogbank.provider.resource import Difference, Failure, Properties, ProvisionError
from fogbank.provider.shapes import UNKNOWN

RUNNING = frozenset({"InProgress", "Stopping"})
DIGEST, RUN = 12, 6
LONGEST = 63 - DIGEST - RUN - 2
"""How much of a prefix its jobs' names begin with."""
KEPT = "fogbank:kept"
"""The tag of a job that an `up` has taken into its state."""
SHORTEST_S, LONGEST_S = 0.05, 15.0


@dataclass(frozen=True)
class TransformJobType:
    """The verbs of the type. A job never changes: another request is another job."""

    clients: AccountClients
    cancelled: threading.Event
    inputs: ClassVar[Allowed] = Allowed(
        keys=frozenset({"prefix", "request", "triggers"}) | WHERE, required=frozenset({"prefix", "request"})
    )
    outputs: ClassVar[tuple[str, ...]] = ("job", "status")
    auto_name: ClassVar[None] = None

    def check(self, inputs: Properties) -> tuple[Properties, list[Failure]]:
        """Inputs, and what is refused."""
        failures = self.inputs.failures(inputs)
        if failures or UNKNOWN in {inputs["request"], inputs["prefix"]}:
            return inputs, failures
        try:
            TransformRequest.from_json(json.dumps({**json.loads(inputs["request"]), "TransformJobName": "j"}))
        except (TypeError, ValueError) as error:
            failures = [Failure("request", f"is no CreateTransformJob request: {error}")]
        return inputs, failures

    def diff(self, old: Properties, new: Properties) -> Difference:
        """Whatever changes is another run."""
        return replaced(old, new, WHERE)

    def preview(self, inputs: Properties) -> Properties:
        """Its name is known when it runs."""
        return {**inputs, "job": UNKNOWN, "status": UNKNOWN}

    def create(self, inputs: Properties) -> tuple[str, Properties]:
        """Run it, or take the one that an `up` left, and wait for its end. Raises ProvisionError where that is no good one."""
        client = self.clients("sagemaker", inputs)
        start, digest = f"{inputs['prefix'][:LONGEST]}-", digest_of(inputs)
        name = left_behind(client, start, digest)
        if name is None:
            name = f"{start}{digest}-{uuid.uuid4().hex[:RUN]}"
            require(client, "CreateTransformJob", TransformJobName=name, **json.loads(inputs["request"]))
        job = self._ended(client, name)
        if job["TransformJobStatus"] != "Completed":
            reason = job.get("FailureReason") or "no reason is given"
            raise ProvisionError(f"transform job {name} is {job['TransformJobStatus']}: {reason}")
        require(client, "AddTags", ResourceArn=job["TransformJobArn"], Tags=[{"Key": KEPT, "Value": "true"}])
        return name, _state(inputs, job)

    def _ended(self, client: Any, name: str) -> Properties:
        """The job when it has ended; one that is waited for when the engine is cancelled is stopped first. Raises ProvisionError."""
        pause, stopped = SHORTEST_S, False
        while True:
            job: Properties = require(client, "DescribeTransformJob", TransformJobName=name)
            if job["TransformJobStatus"] not in RUNNING:
                return job
            if stopped:
                time.sleep(pause)
            elif self.cancelled.wait(pause):
                ensure_gone(client, "StopTransformJob", TransformJobName=name)
                stopped = True
            pause = min(pause * 1.5, LONGEST_S)

    def read(self, id_: str, inputs: Properties) -> tuple[Properties, Properties] | None:
        """The job as SageMaker has it; what is imported has its request from there."""
        try:
            job = call(self.clients("sagemaker", inputs), "DescribeTransformJob", TransformJobName=id_)
        except GoneError:
            return None
        request = TransformRequest.described(job).encode()
        del request["TransformJobName"]
        own = {"prefix": id_[: -DIGEST - RUN - 2], "request": json.dumps(request, sort_keys=True)}
        fresh = {**own, **inputs}
        return fresh, _state(fresh, job)

    def update(self, new: Properties) -> Properties:
        """It never is: every change is a replacement."""
        raise ProvisionError("a transform job is not updated in place")

    def delete(self, id_: str, state: Properties) -> None:
        """Stop it, if it runs, and forget it: SageMaker deletes no job, and its outputs are the program's."""
        client = self.clients("sagemaker", state)
        try:
            job = call(client, "DescribeTransformJob", TransformJobName=id_)
        except GoneError:
            return
        if job["TransformJobStatus"] == "InProgress":
            ensure_gone(client, "StopTransformJob", TransformJobName=id_)


def digest_of(inputs: Properties) -> str:
    """What a run is of."""
    return sha256_bytes(json.dumps([inputs["request"], inputs.get("triggers") or ""]).encode())[:DIGEST]


def left_behind(client: Any, start: str, digest: str) -> str | None:
    """The newest job of this name, if it is of this digest, runs or is done, and is in nobody's state. Raises ProvisionError."""
    own = re.compile(re.escape(start) + rf"([0-9a-f]{{{DIGEST}}})-[0-9a-f]{{{RUN}}}")
    listed = require(
        client, "ListTransformJobs", NameContains=start, SortBy="CreationTime", SortOrder="Descending", MaxResults=100
    )
    for job in listed["TransformJobSummaries"]:
        match = own.fullmatch(job["TransformJobName"])
        if match is None:
            continue
        if match[1] != digest or job["TransformJobStatus"] not in {"InProgress", "Completed"}:
            return None
        tags = require(client, "ListTags", ResourceArn=job["TransformJobArn"])["Tags"]
        return None if any(tag["Key"] == KEPT for tag in tags) else str(job["TransformJobName"])
    return None


def _state(inputs: Properties, job: Properties) -> Properties:
    return {**inputs, "job": job["TransformJobName"], "status": job["TransformJobStatus"]}

"""The account suite: one bounded run of everything on a stack's account, which destroys what it made, whatever happens.

In: a project with a stack on AWS; out: a report. Its Pulumi state is a folder of the run's own, which stays only where something could
not be deleted. Each scene tells facts; a scene that fails leaves the others their turn, and the destruction comes last always.
"""

from __future__ import annotations

import os
import platform
import shutil
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from fogbank.contracts.config import ProjectConfig
from fogbank.contracts.errors import EngineError, FogbankError
from fogbank.contracts.manifest import Manifest
from fogbank.engine.environment import account_environment, backend_url
from fogbank.engine.operations import Summary
from fogbank.engine.stack import StackDriver
from fogbank.project.account.stacks import find_engine
from fogbank.project.account.suite_program import SuiteStack
from fogbank.project.account.suite_report import Scene, SuiteReport
from fogbank.project.calling.clients import Clients
from fogbank.project.calling.transform import run_job
from fogbank.project.monitoring.monitor import run_monitor
from fogbank.project.workplace.events import Steps
from fogbank.project.workplace.installation import fogbank_version

STACK = "verify"
BROKEN = {"SAGEMAKER_PROGRAM": "not-there.py"}
CAPTURE_LIMIT_S, CAPTURE_LOOK_S = 900.0, 5.0
"""How long captured records may take to S3."""
HOURS = 1.5
PRICE_USD = 0.115
"""An hour of ml.m5.large, as public tables quote us-east-1's list price."""


def most_usd() -> float:
    """The most that a run can cost in instances: two of an endpoint (blue and green) and two jobs, all the time.

    >>> most_usd()
    0.69
    """
    return round(4 * HOURS * PRICE_USD, 2)


@dataclass
class AccountSuite:
    """One run. `settings` are the stack's region and profile, by their configuration keys."""

    config: ProjectConfig
    manifest: Manifest
    clients: Clients
    settings: Mapping[str, str]
    stack: SuiteStack
    steps: Steps
    folder: Path
    scenes: list[Scene] = field(default_factory=list)
    answer: bytes = b""

    def run(self) -> SuiteReport:
        """All scenes. Raises EngineError where there is no engine."""
        try:
            for name, play in self._plays():
                with self._scene(name) as scene:
                    play(scene.facts)
                if scene.error and name == "deploy":
                    break
        finally:
            with self._scene("destroy") as scene:
                self._destroy(scene.facts)
        left = (
            [] if not scene.error else [f"the stack {self.stack.prefix}, whose Pulumi state is in {self.folder.name}"]
        )
        if not left:
            shutil.rmtree(self.folder, ignore_errors=True)
        versions = {"fogbank": fogbank_version(), "Python": platform.python_version()}
        return SuiteReport(
            region=self.settings.get("aws:region", ""),
            versions=versions,
            most_usd=most_usd(),
            scenes=self.scenes,
            left=left,
        )

    def _plays(self) -> list[tuple[str, Callable[[dict[str, Any]], None]]]:
        return [
            ("deploy", self._deploy),
            ("invoke", self._invoke),
            ("update", self._update),
            ("roll back", self._roll_back),
            ("batch", self._batch),
            ("monitor", self._monitor),
        ]

    @contextmanager
    def _scene(self, name: str) -> Iterator[Scene]:
        scene, begun = Scene(name), time.monotonic()
        self.scenes.append(scene)
        with self.steps(name) as step:
            try:
                yield scene
            except (FogbankError, ClientError, BotoCoreError) as error:
                scene.error = str(error)
            scene.seconds = time.monotonic() - begun
            step.done(
                f"failed: {scene.error.splitlines()[0]}" if scene.error else f"{len(scene.differences())} difference(s)"
            )

    def _driver(self, stack: SuiteStack) -> StackDriver:
        """Over a state of the stack: a backend of the run's own, the account by the stack's own settings."""
        engine = find_engine(lambda _: None)
        self.folder.mkdir(parents=True, exist_ok=True)
        own = {
            "PULUMI_BACKEND_URL": backend_url(self.folder),
            "PULUMI_CONFIG_PASSPHRASE": "",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
        }
        environment = {**account_environment(self.config.pulumi, engine, os.environ), **own}
        driver = StackDriver(self.folder, engine, environment, STACK, stack.program())
        driver.set_config(self.settings)
        return driver

    def _up(self, **environment: str) -> Summary:
        return self._driver(replace(self.stack, environment=environment)).up(self.steps.listener)

    def _rows(self) -> bytes:
        return (self.config.trained / "sample.csv").read_bytes()

    def _ask(self, body: bytes, endpoint: str = "") -> tuple[bytes, str]:
        reply = self.clients("sagemaker-runtime").invoke_endpoint(
            EndpointName=endpoint or self.stack.endpoint, Body=body, ContentType="text/csv"
        )
        return reply["Body"].read(), reply["ContentType"].partition(";")[0]

    def _live(self) -> dict[str, Any]:
        live: dict[str, Any] = self.clients("sagemaker").describe_endpoint(EndpointName=self.stack.endpoint)
        return live

    def _deploy(self, facts: dict[str, Any]) -> None:
        self._up()
        facts["endpoint"] = self._live()["EndpointStatus"]
        facts["second up changes"] = self._up().changed

    def _invoke(self, facts: dict[str, Any]) -> None:
        self.answer, facts["content type"] = self._ask(self._rows())
        facts["rows"] = len(self.answer.splitlines()) == len(self._rows().splitlines())
        facts["same twice"] = self._ask(self._rows())[0] == self.answer
        facts["an unknown endpoint"] = refusal(lambda: self._ask(self._rows(), f"{self.stack.prefix}-nobody"))
        facts["a bad row"] = refusal(lambda: self._ask(b"not,a,row\n"))

    def _update(self, facts: dict[str, Any]) -> None:
        before = self._live()["EndpointConfigName"]
        self._up(STEP="2")
        live = self._live()
        facts["endpoint"], facts["new configuration"] = live["EndpointStatus"], live["EndpointConfigName"] != before
        facts["same answer"] = self._ask(self._rows())[0] == self.answer

    def _roll_back(self, facts: dict[str, Any]) -> None:
        good = self._live()["EndpointConfigName"]
        try:
            self._up(**BROKEN)
            facts["up fails"] = False
        except EngineError as error:
            facts["up fails"], facts["names the live configuration"] = error.code, good in error.cause
        facts["live configuration stays"] = self._live()["EndpointConfigName"] == good
        facts["same answer"] = self._ask(self._rows())[0] == self.answer
        self._up(STEP="2")

    def _batch(self, facts: dict[str, Any]) -> None:
        result = run_job(self.clients, self.stack.nightly, "rows.csv", self._rows(), lambda _: None)
        facts["status"] = "Completed"
        facts["rows"] = len(result.outputs["rows.csv.out"].splitlines()) == len(self._rows().splitlines())
        request = self.clients("sagemaker").describe_transform_job(TransformJobName=result.job)
        source = request["TransformInput"]["DataSource"]["S3DataSource"]
        facts["an empty prefix"] = refusal(
            lambda: self.clients("sagemaker").create_transform_job(
                TransformJobName=f"{self.stack.prefix}-empty",
                ModelName=request["ModelName"],
                TransformInput={"DataSource": {"S3DataSource": {**source, "S3Uri": source["S3Uri"] + "nothing/"}}},
                TransformOutput={"S3OutputPath": request["TransformOutput"]["S3OutputPath"]},
                TransformResources=request["TransformResources"],
            )
        )

    def _monitor(self, facts: dict[str, Any]) -> None:
        self._ask(self._rows())
        self._await_capture()
        verdict = run_monitor(self.clients, self.stack.quality, self.steps, cloud=None, stack=STACK)
        facts["status"] = "Completed" if verdict.status.startswith("Completed") else verdict.status
        facts["statistics"] = bool(verdict.statistics)

    def _await_capture(self) -> None:
        """Until a captured file is in S3. Raises EngineError where none comes."""
        config = self.clients("sagemaker").describe_endpoint_config(
            EndpointConfigName=self._live()["EndpointConfigName"]
        )
        bucket = config["DataCaptureConfig"]["DestinationS3Uri"].split("/")[2]
        deadline = time.monotonic() + CAPTURE_LIMIT_S
        while not self.clients("s3").list_objects_v2(Bucket=bucket, Prefix="capture/", MaxKeys=1).get("KeyCount"):
            if time.monotonic() > deadline:
                raise EngineError(
                    "capture-missing",
                    f"no captured record came in {CAPTURE_LIMIT_S:g} s",
                    "look at the endpoint's capture",
                )
            time.sleep(CAPTURE_LOOK_S)

    def _destroy(self, facts: dict[str, Any]) -> None:
        self._driver(self.stack).destroy(self.steps.listener)
        facts["endpoint"] = "gone" if refusal(self._live) == "ValidationException" else "there"
        schedules = self.clients("scheduler").list_schedules(NamePrefix=self.stack.prefix)["Schedules"]
        facts["schedules"] = "there" if schedules else "gone"
        models = self.clients("sagemaker").list_models(NameContains=self.stack.prefix, MaxResults=1)["Models"]
        facts["model"] = "there" if models else "gone"


def refusal(call: Callable[[], object]) -> str:
    """The code of AWS's refusal; empty where it does not refuse."""
    try:
        call()
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return ""


def fresh_prefix(project: str) -> str:
    """A name that no other run has.

    >>> len(fresh_prefix("churn"))
    19
    """
    return f"{project[:24]}-verify-{uuid.uuid4().hex[:6]}"

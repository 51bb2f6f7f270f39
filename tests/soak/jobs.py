"""Writers of jobs: transform jobs, processing jobs and the executions of a monitor. Every one that was accepted comes to an end."""

from __future__ import annotations

import random
from typing import Any

from fogbank.contracts.config import ProjectConfig
from tests.contracts.aws.served import ROLE, Served
from tests.soak.ledger import ask
from tests.soak.writer import Writer
from tests.waiting import until_answer

ENDED = {"Completed", "CompletedWithViolations", "Failed", "Stopped"}
ENDS_S = 180
STOPPED = "the local cloud was stopped while"
"""What a job that does not run again says of a killed cloud."""
RESOURCES = {"ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 20}}
FOLDER = "/opt/ml/processing"
AT_ONCE = 2


class Transforms(Writer):
    """Transform jobs: each ends Completed, also one that was killed in the middle, and its output is whole or not there."""

    pace_s = 0.5
    COPIES = 40

    def __init__(self, served: Served, chance: random.Random) -> None:
        super().__init__(served, chance)
        served.s3.put_object(Bucket=served.name, Key="in/rows.csv", Body=served.sample * self.COPIES)
        self._whole: bytes | None = None
        self._running: set[str] = set()
        self._ended: dict[str, str] = {}

    def step(self) -> None:
        for job in sorted(self._running):
            self._look(job)
        if len(self._running) < AT_ONCE:
            job = f"{self.served.name}-{self.steps}"
            ask(
                self.served.sagemaker.create_transform_job, TransformJobName=job, ModelName=self.served.name,
                BatchStrategy="SingleRecord",
                TransformInput={
                    "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{self.served.name}/in/rows.csv"}},
                    "ContentType": "text/csv", "SplitType": "Line",
                },
                TransformOutput={"S3OutputPath": f"s3://{self.served.name}/out/{job}", "Accept": "text/csv"},
                TransformResources={"InstanceType": "ml.m5.large", "InstanceCount": 1},
            )  # fmt: skip
            self._running.add(job)

    def _look(self, job: str) -> str:
        """The job's status, and whether what is to be seen of its output is whole."""
        described = ask(self.served.sagemaker.describe_transform_job, TransformJobName=job)
        outputs = ask(lambda: [self._body(key) for key in self.served.keys(f"out/{job}/")])
        status = str(described["TransformJobStatus"])
        if status == "Completed" and self._whole is None:
            [self._whole] = outputs
            assert len(self._whole.splitlines()) == len(self.served.sample.splitlines()) * self.COPIES
        assert all(len(body.splitlines()) == len(self.served.sample.splitlines()) * self.COPIES for body in outputs)
        if status in ENDED:
            self._running.discard(job)
            self._ended[job] = status if outputs == [self._whole] else self._about(described, outputs)
        return status

    def _about(self, described: dict[str, Any], outputs: list[bytes]) -> str:
        sizes = [f"{len(body)} bytes, {'the same' if body == self._whole else 'others'}" for body in outputs]
        return f"{described['TransformJobStatus']} {described.get('FailureReason')} with {sizes}"

    def _body(self, key: str) -> bytes:
        body: bytes = self.served.s3.get_object(Bucket=self.served.name, Key=key)["Body"].read()
        return body

    def compare(self) -> list[str]:
        for job in sorted(self._running):
            self._look(job)
        before = dict(self._ended)
        for job in list(self._ended)[-10:]:
            self._look(job)
        changed = [
            f"transform job {job} was {before[job]} and is {self._ended[job]}"
            for job in before
            if self._ended[job] != before[job]
        ]
        return changed + [f"transform job {job} ended {how}" for job, how in self._ended.items() if how != "Completed"]

    def finish(self) -> list[str]:
        for job in sorted(self._running):
            until_answer(lambda job=job: self._look(job), ENDED.__contains__, ENDS_S)  # type: ignore[misc]  # the loop's own job
        return self.compare()


class Processing(Writer):
    """Processing jobs of the analyzer: each ends, Completed with its outputs, or Failed because the cloud was stopped."""

    pace_s = 1.0

    def __init__(self, served: Served, chance: random.Random, project: ProjectConfig) -> None:
        super().__init__(served, chance)
        baseline = (project.trained / "baseline.csv").read_bytes()
        served.s3.put_object(Bucket=served.name, Key="train/baseline.csv", Body=baseline)
        self._running: set[str] = set()
        self._wrong: list[str] = []

    def step(self) -> None:
        for job in sorted(self._running):
            self._look(job)
        if not self._running:
            job = f"{self.served.name}-p{self.steps}"
            ask(self.served.sagemaker.create_processing_job, **self._request(job))
            self._running.add(job)

    def _request(self, job: str) -> dict[str, Any]:
        source = {
            "S3Uri": f"s3://{self.served.name}/train/",
            "LocalPath": f"{FOLDER}/input/data",
            "S3DataType": "S3Prefix",
        }
        target = {"S3Uri": f"s3://{self.served.name}/base/{job}", "LocalPath": f"{FOLDER}/output"}
        return {
            "ProcessingJobName": job,
            "RoleArn": ROLE,
            "AppSpecification": {"ImageUri": "local/fogbank-monitor"},
            "ProcessingResources": RESOURCES,
            "Environment": {
                "dataset_format": '{"csv":{"header":true}}',
                "dataset_source": f"{FOLDER}/input/data",
                "output_path": f"{FOLDER}/output",
            },
            "ProcessingInputs": [{"InputName": "i", "S3Input": {**source, "S3InputMode": "File"}}],
            "ProcessingOutputConfig": {
                "Outputs": [{"OutputName": "o", "S3Output": {**target, "S3UploadMode": "EndOfJob"}}]
            },
        }

    def _look(self, job: str) -> str:
        described = ask(self.served.sagemaker.describe_processing_job, ProcessingJobName=job)
        status = str(described["ProcessingJobStatus"])
        if status in ENDED:
            reason = described.get("FailureReason", "")
            outputs = ask(lambda: self.served.keys(f"base/{job}/"))
            whole = [f"base/{job}/constraints.json", f"base/{job}/statistics.json"]
            if not (status == "Completed" and outputs == whole) and not (status == "Failed" and STOPPED in reason):
                self._wrong.append(f"processing job {job} ended {status} ({reason}) with {outputs}")
            self._running.discard(job)
        return status

    def compare(self) -> list[str]:
        for job in sorted(self._running):
            self._look(job)
        return self._wrong

    def finish(self) -> list[str]:
        for job in sorted(self._running):
            until_answer(lambda job=job: self._look(job), ENDED.__contains__, ENDS_S)  # type: ignore[misc]  # the loop's own job
        return self._wrong


class Monitors(Writer):
    """A monitor that runs by the hour while the cloud's clock is moved: what was told to have run is there, and has ended."""

    pace_s = 2.0

    def __init__(self, served: Served, chance: random.Random) -> None:
        super().__init__(served, chance)
        sagemaker, name = served.sagemaker, served.name
        output = {"S3Output": {"S3Uri": f"s3://{name}/reports", "LocalPath": f"{FOLDER}/output"}}
        sagemaker.create_data_quality_job_definition(
            JobDefinitionName=name, RoleArn=ROLE, DataQualityAppSpecification={"ImageUri": "local/fogbank-monitor"},
            DataQualityJobInput={"EndpointInput": {"EndpointName": name, "LocalPath": f"{FOLDER}/input"}},
            DataQualityJobOutputConfig={"MonitoringOutputs": [output]}, JobResources=RESOURCES,
        )  # fmt: skip
        sagemaker.create_monitoring_schedule(
            MonitoringScheduleName=name,
            MonitoringScheduleConfig={
                "MonitoringJobDefinitionName": name,
                "MonitoringType": "DataQuality",
                "ScheduleConfig": {"ScheduleExpression": "cron(0 * ? * * *)"},
            },
        )
        self._fired, self._time = 0, ""

    def step(self) -> None:
        fired = ask(lambda: self.served.cloud.admin.call("advance", seconds=3600))
        self._fired += len([item for item in fired if self.served.name in item["name"]])
        self._time = ask(lambda: self.served.cloud.admin.call("status"))["time"]

    def _executions(self) -> list[dict[str, Any]]:
        pages = self.served.sagemaker.get_paginator("list_monitoring_executions").paginate(
            MonitoringScheduleName=self.served.name
        )
        return ask(lambda: [item for page in pages for item in page["MonitoringExecutionSummaries"]])

    def compare(self) -> list[str]:
        executions = self._executions()
        wrong = (
            []
            if len(executions) >= self._fired
            else [f"{self._fired} executions were told, {len(executions)} are there"]
        )
        now = ask(lambda: self.served.cloud.admin.call("status"))["time"]
        if now < self._time:
            wrong.append(f"it was {self._time} in the cloud, and now it is {now}")
        return wrong

    def finish(self) -> list[str]:
        ended = until_answer(
            self._executions, lambda items: all(item["MonitoringExecutionStatus"] in ENDED for item in items), ENDS_S
        )
        failed = [item for item in ended if item["MonitoringExecutionStatus"] == "Failed"]
        allowed = (STOPPED, "Job inputs had no data")
        wrong = [f"an execution failed: {item['FailureReason']}" for item in failed
                 if not any(reason in item["FailureReason"] for reason in allowed)]  # fmt: skip
        return wrong + self.compare()

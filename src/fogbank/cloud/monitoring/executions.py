"""A monitoring execution: the captured records of a window, the analyzer over them, its verdict as the execution's status."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from fogbank.cloud.api.control import Scope
from fogbank.cloud.api.resource import Record
from fogbank.cloud.ground.clock import Clock
from fogbank.cloud.ground.store import Document, Store
from fogbank.cloud.hosting.deployment import EndpointState
from fogbank.cloud.jobs.processing import ProcessingJobs
from fogbank.cloud.monitoring.schedules import EXECUTION, MonitoringSchedules
from fogbank.contracts.capture import TIME_FORMAT, hour_prefix, read_line
from fogbank.contracts.monitoring import CAPTURE_FORMAT, CONSTRAINTS, NO_DATA, PROCESSING, STATISTICS
from fogbank.contracts.status import MONITORING_EXECUTION, step
from fogbank.ground.aws import split_uri

BASELINE = f"{PROCESSING}/baseline"


class Executions:
    """Runs monitoring schedules; `flush_capture` delivers what is captured so far."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        schedules: MonitoringSchedules,
        jobs: ProcessingJobs,
        endpoint: Callable[[str, str], Record[EndpointState] | None],
        s3: Callable[[], Any],
        flush_capture: Callable[[], int],
    ) -> None:
        self._store, self._clock, self._schedules, self._jobs, self._s3, self._flush_capture = (
            store,
            clock,
            schedules,
            jobs,
            s3,
            flush_capture,
        )
        self._endpoint = endpoint

    def run(self, schedule: Document, start: datetime, end: datetime) -> Document:
        """One execution over [start, end), in whole seconds of UTC; returns its last document."""
        execution = self._begin(schedule, end)
        self._flush_capture()
        definition = self._schedules.definition(schedule)
        inputs = self._records(schedule, start, end)
        if not inputs:
            return self._end(execution, "Failed", FailureReason=NO_DATA)
        execution = self._end(execution, "InProgress")
        job = self._jobs.add(Scope(schedule["_region"]), self._job(schedule, definition, inputs, start, end))
        self._update(execution, ProcessingJobArn=job["ProcessingJobArn"])
        job = self._jobs.run(job)
        if job["ProcessingJobStatus"] != "Completed":
            return self._end(
                execution,
                "Failed" if job["ProcessingJobStatus"] == "Failed" else "Stopping",
                FailureReason=job.get("FailureReason"),
            )
        verdict = (job.get("ExitMessage") or "Completed").partition(":")[0]
        return self._end(
            execution, verdict, FailureReason=job["ExitMessage"] if verdict == "CompletedWithViolations" else None
        )

    def fail_interrupted(self) -> None:
        """After a restart: an execution that was running is Failed, and says why."""
        for run in self._store.all(EXECUTION):
            if run["MonitoringExecutionStatus"] in {"Pending", "InProgress"}:
                self._end(
                    run,
                    "Failed",
                    FailureReason="InternalServerError: the local cloud was stopped while the execution ran",
                )

    def _begin(self, schedule: Document, scheduled: datetime) -> Document:
        now = self._clock.epoch()
        execution: Document = {
            "MonitoringScheduleName": schedule["MonitoringScheduleName"],
            "ScheduledTime": scheduled.timestamp(),
            "CreationTime": now,
            "LastModifiedTime": now,
            "MonitoringExecutionStatus": "Pending",
            "EndpointName": schedule["EndpointName"],
            "MonitoringType": "DataQuality",
            "MonitoringJobDefinitionName": schedule["MonitoringScheduleConfig"]["MonitoringJobDefinitionName"],
            "_region": schedule["_region"],
            "_id": f"{schedule['MonitoringScheduleName']}/{scheduled.timestamp():.6f}/{uuid.uuid4().hex[:8]}",
        }
        self._store.put(EXECUTION, schedule["_region"], execution["_id"], execution)
        return execution

    def _records(self, schedule: Document, start: datetime, end: datetime) -> list[str]:
        """URIs of the capture files that hold a record of the window."""
        endpoint = self._endpoint(schedule["_region"], schedule["EndpointName"])
        capture = endpoint.state.capture if endpoint else None
        if endpoint is None or capture is None:
            return []
        bucket, prefix = split_uri(capture.destination)
        found = []
        for variant in endpoint.state.variants:
            for hour in _hours(start, end):
                folder = "/".join(
                    part for part in (prefix.strip("/"), hour_prefix(schedule["EndpointName"], variant, hour)) if part
                )
                try:
                    pages = self._s3().get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=folder)
                    found += [
                        key
                        for page in pages
                        for item in page.get("Contents", [])
                        if self._in_window(bucket, key := item["Key"], start, end)
                    ]
                except ClientError:
                    continue
        return [f"s3://{bucket}/{key}" for key in found]

    def _in_window(self, bucket: str, key: str, start: datetime, end: datetime) -> bool:
        lines = self._s3().get_object(Bucket=bucket, Key=key)["Body"].read().decode().splitlines()
        return any(start <= read_line(line).time < end for line in lines if line)

    def _job(
        self, schedule: Document, definition: Document, inputs: list[str], start: datetime, end: datetime
    ) -> Document:
        baseline = definition.get("DataQualityBaselineConfig", {})
        specification = definition["DataQualityAppSpecification"]
        source = definition["DataQualityJobInput"]["EndpointInput"]["LocalPath"]
        output = definition["DataQualityJobOutputConfig"]["MonitoringOutputs"][0]["S3Output"]
        files = [
            _input(f"endpoint_input_{i}", uri, _local(source, uri, schedule["EndpointName"]))
            for i, uri in enumerate(inputs, 1)
        ]
        environment = {
            "dataset_format": CAPTURE_FORMAT,
            "dataset_source": source,
            "output_path": output["LocalPath"],
            "publish_cloudwatch_metrics": "Enabled",
            "start_time": start.strftime(TIME_FORMAT),
            "end_time": end.strftime(TIME_FORMAT),
            "metric_time": start.strftime(TIME_FORMAT),
            "sagemaker_endpoint_name": schedule["EndpointName"],
            "sagemaker_monitoring_schedule_name": schedule["MonitoringScheduleName"],
            **specification.get("Environment", {}),
        }
        for key, name, folder in (
            ("ConstraintsResource", CONSTRAINTS, "constraints"),
            ("StatisticsResource", STATISTICS, "stats"),
        ):
            if uri := baseline.get(key, {}).get("S3Uri"):
                files.append(_input(folder, uri, f"{BASELINE}/{folder}"))
                environment[f"baseline_{name.removesuffix('.json')}"] = f"{BASELINE}/{folder}/{uri.rpartition('/')[2]}"
        hour = end if not (end.minute or end.second) else None
        stamp = f"{end:%Y/%m/%d/%H}" if hour else f"{end:%Y/%m/%d/%H/%M-%S}"
        target = (
            f"{output['S3Uri'].rstrip('/')}/{schedule['EndpointName']}/{schedule['MonitoringScheduleName']}/{stamp}"
        )
        return {
            "ProcessingJobName": f"model-monitoring-{end:%Y%m%d%H%M}-{uuid.uuid4().hex[:24]}",
            "AppSpecification": {"ImageUri": specification["ImageUri"]},
            "Environment": environment,
            "ProcessingInputs": files,
            "RoleArn": definition["RoleArn"],
            "ProcessingOutputConfig": {
                "Outputs": [
                    {"OutputName": "result", "S3Output": {**output, "S3UploadMode": "EndOfJob", "S3Uri": target}}
                ]
            },
            "ProcessingResources": {"ClusterConfig": definition["JobResources"]["ClusterConfig"]},
            "MonitoringScheduleArn": schedule["MonitoringScheduleArn"],
            **({"StoppingCondition": definition["StoppingCondition"]} if definition.get("StoppingCondition") else {}),
        }

    def _end(self, execution: Document, status: str, **changes: Any) -> Document:
        step(MONITORING_EXECUTION, execution["MonitoringExecutionStatus"], status)
        return self._update(execution, MonitoringExecutionStatus=status, **changes)

    def _update(self, execution: Document, **changes: Any) -> Document:
        execution.update(changes)
        return (
            self._store.update(
                EXECUTION, execution["_region"], execution["_id"], LastModifiedTime=self._clock.epoch(), **changes
            )
            or execution
        )


def _hours(start: datetime, end: datetime) -> list[datetime]:
    hour = start.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    hours = []
    while hour < end:
        hours.append(hour)
        hour += timedelta(hours=1)
    return hours


def _input(name: str, uri: str, path: str) -> Document:
    return {
        "InputName": name,
        "S3Input": {"S3Uri": uri, "LocalPath": path, "S3DataType": "S3Prefix", "S3InputMode": "File"},
    }


def _local(source: str, uri: str, endpoint: str) -> str:
    """The folder below the dataset source that a capture file goes to: `<endpoint>/<variant>/yyyy/mm/dd/HH`."""
    below = uri[uri.index(f"/{endpoint}/") + 1 :].rpartition("/")[0]
    return f"{source.rstrip('/')}/{below}"

"""An endpoint that captures, and monitors of it: what the suites of monitoring share."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from fogbank.contracts.capture import CaptureRecord, captured, hour_prefix
from fogbank.testing import CloudProcess
from tests.contracts.aws.scripts import ECHO, Scripted
from tests.unit.cloud.monitoring.requests import ROOT, definition, schedule
from tests.waiting import until_answer

HOURLY = {"ScheduleExpression": "cron(0 * ? * * *)"}


@dataclass(frozen=True)
class Monitored:
    """A bucket, and an endpoint of a model that answers with what it was given: all under one name."""

    cloud: CloudProcess
    name: str

    @classmethod
    def made(cls, cloud: CloudProcess, name: str) -> Monitored:
        """An endpoint in service that captures what it is given."""
        Scripted.made(cloud, name, ECHO)
        sagemaker = cloud.client("sagemaker")
        variant = {"VariantName": "v", "ModelName": name, "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
        types = {"CsvContentTypes": ["text/csv"], "JsonContentTypes": ["application/json"]}
        capture = {
            "EnableCapture": True, "InitialSamplingPercentage": 100, "DestinationS3Uri": f"s3://{name}/capture",
            "CaptureOptions": [{"CaptureMode": "Input"}], "CaptureContentTypeHeader": types,
        }  # fmt: skip
        sagemaker.create_endpoint_config(
            EndpointConfigName=name, ProductionVariants=[variant], DataCaptureConfig=capture
        )
        sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
        until_answer(
            lambda: sagemaker.describe_endpoint(EndpointName=name),
            lambda found: found["EndpointStatus"] == "InService",
            180,
        )
        return cls(cloud, name)

    def scheduled(self, schedule_name: str) -> None:
        """An hourly monitor, with a definition of its own of the same name."""
        sagemaker = self.cloud.client("sagemaker")
        output = {"S3Output": {"S3Uri": f"s3://{self.name}/results", "LocalPath": f"{ROOT}/output"}}
        outputs = {"MonitoringOutputs": [output]}
        sagemaker.create_data_quality_job_definition(
            **definition(schedule_name, self.name, DataQualityJobOutputConfig=outputs)
        )
        sagemaker.create_monitoring_schedule(**schedule(schedule_name, schedule_name, ScheduleConfig=HOURLY))

    def invoke(self, body: bytes, content_type: str) -> None:
        """An invocation, which is captured."""
        runtime = self.cloud.client("sagemaker-runtime")
        answer = runtime.invoke_endpoint(EndpointName=self.name, ContentType=content_type, Body=body)
        assert answer["Body"].read() == body

    def now(self) -> datetime:
        """The cloud's time."""
        return datetime.fromisoformat(self.cloud.admin.call("status")["time"]).astimezone(UTC).replace(microsecond=0)

    def captured(self, moment: datetime, body: bytes, times: int = 1) -> None:
        """Put a capture file of records of one moment where the cloud would."""
        payload = captured(body, "text/csv", "INPUT", ["text/csv"], [])
        line = CaptureRecord(event_id="e", time=moment, input=payload).line().encode() + b"\n"
        self.put(moment, line * times)

    def put(self, moment: datetime, body: bytes) -> None:
        """Put a capture file."""
        key = f"capture/{hour_prefix(self.name, 'v', moment)}{moment:%M-%S}-put.jsonl"
        self.cloud.client("s3").put_object(Bucket=self.name, Key=key, Body=body)

    def result(self, file: str, prefix: str = "results/") -> dict[str, Any]:
        """The newest result of a name."""
        s3 = self.cloud.client("s3")
        listed = s3.list_objects_v2(Bucket=self.name, Prefix=prefix).get("Contents", [])
        key = max(item["Key"] for item in listed if item["Key"].endswith("/" + file))
        document: dict[str, Any] = json.loads(s3.get_object(Bucket=self.name, Key=key)["Body"].read())
        return document

"""A month of a small service on the cloud's clock, which stands still between its hours: a day curve of requests, an hourly monitor, a nightly
batch. In: a folder and hours; out: what the cloud says happened, as text, without what is another in every process."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any

from fogbank.testing import CloudProcess
from tests.contracts.aws.monitored import Monitored
from tests.contracts.aws.served import ROLE

BEGINS = "2027-03-01T00:00:00+00:00"
BUSIEST, QUIETEST = 14, 1
"""Requests of an hour, at noon and at midnight."""
NAME = "month"
INSTANCE = re.compile(r"\bi-[0-9a-f]{12}\b")


class Month:
    """One run of it."""

    def __init__(self, folder: Path) -> None:
        self._cloud = CloudProcess(folder)

    def log(self, hours: int) -> str:
        """Live so many hours; every event of the cloud and everything that was fired, a line each."""
        self._cloud.start()
        try:
            self._cloud.admin.call("clock", moment=BEGINS, speed=0)
            made = Monitored.made(self._cloud, NAME)
            made.scheduled("hourly")
            self._nightly()
            runtime, lines = self._cloud.client("sagemaker-runtime"), list[str]()
            for hour in range(hours):
                for number in range(_requests(hour % 24)):
                    body = f"{hour},{number}\n".encode()
                    answer = runtime.invoke_endpoint(EndpointName=NAME, ContentType="text/csv", Body=body)
                    assert answer["Body"].read() == body
                lines += [json.dumps(firing) for firing in self._cloud.advance(3600)]
                lines += [json.dumps(_bare(event)) for event in self._events()]
            return _numbered("\n".join(lines))
        finally:
            self._cloud.stop()

    def _nightly(self) -> None:
        self._cloud.client("s3").put_object(Bucket=NAME, Key="in/rows.csv", Body=b"1,2\n3,4\n" * 50)
        job = {
            "TransformJobName": "nightly-<aws.scheduler.execution-id>", "ModelName": NAME,
            "TransformInput": {
                "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{NAME}/in/"}},
                "ContentType": "text/csv", "SplitType": "Line",
            },
            "TransformOutput": {"S3OutputPath": f"s3://{NAME}/out", "Accept": "text/csv"},
            "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
        }  # fmt: skip
        self._cloud.client("scheduler").create_schedule(
            Name="nightly", ScheduleExpression="cron(30 2 * * ? *)", FlexibleTimeWindow={"Mode": "OFF"},
            Target={
                "Arn": "arn:aws:scheduler:::aws-sdk:sagemaker:createTransformJob", "RoleArn": ROLE, "Input": json.dumps(job),
            },
        )  # fmt: skip

    _seen = 0

    def _events(self) -> list[dict[str, Any]]:
        told = self._cloud.admin.call("events", since=self._seen)
        self._seen = told["next"]
        events: list[dict[str, Any]] = told["events"]
        return events


def _requests(hour: int) -> int:
    """Of an hour of the day."""
    share = (1 - math.cos(hour / 24 * 2 * math.pi)) / 2
    return round(QUIETEST + (BUSIEST - QUIETEST) * share)


def _bare(event: dict[str, Any]) -> dict[str, Any]:
    """An event without process ids and ports."""
    detail = {key: value for key, value in event["detail"].items() if key not in {"pid", "port"}}
    return {**event, "detail": detail}


def _numbered(text: str) -> str:
    """With instances, which are processes, numbered as they come."""
    names: dict[str, str] = {}
    return INSTANCE.sub(lambda found: names.setdefault(found[0], f"i-{len(names)}"), text)

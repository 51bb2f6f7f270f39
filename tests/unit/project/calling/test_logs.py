"""Logs of an account, out of moto's CloudWatch Logs by unmodified boto3."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from fogbank.contracts.errors import DataError
from fogbank.project.calling.logs import account_logs, function_logs

ENDPOINT = "/aws/sagemaker/Endpoints/churn-prod-live"
JOBS = "/aws/sagemaker/TransformJobs"


@pytest.fixture(scope="module")
def session() -> boto3.session.Session:
    """What clients are made from: the service's model is read once."""
    return boto3.session.Session()


@pytest.fixture
def logs(session: boto3.session.Session, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        yield session.client("logs", region_name="us-east-1")


def write(logs: Any, group: str, stream: str, *lines: str) -> None:
    if not logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]:
        logs.create_log_group(logGroupName=group)
    logs.create_log_stream(logGroupName=group, logStreamName=stream)
    now = int(time.time() * 1000)  # what is older than 14 days is not taken
    events = [{"timestamp": now + number, "message": line} for number, line in enumerate(lines)]
    logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)


def test_the_end_of_each_instances_log(logs: Any) -> None:
    write(logs, ENDPOINT, "AllTraffic/i-1", "one", "two", "three")
    write(logs, ENDPOINT, "AllTraffic/i-2", "four")
    texts = account_logs(lambda _: logs, "churn-prod-live", 2)

    assert texts == {f"{ENDPOINT}/AllTraffic/i-1": "two\nthree", f"{ENDPOINT}/AllTraffic/i-2": "four"}


def test_the_jobs_that_a_schedule_started(logs: Any) -> None:
    write(logs, JOBS, "churn-prod-nightly-1/i-1", "scored")
    write(logs, JOBS, "churn-prod-weekly-1/i-1", "another")

    assert account_logs(lambda _: logs, "churn-prod-nightly", 10) == {f"{JOBS}/churn-prod-nightly-1/i-1": "scored"}


def test_what_is_not_there_is_said(logs: Any) -> None:
    with pytest.raises(DataError, match="nothing of 'churn-prod-live'") as caught:
        account_logs(lambda _: logs, "churn-prod-live", 10)

    assert caught.value.code == "log-not-found"


def test_a_functions_log_is_the_functions_alone(logs: Any) -> None:
    write(logs, "/aws/lambda/churn-alarm", "2026/11/26/[$LATEST]a", "START", "seen", "END")
    write(logs, "/aws/lambda/churn-alarm-other", "2026/11/26/[$LATEST]b", "START")
    found = {"/aws/lambda/churn-alarm/2026/11/26/[$LATEST]a": "seen\nEND"}

    assert function_logs(lambda _: logs, "churn-alarm", 2) == account_logs(lambda _: logs, "churn-alarm", 2) == found
    assert function_logs(lambda _: logs, "churn", 2) == {}

"""The List calls of jobs and monitors by boto3: every filter, every order and every page of their shapes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
from botocore import xform_name

from fogbank.cloud.api.control import service_model
from fogbank.testing import CloudProcess
from tests.contracts.aws.scripts import WAITS, Scripted
from tests.contracts.aws.served import ROLE
from tests.unit.cloud.monitoring.requests import CLUSTER, definition, schedule
from tests.waiting import until_answer

PAGING = {"SortBy", "SortOrder", "NextToken", "MaxResults"}
SECOND = timedelta(seconds=1)


@dataclass(frozen=True)
class Listed:
    """A List call: its operation, its answer's key, and the members that `Name...` and `Status...` mean."""

    operation: str
    answer: str
    name: str
    status: str | None = None

    def members(self) -> dict[str, Any]:
        """The members of its input shape, by name."""
        members: dict[str, Any] = service_model().operation_model(self.operation).input_shape.members
        return members


CALLS = (
    Listed("ListTransformJobs", "TransformJobSummaries", "TransformJobName", "TransformJobStatus"),
    Listed("ListProcessingJobs", "ProcessingJobSummaries", "ProcessingJobName", "ProcessingJobStatus"),
    Listed("ListDataQualityJobDefinitions", "JobDefinitionSummaries", "MonitoringJobDefinitionName"),
    Listed("ListMonitoringSchedules", "MonitoringScheduleSummaries", "MonitoringScheduleName", "MonitoringScheduleStatus"),
    Listed("ListMonitoringExecutions", "MonitoringExecutionSummaries", "MonitoringScheduleName", "MonitoringExecutionStatus"),
)  # fmt: skip
FILTERS = [(call, member) for call in CALLS for member in call.members() if member not in PAGING]
ORDERS = [(call, order) for call in CALLS for order in call.members()["SortBy"].enum]


@pytest.fixture(scope="module")
def sagemaker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """boto3 on a cloud with three of each kind, some seconds apart, of more than one status."""
    cloud = CloudProcess(tmp_path_factory.mktemp("lists"))
    cloud.start()
    sagemaker = cloud.client("sagemaker")
    model = Scripted.made(cloud, "bucket", WAITS)
    model.put(a=b"1\n")
    cloud.client("s3").put_object(Bucket="bucket", Key="none/")  # a folder and nothing in it: those jobs fail
    for number, name in enumerate(("alpha", "beta", "gamma")):
        source = "in/" if number == 1 else "none/"
        data = {"DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://bucket/{source}"}}}
        model.start(name, {"PLACE": str(cloud.folder)}, TransformInput={**data, "SplitType": "Line"})
        sagemaker.create_processing_job(
            ProcessingJobName=name,
            RoleArn=ROLE,
            AppSpecification={"ImageUri": "i"},
            ProcessingResources={"ClusterConfig": CLUSTER},
        )
        sagemaker.create_data_quality_job_definition(**definition(name, f"ep-{number}"))
        sagemaker.create_monitoring_schedule(**schedule(name, name))
        cloud.admin.call("run-monitor", name=name)
        cloud.advance(3)
    sagemaker.stop_monitoring_schedule(MonitoringScheduleName="beta")
    until_answer(
        lambda: [*ask(sagemaker, CALLS[0]), *ask(sagemaker, CALLS[1])], lambda items: all(map(ended, items)), 120
    )
    yield sagemaker
    cloud.stop()


def ended(item: dict[str, Any]) -> bool:
    return "InProgress" not in item.values()


def ask(sagemaker: Any, call: Listed, **params: Any) -> list[dict[str, Any]]:
    """All pages of a List call."""
    method = getattr(sagemaker, xform_name(call.operation))
    items: list[dict[str, Any]] = []
    while True:
        answer = method(**params)
        items += answer[call.answer]
        if "NextToken" not in answer:
            return items
        params["NextToken"] = answer["NextToken"]


@pytest.mark.parametrize(("call", "member"), FILTERS, ids=lambda value: getattr(value, "operation", value))
def test_every_filter(sagemaker: Any, call: Listed, member: str) -> None:
    items = sorted(ask(sagemaker, call), key=lambda item: item["CreationTime"])
    assert len(items) == 3
    field = member.removesuffix("After").removesuffix("Before").removesuffix("Equals")
    field = {"NameContains": call.name, "Status": call.status or ""}.get(field, field)
    middle = items[1][field]
    if member == "NameContains":
        values: list[Any] = ["et", "a", "zzz"]
    elif isinstance(middle, datetime):  # boto3 sends whole seconds
        values = [(middle + SECOND).replace(microsecond=0), middle.replace(microsecond=0), middle + timedelta(days=1)]
    else:
        values = [middle, {"MonitoringTypeEquals": "ModelBias", "StatusEquals": "Failed"}.get(member, "zzz")]

    for value in values:
        expected = [item for item in items if passes(member, item[field], value)]
        answer = sorted(ask(sagemaker, call, **{member: value}), key=lambda item: item["CreationTime"])
        assert answer == expected, (member, value)


def passes(member: str, own: Any, value: Any) -> bool:
    """What the documentation says of a filter."""
    if member == "NameContains":
        return value in own
    if member.endswith("After"):
        return bool(own >= value)
    return bool(own < value) if member.endswith("Before") else bool(own == value)


@pytest.mark.parametrize(("call", "order"), ORDERS, ids=lambda value: getattr(value, "operation", value))
def test_every_order_and_every_page(sagemaker: Any, call: Listed, order: str) -> None:
    field = {"Name": call.name, "Status": call.status or ""}.get(order, order)
    up = [item[field] for item in ask(sagemaker, call, SortBy=order, SortOrder="Ascending")]
    down = [item[field] for item in ask(sagemaker, call, SortBy=order, SortOrder="Descending")]

    assert up == sorted(up)
    assert down == sorted(down, reverse=True)
    assert len(up) == len(down) == 3
    pages = ask(sagemaker, call, SortBy=order, SortOrder="Ascending", MaxResults=1)
    assert pages == ask(sagemaker, call, SortBy=order, SortOrder="Ascending")


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.operation)
def test_the_order_where_none_is_asked_for(sagemaker: Any, call: Listed) -> None:
    times = [item["CreationTime"] for item in ask(sagemaker, call)]

    assert times == sorted(times, reverse=call.operation != "ListProcessingJobs")  # which botocore says is ascending


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.operation)
def test_a_summary_has_the_members_of_its_shape_and_its_times(sagemaker: Any, call: Listed) -> None:
    output = service_model().operation_model(call.operation).output_shape.members[call.answer].member
    optional = {"FailureReason", "ExitMessage", "ProcessingJobArn"}

    for item in ask(sagemaker, call):
        assert set(output.members) - optional <= set(item)

"""List calls: every member of their shapes has its meaning, pages are whole whatever happens between them."""

from __future__ import annotations

import re
from typing import Any

import pytest

from fogbank.cloud.api.control import service_model
from fogbank.cloud.api.errors import ApiError
from fogbank.cloud.api.listing import PAGING, Listing
from fogbank.cloud.api.models import MODEL
from fogbank.cloud.api.resource import Kind
from fogbank.cloud.hosting.configs import ENDPOINT_CONFIG
from fogbank.cloud.jobs.processing import PROCESSING_JOB
from fogbank.cloud.jobs.transforms import TRANSFORM_JOB
from fogbank.cloud.monitoring.definitions import definition_kind
from fogbank.cloud.monitoring.executions import MONITORING_EXECUTION
from fogbank.cloud.monitoring.kinds import DATA_QUALITY
from fogbank.cloud.monitoring.schedules import MONITORING_SCHEDULE
from fogbank.cloud.registry.groups import GROUP
from fogbank.cloud.registry.packages import PACKAGE
from fogbank.cloud.training.jobs import TRAINING_JOB

KINDS = (
    MODEL,
    ENDPOINT_CONFIG,
    TRANSFORM_JOB,
    PROCESSING_JOB,
    definition_kind(DATA_QUALITY),
    MONITORING_SCHEDULE,
    MONITORING_EXECUTION,
)
REGISTRY = (GROUP, PACKAGE, TRAINING_JOB)
ENDPOINTS = Listing(operation="ListEndpoints", answer="Endpoints", name="EndpointName", status="EndpointStatus")


@pytest.mark.parametrize("kind", [*KINDS, *REGISTRY], ids=lambda kind: kind.path)
def test_a_list_without_an_order_has_the_one_that_is_documented(kind: Kind) -> None:
    members = service_model().operation_model(kind.listing.operation).input_shape.members
    default = re.search(r"default is <code>(\w+)</code>", members["SortOrder"].documentation)

    assert default
    assert kind.listing.newest_first == (default[1] == "Descending")


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.path)
def test_every_member_of_a_list_call_looks_at_a_member_of_its_summaries(kind: Kind) -> None:
    shape = service_model().operation_model(kind.listing.operation)
    summary = set(shape.output_shape.members[kind.listing.answer].member.members)
    looked_at = {kind.listing.field_of(member) for member in shape.input_shape.members if member not in PAGING}
    sorted_by = {kind.listing.sort_field(order) for order in shape.input_shape.members["SortBy"].enum}

    assert looked_at | sorted_by <= summary


def records(count: int) -> list[dict[str, Any]]:
    return [
        {
            "EndpointName": f"e{i:02}",
            "CreationTime": 1000.0 + i // 3,
            "LastModifiedTime": 2000.0 - i,
            "EndpointStatus": "InService" if i % 2 else "Failed",
        }
        for i in range(count)
    ]


@pytest.mark.parametrize(
    ("params", "names"),
    [
        ({"NameContains": "1"}, ["e11", "e10", "e01"]),
        ({"StatusEquals": "Failed", "MaxResults": 2}, ["e10", "e08"]),
        ({"CreationTimeAfter": 1003.0}, ["e11", "e10", "e09"]),
        ({"CreationTimeBefore": 1001.0}, ["e02", "e01", "e00"]),
        ({"LastModifiedTimeAfter": 1999.0, "SortOrder": "Ascending"}, ["e00", "e01"]),
        ({"LastModifiedTimeBefore": 1990.0, "SortBy": "Name", "SortOrder": "Ascending"}, ["e11"]),
        ({"SortBy": "Status", "SortOrder": "Ascending", "MaxResults": 2}, ["e00", "e02"]),
        ({"CreationTimeAfter": 9999.0}, []),
    ],
)
def test_filters_and_orders(params: dict[str, Any], names: list[str]) -> None:
    assert [item["EndpointName"] for item in ENDPOINTS.page(records(12), params)["Endpoints"]] == names


def test_pages_are_whole_though_the_list_changes_between_them() -> None:
    first = ENDPOINTS.page(records(25), {})
    without_some = [record for record in records(30) if record["EndpointName"] not in {"e24", "e20"}]
    second = ENDPOINTS.page(without_some, {"NextToken": first["NextToken"]})
    third = ENDPOINTS.page(without_some, {"NextToken": second["NextToken"]})

    names = [item["EndpointName"] for page in (first, second, third) for item in page["Endpoints"]]
    assert names == [f"e{i:02}" for i in range(24, -1, -1)]
    assert "NextToken" not in third


@pytest.mark.parametrize("order", [{"SortBy": "Name"}, {"SortOrder": "Ascending"}, {"SortBy": "Status"}])
def test_a_token_is_for_the_order_that_it_was_given_for(order: dict[str, str]) -> None:
    token = ENDPOINTS.page(records(12), {"MaxResults": 2})["NextToken"]
    with pytest.raises(ApiError, match="Invalid NextToken"):
        ENDPOINTS.page(records(12), {"NextToken": token, **order})


@pytest.mark.parametrize("token", ["10", "%%%", "bnVsbA==", "WzFd", "W251bGwsIDFd"])
def test_a_token_that_nobody_gave_is_refused(token: str) -> None:
    with pytest.raises(ApiError) as refusal:
        ENDPOINTS.page(records(2), {"NextToken": token})

    assert refusal.value.code == "ValidationException"

"""A component's specification as data."""

from __future__ import annotations

from typing import Any

import pytest

from fogbank.cloud.api.errors import ApiError
from fogbank.cloud.hosting.component import (
    ComponentState,
    Part,
    check_copies,
    check_hosted,
    check_specification,
    model_of,
)
from fogbank.cloud.hosting.instance_sizes import Size
from fogbank.contracts.container import STARTUP_LIMIT_S

REQUIRED = {"MinMemoryRequiredInMb": 1024}
SPECIFICATION: dict[str, Any] = {"ModelName": "m", "ComputeResourceRequirements": REQUIRED}


def part(**members: Any) -> Part:
    return Part(specification={**SPECIFICATION, **members}, model={"ModelName": "m"}, copies=2, taken=5.0)


def test_what_a_copy_needs_and_may_have() -> None:
    least = part()
    assert (least.need.size, least.need.copies, least.need.strategy) == (Size(memory_mb=1024), 2, "SPREAD")
    assert (least.memory, least.startup_limit_s) == (0, STARTUP_LIMIT_S)
    whole = part(
        ComputeResourceRequirements={
            **REQUIRED,
            "MaxMemoryRequiredInMb": 2048,
            "NumberOfCpuCoresRequired": 0.5,
            "NumberOfAcceleratorDevicesRequired": 1,
        },
        StartupParameters={"ContainerStartupHealthCheckTimeoutInSeconds": 60},
        SchedulingConfig={"PlacementStrategy": "BINPACK"},
    )
    assert whole.need.size == Size(cores=0.5, memory_mb=1024, accelerators=1)
    assert (whole.memory, whole.startup_limit_s, whole.need.strategy) == (2048 << 20, 60, "BINPACK")


def test_a_containers_image_is_told_as_it_is_deployed() -> None:
    digest = f"i@sha256:{'0' * 64}"
    given = {"Image": digest, "ArtifactUrl": "s3://b/k", "Environment": {"A": "b"}}
    told = part(Container=given).summary["Container"]
    image = {"SpecifiedImage": digest, "ResolvedImage": digest, "ResolutionTime": 5.0}
    assert told == {"DeployedImage": image, "ArtifactUrl": "s3://b/k", "Environment": {"A": "b"}}
    tag = part(Container={"Image": "i:1"}).summary["Container"]
    assert tag == {"DeployedImage": {"SpecifiedImage": "i:1"}}
    assert part().summary == SPECIFICATION


def test_a_state_is_what_was_written() -> None:
    state = ComponentState(endpoint_made=1.5, live=part(), pending=part(DataCacheConfig={"EnableCaching": True}))
    assert ComponentState.decode(state.encode()) == state
    assert ComponentState.decode({}) == ComponentState()
    assert state.placed == state.pending
    assert state.described == state.live
    refused = ComponentState(pending=part(), refusal="no room")
    assert (refused.placed, refused.described) == (None, refused.pending)


def test_a_container_has_the_role_and_the_isolation_of_the_configuration() -> None:
    config = {"ExecutionRoleArn": "arn:role", "EnableNetworkIsolation": True}
    model = model_of("c", "arn:c", {"Image": "i", "ArtifactUrl": "s3://b/k"}, config)
    assert (model["ExecutionRoleArn"], model["EnableNetworkIsolation"]) == ("arn:role", True)
    assert model["PrimaryContainer"] == {"Image": "i", "ModelDataUrl": "s3://b/k", "Environment": {}}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"Container": {"Image": "i"}}, "either a ModelName or a Container"),
        ({"ModelName": None}, "either a ModelName or a Container"),
        ({"ModelName": None, "Container": {"ArtifactUrl": "s3://b/k"}}, "must have an Image"),
        ({"ComputeResourceRequirements": None}, "must have ComputeResourceRequirements"),
        (
            {"ComputeResourceRequirements": {**REQUIRED, "MaxMemoryRequiredInMb": 512}},
            "must not be less than MinMemoryRequiredInMb",
        ),
    ],
)
def test_what_is_no_specification_is_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ApiError, match=said):
        check_specification({key: value for key, value in {**SPECIFICATION, **changes}.items() if value is not None})


def test_a_component_has_one_container() -> None:
    check_hosted({"PrimaryContainer": {"Image": "i"}})
    with pytest.raises(ApiError, match="inference pipeline"):
        check_hosted({"Containers": [{"Image": "a"}, {"Image": "b"}]})
    with pytest.raises(ApiError, match="multi-model container"):
        check_hosted({"PrimaryContainer": {"Image": "i", "Mode": "MultiModel", "ModelDataUrl": "s3://b/p/"}})


def test_there_are_no_more_copies_than_a_machine_may_have() -> None:
    check_copies(1000)
    with pytest.raises(ApiError, match="at most 1000 copies here, not 1001") as caught:
        check_copies(1001)
    assert caught.value.code == "ResourceLimitExceeded"

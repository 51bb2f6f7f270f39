"""The model registry by plain boto3, Search, and GetResources of the tagging API.

Source: the SageMaker API reference (CreateModelPackage ... Search) and Developer Guide, "Update the approval status of a model".
"""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from fogbank.testing import CloudProcess
from tests.contracts.aws.served import ROLE, Served, code_of

SPEC = {"Containers": [{"Image": "i", "ModelDataUrl": "s3://bkt/m.tar.gz"}], "SupportedContentTypes": ["text/csv"]}


def group(cloud: CloudProcess, name: str, **more: Any) -> Any:
    sagemaker = cloud.client("sagemaker")
    sagemaker.create_model_package_group(ModelPackageGroupName=name, **more)
    return sagemaker


def version(sagemaker: Any, name: str, **more: Any) -> str:
    given = {"InferenceSpecification": SPEC, **more}
    arn: str = sagemaker.create_model_package(ModelPackageGroupName=name, **given)["ModelPackageArn"]
    return arn


def test_a_version_waits_for_approval_and_keeps_it(shared_cloud: CloudProcess, unique: str) -> None:
    sagemaker = group(shared_cloud, unique)
    first, second = (
        version(sagemaker, unique, CustomerMetadataProperties={"a": "1", "b": "2"}),
        version(sagemaker, unique),
    )
    sagemaker.update_model_package(ModelPackageArn=first, ModelApprovalStatus="Approved", ApprovalDescription="good")
    sagemaker.update_model_package(
        ModelPackageArn=first, CustomerMetadataProperties={"b": "3"}, CustomerMetadataPropertiesToRemove=["a"]
    )
    described = sagemaker.describe_model_package(ModelPackageName=first)
    waiting = sagemaker.list_model_packages(ModelPackageGroupName=unique, ModelApprovalStatus="PendingManualApproval")

    assert first.endswith(f":model-package/{unique.lower()}/1")
    assert (described["ModelApprovalStatus"], described["ApprovalDescription"]) == ("Approved", "good")
    assert described["CustomerMetadataProperties"] == {"b": "3"}
    assert (described["ModelPackageVersion"], described["ModelPackageStatus"]) == (1, "Completed")
    assert described["InferenceSpecification"]["Containers"] == SPEC["Containers"]
    assert [item["ModelPackageArn"] for item in waiting["ModelPackageSummaryList"]] == [second]


def test_numbers_are_not_given_twice_and_a_group_with_versions_stays(shared_cloud: CloudProcess, unique: str) -> None:
    sagemaker = group(shared_cloud, unique)
    first = version(sagemaker, unique)
    sagemaker.delete_model_package(ModelPackageName=first)
    second = version(sagemaker, unique, ClientToken="t")
    again = version(sagemaker, unique, ClientToken="t")
    with pytest.raises(sagemaker.exceptions.ConflictException):
        sagemaker.delete_model_package_group(ModelPackageGroupName=unique)
    batch = sagemaker.batch_describe_model_package(ModelPackageArnList=[first, second])
    sagemaker.delete_model_package(ModelPackageName=second)
    sagemaker.delete_model_package_group(ModelPackageGroupName=unique)
    with pytest.raises(ClientError, match="does not exist"):
        sagemaker.describe_model_package_group(ModelPackageGroupName=unique)

    assert second.endswith("/2")
    assert again == second
    assert list(batch["ModelPackageSummaries"]) == [second]
    assert list(batch["BatchDescribeModelPackageErrorMap"]) == [first]


@pytest.mark.parametrize(
    "call",
    [
        {},
        {"ModelPackageName": "a", "ModelPackageGroupName": "b"},
        {"ModelPackageGroupName": "no-such-group", "InferenceSpecification": SPEC},
        {"ModelPackageName": "without-specification"},
        {"ModelPackageName": "validated", "InferenceSpecification": SPEC, "SourceAlgorithmSpecification": {"SourceAlgorithms": [{"AlgorithmName": "a"}]}},
    ],
)  # fmt: skip
def test_what_is_no_package_is_refused(shared_cloud: CloudProcess, call: dict[str, Any]) -> None:
    with pytest.raises(ClientError) as error:
        shared_cloud.client("sagemaker").create_model_package(**call)

    assert error.value.response["Error"]["Code"] == "ValidationException"


def test_only_an_approved_version_becomes_a_model_and_that_model_answers(served: Served) -> None:
    sagemaker, name = served.sagemaker, f"{served.name}-p"
    sagemaker.create_model_package_group(ModelPackageGroupName=name)
    container = {
        "Image": "i",
        "ModelDataUrl": f"s3://{served.name}/m.tar.gz",
        "Environment": {"SAGEMAKER_PROGRAM": "inference.py"},
    }
    arn = version(sagemaker, name, InferenceSpecification={"Containers": [container]})
    model = {"ModelName": name, "ExecutionRoleArn": ROLE, "PrimaryContainer": {"ModelPackageName": arn}}
    with pytest.raises(ClientError, match="PendingManualApproval"):
        sagemaker.create_model(**model)
    sagemaker.update_model_package(ModelPackageArn=arn, ModelApprovalStatus="Approved")
    sagemaker.create_model(**model)
    variant = {"VariantName": "v", "ModelName": name, "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
    sagemaker.create_endpoint_config(EndpointConfigName=served.name, ProductionVariants=[variant])
    sagemaker.create_endpoint(EndpointName=served.name, EndpointConfigName=served.name)

    assert served.settled()["EndpointStatus"] == "InService"
    assert served.invoke()["Body"].read()
    assert sagemaker.describe_model(ModelName=name)["PrimaryContainer"]["ModelPackageName"] == arn


def test_search_finds_by_what_resources_say(shared_cloud: CloudProcess, unique: str) -> None:
    sagemaker = group(shared_cloud, unique, Tags=[{"Key": "team", "Value": unique}])
    arns = [version(sagemaker, unique, ModelApprovalStatus=status) for status in ("Approved", "Rejected", "Approved")]

    def found(kind: str, *filters: dict[str, str], **more: Any) -> list[dict[str, Any]]:
        results = sagemaker.search(Resource=kind, SearchExpression={"Filters": list(filters), **more})["Results"]
        return [result[kind] for result in results]

    mine = {"Name": "ModelPackageGroupName", "Operator": "Equals", "Value": unique}
    approved = found("ModelPackage", mine, {"Name": "ModelApprovalStatus", "Value": "Approved"})
    later = found("ModelPackage", mine, {"Name": "ModelPackageVersion", "Operator": "GreaterThan", "Value": "1"})
    either = found(
        "ModelPackage", mine,
        SubExpressions=[{"Operator": "Or", "Filters": [{"Name": "ModelPackageVersion", "Value": n} for n in ("1", "3")]}],
    )  # fmt: skip
    tagged = found("ModelPackageGroup", {"Name": "Tags.team", "Operator": "Equals", "Value": unique})

    assert {item["ModelPackageArn"] for item in approved} == {arns[0], arns[2]}
    assert {item["ModelPackageVersion"] for item in later} == {2, 3}
    assert {item["ModelPackageVersion"] for item in either} == {1, 3}
    assert [item["ModelPackageGroupName"] for item in tagged] == [unique]


def test_the_tagging_api_sees_the_clouds_own_resources_beside_motos(
    shared_cloud: CloudProcess, s3: Any, unique: str
) -> None:
    group(shared_cloud, unique, Tags=[{"Key": "team", "Value": unique}])
    s3.put_bucket_tagging(Bucket=unique, Tagging={"TagSet": [{"Key": "team", "Value": unique}]})
    tagging = shared_cloud.client("resourcegroupstaggingapi")
    filters = [{"Key": "team", "Values": [unique]}]
    pages = list(tagging.get_paginator("get_resources").paginate(TagFilters=filters, ResourcesPerPage=1))
    own = tagging.get_resources(TagFilters=filters, ResourceTypeFilters=["sagemaker:model-package-group"])

    arns = [item["ResourceARN"] for page in pages for item in page["ResourceTagMappingList"]]
    assert sorted(arn.split(":")[2] for arn in arns) == ["s3", "sagemaker"]
    assert [item["Tags"] for item in own["ResourceTagMappingList"]] == [[{"Key": "team", "Value": unique}]]


@pytest.mark.parametrize("size", [0, 101])
def test_a_page_of_the_tagging_api_has_between_one_and_a_hundred_resources(
    shared_cloud: CloudProcess, size: int
) -> None:
    tagging = shared_cloud.client("resourcegroupstaggingapi")

    assert code_of(lambda: tagging.get_resources(ResourcesPerPage=size))[0] == "InvalidParameterException"


def test_the_registry_survives_kill_9(local_cloud: CloudProcess) -> None:
    sagemaker = group(local_cloud, "g")
    arn = version(sagemaker, "g")
    sagemaker.update_model_package(ModelPackageArn=arn, ModelApprovalStatus="Approved")
    local_cloud.kill()
    local_cloud.start()
    sagemaker = local_cloud.client("sagemaker")

    assert sagemaker.describe_model_package(ModelPackageName=arn)["ModelApprovalStatus"] == "Approved"
    assert version(sagemaker, "g").endswith("/2")

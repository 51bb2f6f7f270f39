"""The AWS API wire: what every call does alike (filters, pages, limits, references, events), by unmodified boto3."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
import urllib3

from fogbank.testing import CloudProcess
from tests.contracts.aws.served import ROLE, Served, code_of
from tests.waiting import until

FUTURE = datetime.now(UTC) + timedelta(days=3650)
PAST = datetime(2020, 1, 1, tzinfo=UTC)
VARIANT = {"VariantName": "v", "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}


@pytest.fixture
def sagemaker(shared_cloud: CloudProcess) -> Any:
    return shared_cloud.client("sagemaker")


def create_models(sagemaker: Any, stem: str, count: int) -> list[str]:
    names = [f"{stem}-{index}" for index in range(count)]
    for name in names:
        sagemaker.create_model(ModelName=name, ExecutionRoleArn=ROLE, PrimaryContainer={"Image": "i"})
    return names


@pytest.mark.parametrize(
    ("call", "answer", "filters"),
    [
        ("list_models", "Models", {}),
        ("list_endpoint_configs", "EndpointConfigs", {}),
        ("list_endpoints", "Endpoints", {"LastModifiedTimeAfter": FUTURE}),
        ("list_endpoints", "Endpoints", {"LastModifiedTimeBefore": PAST}),
        ("list_endpoints", "Endpoints", {"StatusEquals": "OutOfService"}),
    ],
)
def test_filters_of_list_calls_filter(served: Served, call: str, answer: str, filters: dict[str, Any]) -> None:
    served.endpoint()
    ask = partial(getattr(served.sagemaker, call), NameContains=served.name)
    none = [filters] if filters else [{"CreationTimeAfter": FUTURE}, {"CreationTimeBefore": PAST}]

    assert len(ask()[answer]) == 1
    assert len(ask(CreationTimeAfter=PAST, CreationTimeBefore=FUTURE)[answer]) == 1
    for each in none:
        assert ask(**each)[answer] == [], each


def test_pages_in_order_and_tokens_that_are_none(sagemaker: Any, unique: str) -> None:
    names = create_models(sagemaker, unique, 5)
    ask = partial(sagemaker.list_models, NameContains=unique, SortBy="Name", SortOrder="Ascending", MaxResults=2)
    pages = [ask()]
    while token := pages[-1].get("NextToken"):
        pages.append(ask(NextToken=token))

    assert [[model["ModelName"] for model in page["Models"]] for page in pages] == [names[:2], names[2:4], names[4:]]
    assert code_of(lambda: ask(NextToken="none")) == ("ValidationException", "Invalid NextToken.")


def test_a_page_of_endpoints_has_ten(served: Served) -> None:
    config = served.config()
    for index in range(11):
        served.sagemaker.create_endpoint(EndpointName=f"{served.name}-{index}", EndpointConfigName=config)
    page = served.sagemaker.list_endpoints(NameContains=served.name)
    assert (len(page["Endpoints"]), "NextToken" in page) == (10, True)

    def statuses() -> set[str]:
        pages = served.sagemaker.get_paginator("list_endpoints").paginate(NameContains=served.name)
        return {endpoint["EndpointStatus"] for each in pages for endpoint in each["Endpoints"]}

    until(lambda: statuses() == {"InService"}, 120)
    for index in range(11):
        served.sagemaker.delete_endpoint(EndpointName=f"{served.name}-{index}")


def test_a_page_has_ten_of_every_kind(sagemaker: Any, unique: str) -> None:
    names = create_models(sagemaker, unique, 11)
    for name in names:
        variant = {**VARIANT, "ModelName": name}
        sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant])

    for call, answer in (("list_models", "Models"), ("list_endpoint_configs", "EndpointConfigs")):
        page = getattr(sagemaker, call)(NameContains=unique)
        assert (len(page[answer]), "NextToken" in page) == (10, True), call
        rest = getattr(sagemaker, call)(NameContains=unique, NextToken=page["NextToken"])
        assert (len(rest[answer]), "NextToken" in rest) == (1, False), call


def test_names_are_one_whatever_their_case_and_a_variant_says_what_it_runs_on(sagemaker: Any, unique: str) -> None:
    """CreateEndpoint's documentation: the name is case-insensitive, and the case is preserved."""
    name = unique.upper()
    create_models(sagemaker, unique, 1)
    model = f"{unique}-0"
    create = partial(sagemaker.create_endpoint_config, EndpointConfigName=unique)
    for missing in ("InstanceType", "InitialInstanceCount"):
        variant = {key: value for key, value in VARIANT.items() if key != missing}
        code, said = code_of(lambda variant=variant: create(ProductionVariants=[{**variant, "ModelName": model}]))  # type: ignore[misc]  # bound now
        assert (code, said) == (
            "ValidationException",
            'Variant "v" must have an InstanceType and an InitialInstanceCount, or a ServerlessConfig.',
        )
    serverless = {"MemorySizeInMB": 1024, "MaxConcurrency": 1}
    create(ProductionVariants=[{"VariantName": "v", "ModelName": model, "ServerlessConfig": serverless}])
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=unique)

    assert code_of(lambda: sagemaker.create_endpoint(EndpointName=unique, EndpointConfigName=unique)) == (
        "ValidationException",
        f'Cannot create already existing endpoint "arn:aws:sagemaker:us-east-1:123456789012:endpoint/{unique}".',
    )
    assert sagemaker.describe_endpoint(EndpointName=name)["EndpointName"] == name


def test_numbers_lengths_and_names_that_are_not_unique(sagemaker: Any, unique: str) -> None:
    [model] = create_models(sagemaker, unique, 1)
    create = partial(sagemaker.create_endpoint_config, EndpointConfigName=unique)

    heavy = [{**VARIANT, "ModelName": model, "VolumeSizeInGB": 513}]
    code, message = code_of(lambda: create(ProductionVariants=heavy))
    assert code == "ValidationException"
    assert message == (
        "1 validation error detected: Value '513' at 'productionVariants.1.member.volumeSizeInGB' failed to satisfy "
        "constraint: Member must have value less than or equal to 512"
    )
    twice = [{**VARIANT, "ModelName": model}] * 2
    assert code_of(lambda: create(ProductionVariants=twice)) == (
        "ValidationException",
        'The variant name "v" was non-unique within the request.',
    )
    many = [{**VARIANT, "VariantName": f"v{index}", "ModelName": model} for index in range(11)]
    assert "length less than or equal to 10" in code_of(lambda: create(ProductionVariants=many))[1]


def test_tag_keys_are_unique_and_none_is_awss(sagemaker: Any, unique: str) -> None:
    """botocore's AddTags: "Tag keys must be unique per resource"; AWS General Reference: the prefix aws: is reserved."""
    container = {"ModelName": unique, "ExecutionRoleArn": ROLE, "PrimaryContainer": {"Image": "i"}}
    twice = [{"Key": "a", "Value": "1"}, {"Key": "a", "Value": "2"}]
    reserved = [{"Key": "aws:team", "Value": "1"}]
    for tags, words in ((twice, "must be unique per resource: [a]"), (reserved, "reserved for AWS: [aws:team]")):
        code, message = code_of(partial(sagemaker.create_model, **container, Tags=tags))
        assert (code, words in message) == ("ValidationException", True), message
    arn = sagemaker.create_model(**container, Tags=[{"Key": "A", "Value": "1"}, {"Key": "a", "Value": "2"}])["ModelArn"]
    for tags, words in ((twice, "must be unique"), (reserved, "reserved for AWS")):
        code, message = code_of(partial(sagemaker.add_tags, ResourceArn=arn, Tags=tags))
        assert (code, words in message) == ("ValidationException", True), message
    assert len(sagemaker.list_tags(ResourceArn=arn)["Tags"]) == 2, "keys are told apart by their case"


def test_search_refuses_what_is_no_property(sagemaker: Any) -> None:
    """botocore's Filter: "You must specify a valid property for the resource"."""
    filters = [{"Name": "Nope", "Operator": "Equals", "Value": "x"}]
    nested = [{"NestedPropertyName": "ProductionVariants", "Filters": [{"Name": "ProductionVariants.Nope", "Operator": "Exists"}]}]  # fmt: skip
    for expression in ({"Filters": filters}, {"SubExpressions": [{"Filters": filters}]}, {"NestedFilters": nested}):
        code, message = code_of(partial(sagemaker.search, Resource="Endpoint", SearchExpression=expression))
        assert (code, "is no property of the resource Endpoint" in message) == ("ValidationException", True), message
    code, message = code_of(partial(sagemaker.search, Resource="Model", SortBy="Nope"))
    assert (code, "Nope is no property" in message) == ("ValidationException", True), message
    for name in ("EndpointName", "Tags.team", "ProductionVariants.VariantName", "DataCaptureConfig.CaptureStatus"):
        sagemaker.search(Resource="Endpoint", SearchExpression={"Filters": [{"Name": name, "Operator": "Exists"}]})


def test_an_alarm_of_a_deployment_has_a_name(served: Served) -> None:
    """botocore's Alarm has no required member, and a deployment that nobody watches would not be guarded."""
    served.endpoint()
    policy = {"MaximumBatchSize": {"Type": "CAPACITY_PERCENT", "Value": 50}, "WaitIntervalInSeconds": 0}
    config = {"RollingUpdatePolicy": policy, "AutoRollbackConfiguration": {"Alarms": [{}]}}
    update = partial(served.sagemaker.update_endpoint, EndpointName=served.name, EndpointConfigName=served.name)
    code, message = code_of(partial(update, DeploymentConfig=config))
    assert (code, "must have an AlarmName" in message) == ("ValidationException", True), message


def test_keys_and_subnets_that_a_request_names_must_be_there(shared_cloud: CloudProcess, unique: str) -> None:
    sagemaker = shared_cloud.client("sagemaker")
    [model] = create_models(sagemaker, unique, 1)
    create = partial(sagemaker.create_endpoint_config, ProductionVariants=[{**VARIANT, "ModelName": model}])
    key = shared_cloud.client("kms").create_key()["KeyMetadata"]["KeyId"]
    ec2 = shared_cloud.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]
    places = {"SecurityGroupIds": ["sg-placeholder"], "Subnets": [subnet]}

    create(EndpointConfigName=unique, KmsKeyId=key, VpcConfig=places)
    assert sagemaker.describe_endpoint_config(EndpointConfigName=unique)["VpcConfig"] == places
    assert code_of(lambda: create(EndpointConfigName="x", KmsKeyId="alias/none")) == (
        "ValidationException",
        "KMS key alias/none does not exist.",
    )
    places = {"SecurityGroupIds": ["sg-0123456789abcdef0"], "Subnets": ["subnet-0123456789abcdef0"]}
    assert code_of(lambda: create(EndpointConfigName="x", VpcConfig=places)) == (
        "ValidationException",
        "The security group 'sg-0123456789abcdef0' does not exist; The subnet ID 'subnet-0123456789abcdef0' does not exist.",
    )


def test_events_as_a_stream_that_waits(shared_cloud: CloudProcess, unique: str) -> None:
    sagemaker = shared_cloud.client("sagemaker")
    ask = partial(shared_cloud.admin.call, "events")
    seen = ask(since=0)["next"]
    while page := ask(since=seen)["events"]:
        seen = page[-1]["seq"]
    container: Any = {"Image": "i", "ImageConfig": {"RepositoryAccessMode": "Platform"}}
    sagemaker.create_model(ModelName=unique, ExecutionRoleArn=ROLE, PrimaryContainer=container)
    events = [event for event in ask(since=seen)["events"] if unique in str(event)]

    assert [(event["topic"], event["name"], event["change"]) for event in events] == [
        ("model", unique, "Created"),
        ("call", "CreateModel", "Inert"),
    ]
    assert events[1]["detail"] == {"members": ["PrimaryContainer.ImageConfig"], "names": {"ModelName": unique}}
    last = events[-1]["seq"]
    url = f"{shared_cloud.url}/_fogbank/events?since={last}&wait=0"
    reply = urllib3.request("GET", url).json()
    assert reply["next"] >= last
    started = time.monotonic()
    waited = ask(since=10**9, wait=0.3)
    assert (waited["events"], waited["next"]) == ([], 10**9)
    assert time.monotonic() - started >= 0.3

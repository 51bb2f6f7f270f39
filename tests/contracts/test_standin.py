"""The stand-in's verbs against a real cloud: every resource type lives through create, read, update, import and delete."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from fogbank.components.storage import tls_policy
from fogbank.contracts import tokens
from fogbank.contracts.config import ProjectConfig
from fogbank.contracts.manifest import load_manifest
from fogbank.contracts.scheduler import universal_target
from fogbank.contracts.transform import CREATE_TRANSFORM_JOB
from fogbank.ground.aws import LocalClients
from fogbank.provider.resource import ProvisionError
from fogbank.provider.services import ec2, ec2_routes
from fogbank.provider.services.s3_former import FORMER
from fogbank.provider.standin import TABLE, StandIn
from fogbank.testing import CloudProcess
from tests.contracts.aws.issuer import issuing
from tests.contracts.test_standin_services import BY_HAND
from tests.lives import POLICY, TRUST, WIDER, Life
from tests.lives_by_hand import changes_by_hand
from tests.lives_functions import functions
from tests.lives_networks import lives_of_networks
from tests.lives_services import keeping, messages, watching
from tests.lives_stores import lives_of_access, lives_of_stores
from tests.lives_watching import alarming, scaling

ROLE = "arn:aws:iam::123456789012:role/r"
JOB = {
    "TransformJobName": "j",
    "ModelName": "m",
    "TransformInput": {"DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://b/in"}}},
    "TransformOutput": {"S3OutputPath": "s3://b/out"},
    "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
}
TOPIC = "arn:aws:sns:us-east-1:123456789012:told"


def model(name: str, bucket: str) -> dict[str, Any]:
    return {
        "name": name, "executionRoleArn": ROLE,
        "primaryContainer": {"image": "i", "modelDataUrl": f"s3://{bucket}/m.tar.gz", "environment": {"SAGEMAKER_PROGRAM": "inference.py"}},
    }  # fmt: skip


def config(name: str, of: str) -> dict[str, Any]:
    variant = {
        "variantName": "AllTraffic",
        "modelName": of,
        "instanceType": "ml.m5.large",
        "initialInstanceCount": 1,
        "initialVariantWeight": 1,
    }
    return {"name": name, "productionVariants": [variant]}


def definition(name: str, endpoint: str) -> dict[str, Any]:
    output = {"s3Uri": "s3://b/o", "localPath": "/opt/ml/processing/output", "s3UploadMode": "EndOfJob"}
    return {
        "name": name, "roleArn": ROLE, "dataQualityAppSpecification": {"imageUri": "local/fogbank-monitor"},
        "dataQualityJobInput": {"endpointInput": {"endpointName": endpoint, "localPath": "/opt/ml/processing/input"}},
        "dataQualityJobOutputConfig": {"monitoringOutputs": {"s3Output": output}},
        "jobResources": {"clusterConfig": {"instanceCount": 1, "instanceType": "ml.m5.large", "volumeSizeInGb": 20}},
    }  # fmt: skip


def steps(name: str) -> str:
    """A pipeline's definition."""
    return json.dumps({"Version": "2020-12-01", "Steps": [{"Name": name, "Type": "Fail", "Arguments": {}}]})


@pytest.fixture(scope="module")
def standin(shared_cloud: CloudProcess) -> StandIn:
    return StandIn(clients=LocalClients(shared_cloud.url))


@pytest.fixture
def bucket(standin: StandIn, unique: str, fogbank_project: ProjectConfig) -> str:
    return with_model(standin, unique, fogbank_project)


def with_model(standin: StandIn, name: str, project: ProjectConfig) -> str:
    """A bucket with the reference model in it."""
    standin.create(tokens.BUCKET, {"bucket": name})
    package = load_manifest(project.package)
    standin.create(
        tokens.BUCKET_OBJECT, {"bucket": name, "key": "m.tar.gz", "source": {"path": str(package.artifact_path)}}
    )
    return name


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    """An issuer of tokens."""
    with issuing() as found:
        yield found.url


@pytest.fixture(scope="module")
def lives(
    standin: StandIn, tmp_path_factory: pytest.TempPathFactory, issuer: str, fogbank_project: ProjectConfig
) -> dict[str, Life]:
    """One life for every row of the table, with what all of them refer to in place, once: each ends before the next begins."""
    unique = f"l{uuid.uuid4().hex[:10]}"
    bucket = with_model(standin, unique, fogbank_project)
    text = tmp_path_factory.mktemp("lives") / "o.txt"
    text.write_text("one")
    standin.create(tokens.ROLE, {"name": f"{unique}-r", "assumeRolePolicy": TRUST})
    standin.create(tokens.MODEL, model(f"{unique}-m", bucket))
    for suffix in ("c1", "c2"):
        standin.create(tokens.ENDPOINT_CONFIGURATION, config(f"{unique}-{suffix}", f"{unique}-m"))
    standin.create(tokens.DATA_QUALITY_JOB_DEFINITION, definition(f"{unique}-d", "e"))
    standin.create("aws:sagemaker/modelPackageGroup:ModelPackageGroup", {"modelPackageGroupName": f"{unique}-g"})
    schedule = {
        "monitoringJobDefinitionName": f"{unique}-d",
        "monitoringType": "DataQuality",
        "scheduleConfig": {"scheduleExpression": "cron(0 * ? * * *)"},
    }
    daily = {**schedule, "scheduleConfig": {"scheduleExpression": "cron(0 5 ? * * *)"}}
    key = standin.clients("kms", "us-east-1").create_key()["KeyMetadata"]["Arn"]
    rule = {"id": "old", "status": "Enabled", "filter": {"prefix": "a/"}, "expiration": {"days": 30}}
    aborting = {**rule, "abortIncompleteMultipartUpload": {"daysAfterInitiation": 7}}
    target = {"arn": universal_target("aws", CREATE_TRANSFORM_JOB), "roleArn": ROLE, "input": json.dumps(JOB)}
    found = [
        Life(tokens.BUCKET, {"bucket": f"{unique}-b", "tags": {"a": "1"}}, {"tags": {"a": "2"}}),
        Life(tokens.BUCKET_PUBLIC_ACCESS_BLOCK, {"bucket": bucket, "blockPublicAcls": True}, {"blockPublicPolicy": True}),
        Life(tokens.BUCKET_POLICY, {"bucket": bucket, "policy": tls_policy(f"arn:aws:s3:::{bucket}")}, {"policy": tls_policy("arn:aws:s3:::*")}),
        Life(tokens.BUCKET_LIFECYCLE, {"bucket": bucket, "rules": [rule]}, {"rules": [aborting]}),
        Life(tokens.BUCKET_OBJECT, {"bucket": bucket, "key": "o.txt", "source": {"path": str(text)}}, {"content": "two", "source": None}, f"{bucket}/o.txt"),
        Life(tokens.ROLE, {"name": unique, "assumeRolePolicy": TRUST, "description": "one"}, {"description": "two"}),
        Life(tokens.ROLE_POLICY, {"name": unique, "role": f"{unique}-r", "policy": POLICY}, {"policy": WIDER}),
        Life(tokens.MODEL, model(unique, bucket)),
        Life(tokens.ENDPOINT_CONFIGURATION, {**config(unique, f"{unique}-m"), "kmsKeyArn": key}),
        Life(tokens.ENDPOINT, {"name": unique, "endpointConfigName": f"{unique}-c1"}, {"endpointConfigName": f"{unique}-c2"}),
        Life(tokens.DATA_QUALITY_JOB_DEFINITION, definition(unique, "e")),
        Life(tokens.MONITORING_SCHEDULE, {"name": unique, "monitoringScheduleConfig": schedule}, {"monitoringScheduleConfig": daily}),
        Life(
            "aws:sagemaker/modelPackageGroup:ModelPackageGroup",
            {"modelPackageGroupName": unique, "modelPackageGroupDescription": "One", "tags": {"a": "1"}},
            {"tags": {"a": "2", "b": "3"}},
        ),
        Life(
            "aws:sagemaker/modelPackageGroupPolicy:ModelPackageGroupPolicy",
            {"modelPackageGroupName": f"{unique}-g", "resourcePolicy": POLICY}, {"resourcePolicy": WIDER},
            by_hand=("sagemaker", "delete_model_package_group_policy", {"ModelPackageGroupName": f"{unique}-g"}),
        ),
        Life(
            "aws:sagemaker/pipeline:Pipeline",
            {
                "pipelineName": f"{unique}-Steps", "pipelineDisplayName": "one", "roleArn": ROLE, "pipelineDefinition": steps("one"),
                "parallelismConfiguration": {"maxParallelExecutionSteps": 2}, "tags": {"a": "1"},
            },
            {
                "pipelineDisplayName": "two", "pipelineDescription": "d", "pipelineDefinition": steps("two"),
                "parallelismConfiguration": {"maxParallelExecutionSteps": 3}, "tags": {"b": "2"},
            },
            by_hand=("sagemaker", "update_pipeline", {"PipelineName": f"{unique}-Steps", "PipelineDefinition": steps("three")}),
        ),
        Life("aws:scheduler/scheduleGroup:ScheduleGroup", {"name": unique, "tags": {"a": "1"}}, {"tags": {"a": "2", "b": "3"}}),
        Life(
            tokens.SCHEDULE,
            {"name": unique, "scheduleExpression": "cron(0 2 * * ? *)", "flexibleTimeWindow": {"mode": "OFF"}, "target": target},
            {"scheduleExpression": "rate(1 day)"},
        ),
        *lives_of_access(standin, unique),
        *lives_of_stores(standin, unique, bucket),
        *lives_of_networks(standin, unique),
    ]  # fmt: skip
    found += [*messages(standin, unique), *watching(standin, unique), *keeping(standin, unique)]
    found += [*alarming(standin, unique), *scaling(standin, unique, f"{unique}-c1")]
    found += functions(standin, unique, issuer)
    hands = changes_by_hand(unique, bucket, target)
    by_token = {life.token: replace(life, by_hand=life.by_hand or hands.get(life.token)) for life in found}
    return by_token | {former: replace(by_token[now], token=former) for former, now in FORMER.items()}


def without_nothing(properties: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in properties.items() if value is not None}


def with_id(arguments: dict[str, Any], id_: str) -> dict[str, Any]:
    """A call's arguments, about an id that only the cloud knew."""
    filled: dict[str, Any] = json.loads(json.dumps(arguments).replace("{id}", id_))
    return filled


@pytest.mark.parametrize("token", sorted(TABLE))
def test_a_life(standin: StandIn, lives: dict[str, Life], token: str) -> None:
    life = lives[token]
    inputs, failures = standin.check(token, life.inputs, {}, "logical", b"seed")
    assert failures == []

    id_, state = standin.create(token, inputs)
    assert {key: state[key] for key in inputs} == inputs
    read = standin.read(token, id_, inputs)
    assert read is not None
    assert standin.diff(token, inputs, read[0]).changed == (), "a refresh right after a create is no drift"

    wanted = without_nothing({**inputs, **life.change})
    if life.change:
        assert standin.diff(token, inputs, wanted).replaces == ()
        standin.update(token, id_, inputs, wanted)
        again = standin.read(token, id_, wanted)
        assert again is not None
        assert standin.diff(token, wanted, again[0]).changed == ()
    assert standin.diff(token, wanted, {**wanted, **life.same}).changed == (), "what means the same is no change"

    own = f"{inputs['bucket']}/{inputs['key']}" if "bucketObject" in token else id_
    imported = standin.read(token, (life.import_id or own).replace("{id}", id_), {})
    assert imported is not None
    assert standin.check(token, imported[0], {}, "logical", b"seed")[1] == [], "what an import finds can be declared"

    assert life.by_hand or token in BY_HAND, "each type is changed by hand, here or in test_standin_services.py"
    if life.by_hand:
        service, operation, arguments = life.by_hand
        getattr(standin.clients(service, "us-east-1"), operation)(**with_id(arguments, id_))
        drifted = standin.read(token, id_, wanted)
        assert drifted is None or standin.diff(token, drifted[0], wanted).changed, "a change by hand is seen"

    standin.delete(token, id_, {**state, **wanted})
    left = standin.read(token, id_, wanted)
    assert (left and {key: left[0][key] for key in life.inputs}) == life.leaves
    standin.delete(token, id_, {**state, **wanted})


def test_an_endpoint_for_inference_components_is_declared(
    standin: StandIn, shared_cloud: CloudProcess, unique: str
) -> None:
    """pulumi-aws has no type for the components themselves."""
    managed = {"status": "ENABLED", "minInstanceCount": 1, "maxInstanceCount": 2}
    variant = {
        "variantName": "v",
        "instanceType": "ml.m5.large",
        "initialInstanceCount": 1,
        "managedInstanceScaling": managed,
        "routingConfigs": [{"routingStrategy": "LEAST_OUTSTANDING_REQUESTS"}],
    }
    declared = {"name": unique, "executionRoleArn": ROLE, "productionVariants": [variant]}
    standin.create(tokens.ENDPOINT_CONFIGURATION, declared)
    found = shared_cloud.client("sagemaker").describe_endpoint_config(EndpointConfigName=unique)
    assert found["ExecutionRoleArn"] == ROLE
    [item] = found["ProductionVariants"]
    assert "ModelName" not in item
    scaling = {"Status": "ENABLED", "MinInstanceCount": 1, "MaxInstanceCount": 2}
    assert (item["ManagedInstanceScaling"], item["RoutingConfig"]["RoutingStrategy"]) == (
        scaling,
        "LEAST_OUTSTANDING_REQUESTS",
    )


def test_serverless_and_asynchronous_configurations_are_declared(
    standin: StandIn, shared_cloud: CloudProcess, bucket: str, unique: str
) -> None:
    standin.create(tokens.MODEL, model(unique, bucket))
    limits = {"memorySizeInMb": 2048, "maxConcurrency": 5, "provisionedConcurrency": 1}
    variant = {"variantName": "v", "modelName": unique, "serverlessConfig": limits}
    standin.create(tokens.ENDPOINT_CONFIGURATION, {"name": unique, "productionVariants": [variant]})
    notified = {"successTopic": TOPIC, "includeInferenceResponseIns": ["SUCCESS_NOTIFICATION_TOPIC"]}
    queue = {
        "outputConfig": {"s3OutputPath": "s3://b/o", "s3FailurePath": "s3://b/f", "notificationConfig": notified},
        "clientConfig": {"maxConcurrentInvocationsPerInstance": 3},
    }
    standin.create(tokens.ENDPOINT_CONFIGURATION, {**config(f"{unique}-q", unique), "asyncInferenceConfig": queue})
    describe = shared_cloud.client("sagemaker").describe_endpoint_config

    [found] = describe(EndpointConfigName=unique)["ProductionVariants"]
    assert found["ServerlessConfig"] == {"MemorySizeInMB": 2048, "MaxConcurrency": 5, "ProvisionedConcurrency": 1}
    assert describe(EndpointConfigName=f"{unique}-q")["AsyncInferenceConfig"] == {
        "OutputConfig": {
            "S3OutputPath": "s3://b/o",
            "S3FailurePath": "s3://b/f",
            "NotificationConfig": {"SuccessTopic": TOPIC, "IncludeInferenceResponseIn": ["SUCCESS_NOTIFICATION_TOPIC"]},
        },
        "ClientConfig": {"MaxConcurrentInvocationsPerInstance": 3},
    }


def test_a_bucket_with_objects_is_kept_unless_told_otherwise(standin: StandIn, bucket: str) -> None:
    with pytest.raises(ProvisionError, match="forceDestroy"):
        standin.delete(tokens.BUCKET, bucket, {"bucket": bucket})
    standin.delete(tokens.BUCKET, bucket, {"bucket": bucket, "forceDestroy": True})

    assert standin.read(tokens.BUCKET, bucket, {"bucket": bucket}) is None


def test_an_endpoint_that_fails_is_an_error_with_the_cause_and_leaves_nothing(
    standin: StandIn, unique: str, bucket: str
) -> None:
    standin.create(
        tokens.MODEL,
        {**model(unique, bucket), "primaryContainer": {"image": "i", "modelDataUrl": f"s3://{bucket}/none.tar.gz"}},
    )
    standin.create(tokens.ENDPOINT_CONFIGURATION, config(unique, unique))
    endpoint = {"name": unique, "endpointConfigName": unique}

    with pytest.raises(ProvisionError, match=r"none.tar.gz cannot be downloaded"):
        standin.create(tokens.ENDPOINT, endpoint)
    assert standin.read(tokens.ENDPOINT, unique, endpoint) is None


def test_an_update_that_was_rolled_back_is_never_a_success(
    standin: StandIn, lives: dict[str, Life], bucket: str
) -> None:
    unique = lives[tokens.ENDPOINT].inputs["name"]
    standin.create(tokens.ENDPOINT, lives[tokens.ENDPOINT].inputs)
    broken = model(f"{unique}-x", bucket)
    broken["primaryContainer"]["environment"] = {"SAGEMAKER_PROGRAM": "no_such_handler.py"}
    standin.create(tokens.MODEL, broken)
    standin.create(tokens.ENDPOINT_CONFIGURATION, config(f"{unique}-x", f"{unique}-x"))

    with pytest.raises(
        ProvisionError, match=f"rolled back; it still serves {unique}-c1.*no handler at code/no_such_handler.py"
    ):
        standin.update(
            tokens.ENDPOINT,
            unique,
            lives[tokens.ENDPOINT].inputs,
            {"name": unique, "endpointConfigName": f"{unique}-x"},
        )
    standin.delete(tokens.ENDPOINT, unique, {"name": unique})


def test_changed_tags_reach_the_cloud(standin: StandIn, unique: str, bucket: str) -> None:
    before = {**model(unique, bucket), "tags": {"stays": "1", "goes": "2", "changes": "3"}}
    _, state = standin.create(tokens.MODEL, before)
    after = {**before, "tags": {"stays": "1", "changes": "4"}}

    assert standin.diff(tokens.MODEL, before, after).replaces == ()
    standin.update(tokens.MODEL, unique, before, after)

    tags = standin.clients("sagemaker", "us-east-1").list_tags(ResourceArn=state["arn"])["Tags"]
    assert {tag["Key"]: tag["Value"] for tag in tags} == after["tags"]


def test_a_lifecycle_rule_that_says_more_is_refused_by_name(standin: StandIn) -> None:
    rule = {"id": "a", "status": "Enabled", "transitions": [{"days": 30, "storageClass": "GLACIER"}]}
    _, failures = standin.check(tokens.BUCKET_LIFECYCLE, {"bucket": "b", "rules": [rule]}, {}, "l", b"seed")

    assert [(item.property, "refused, not ignored" in item.reason) for item in failures] == [
        ("rules[0].transitions", True)
    ]


def test_a_gateway_of_which_no_vpc_is_said_any_more_stays_and_goes_with_its_stack(standin: StandIn) -> None:
    vpc, other = (standin.create(ec2.VPC, {"cidrBlock": "10.9.0.0/16"})[0] for _ in range(2))
    gateway, _ = standin.create(ec2_routes.GATEWAY, {"vpcId": vpc, "tags": {"a": "1"}})

    state = standin.update(ec2_routes.GATEWAY, gateway, {"vpcId": vpc, "tags": {"a": "1"}}, {"tags": {"a": "2"}})
    assert state["vpcId"] == vpc
    assert standin.read(ec2_routes.GATEWAY, gateway, {"vpcId": vpc}) is not None
    state = standin.update(ec2_routes.GATEWAY, gateway, {"tags": {"a": "2"}}, {"vpcId": other})
    found = standin.read(ec2_routes.GATEWAY, gateway, {"vpcId": other})
    assert found is not None
    assert (found[0]["vpcId"], state["vpcId"]) == (other, other)
    standin.delete(ec2_routes.GATEWAY, gateway, {"tags": {"a": "2"}})
    assert standin.read(ec2_routes.GATEWAY, gateway, {}) is None


def test_an_association_that_was_imported_is_deleted(standin: StandIn) -> None:
    vpc, _ = standin.create(ec2.VPC, {"cidrBlock": "10.9.0.0/16"})
    subnet, _ = standin.create(ec2.SUBNET, {"vpcId": vpc, "cidrBlock": "10.9.1.0/24"})
    table, _ = standin.create(ec2_routes.TABLE, {"vpcId": vpc})
    own, _ = standin.create(ec2_routes.ASSOCIATION, {"routeTableId": table, "subnetId": subnet})
    imported = f"{subnet}/{table}"

    found = standin.read(ec2_routes.ASSOCIATION, imported, {})
    assert found is not None
    standin.delete(ec2_routes.ASSOCIATION, imported, found[1])
    assert standin.read(ec2_routes.ASSOCIATION, own, {}) is None
    standin.delete(ec2_routes.ASSOCIATION, imported, found[1])

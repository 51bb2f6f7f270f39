"""The roles of the components, enforced: an endpoint, its captured records, the nightly batch and every kind of monitor by both carriers do
all that they do under roles that read and write their own prefixes, and what lies elsewhere in the bucket is none of theirs.

Source: the Developer Guide, "CreateModel API: Execution Role Permissions"; what the cloud looks up is in fogbank/cloud/enforcement.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from fogbank.cloud.enforcement.policy import Asked, verdict
from fogbank.components import (
    Asynchronous,
    BatchTransform,
    DataCapture,
    Endpoint,
    ModelService,
    MonitoringSchedule,
    MultiModel,
)
from fogbank.contracts.config import ProjectConfig
from fogbank.contracts.manifest import Manifest, load_manifest
from fogbank.project.access.iam_asking import Ask, ask, plan
from fogbank.testing import CloudProcess, Deployment
from tests.contracts.test_monitor_kinds import CARRIERS, DAILY, kinds, put_labelled, results
from tests.waiting import until_answer

Deploy = Callable[..., Deployment]


@pytest.fixture
def local_cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CloudProcess]:
    """A cloud that enforces IAM."""
    cloud = CloudProcess(tmp_path_factory.mktemp("strict"), enforce_iam=True)
    cloud.start()
    try:
        yield cloud
    finally:
        cloud.stop()


def program(package: Manifest) -> Callable[[], dict[str, Any]]:
    """The reference program's parts, and a monitor of each kind by each carrier; names have capitals, as ARNs have not."""

    def declare() -> dict[str, Any]:
        service = ModelService("churn", package=package, image="local/churn", model_prefix="Churn", force_destroy=True)
        live = Endpoint("live", service=service, endpoint_name="churn-live", capture=DataCapture())
        batch = BatchTransform("nightly", service=service, schedule="cron(30 0 * * ? *)", schedule_name="Churn-nightly")
        for carrier, letter in CARRIERS.items():
            MonitoringSchedule(f"data-{letter}", endpoint=live, carrier=carrier, schedule=DAILY)
            for name, kind in kinds(14).items():
                MonitoringSchedule(f"{name}-{letter}", endpoint=live, kind=kind, carrier=carrier, schedule=DAILY)
        return {"bucket": service.bucket, "role": service.role_arn, "job": batch.job}

    return declare


def test_everything_that_is_declared_runs_under_its_own_role_and_on_its_own_prefixes(
    local_cloud: CloudProcess, deploy: Deploy, fogbank_project: ProjectConfig
) -> None:
    outputs = deploy(program(load_manifest(fogbank_project.package)), mocks=True).outputs
    bucket, s3, sagemaker = outputs["bucket"], local_cloud.client("s3"), local_cloud.client("sagemaker")
    sample = (fogbank_project.trained / "sample.csv").read_bytes()
    now = datetime.fromisoformat(local_cloud.admin.call("status")["time"]).astimezone(UTC)
    noon = now.replace(hour=12, minute=0, second=0, microsecond=0) + timedelta(days=1)
    local_cloud.advance((noon - now).total_seconds())
    local_cloud.client("sagemaker-runtime").invoke_endpoint(
        EndpointName="churn-live", Body=sample, ContentType="text/csv"
    )
    local_cloud.admin.call("flush")
    captured = s3.list_objects_v2(Bucket=bucket, Prefix="capture/")["KeyCount"]
    rows = (fogbank_project.trained / "baseline.csv").read_text().splitlines()[1:31]
    put_labelled(local_cloud, bucket, noon + timedelta(minutes=5), rows)
    s3.put_object(Bucket=bucket, Key="batch/in/a.csv", Body=sample)
    fired = local_cloud.advance(timedelta(hours=13).total_seconds())

    assert captured == 1
    assert [item for item in fired if "not authorized" in item["result"] or "AccessDenied" in item["result"]] == []
    for name in ("data", *kinds(14)):
        for letter in CARRIERS.values():
            assert results(local_cloud, bucket, f"{name}-{letter}"), (name, letter, fired)
    scored = s3.get_object(Bucket=bucket, Key="batch/out/a.csv.out")["Body"].read()
    assert len(scored.splitlines()) == len(sample.splitlines())

    request = json.loads(outputs["job"])
    s3.put_object(Bucket=bucket, Key="private/a.csv", Body=sample)
    elsewhere = {
        **request["TransformInput"],
        "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{bucket}/private/"}},
    }
    for number, change in enumerate(
        (
            {"TransformInput": elsewhere},
            {"TransformOutput": {**request["TransformOutput"], "S3OutputPath": f"s3://{bucket}/models"}},
        )
    ):
        name = f"elsewhere-{number}"
        sagemaker.create_transform_job(**{**request, **change, "TransformJobName": name})
        job = ended(sagemaker, name)
        assert job["TransformJobStatus"] == "Failed"
        assert "is not authorized to perform: s3:" in job["FailureReason"], job["FailureReason"]


def test_the_roles_work_by_the_keys_of_records_and_of_waiting_answers_and_by_no_other(
    local_cloud: CloudProcess, deploy: Deploy, fogbank_project: ProjectConfig
) -> None:
    """A key by its ARN, one by its alias; what the roles' own policies say of them, by IAM's evaluation."""
    kms = local_cloud.client("kms")
    records, answers, other = (kms.create_key()["KeyMetadata"]["Arn"] for _ in range(3))
    kms.create_alias(AliasName="alias/answers", TargetKeyId=answers)

    def declare() -> dict[str, Any]:
        service = ModelService(
            "churn", package=load_manifest(fogbank_project.package), image="local/churn", force_destroy=True
        )
        waits = Asynchronous(kms_key="alias/answers")
        Endpoint(
            "live", service=service, endpoint_name="keys", capture=DataCapture(kms_key=records), asynchronous=waits
        )
        return {"role": service.role_arn}

    role = deploy(declare, mocks=True).outputs["role"].rpartition("/")[2]
    iam = local_cloud.client("iam")
    names = iam.list_role_policies(RoleName=role)["PolicyNames"]
    said = [json.dumps(iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]) for name in names]
    aliased = {"kms:resourcealiases": ["alias/answers"]}
    for action in ("kms:GenerateDataKey", "kms:Decrypt"):
        assert verdict(said, Asked(action=action, resource=records)) == "allow"
        assert verdict(said, Asked(action=action, resource=answers, context=aliased)) == "allow"
        assert (
            verdict(said, Asked(action=action, resource=other, context={"kms:resourcealiases": ["alias/other"]}))
            == "silent"
        )
    configured = local_cloud.client("sagemaker").list_endpoint_configs()["EndpointConfigs"][0]["EndpointConfigName"]
    found = local_cloud.client("sagemaker").describe_endpoint_config(EndpointConfigName=configured)
    assert found["DataCaptureConfig"]["KmsKeyId"] == records
    assert found["AsyncInferenceConfig"]["OutputConfig"]["KmsKeyId"] == "alias/answers"


def test_each_endpoint_is_asked_by_the_way_that_it_answers_and_under_its_own_role(
    local_cloud: CloudProcess, deploy: Deploy, fogbank_project: ProjectConfig
) -> None:
    """As `fogbank iam prove` asks them."""
    package = load_manifest(fogbank_project.package)
    rows = (fogbank_project.trained / "sample.csv").read_bytes()

    def declare() -> dict[str, Any]:
        common: dict[str, Any] = {"package": package, "image": "local/churn", "force_destroy": True}
        alone = ModelService("alone", **common)
        many = ModelService("many", others=MultiModel(models={"b": package}), **common)
        Endpoint("waits", service=alone, endpoint_name="waits", asynchronous=Asynchronous(input_prefix="come/in"))
        Endpoint("many", service=many, endpoint_name="many")
        return {"bucket": alone.bucket}

    bucket = deploy(declare, mocks=True).outputs["bucket"]
    asks, without = plan(local_cloud.client, ["many", "waits"])
    assert without == []
    assert asks == [
        *(
            Ask(endpoint="many", target={"TargetModel": f"{model}.tar.gz"})
            for model in sorted(["b", package.package.name])
        ),
        Ask(endpoint="waits", waits=f"s3://{bucket}/come/in/iam-rows.csv"),
    ]
    ask(local_cloud.client, asks, rows)
    s3 = local_cloud.client("s3")
    [answer] = s3.list_objects_v2(Bucket=bucket, Prefix="async/out/")["Contents"]
    said = s3.get_object(Bucket=bucket, Key=answer["Key"])["Body"].read()
    assert len(said.splitlines()) == len(rows.splitlines())
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket, Prefix="async/failed/")

    iam, role = local_cloud.client("iam"), role_of(local_cloud, "waits")
    for policy in iam.list_role_policies(RoleName=role)["PolicyNames"]:
        iam.delete_role_policy(RoleName=role, PolicyName=policy)
    assert plan(local_cloud.client, ["waits"]) == ([], ["waits"]), "where its role reads is its owner's affair"


def role_of(cloud: CloudProcess, endpoint: str) -> str:
    sagemaker = cloud.client("sagemaker")
    config = sagemaker.describe_endpoint(EndpointName=endpoint)["EndpointConfigName"]
    [variant] = sagemaker.describe_endpoint_config(EndpointConfigName=config)["ProductionVariants"]
    role: str = sagemaker.describe_model(ModelName=variant["ModelName"])["ExecutionRoleArn"]
    return role.rpartition("/")[2]


def ended(sagemaker: Any, job: str) -> dict[str, Any]:
    """A transform job that is over."""
    return until_answer(
        lambda: sagemaker.describe_transform_job(TransformJobName=job),
        lambda found: found["TransformJobStatus"] != "InProgress",
    )

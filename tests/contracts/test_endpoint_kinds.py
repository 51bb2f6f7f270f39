"""Asynchronous, multi-model and pipeline endpoints as they are declared, by the real engine: asked, changed, and gone."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fogbank.components import (
    Asynchronous,
    BatchTransform,
    DataCapture,
    Endpoint,
    HttpApi,
    ModelRegistry,
    ModelService,
    MonitoringSchedule,
    MultiModel,
    Pipeline,
    Provisioned,
    Scaling,
    Step,
    Variant,
)
from fogbank.contracts.config import ProjectConfig
from fogbank.contracts.manifest import Manifest, load_manifest
from fogbank.ground.digest import sha256_file
from fogbank.pack.archive import write_archive
from fogbank.testing import CloudProcess, Deployment
from tests.waiting import until_answer

Deploy = Callable[..., Deployment]
IMAGE = "local/fogbank-serve"
SHOUTS = """
def model_fn(model_dir):
    return None

def transform_fn(model, data, content_type, accept):
    text = data if isinstance(data, str) else data.decode()
    return f"{len(text.splitlines())} rows\\n", "text/plain"
"""


@pytest.fixture
def package(fogbank_project: ProjectConfig) -> Manifest:
    return load_manifest(fogbank_project.package)


@pytest.fixture
def script(package: Manifest, tmp_path: Path) -> Manifest:
    """A package that is a script: it counts the rows that it is given."""
    archive = io.BytesIO()
    write_archive(archive, {"code/inference.py": SHOUTS.encode()})
    (tmp_path / package.artifact).write_bytes(archive.getvalue())
    inner = replace(package.package, name="counts", handler=None)
    return replace(
        package, folder=tmp_path, package=inner, package_sha256="", artifact_sha256=sha256_file(tmp_path / package.artifact)
    )  # fmt: skip


def test_every_kind_lives_and_answers(
    local_cloud: CloudProcess, deploy: Deploy, package: Manifest, script: Manifest, fogbank_project: ProjectConfig
) -> None:
    topic = local_cloud.client("sns").create_topic(Name="done")["TopicArn"]

    def program(cached: bool = True) -> Callable[[], dict[str, Any]]:
        def declare() -> dict[str, Any]:
            common: dict[str, Any] = {"image": IMAGE, "force_destroy": True}
            step = Step(name="counts", package=script, image=IMAGE, environment={"FOGBANK_MANIFEST_SHA256": ""})
            alone = ModelService("alone", package=package, **common)
            many = ModelService(
                "many", package=script, others=MultiModel(models={"b": script}, cached=cached), **common
            )
            line = ModelService("line", package=package, others=Pipeline(after=[step]), **common)
            on = Provisioned(scaling=Scaling(least=0, most=2, per_instance=5))
            waits = Endpoint(
                "waits", variants=[Variant(service=alone, on=on)], asynchronous=Asynchronous(success_topic=topic, concurrency=2)
            )  # fmt: skip
            Endpoint("many", service=many)
            Endpoint("line", service=line)
            return {"bucket": alone.bucket, "config": waits.config_name}

        return declare

    deployed = deploy(program())
    assert deployed.driver is not None
    deployed.driver.preview(lambda _: None, expect_no_changes=True)
    assert deployed.driver.refresh(lambda _: None).changed is False
    runtime, s3 = local_cloud.client("sagemaker-runtime"), local_cloud.client("s3")
    sample = (fogbank_project.trained / "sample.csv").read_bytes()
    asked: dict[str, Any] = {"ContentType": "text/csv", "Body": sample}
    through = runtime.invoke_endpoint(EndpointName="line", **asked)["Body"].read().decode()
    assert through == f"{len(sample.splitlines())} rows\n", "what the model answers is the next one's request"
    for model in ("counts", "b"):
        answer = runtime.invoke_endpoint(EndpointName="many", TargetModel=f"{model}.tar.gz", **asked)
        assert answer["Body"].read().endswith(b" rows\n")
    bucket = deployed.outputs["bucket"]
    s3.put_object(Bucket=bucket, Key="asks/rows.csv", Body=sample)
    runtime.invoke_endpoint_async(
        EndpointName="waits", InputLocation=f"s3://{bucket}/asks/rows.csv", ContentType="text/csv"
    )
    until_answer(lambda: s3.list_objects_v2(Bucket=bucket, Prefix="async/out/").get("KeyCount", 0), bool)

    scaling = local_cloud.client("application-autoscaling")
    [target] = scaling.describe_scalable_targets(ServiceNamespace="sagemaker")["ScalableTargets"]
    assert target["MinCapacity"] == 0
    policies = scaling.describe_scaling_policies(ServiceNamespace="sagemaker")["ScalingPolicies"]
    assert {policy["PolicyType"] for policy in policies} == {"TargetTrackingScaling", "StepScaling"}
    changed = deploy(program(cached=False))
    models = [
        local_cloud.client("sagemaker").describe_model(ModelName=each["ModelName"])
        for each in local_cloud.client("sagemaker").list_models(NameContains="many")["Models"]
    ]
    assert [each["PrimaryContainer"]["MultiModelConfig"]["ModelCacheSetting"] for each in models] == ["Disabled"]
    assert changed.driver is not None
    changed.driver.destroy(lambda _: None)
    assert local_cloud.client("sagemaker").list_models()["Models"] == []
    assert s3.list_buckets()["Buckets"] == []


def test_an_asynchronous_endpoint_rests_without_an_instance_and_wakes_for_what_waits(
    local_cloud: CloudProcess, deploy: Deploy, package: Manifest, fogbank_project: ProjectConfig
) -> None:
    def program() -> dict[str, Any]:
        service = ModelService("churn", package=package, image=IMAGE, force_destroy=True)
        on = Provisioned(scaling=Scaling(least=0, most=2, per_instance=5))
        Endpoint("waits", variants=[Variant(service=service, on=on)], asynchronous=Asynchronous())
        return {"bucket": service.bucket}

    bucket = deploy(program, mocks=True).outputs["bucket"]
    sagemaker, s3 = local_cloud.client("sagemaker"), local_cloud.client("s3")

    def instances() -> int:
        [variant] = sagemaker.describe_endpoint(EndpointName="waits")["ProductionVariants"]
        count: int = variant["CurrentInstanceCount"]
        return count

    minutes = 0
    while instances():
        local_cloud.advance(300)
        minutes += 5
        assert minutes <= 40, "fifteen minutes without a request end in none"
    s3.put_object(Bucket=bucket, Key="asks/rows.csv", Body=(fogbank_project.trained / "sample.csv").read_bytes())
    local_cloud.client("sagemaker-runtime").invoke_endpoint_async(
        EndpointName="waits", InputLocation=f"s3://{bucket}/asks/rows.csv", ContentType="text/csv"
    )

    def answered() -> int:
        local_cloud.advance(60)
        found: int = s3.list_objects_v2(Bucket=bucket, Prefix="async/out/").get("KeyCount", 0)
        return found

    until_answer(answered, bool)


def test_what_does_not_go_with_others_is_refused_where_it_is_declared(
    deploy: Deploy, package: Manifest, script: Manifest
) -> None:
    def program() -> None:
        many = ModelService("many", package=package, image=IMAGE, others=MultiModel(models={}), force_destroy=True)
        asked = Endpoint("asked", service=many, capture=DataCapture())
        waits = Endpoint(
            "waits", service=ModelService("one", package=package, image=IMAGE), asynchronous=Asynchronous()
        )
        refused: list[tuple[Callable[[], object], str]] = [
            (lambda: BatchTransform("b", service=many, schedule="rate(1 day)"), "a batch transform names neither"),
            (lambda: ModelRegistry("r", service=many), "a version holds one package"),
            (lambda: MonitoringSchedule("m", endpoint=asked), "a monitor looks at one model"),
            (lambda: HttpApi("h", endpoint=asked), "must name a model or a container"),
            (lambda: HttpApi("h", endpoint=waits), "answers in S3"),
            (
                lambda: ModelService(
                    "s", package=package, image=IMAGE, others=MultiModel(models={package.name: script})
                ),
                "the name of the service's own package",
            ),
        ]
        for build, said in refused:
            with pytest.raises(ValueError, match=said):
                build()

    deploy(program, mocks=True)


def test_containers_are_declared_in_their_order_each_with_what_it_loads(
    local_cloud: CloudProcess, deploy: Deploy, package: Manifest, script: Manifest
) -> None:
    def program() -> dict[str, Any]:
        steps = [Step(name=name, package=script, image=name) for name in ("clean", "tell")]
        others = Pipeline(before=steps[:1], after=steps[1:], direct=True)
        return {"model": ModelService("line", package=package, image=IMAGE, others=others).model_name}

    model = local_cloud.client("sagemaker").describe_model(ModelName=deploy(program, mocks=True).outputs["model"])
    assert [each["ContainerHostname"] for each in model["Containers"]] == ["clean", "model", "tell"]
    assert [each["Image"] for each in model["Containers"]] == ["clean", IMAGE, "tell"]
    assert len({each["ModelDataUrl"] for each in model["Containers"]}) == 3
    assert json.loads(json.dumps(model["InferenceExecutionConfig"])) == {"Mode": "Direct"}

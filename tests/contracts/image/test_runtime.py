"""The local cloud with containers as its instances: a real cloud, real podman, unmodified boto3."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from fogbank.cloud.hosting.containers import find_containers
from fogbank.cloud.hosting.instance import StartError
from fogbank.contracts.manifest import ENV_MANIFEST_DIGEST
from fogbank.testing import CloudProcess
from tests.contracts.aws.served import ROLE, Served
from tests.contracts.image.conftest import Packed
from tests.engines import Podman
from tests.waiting import until


@pytest.fixture
def cloud(podman: Podman, tmp_path: Path) -> Iterator[CloudProcess]:
    """A cloud whose instances are containers of the tests' own podman."""
    settings = {
        "FOGBANK_CONTAINER_ENGINE": shlex.join(podman.command),
        "FOGBANK_CONTAINER_OPTIONS": "--ulimit nofile=1024:1024 --ulimit nproc=1000:1000",
    }
    before = {name: os.environ.get(name) for name in settings}
    os.environ.update(settings)
    process = CloudProcess(tmp_path / "cloud", runtime="container")
    process.start()
    for name, value in before.items():
        os.environ.pop(name) if value is None else os.environ.update({name: value})
    yield process
    process.stop()


@pytest.fixture
def served(cloud: CloudProcess, churn: Packed, unique: str) -> Served:
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket=unique)
    s3.put_object(Bucket=unique, Key="m.tar.gz", Body=churn.manifest.artifact_path.read_bytes())
    digest = churn.layout.images()["linux/amd64"].digest
    container = {
        "Image": f"oci:{churn.layout.folder}@{digest}",
        "ModelDataUrl": f"s3://{unique}/m.tar.gz",
        "Environment": {ENV_MANIFEST_DIGEST: churn.manifest.package_sha256, "SAGEMAKER_MODEL_SERVER_WORKERS": "1"},
    }
    cloud.client("sagemaker").create_model(ModelName=unique, ExecutionRoleArn=ROLE, PrimaryContainer=container)
    return Served(cloud, unique, b"0.5,-0.25\n")


def containers(podman: Podman, cloud: CloudProcess) -> list[str]:
    return podman.run("ps", "--quiet", "--filter", f"label=dev.fogbank.cloud={cloud.folder}").split()


def test_an_endpoint_is_a_container_of_the_models_image(served: Served, podman: Podman) -> None:
    served.endpoint()
    served.sagemaker.get_waiter("endpoint_in_service").wait(EndpointName=served.name, WaiterConfig={"Delay": 1})

    assert 0 < float(served.invoke(Accept="text/csv")["Body"].read()) < 1
    [container] = containers(podman, served.cloud)
    mounts = podman.run("inspect", "--format", "{{range .Mounts}}{{.Destination}} {{.RW}}{{end}}", container)
    assert mounts == "/opt/ml/model false"
    served.sagemaker.delete_endpoint(EndpointName=served.name)
    until(lambda: not containers(podman, served.cloud))


def test_a_dead_container_is_replaced_and_none_outlives_a_killed_cloud(served: Served, podman: Podman) -> None:
    served.endpoint()
    served.sagemaker.get_waiter("endpoint_in_service").wait(EndpointName=served.name, WaiterConfig={"Delay": 1})
    [first] = containers(podman, served.cloud)
    podman.run("kill", first)
    until(lambda: containers(podman, served.cloud) not in ([], [first]), 30)
    assert 0 < float(served.invoke(Accept="text/csv")["Body"].read()) < 1

    served.cloud.kill()
    until(lambda: not containers(podman, served.cloud))


def test_a_transform_job_runs_in_a_container(served: Served, podman: Podman) -> None:
    served.s3.put_object(Bucket=served.name, Key="in/rows.csv", Body=b"0.5,-0.25\n1,1\n")
    served.sagemaker.create_transform_job(
        TransformJobName=served.name, ModelName=served.name,
        TransformInput={
            "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{served.name}/in/"}},
            "ContentType": "text/csv", "SplitType": "Line",
        },
        TransformOutput={"S3OutputPath": f"s3://{served.name}/out", "Accept": "text/csv", "AssembleWith": "Line"},
        TransformResources={"InstanceType": "ml.m5.large", "InstanceCount": 1},
    )  # fmt: skip

    until(
        lambda: (
            served.sagemaker.describe_transform_job(TransformJobName=served.name)["TransformJobStatus"] != "InProgress"
        ),
        60,
    )
    found = served.sagemaker.describe_transform_job(TransformJobName=served.name)
    assert found["TransformJobStatus"] == "Completed", found
    body = served.s3.get_object(Bucket=served.name, Key="out/rows.csv.out")["Body"].read()
    assert len(body.splitlines()) == 2
    assert containers(podman, served.cloud) == []


def test_a_multi_model_container_is_brought_its_models(served: Served, podman: Podman) -> None:
    """The image says of itself that it has the /models API; its models are mounted below /opt/ml/models as they come."""
    model = served.sagemaker.describe_model(ModelName=served.name)["PrimaryContainer"]
    many = {**model, "Mode": "MultiModel", "ModelDataUrl": f"s3://{served.name}/"}
    served.sagemaker.create_model(ModelName=f"{served.name}-many", ExecutionRoleArn=ROLE, PrimaryContainer=many)
    variant = {"VariantName": "v", "ModelName": f"{served.name}-many", "InitialInstanceCount": 1}
    served.sagemaker.create_endpoint_config(
        EndpointConfigName=served.name, ProductionVariants=[{**variant, "InstanceType": "ml.m5.large"}]
    )
    served.sagemaker.create_endpoint(EndpointName=served.name, EndpointConfigName=served.name)
    served.sagemaker.get_waiter("endpoint_in_service").wait(EndpointName=served.name, WaiterConfig={"Delay": 1})

    for _ in range(2):
        assert 0 < float(served.invoke(Accept="text/csv", TargetModel="m.tar.gz")["Body"].read()) < 1
    [container] = containers(podman, served.cloud)
    mounts = podman.run("inspect", "--format", "{{range .Mounts}}{{.Destination}} {{.RW}}{{end}}", container)
    assert mounts == "/opt/ml/models false"
    with pytest.raises(ClientError, match="Failed to download model data"):
        served.invoke(TargetModel="none.tar.gz")


@pytest.mark.parametrize(
    ("image", "said"),
    [
        ("local/fogbank-serve", "stands for the package itself"),
        ("oci:/nowhere@sha256:0000", "cannot be loaded"),
        ("localhost/there-is-no-such-image", "there-is-no-such-image"),
    ],
)
def test_an_image_that_cannot_run_is_the_endpoints_failure_reason(served: Served, image: str, said: str) -> None:
    name = served.other_version("-bad", Image=image, ModelDataUrl=f"s3://{served.name}/m.tar.gz")
    served.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)

    until(lambda: served.sagemaker.describe_endpoint(EndpointName=name)["EndpointStatus"] == "Failed", 60)
    assert said in served.sagemaker.describe_endpoint(EndpointName=name)["FailureReason"]
    with pytest.raises(ClientError):
        served.cloud.client("sagemaker-runtime").invoke_endpoint(EndpointName=name, Body=b"1,2")


def test_without_an_engine_the_cloud_says_so(tmp_path: Path) -> None:
    with pytest.raises(StartError, match="needs podman or docker"):
        find_containers({"FOGBANK_CONTAINER_ENGINE": "no-such-engine --root x"}, tmp_path)

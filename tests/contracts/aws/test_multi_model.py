"""Multi-model endpoints, by unmodified boto3: models below a prefix, brought when they are asked for, and gone when others need the room."""

from __future__ import annotations

import io
import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from fogbank.cloud.hosting.loading import MISSING
from fogbank.ground.processes import tree
from fogbank.ground.walls import obstacle
from fogbank.pack.archive import write_archive
from fogbank.testing import CloudProcess
from tests.contracts.aws.served import ROLE, code_of
from tests.waiting import until, until_answer

NAMES = """
import os
{ballast}
def model_fn(folder):
    if {fails!r}:
        raise ValueError("it cannot be loaded")
    return {name!r}

def transform_fn(model, data, content_type, accept):
    text = data if isinstance(data, str) else data.decode()
    return f"{{model}} {{os.getpid()}} {{text}}", "text/plain"
"""
BALLAST = "BALLAST = bytearray(120 << 20)\nBALLAST[::4096] = b'1' * len(BALLAST[::4096])\n"


class Account:
    """A bucket with models below `models/`, and a multi-model endpoint of them, all called `name`."""

    def __init__(self, cloud: CloudProcess, name: str) -> None:
        self.cloud, self.name = cloud, name
        self.sagemaker, self.s3 = cloud.client("sagemaker"), cloud.client("s3")
        self.s3.create_bucket(Bucket=name)

    def put(self, key: str, *, fails: bool = False, ballast: str = "", **files: bytes) -> None:
        archive = io.BytesIO()
        code = NAMES.format(name=key, fails=fails, ballast=ballast).encode()
        write_archive(
            archive, {"code/inference.py": code, **{f"code/{name}.txt": data for name, data in files.items()}}
        )
        self.s3.put_object(Bucket=self.name, Key=f"models/{key}", Body=archive.getvalue())

    def endpoint(self, count: int = 1, cache: str | None = None, **environment: str) -> dict[str, Any]:
        container: dict[str, Any] = {
            "Image": "i", "Mode": "MultiModel", "ModelDataUrl": f"s3://{self.name}/models/", "Environment": environment,
        }  # fmt: skip
        if cache:
            container["MultiModelConfig"] = {"ModelCacheSetting": cache}
        self.sagemaker.create_model(ModelName=self.name, ExecutionRoleArn=ROLE, PrimaryContainer=container)
        variant = {
            "VariantName": "v",
            "ModelName": self.name,
            "InitialInstanceCount": count,
            "InstanceType": "ml.m5.large",
        }
        self.sagemaker.create_endpoint_config(EndpointConfigName=self.name, ProductionVariants=[variant])
        self.sagemaker.create_endpoint(EndpointName=self.name, EndpointConfigName=self.name)
        found = self.settled()
        assert found["EndpointStatus"] == "InService", found
        return found

    def settled(self) -> dict[str, Any]:
        moving = {"Creating", "Updating", "RollingBack", "SystemUpdating"}
        return until_answer(
            lambda: self.sagemaker.describe_endpoint(EndpointName=self.name),
            lambda answer: answer["EndpointStatus"] not in moving,
            120,
        )

    def ask(self, model: str, body: str = "x") -> list[str]:
        """(model, process, body) of the answer."""
        answer = self.cloud.client("sagemaker-runtime").invoke_endpoint(
            EndpointName=self.name, TargetModel=model, Body=body.encode(), ContentType="text/plain"
        )
        said: list[str] = answer["Body"].read().decode().split()
        return said

    def answers(self, model: str) -> bool:
        try:
            return self.ask(model)[0] == model
        except ClientError as error:
            if error.response["Error"]["Code"] != "ModelError":  # it was with the one that was killed
                raise
            return False

    def measured(self, metric: str, namespace: str = "AWS/SageMaker", statistic: str = "Sum") -> list[float]:
        points = self.cloud.client("cloudwatch").get_metric_statistics(
            Namespace=namespace, MetricName=metric, Statistics=[statistic], Period=3600,
            StartTime=time.time() - 600, EndTime=time.time() + 600,
            Dimensions=[{"Name": "EndpointName", "Value": self.name}, {"Name": "VariantName", "Value": "v"}],
        )["Datapoints"]  # fmt: skip
        return [point[statistic] for point in points]


@pytest.fixture
def account(shared_cloud: CloudProcess, unique: str) -> Account:
    return Account(shared_cloud, unique)


def test_a_model_is_brought_once_and_stays_and_both_are_measured(account: Account) -> None:
    for key in ("a.tar.gz", "below/b.tar.gz"):
        account.put(key)
    account.endpoint()
    first, again, other = account.ask("a.tar.gz"), account.ask("/a.tar.gz"[1:], "y"), account.ask("below/b.tar.gz")

    assert (first[0], again[0], other[0]) == ("a.tar.gz", "a.tar.gz", "below/b.tar.gz")
    assert first[1] == again[1] != other[1]
    assert account.measured("ModelCacheHit") == [1.0]
    assert account.measured("ModelCacheHit", statistic="SampleCount") == [3.0]
    for metric in ("ModelLoadingWaitTime", "ModelDownloadingTime", "ModelLoadingTime"):
        assert account.measured(metric, statistic="SampleCount") == [2.0]
    assert account.measured("LoadedModelCount", "/aws/sagemaker/Endpoints", "Maximum") == [2.0]
    assert account.measured("Invocations") == [3.0]


def test_many_who_ask_for_a_model_at_once_wait_for_the_one_that_comes(account: Account) -> None:
    account.put("a.tar.gz")
    account.endpoint(count=2)
    with ThreadPoolExecutor(8) as callers:
        answers = list(callers.map(lambda _: account.ask("a.tar.gz"), range(8)))

    assert len({process for _, process, _ in answers}) == 1, "one instance has it, and has it once"
    assert account.measured("ModelLoadingTime", statistic="SampleCount") == [1.0]


def test_what_is_not_there_and_what_cannot_be_loaded(account: Account) -> None:
    account.put("bad.tar.gz", fails=True)
    account.s3.put_object(Bucket=account.name, Key="models/no.tar.gz", Body=b"not a tar")
    account.endpoint()

    assert code_of(lambda: account.ask("none.tar.gz")) == (
        "ValidationError",
        MISSING.format(bucket=account.name, key="models/none.tar.gz"),
    )
    assert "is not a gzip tar archive" in code_of(lambda: account.ask("no.tar.gz"))[1]
    code, said = code_of(lambda: account.ask("bad.tar.gz"))
    assert (code, "it cannot be loaded" in said) == ("ModelError", True)
    runtime = account.cloud.client("sagemaker-runtime")
    with pytest.raises(ClientError, match="is missing a target model header"):
        runtime.invoke_endpoint(EndpointName=account.name, Body=b"x")
    with pytest.raises(ClientError, match="is missing a target model header"):
        runtime.invoke_endpoint_with_response_stream(EndpointName=account.name, Body=b"x")
    account.put("none.tar.gz")
    assert account.ask("none.tar.gz")[0] == "none.tar.gz", "what comes to be there is found"


def test_a_model_goes_when_another_needs_its_room_and_comes_again(account: Account) -> None:
    for key in ("a.tar.gz", "b.tar.gz"):
        account.put(key, ballast=BALLAST)
    account.endpoint(FOGBANK_MODEL_MEMORY_MB="250")
    first = account.ask("a.tar.gz")
    assert account.ask("b.tar.gz")[0] == "b.tar.gz"
    again = account.ask("a.tar.gz")

    assert again[0] == first[0]
    assert again[1] != first[1]
    assert account.measured("LoadedModelCount", "/aws/sagemaker/Endpoints", "Maximum") == [1.0]


def test_without_a_cache_a_model_goes_after_its_answer(account: Account) -> None:
    account.put("a.tar.gz")
    account.endpoint(cache="Disabled")
    first, second = account.ask("a.tar.gz"), account.ask("a.tar.gz")

    assert first[1] != second[1]
    assert account.measured("ModelCacheHit") == [0.0]
    until(lambda: account.measured("ModelUnloadingTime", statistic="SampleCount") == [2.0])


def test_a_models_own_requirements_are_its_own(account: Account) -> None:
    account.put("a.tar.gz", requirements=b"")
    account.put("bad.tar.gz", requirements=b"no-such-package-of-anybody==1.0\n")
    account.endpoint()

    assert account.ask("a.tar.gz")[0] == "a.tar.gz"
    code, said = code_of(lambda: account.ask("bad.tar.gz"))
    assert (code, "no-such-package-of-anybody" in said) == ("ValidationError", True)


def test_an_endpoint_moves_between_one_model_and_many(account: Account) -> None:
    account.put("a.tar.gz")
    account.endpoint()
    single = f"{account.name}-single"
    container = {"Image": "i", "ModelDataUrl": f"s3://{account.name}/models/a.tar.gz"}
    account.sagemaker.create_model(ModelName=single, PrimaryContainer=container)
    variant = {"VariantName": "v", "ModelName": single, "InitialInstanceCount": 1, "InstanceType": "ml.m5.large"}
    account.sagemaker.create_endpoint_config(EndpointConfigName=single, ProductionVariants=[variant])
    account.sagemaker.update_endpoint(EndpointName=account.name, EndpointConfigName=single)
    account.settled()
    assert code_of(lambda: account.ask("a.tar.gz"))[1] == (
        f"Endpoint {account.name} is not a multi-model endpoint and does not support target model header."
    )
    account.sagemaker.update_endpoint(EndpointName=account.name, EndpointConfigName=account.name)
    account.settled()
    assert account.ask("a.tar.gz")[0] == "a.tar.gz"


def test_a_killed_model_and_a_killed_cloud_bring_their_models_again(unique: str, tmp_path: Path) -> None:
    cloud = CloudProcess(tmp_path / "cloud")
    cloud.start()
    try:
        account = Account(cloud, unique)
        account.put("a.tar.gz")
        account.endpoint()
        [_, process, _] = account.ask("a.tar.gz")
        os.kill(int(process), signal.SIGKILL)
        until(lambda: account.answers("a.tar.gz"))
        pids = list(tree(int(cloud.admin.call("status")["pid"])))[1:]
        assert len(pids) > 2
        cloud.kill()
        cloud.start()
        account.settled()
        assert account.ask("a.tar.gz")[0] == "a.tar.gz"
        until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids))
    finally:
        cloud.stop()


MOVES = """
import os
def model_fn(folder):
    return os.path.dirname(os.path.dirname(folder))

def transform_fn(models, data, content_type, accept):
    said = []
    for attempt in (
        lambda: os.rename(models, models + "2"), lambda: os.symlink("/", models + "/link"), lambda: os.mkdir(models + "/folder"),
        lambda: os.remove(models + "/" + os.listdir(models)[0] + "/model/code/inference.py"),
    ):
        try:
            attempt()
            said.append("done")
        except OSError as error:
            said.append("refused")
    return " ".join(said), "text/plain"
"""


@pytest.mark.skipif(bool(obstacle()), reason=obstacle())
def test_a_model_cannot_lead_the_next_one_elsewhere(account: Account) -> None:
    """The cloud unpacks models where the container sees them: what a container makes there it would write through."""
    archive = io.BytesIO()
    write_archive(archive, {"code/inference.py": MOVES.encode()})
    account.s3.put_object(Bucket=account.name, Key="models/moves", Body=archive.getvalue())
    account.put("after")
    account.endpoint()

    assert account.ask("moves") == ["refused"] * 4
    assert account.ask("after")[0] == "after"

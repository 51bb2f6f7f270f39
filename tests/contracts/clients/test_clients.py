"""Clients that nobody here wrote, unmodified, each through its ordinary flow; they live in an environment of their own."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fogbank.ground.aws import LOCAL_ACCESS_KEY, LOCAL_SECRET_KEY
from fogbank.testing import CloudProcess
from tests.contracts.aws.test_rollouts import ARN, Account
from tests.once import programs_of
from tests.waiting import until_answer

HERE = Path(__file__).parent
REQUIREMENTS = HERE / "requirements.txt"
Run = Callable[..., str]


@pytest.fixture(scope="module")
def binaries() -> Path:
    """The programs of an environment with the clients, as requirements.txt has them; kept between runs."""
    return programs_of(REQUIREMENTS)


@pytest.fixture
def run(binaries: Path, shared_cloud: CloudProcess, unique: str, tmp_path: Path) -> Run:
    """A program of theirs, as a user of the cloud has it in a shell; what it printed. There is a bucket that is called `unique`."""
    shared_cloud.client("s3").create_bucket(Bucket=unique)
    env = {
        "PATH": f"{binaries}:{os.environ['PATH']}", "HOME": str(tmp_path), "AWS_ENDPOINT_URL": shared_cloud.url,
        "AWS_DEFAULT_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": LOCAL_ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": LOCAL_SECRET_KEY,
    }  # fmt: skip

    def run(*command: str) -> str:
        done = subprocess.run(
            [binaries / command[0], *command[1:]], cwd=tmp_path, env=env, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout

    return run


FLOWS: dict[str, dict[str, Any]] = {
    "s3fs": {
        "whole": True, "middle": True, "appended": "a b and more", "size": 11_520_000, "empty": 0, "walked": 6, "left": False,
        "listed": ["deep/er/big.bin", "empty", "many/a b", "many/c+d", "many/e%20f", "moved/ü"], "glob": ["a b", "c+d", "e%20f"],
    },
    "pyarrow": {
        "rows": 10_000, "sum": sum(range(1, 10_000, 2)), "ten": "5678901234", "moved": 15_000_000,
        "names": ["set", "year=2024", "year=2025"], "left": ["big", "moved"],
    },
    "polars": {"sum": sum(range(3, 100_000, 7)), "csv": 10, "parts": 30},
    "duckdb": {"sum": sum(range(1, 100_000, 3)), "parts": len(range(3, 100_000, 7)), "csv": 10, "glob": True},
    "minio": {
        "size": 11 * 2**20, "colour": "blue", "tags": {"a": "b c"}, "got": "small", "versions": 3, "marker": 1, "errors": 0, "after": [],
        "names": ["big ü", "by address", "by form", "composed", "copied"],
    },
    "obstore": {
        "whole": True, "range": True, "ranges": ["0001", "4142"], "refused": {"create": True, "update": True}, "one": "2", "many": 1_203,
        "prefixes": ["deep", "many"], "deleted": 0,
    },
}  # fmt: skip


@pytest.mark.parametrize("client", FLOWS)
def test_a_clients_ordinary_flow(run: Run, shared_cloud: CloudProcess, unique: str, client: str) -> None:
    seen = run("python", "-P", str(HERE / "flows" / f"{client}.py"), shared_cloud.url, unique)

    assert json.loads(seen) == FLOWS[client]


def test_the_aws_command_line(run: Run, unique: str, tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    (tree / "sub").mkdir(parents=True)
    big = os.urandom(20 * 2**20)
    (tree / "big").write_bytes(big)
    (tree / "sub" / "a b ü.txt").write_text("hello")
    # S3 tells whole seconds: a file of the same second is younger than its object, and goes up again.
    os.utime(tree / "big", (0, 0))

    run("aws", "s3", "sync", "tree", f"s3://{unique}/tree")
    run("aws", "s3", "cp", f"s3://{unique}/tree/big", "back")
    run("aws", "s3", "mv", f"s3://{unique}/tree/sub/a b ü.txt", f"s3://{unique}/moved.txt")
    (tree / "sub" / "a b ü.txt").unlink()
    (tree / "sub" / "new").write_text("new")
    synced = run("aws", "s3", "sync", "--delete", "tree", f"s3://{unique}/tree")
    address = run("aws", "s3", "presign", f"s3://{unique}/moved.txt").strip()
    attributes = run(
        "aws", "s3api", "get-object-attributes", "--bucket", unique, "--key", "tree/big", "--object-attributes", "ObjectSize", "ObjectParts"
    )  # fmt: skip
    listed = run("aws", "s3", "ls", "--recursive", "--summarize", f"s3://{unique}")
    fetched = subprocess.run(["curl", "-sf", address], capture_output=True, text=True, check=True).stdout
    run("aws", "s3", "rb", "--force", f"s3://{unique}")

    assert (tmp_path / "back").read_bytes() == big
    assert synced.count("upload:") == 1
    assert fetched == "hello"
    assert json.loads(attributes)["ObjectSize"] == len(big)
    assert "Total Objects: 3" in listed
    assert unique not in run("aws", "s3", "ls")


HANDLER = """
def model_fn(folder):
    return 2
def predict_fn(rows, model):
    return [[model * float(rows[0][0])]]
"""


def test_the_aws_command_line_hosts(run: Run, shared_cloud: CloudProcess, unique: str, tmp_path: Path) -> None:
    account = Account(shared_cloud, f"{unique}h")
    (tmp_path / "rows").write_bytes(b"21")
    name = account.version("now", code=HANDLER)

    def sagemaker(operation: str, **options: str) -> Any:
        """Of what it printed, JSON is read."""
        words = [word for key, value in options.items() for word in (f"--{key.replace('_', '-')}", value)]
        printed = run("aws", "sagemaker", operation, *words)
        return json.loads(printed) if printed.strip() else None

    def settled(kind: str, name: str) -> None:
        """The command line looks twice a minute: it need look once."""
        describe = getattr(
            account.sagemaker, {"Endpoint": "describe_endpoint", "TransformJob": "describe_transform_job"}[kind]
        )
        until_answer(
            lambda: describe(**{f"{kind}Name": name})[f"{kind}Status"],
            lambda status: not status.endswith("ing") and status != "InProgress",
        )

    def variant(**more: object) -> str:
        return json.dumps([{"VariantName": "v", "ModelName": name, **more}])

    on_instances = {"InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
    output = json.dumps({"OutputConfig": {"S3OutputPath": f"s3://{account.name}/answers"}})
    sagemaker(
        "create-endpoint-config",
        endpoint_config_name=f"{name}-q",
        production_variants=variant(**on_instances),
        async_inference_config=output,
    )
    serverless = variant(ServerlessConfig={"MemorySizeInMB": 1024, "MaxConcurrency": 2})
    sagemaker("create-endpoint-config", endpoint_config_name=f"{name}-s", production_variants=serverless)
    for suffix in ("", "-q", "-s"):
        sagemaker("create-endpoint", endpoint_name=f"{name}{suffix}", endpoint_config_name=f"{name}{suffix}")
    for suffix in ("", "-q", "-s"):
        settled("Endpoint", f"{name}{suffix}")
    run("aws", "sagemaker", "wait", "endpoint-in-service", "--endpoint-name", name)
    for suffix in ("", "-s"):
        told = run(
            "aws", "sagemaker-runtime", "invoke-endpoint", "--endpoint-name", f"{name}{suffix}", "--body", "fileb://rows", "--content-type", "text/csv",
            "--accept", "text/csv", "answer",
        )  # fmt: skip
        assert (tmp_path / "answer").read_text() == "42.0\n"
        assert json.loads(told)["InvokedProductionVariant"] == "v"
    run("aws", "s3", "cp", "rows", f"s3://{account.name}/rows")
    queued = run(
        "aws", "sagemaker-runtime", "invoke-endpoint-async", "--endpoint-name", f"{name}-q", "--input-location", f"s3://{account.name}/rows",
        "--content-type", "text/csv", "--accept", "text/csv",
    )  # fmt: skip
    place = json.loads(queued)["OutputLocation"]
    run(
        "aws",
        "s3api",
        "wait",
        "object-exists",
        "--bucket",
        account.name,
        "--key",
        place.partition(f"{account.name}/")[2],
    )
    run("aws", "s3", "cp", place, "later")
    assert (tmp_path / "later").read_text() == "42.0\n"

    desired = json.dumps([{"VariantName": "v", "DesiredInstanceCount": 2, "DesiredWeight": 3}])
    sagemaker("update-endpoint-weights-and-capacities", endpoint_name=name, desired_weights_and_capacities=desired)
    settled("Endpoint", name)
    [now] = sagemaker("describe-endpoint", endpoint_name=name)["ProductionVariants"]
    assert (now["CurrentInstanceCount"], now["CurrentWeight"], now["DeployedImages"][0]["SpecifiedImage"]) == (
        2,
        3.0,
        "i",
    )
    found = sagemaker(
        "search",
        resource="Endpoint",
        search_expression=json.dumps({"Filters": [{"Name": "EndpointName", "Operator": "Equals", "Value": name}]}),
    )
    assert [item["Endpoint"]["EndpointName"] for item in found["Results"]] == [name]
    assert sagemaker("list-transform-jobs", creation_time_after="2040-01-01T00:00:00Z")["TransformJobSummaries"] == []

    run("aws", "s3", "cp", "rows", f"s3://{account.name}/in/rows.csv")
    source = {
        "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{account.name}/in/"}},
        "ContentType": "text/csv",
    }
    sagemaker(
        "create-transform-job", transform_job_name=name, model_name=name, transform_input=json.dumps(source),
        transform_output=json.dumps({"S3OutputPath": f"s3://{account.name}/out", "Accept": "text/csv"}),
        transform_resources=json.dumps({"InstanceType": "ml.m5.large", "InstanceCount": 1}),
    )  # fmt: skip
    settled("TransformJob", name)
    run("aws", "sagemaker", "wait", "transform-job-completed-or-stopped", "--transform-job-name", name)
    assert run("aws", "s3", "cp", f"s3://{account.name}/out/rows.csv.out", "-") == "42.0\n"
    logged = run(
        "aws", "logs", "filter-log-events", "--log-group-name", f"/aws/sagemaker/Endpoints/{name}", "--max-items", "1"
    )
    assert json.loads(logged)["events"]
    sagemaker("add-tags", resource_arn=f"{ARN}:endpoint/{name}", tags=json.dumps([{"Key": "a", "Value": "b"}]))
    assert sagemaker("list-tags", resource_arn=f"{ARN}:endpoint/{name}")["Tags"] == [{"Key": "a", "Value": "b"}]
    for suffix in ("", "-q", "-s"):
        sagemaker("delete-endpoint", endpoint_name=f"{name}{suffix}")
    until_answer(lambda: account.sagemaker.list_endpoints(NameContains=name)["Endpoints"], lambda left: not left)
    run("aws", "sagemaker", "wait", "endpoint-deleted", "--endpoint-name", name)

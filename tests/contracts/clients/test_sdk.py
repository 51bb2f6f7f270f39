"""SageMaker's SDK v3 and MLflow's SageMaker client over every kind of endpoint, unmodified, from an environment of their own."""

from __future__ import annotations

import io
import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fogbank.ground.aws import LOCAL_ACCESS_KEY, LOCAL_SECRET_KEY
from fogbank.pack.archive import write_archive
from fogbank.testing import CloudProcess
from tests.sdk import sdk_python

HERE = Path(__file__).parent
SAYS = """
def model_fn(folder):
    return None
def transform_fn(model, data, content_type, accept):
    text = data if isinstance(data, str) else data.decode()
    return f"you said {text}", "text/plain"
"""
LIMIT_S = 500
Flow = Callable[[str], dict[str, Any]]


@pytest.fixture(scope="module")
def python() -> Path:
    return sdk_python()


@pytest.fixture
def flow(python: Path, shared_cloud: CloudProcess, unique: str, tmp_path: Path) -> Flow:
    """A flow of theirs with a bucket `unique`, as a user of the cloud runs it; the JSON of its last line."""
    archive = io.BytesIO()
    write_archive(archive, {"code/inference.py": SAYS.encode()})
    shared_cloud.client("s3").create_bucket(Bucket=unique)
    for key in ("m.tar.gz", "many/one.tar.gz"):
        shared_cloud.client("s3").put_object(Bucket=unique, Key=key, Body=archive.getvalue())
    env = {
        "PATH": os.environ["PATH"], "HOME": str(tmp_path), "AWS_ENDPOINT_URL": shared_cloud.url, "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": LOCAL_ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": LOCAL_SECRET_KEY,
    }  # fmt: skip

    def run(name: str) -> dict[str, Any]:
        command = [str(python), "-P", str(HERE / "flows" / f"{name}.py"), unique]
        done = subprocess.run(
            command, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=LIMIT_S, check=False
        )
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]
        seen: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return seen

    return run


def test_the_sdks_resources_of_every_kind(flow: Flow, unique: str) -> None:
    said = "you said hello"
    assert flow("hosted_sdk") == {
        "plain": said, "counts": 2, "updated": [f"{unique}-next", ["w"]], "shadowed": said, "asynchronous": said,
        "serial": f"you said {said}", "direct": said, "many": said, "component": said, "rolled": [2, 1],
        "listed": ["", "-h", "-m", "-p", "-q", "-s"], "left": [],
    }  # fmt: skip


def test_the_sdks_model_builder(flow: Flow) -> None:
    said = "you said hello"
    assert flow("hosted_builder") == {"instances": said, "serverless": said, "asynchronous": said}


def test_mlflows_deployment_client(flow: Flow, unique: str) -> None:
    seen = flow("hosted_mlflow")

    assert seen.pop("added") == [["beside", 0.0], ["shown", 1.0]]
    assert seen == {
        "created": [2, 4], "replaced": [3, 6], "listed": True, "serverless": [2, 4],
        "asynchronous": ["InService", f"s3://{unique}/answers"],
    }  # fmt: skip

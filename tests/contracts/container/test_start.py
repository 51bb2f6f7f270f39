"""Starts that fail: one readable cause, and the exit status."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys

import pytest

from fogbank.contracts.container import ServeSettings
from fogbank.ground.ports import free_port
from tests.contracts.container.conftest import HANDLER
from tests.packages import script


def run(settings: ServeSettings, **env: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "SAGEMAKER_BASE_DIR": str(settings.base_dir), "SAGEMAKER_BIND_TO_PORT": "0", **env}
    command = [sys.executable, "-P", "-m", "fogbank.serve", "serve"]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)


def test_a_model_that_cannot_load_exits_with_one_cause(settings: ServeSettings) -> None:
    (settings.code_dir / "inference.py").write_text(HANDLER + "\n# changed\n")
    done = run(settings, SAGEMAKER_BIND_TO_PORT=str(free_port()), SAGEMAKER_MODEL_SERVER_WORKERS="2")

    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert done.returncode == 3
    assert [line["level"] for line in lines] == ["ERROR"]
    assert "code/inference.py is not the file that was packed" in lines[0]["message"]


def test_a_model_that_does_not_load_in_time_exits_with_the_variables_name(settings: ServeSettings) -> None:
    slow = script(settings.base_dir / "slow", "import time\ndef model_fn(d): time.sleep(60)\n")
    done = run(slow, SAGEMAKER_BIND_TO_PORT=str(free_port()), SAGEMAKER_STARTUP_TIMEOUT="1")

    assert (done.returncode, "SAGEMAKER_STARTUP_TIMEOUT" in done.stderr) == (3, True)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("SAGEMAKER_MODEL_SERVER_WORKERS", "none", "SAGEMAKER_MODEL_SERVER_WORKERS must be a number"),
        ("SAGEMAKER_SUBMIT_DIRECTORY", "s3://b/sourcedir.tar.gz", "put it in model.tar.gz"),
        ("SAGEMAKER_SAFE_PORT_RANGE", "9000", "must be like 9000-9999"),
        ("SAGEMAKER_CONTAINER_LOG_LEVEL", "loud", "LOUD"),
        ("OTEL_TRACES_EXPORTER", "zipkin", "this server knows otlp, console and none"),
    ],
)
def test_a_wrong_variable_is_named(settings: ServeSettings, name: str, value: str, said: str) -> None:
    done = run(
        settings, **{"SAGEMAKER_BIND_TO_PORT": str(free_port()), "SAGEMAKER_MODEL_SERVER_WORKERS": "1", name: value}
    )

    assert (done.returncode, said in done.stderr) == (3, True), done.stderr
    assert "Traceback" not in done.stderr


def test_a_port_that_is_taken_is_one_cause(settings: ServeSettings) -> None:
    with socket.socket() as taken:
        taken.bind(("0.0.0.0", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = run(settings, SAGEMAKER_BIND_TO_PORT=port)

    assert (done.returncode, f"cannot listen on port {port}" in done.stderr) == (3, True)


def test_wrong_usage() -> None:
    done = subprocess.run([sys.executable, "-m", "fogbank.serve"], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (2, "usage: python -m fogbank.serve serve | check | ping\n")

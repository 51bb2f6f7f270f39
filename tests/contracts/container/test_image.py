"""What is the image's own: its entry point as process 1, the package inside it, a file system that cannot be written."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import urllib3

from fogbank.ground.ports import free_port
from tests.engines import Podman
from tests.packages import signed
from tests.waiting import until

READ_ONLY = ("--read-only", "--read-only-tmpfs")


class Running:
    """A container of the image, its port and its process."""

    def __init__(self, podman: Podman, image: str, folder: Path, *options: str) -> None:
        self.port, self.name = free_port(), f"fogbank-image-{folder.name[:40].lower()}"
        self.log = folder / "container.log"
        self._podman = podman
        port = f"--env=SAGEMAKER_BIND_TO_PORT={self.port}"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [*podman.command, "run", "--rm", "--name", self.name, *Podman.LIMITS, port, *options, image, "serve"],
                stdout=log, stderr=log,
            )  # fmt: skip

    def send(self, method: str, path: str, body: bytes = b"") -> urllib3.BaseHTTPResponse:
        headers = {"Content-Type": "text/csv", "Accept": "text/csv"}
        return urllib3.request(
            method, f"http://127.0.0.1:{self.port}{path}", body=body, headers=headers, retries=False, timeout=30
        )

    def ready(self) -> bool:
        try:
            return self.send("GET", "/ping").status == 200
        except urllib3.exceptions.HTTPError:
            return self.process.poll() is not None

    def close(self) -> None:
        if self.process.poll() is None:
            self._podman.run("kill", self.name, check=False)
        self.process.wait(30)


@pytest.fixture
def running(podman: Podman, built_image: str, tmp_path: Path) -> Iterator[Running]:
    container = Running(podman, built_image, tmp_path, *READ_ONLY, "--env=SAGEMAKER_MODEL_SERVER_WORKERS=1")
    until(container.ready, 60)
    yield container
    container.close()


def test_it_runs_by_itself_with_the_package_that_is_in_it(running: Running, podman: Podman) -> None:
    answer = running.send("POST", "/invocations", b"0.5,-0.25\n")
    assert (answer.status, 0 < float(answer.data) < 1) == (200, True)
    assert podman.run("exec", running.name, "/opt/fogbank/bin/python", "-P", "-m", "fogbank.serve", "ping") == ""

    podman.run("kill", "--signal", "TERM", running.name)
    assert running.process.wait(30) == 0


def test_a_package_that_is_not_the_one_that_was_signed_does_not_start(
    podman: Podman, built_image: str, tmp_path: Path
) -> None:
    other = signed(tmp_path, "def model_fn(d): return 1\n")
    container = Running(podman, built_image, tmp_path, f"--volume={other.model_dir}:/opt/ml/model:ro")

    assert container.process.wait(60) == 3
    lines = [json.loads(line) for line in container.log.read_text().splitlines() if line.startswith("{")]
    assert "is not the file that was packed" in lines[-1]["message"]


def test_it_is_a_multi_model_container_too(podman: Podman, built_image: str, tmp_path: Path) -> None:
    code = "def model_fn(d): return 3.0\ndef predict_fn(data, model): return data * model\n"
    folder = signed(tmp_path, code).model_dir
    options = ["--env=SAGEMAKER_MULTI_MODEL=true", "--env=FOGBANK_MANIFEST_SHA256=", "--env=SAGEMAKER_PROGRAM="]
    container = Running(podman, built_image, tmp_path, *options, f"--volume={folder}:/opt/ml/models/m1/model:ro")
    until(container.ready, 60)

    order = json.dumps({"model_name": "m1", "url": "/opt/ml/models/m1/model"}).encode()
    assert container.send("POST", "/models", order).status == 200, container.log.read_text()
    assert container.send("POST", "/models/m1/invoke", b"1,2").data == b"3.0,6.0\n"
    container.close()

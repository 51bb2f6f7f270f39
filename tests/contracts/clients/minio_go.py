"""MinIO's own functional tests of its Go client: an S3 conformance suite that nobody here wrote, from the Go module, by its sum."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from fogbank.engine.build import find_go
from fogbank.ground.aws import LOCAL_ACCESS_KEY, LOCAL_SECRET_KEY
from tests.once import made_once

MODULE = "github.com/minio/minio-go/v7@v7.4.1"
SUM = "h1:PtU/zIOfQRWZ+QydXAZysc+xZYHdG+BBR4Z6TUvy73w="
HOME = Path(__file__).parents[3] / ".fogbank" / "minio-go"


@dataclass(frozen=True)
class Told:
    """What one test said of itself: `status` is PASS, FAIL or NA."""

    name: str
    status: str
    why: str = ""


def program() -> Path:
    """The program of the tests, built once."""
    return made_once(HOME / MODULE.rpartition("@")[2], _build) / "functional_tests"


def _build(folder: Path) -> None:
    go = find_go(folder, lambda _: None)
    module = json.loads(_run(go, "mod", "download", "-json", MODULE, folder=folder))
    if module["Sum"] != SUM:
        raise RuntimeError(f"{MODULE} has another sum than the one that is pinned: {module['Sum']}")
    source = folder / "source"
    shutil.rmtree(source, ignore_errors=True)
    shutil.copytree(module["Dir"], source, copy_function=shutil.copyfile)  # the module cache is read-only
    source.chmod(0o755)
    _run(go, "build", "-o", str(folder / "functional_tests"), "functional_tests.go", folder=source)


def _run(*command: str, folder: Path) -> str:
    env = {**os.environ, "CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOFLAGS": "-buildvcs=false"}
    return subprocess.run(command, cwd=folder, env=env, check=True, capture_output=True, text=True).stdout


def told(host: str, limit_s: float) -> list[Told]:
    """Run all of them against a server without TLS; in the order in which they ran."""
    env = {
        **os.environ, "SERVER_ENDPOINT": host, "ACCESS_KEY": LOCAL_ACCESS_KEY, "SECRET_KEY": LOCAL_SECRET_KEY, "ENABLE_HTTPS": "0",
        "MINT_MODE": "full", "RUN_ON_FAIL": "1",
    }  # fmt: skip
    done = subprocess.run([program()], env=env, capture_output=True, text=True, timeout=limit_s, check=False)
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return [
        Told(
            line["name"].removeprefix("minio-go: "),
            line["status"],
            f"{line.get('message', '')} {line.get('error', '')}",
        )
        for line in lines
        if "status" in line
    ]

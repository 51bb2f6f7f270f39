"""A schedule's transform job over a file, without the schedule's cloud: on this machine's cores, on Spark or on Ray; the same bytes.

In: what the schedule would start, the packed model and a file; out: the job's output as a file, or a FogbankError. The work runs in a
process of its own, by the Python of the model's environment.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Literal, get_args

from fogbank.contracts.container import LOCAL_ROOMS
from fogbank.contracts.errors import DataError, PackageError
from fogbank.contracts.manifest import Manifest
from fogbank.contracts.transform import TransformRequest
from fogbank.direct.scorer import Packed
from fogbank.project.workplace.installation import cached, server_pins

EngineName = Literal["local", "spark", "ray"]
ENGINES: tuple[EngineName, ...] = get_args(EngineName)
ROOMS = (*LOCAL_ROOMS, "ray", "spark")
NEEDS: Mapping[EngineName, tuple[str, ...]] = {
    "local": (),
    "spark": ("pandas>=2.2", "pyarrow>=24"),
    "ray": ("pyarrow>=24", "ray[data]>=2.50"),
}
"""What the model's environment has beside the package's requirements. PySpark comes with the application: executors bring it along."""
SPARK_PYTHON = "PYSPARK_PYTHON"
CHUNK = 1 << 20


def score(engine: EngineName, manifest: Manifest, request: TransformRequest, file: Path, target: Path) -> None:
    """Write the output. Raises DataError (`input-missing`, `transform-no-data`, `transform-failed`, `engine-missing`,
    `engine-failed`), PackageError."""
    if not file.is_file():
        raise DataError("input-missing", f"{file} is no file", "give the path of a file that exists")
    if not _has_data(file):
        raise DataError(
            "transform-no-data", f"{file.name} is empty: there is nothing to transform", "give a file with rows"
        )
    if engine == "spark" and importlib.util.find_spec("pyspark") is None:
        raise DataError("engine-missing", "PySpark is not installed here", "pip install 'fogbank[spark]'")
    model = str(engine_python(manifest.package.requirements, NEEDS[engine]))
    python, environment = model, dict(os.environ)
    if engine == "spark":
        python = sys.executable
        environment.setdefault(SPARK_PYTHON, model)
    job = {
        "package": asdict(Packed.of(manifest)),
        "request": request.to_json(),
        "file": str(file.resolve()),
        "target": str(target.resolve()),
    }
    command = [python, "-P", "-m", "fogbank.direct", engine]
    done = subprocess.run(command, input=json.dumps(job), env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise _error(engine, done)


def _has_data(file: Path) -> bool:
    """Whether there is more than blanks in a file."""
    with file.open("rb") as source:
        return any(part.strip() for part in iter(lambda: source.read(CHUNK), b""))


def engine_python(requirements: Sequence[str], needs: Sequence[str]) -> Path:
    """The Python of the package's own environment, with what an engine needs. Raises PackageError (`dependency-uninstallable`)."""
    from fogbank.cloud.hosting.environment import DependencyError, Environments

    try:
        return Environments(cached("environments"), server_pins, ROOMS).python_for([*requirements, *needs])
    except DependencyError as error:
        raise PackageError("dependency-uninstallable", str(error), "look at the requirements") from error


def _error(engine: str, done: subprocess.CompletedProcess[str]) -> DataError:
    try:
        told = json.loads(done.stdout.splitlines()[-1])
        return DataError(told["code"], told["cause"], told["hint"])
    except (ValueError, KeyError, IndexError):
        tail = "\n".join(done.stderr.splitlines()[-8:])
        return DataError(
            "engine-failed", f"{engine} ended with status {done.returncode}: {tail}", "see what it says above"
        )

"""Training: a script in one of AWS's framework images, as a retraining starts it. Values that refuse what SageMaker would; pure, but for
the one file that is written: the archive of the script.

What it leaves in SM_MODEL_DIR is served by the live model's image without a package's manifest: `serving/`, beside the script, is the code
that the package has, and belongs into `code/` of the model. Sources: the API reference (CreateTrainingJob); the sagemaker-training toolkit.
"""

from __future__ import annotations

import gzip
import io
import json
import os
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pulumi

from fogbank.components.refusals import refuse
from fogbank.contracts.manifest import Manifest
from fogbank.ground.paths import inside

SERVING, CODE = "serving", "code"
CHANNEL = "train"
LONGEST_S = 28 * 24 * 3600


@dataclass(frozen=True, kw_only=True)
class Training:
    """`program` is a file of `files`: what lies beside one another in the job, by name, files and folders of the project. `parameters` are
    the script's (`--epochs 3`), `prefix` is where in the service's bucket its data lies, `/opt/ml/input/data/train` in the job."""

    image: pulumi.Input[str]
    program: str
    files: Mapping[str, Path]
    parameters: Mapping[str, Any] = field(default_factory=dict)
    prefix: str = "retraining/train/"
    instance_type: str = "ml.m5.large"
    volume_gb: int = 30
    limit_s: int = 3600

    def __post_init__(self) -> None:
        """Refuse what could not run, all of it at once."""
        refuse(list(self._problems()), "the training has")

    def _problems(self) -> Iterator[str]:
        for name, path in self.files.items():
            if not path.exists():
                yield f"files has {name}, and {path} is not there"
            if not name or name in {".", "..", SERVING} or "/" in name or "\\" in name:
                yield f"files has {name!r}: it must be a plain name, and not {SERVING!r}, which the package's code has"
        if self.program not in self.files:
            yield f"program {self.program!r} is none of files: {', '.join(self.files) or 'there are none'}"
        if not self.prefix.strip("/"):
            yield "prefix must name where in the bucket the data lies"
        if self.volume_gb < 1:
            yield f"volume_gb must be at least 1, not {self.volume_gb}"
        if not 1 <= self.limit_s <= LONGEST_S:
            yield f"limit_s must be 1 to {LONGEST_S}, not {self.limit_s}"

    def request(self, image: str, source: str, data: str, output: str, vpc: Mapping[str, Sequence[str]]) -> str:
        """CreateTrainingJob, but for a name and a role, as JSON: its script lies at `source`, its data below `data`; `vpc` is its VpcConfig,
        if it has any."""
        own = {**self.parameters, "sagemaker_program": self.program, "sagemaker_submit_directory": source}
        place = {"S3DataType": "S3Prefix", "S3Uri": data, "S3DataDistributionType": "FullyReplicated"}
        document = {
            "AlgorithmSpecification": {"TrainingImage": image, "TrainingInputMode": "File"},
            "HyperParameters": {key: json.dumps(value) for key, value in own.items()},
            "InputDataConfig": [
                {"ChannelName": CHANNEL, "DataSource": {"S3DataSource": place}, "ContentType": "text/csv"}
            ],
            "OutputDataConfig": {"S3OutputPath": output},
            "ResourceConfig": {
                "InstanceType": self.instance_type,
                "InstanceCount": 1,
                "VolumeSizeInGB": self.volume_gb,
            },
            "StoppingCondition": {"MaxRuntimeInSeconds": self.limit_s},
            **({"VpcConfig": vpc} if vpc else {}),
        }
        return json.dumps(document, sort_keys=True)


def sources(training: Training, package: Manifest) -> dict[str, bytes]:
    """What lies in the job's folder, by path: the project's files, and the package's code below `serving/`."""
    found: dict[str, bytes] = {}
    for name, path in sorted(training.files.items()):
        own = [path] if path.is_file() else [each for each in sorted(path.rglob("*")) if _travels(each)]
        found.update(
            {name if each == path else f"{name}/{each.relative_to(path).as_posix()}": each.read_bytes() for each in own}
        )
    with tarfile.open(package.artifact_path) as artifact:
        for member in artifact:
            content = artifact.extractfile(member)
            if content is not None and member.name.startswith(f"{CODE}/"):
                found[f"{SERVING}/{member.name.removeprefix(f'{CODE}/')}"] = content.read()
    return found


def archived(files: Mapping[str, bytes]) -> bytes:
    """A gzip tar, the same bytes on every machine for the same files: nothing is compressed, which no two versions of zlib do alike."""
    out = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=out, mode="wb", compresslevel=0, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as tar,
    ):
        for name in sorted(files):
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(files[name]), 0o644
            tar.addfile(member, io.BytesIO(files[name]))
    return out.getvalue()


def kept(folder: Path, name: str, content: bytes) -> Path:
    """A file of fogbank's own with that content, written whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    file = inside(folder, f"{name}.tar.gz")
    fresh = inside(folder, f".{name}.{os.getpid()}")
    fresh.write_bytes(content)
    fresh.replace(file)
    return file


def _travels(path: Path) -> bool:
    return path.is_file() and "__pycache__" not in path.parts

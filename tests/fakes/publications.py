"""Publishing and fetching as work of a process that may die (dying.py): before each piece of a blob, before each call of a bucket."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import fogbank.trust  # noqa: F401  # a fork that has it is a fast one
from fogbank.contracts.config import ProjectConfig
from fogbank.ground.aws import LocalClients
from fogbank.image import Progress
from fogbank.image.artifact import Artifact, artifact_of
from fogbank.image.layout import Descriptor
from fogbank.project.versions import promotion
from fogbank.project.versions.shelves import BucketShelf
from fogbank.project.workplace.events import Steps, ignore
from tests.fakes.dying import step

STEPS = Steps(ignore)
PREFIX = "packages"


@dataclass(frozen=True)
class FolderShelf:
    """A package that lies in a folder, given in small pieces; before each of them its reader may die."""

    folder: Path
    where: str = "here"

    def prepare(self) -> None:
        raise AssertionError("nothing is published here")

    def send(self, path: Path, item: Descriptor, progress: Progress) -> None:
        raise AssertionError("nothing is published here")

    def seal(self, artifact: Artifact) -> None:
        raise AssertionError("nothing is published here")

    def manifest(self, digest: str) -> bytes:
        step()
        return artifact_of(self.folder).data

    def blob(self, digest: str, start: int) -> Iterator[bytes]:
        [name] = [name for name, item in artifact_of(self.folder).files.items() if item.digest == digest][:1]
        data = (self.folder / name).read_bytes()
        half = start + (len(data) - start) // 2
        for piece in (data[start:half], data[half:]):
            step()
            yield piece


def take(config: ProjectConfig, folder: Path, digest: str) -> None:
    promotion.take(config, FolderShelf(folder), digest, STEPS)


def put(config: ProjectConfig, url: str, secret: str, bucket: str) -> None:
    """Publish, by a client that may die before each of its calls."""
    s3 = LocalClients(url, secret)("s3", "us-east-1")
    s3.meta.events.register("before-send", lambda **_: step())
    promotion.put(config, BucketShelf(s3, bucket, PREFIX), STEPS)

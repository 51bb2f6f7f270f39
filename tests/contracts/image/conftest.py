"""A small project's image, made once; bases come from fogbank's cache, or are made there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from fogbank.contracts.config import ProjectConfig
from fogbank.contracts.dependencies import MACHINES
from fogbank.contracts.manifest import Manifest
from fogbank.image import Layout
from fogbank.project.packaging.images import PackedImage, build_images, builds
from fogbank.project.packaging.seal import seal_package
from tests.engines import docker_registry, ensure_base, needs
from tests.projects import packed
from tests.unit.image.conftest import build, make_layout

__all__ = ["bases", "build", "churn", "make_layout", "registry"]


@dataclass(frozen=True)
class Packed:
    """A packed project with its images."""

    config: ProjectConfig
    manifest: Manifest
    images: list[PackedImage]

    @property
    def layout(self) -> Layout:
        return Layout(self.manifest.folder / "image")


@pytest.fixture(scope="session")
def bases() -> Layout:
    """The bases of both platforms, in fogbank's cache."""
    return ensure_base(*MACHINES)


@pytest.fixture(scope="session")
def churn(bases: Layout, tmp_path_factory: pytest.TempPathFactory) -> Packed:
    config, manifest = packed(tmp_path_factory.mktemp("churn") / "project")
    wanted = builds(config, manifest, list(MACHINES), lambda _: None)
    images = build_images(manifest, wanted, lambda _: None)
    seal_package(config, manifest, wanted, None)
    return Packed(config, manifest, images)


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[str]:
    """A real registry on loopback; its host and port."""
    needs("docker-registry")
    with docker_registry(tmp_path / "registry") as address:
        yield address

"""A small project's image, made once; bases come from fogbank's cache, or are made there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from fogbank.cli.images import Image, build_images, builds, made_bases, seal_package, store
from fogbank.contracts.config import ProjectConfig, running_python
from fogbank.contracts.dependencies import MACHINES, Target
from fogbank.contracts.manifest import Manifest
from fogbank.image import Layout, make_base
from tests.engines import Podman, docker_registry, needs
from tests.projects import packed


@dataclass(frozen=True)
class Packed:
    """A packed project with its images."""

    config: ProjectConfig
    manifest: Manifest
    images: list[Image]

    @property
    def layout(self) -> Layout:
        return Layout(self.manifest.folder / "image")


@pytest.fixture(scope="session")
def bases() -> Layout:
    """The bases of both platforms, in fogbank's cache."""
    python = running_python()
    layout = Layout(made_bases() / python)
    there = layout.images() if (layout.folder / "index.json").is_file() else {}
    for platform in MACHINES:
        if platform not in there:
            needs("mmdebstrap")
            make_base(
                Target(platform=platform, python=python), store(), layout.folder, os.environ.get("FOGBANK_MIRROR")
            )
    return layout


@pytest.fixture(scope="session")
def churn(bases: Layout, tmp_path_factory: pytest.TempPathFactory) -> Packed:
    config, manifest = packed(tmp_path_factory.mktemp("churn") / "project")
    wanted = builds(config, manifest, list(MACHINES), lambda _: None)
    images = build_images(manifest, wanted, lambda _: None)
    seal_package(config, manifest, wanted, None)
    return Packed(config, manifest, images)


@pytest.fixture(scope="session")
def podman(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Podman]:
    needs("podman", "runc")
    engine = Podman(tmp_path_factory.mktemp("podman"))
    yield engine
    engine.close()


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[str]:
    """A real registry on loopback; its host and port."""
    needs("docker-registry")
    with docker_registry(tmp_path / "registry") as address:
        yield address

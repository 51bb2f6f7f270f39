"""Fixtures that several rooms' tests use. What is heavy is imported where it is used: a unit test needs none of it."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from fogbank.testing import CloudProcess
    from tests.engines import Podman

settings.register_profile("fogbank", deadline=None)  # how long a drawn example takes is the machine's matter
settings.register_profile("few", deadline=None, max_examples=10)  # `make unit`
settings.load_profile("fogbank")


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all processes of this run share."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


@pytest.fixture(scope="session")
def shared_cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CloudProcess]:
    """One real cloud for tests that use names of their own and leave it running."""
    from fogbank.testing import CloudProcess

    cloud = CloudProcess(tmp_path_factory.mktemp("shared-cloud"))
    cloud.start()
    yield cloud
    cloud.stop()


@pytest.fixture(scope="session")
def podman() -> Iterator[Podman]:
    """podman with a store of this worker's own."""
    from tests.engines import Podman, needs

    needs("podman", "runc")
    with tempfile.TemporaryDirectory(prefix="fogpod-") as folder:  # podman allows its run root 50 characters
        engine = Podman(Path(folder))
        yield engine
        engine.close()


@pytest.fixture
def unique() -> str:
    """A name that no other test has."""
    return f"t{uuid.uuid4().hex[:10]}"


@pytest.fixture
def fogbank() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run the real command line in a folder."""

    def run(folder: Path, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "fogbank", *arguments],
            cwd=folder,
            env={**os.environ, **env},
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )

    return run


@pytest.fixture
def project(tmp_path: Path, fogbank: Callable[..., subprocess.CompletedProcess[str]]) -> Iterator[Path]:
    """A fresh project as `fogbank new` writes it, on any free port; its cloud is stopped at the end."""
    done = fogbank(tmp_path, "new", "churn")
    assert done.returncode == 0, done.stderr
    root = tmp_path / "churn"
    settings = root / "pyproject.toml"
    settings.write_text(settings.read_text().replace("[tool.fogbank]\n", "[tool.fogbank]\nport = 0\n"))
    yield root
    fogbank(root, "cloud", "stop")

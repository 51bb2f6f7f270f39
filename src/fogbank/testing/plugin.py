"""The pytest plugin in the wheel: fixtures for a project's tests.

`local_cloud`: a cloud of the test's own, on a free port, in a temporary folder. `deploy`: a Pulumi program on it, by the real
engine or, with `mocks=True`, by the engine's mocks over the same stand-in. `fogbank_project`: the project that the tests
belong to, trained and packed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fogbank.ground.locks import locked

if TYPE_CHECKING:
    from fogbank.contracts.config import ProjectConfig
    from fogbank.testing.cloud import CloudProcess
    from fogbank.testing.deployment import Deployment


@pytest.fixture(scope="session")
def fogbank_project(pytestconfig: pytest.Config) -> ProjectConfig:
    """The project of these tests, trained where it was not yet, and packed. Safe with parallel workers."""

    from fogbank.project.packaging.packing import pack
    from fogbank.project.workplace.config import load_config
    from fogbank.project.workplace.events import Steps, ignore

    config = load_config(pytestconfig.rootpath)
    with locked(config.state / "test.lock"):
        pack(config, Steps(ignore))
    return config


@pytest.fixture
def local_cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CloudProcess]:
    """A running local cloud of this test's own."""
    from fogbank.testing.cloud import CloudProcess

    cloud = CloudProcess(tmp_path_factory.mktemp("cloud"))
    cloud.start()
    try:
        yield cloud
    finally:
        cloud.stop()


@pytest.fixture
def deploy(local_cloud: CloudProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Deployment]]:
    """`deploy(program)`: the program (a function, or a project's folder) on `local_cloud`; what was made is destroyed at the end."""
    from fogbank.testing.deployment import collect_pulumis_leftovers, deploy_with_engine, deploy_with_mocks

    deployments: list[Deployment] = []
    state = tmp_path_factory.mktemp("pulumi")

    def run(program: Callable[[], object] | Path, *, mocks: bool = False) -> Deployment:
        if mocks:
            if isinstance(program, Path):
                raise TypeError("mocks take a function, not a folder")
            return deploy_with_mocks(program, local_cloud)  # type: ignore[arg-type]  # any mapping will do
        deployment = deploy_with_engine(program, local_cloud, state)  # type: ignore[arg-type]  # as above
        deployments.append(deployment)
        return deployment

    collect_pulumis_leftovers()  # what a test before this one still held when it ended
    yield run
    collect_pulumis_leftovers()
    if deployments and local_cloud.running and deployments[-1].driver is not None:
        deployments[-1].driver.destroy(lambda _: None)

"""Whole projects of `fogbank new --example`: each one's own test deploys it, and asks it what it is for.

The test is called here, with the engine's mocks behind its `deploy`. The example `fraud` goes the whole way round, by the real engine, in
test_loop.py.
"""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

from fogbank.project.packaging.packing import pack
from fogbank.project.scaffolding.examples import write_example
from fogbank.project.workplace.config import load_config
from fogbank.project.workplace.events import Steps, ignore
from fogbank.testing import CloudProcess
from tests.mocked import deployed


@pytest.mark.parametrize("example", ["digits", "marketing", "sentiment"])
def test_an_example_does_what_it_is_for(example: str, tmp_path: Path, local_cloud: CloudProcess) -> None:
    write_example(example, "ours", tmp_path / "ours")
    config = load_config(tmp_path / "ours")
    pack(config, Steps(ignore))

    own = runpy.run_path(str(config.root / "tests" / "test_service.py"))
    [check] = [value for name, value in own.items() if name.startswith("test_")]
    check(config, local_cloud, lambda root: deployed(root, local_cloud))

"""Whole projects of `fogbank new --example`: each one's own test deploys it, and asks it what it is for.

One is tested as its owner would, by the real engine; of the others the test is called here, with the engine's mocks behind `deploy`. The
example `fraud` goes the whole way round in test_loop.py.
"""

from __future__ import annotations

import runpy
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from fogbank.project.config import load_config
from fogbank.project.events import Steps, ignore
from fogbank.project.examples import write_example
from fogbank.project.packing import pack
from fogbank.testing import CloudProcess
from tests.mocked import deployed

Fogbank = Callable[..., subprocess.CompletedProcess[str]]


def test_an_example_passes_its_own_test(tmp_path: Path, fogbank: Fogbank) -> None:
    done = fogbank(tmp_path, "new", "ours", "--example", "sentiment")
    assert done.returncode == 0, done.stderr

    tested = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=tmp_path / "ours",
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )

    assert tested.returncode == 0, tested.stdout + tested.stderr
    assert "1 passed" in tested.stdout


@pytest.mark.parametrize("example", ["digits", "marketing"])
def test_an_example_does_what_it_is_for(example: str, tmp_path: Path, local_cloud: CloudProcess) -> None:
    write_example(example, "ours", tmp_path / "ours")
    config = load_config(tmp_path / "ours")
    pack(config, Steps(ignore))

    own = runpy.run_path(str(config.root / "tests" / "test_service.py"))
    [check] = [value for name, value in own.items() if name.startswith("test_")]
    check(config, local_cloud, lambda root: deployed(root, local_cloud))

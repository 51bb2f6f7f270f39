"""Whole projects of `fogbank new --example`: each one's own test deploys it by the real engine, and asks it what it is for.

The example `fraud` goes the whole way round in test_loop.py.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Fogbank = Callable[..., subprocess.CompletedProcess[str]]


@pytest.mark.parametrize("example", ["digits", "marketing", "sentiment"])
def test_an_example_passes_its_own_test(example: str, tmp_path: Path, fogbank: Fogbank) -> None:
    done = fogbank(tmp_path, "new", "ours", "--example", example)
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

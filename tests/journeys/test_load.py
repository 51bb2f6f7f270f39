"""A load test with advice: the training's sample, then what the endpoint has captured."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from fogbank.contracts.config import ProjectConfig
from tests.waiting import until_answer

Fogbank = Callable[..., subprocess.CompletedProcess[str]]


def test_an_endpoint_is_measured_and_advised_on(
    project: Path, fogbank: Fogbank, fogbank_project: ProjectConfig
) -> None:
    shutil.copytree(fogbank_project.trained, project / ".fogbank" / "trained", copy_function=shutil.copy)
    assert fogbank(project, "up", "--no-check").returncode == 0
    done = fogbank(project, "load", "live", "--rate", "10", "--seconds", "2", "--for", "500", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)

    assert (found["sent"], found["answered"], found["errors"]) == (20, 20, {})
    assert found["alone_ms"] > 0
    assert found["p50_ms"] <= found["p99_ms"] <= found["most_ms"]
    assert found["advice"][0]["carries_per_second"] >= 500
    assert float(found["advice"][0]["usd_a_month"]) > 0

    shown = until_answer(lambda: _captured(project, fogbank), bool)
    assert "latency   p50" in shown
    assert " USD a month" in shown
    assert (" USD a month ?" in shown) == ("note: ? a rate that no source says" in shown)
    missing = fogbank(project, "load", "elsewhere")
    assert (missing.returncode, "ValidationError" in missing.stderr) == (7, True)


def _captured(project: Path, fogbank: Fogbank) -> str:
    """The report of a replay; empty as long as no record has arrived."""
    done = fogbank(project, "load", "live", "--captured", "--rate", "5", "--seconds", "1")
    return done.stdout + done.stderr if done.returncode == 0 else ""

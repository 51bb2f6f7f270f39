"""What was deployed, and the way back: in one command, without training, also after a rollout that failed."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from fogbank.contracts.config import ProjectConfig

Fogbank = Callable[..., subprocess.CompletedProcess[str]]
SAMPLE = ".fogbank/trained/sample.csv"


def ok(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 0, done.stderr
    return done.stdout


FAILS_IN_THE_CLOUD = """
import os

if "AWS_CONTAINER_CREDENTIALS_FULL_URI" in os.environ:
    raise SystemExit("this version does not start")
"""


def deployments(project: Path, fogbank: Fogbank) -> list[dict[str, str]]:
    told: list[dict[str, str]] = json.loads(ok(fogbank(project, "history", "--json")))
    return told


def test_every_deployment_is_told_and_any_of_them_is_one_command_away(
    project: Path, fogbank: Fogbank, fogbank_project: ProjectConfig
) -> None:
    shutil.copytree(fogbank_project.trained, project / ".fogbank" / "trained", copy_function=shutil.copy)
    shutil.copy(project / SAMPLE, project / "rows.csv")
    handler = project / "handlers" / "inference.py"
    good = handler.read_text()
    ok(fogbank(project, "up"))
    ok(fogbank(project, "up"))  # changes nothing, and is no deployment
    first = ok(fogbank(project, "invoke", "live", "rows.csv"))
    handler.write_text(good.replace("[label(p), p]", "[7, p]"))
    ok(fogbank(project, "up"))
    handler.write_text(good + FAILS_IN_THE_CLOUD)
    broken = fogbank(project, "up", "--no-check")
    assert broken.returncode == 4, broken.stderr
    assert "was rolled back" in broken.stderr

    told = deployments(project, fogbank)
    assert [item["verdict"] for item in told] == ["failed", "succeeded", "succeeded"]
    assert len({item["digest"] for item in told}) == 3
    assert "@" in told[0]["who"]
    shown = fogbank(project, "history")
    assert f"{told[1]['digest'][:12]}* up" in ok(shown)
    assert "this machine alone" in shown.stderr

    shutil.rmtree(project / ".fogbank" / "trained")  # nothing is trained or packed on the way back
    ok(fogbank(project, "rollback"))
    assert ok(fogbank(project, "invoke", "live", "rows.csv")).startswith("7,")
    ok(fogbank(project, "rollback", told[2]["digest"][:8]))
    assert ok(fogbank(project, "invoke", "live", "rows.csv")) == first
    assert [item["what"] for item in deployments(project, fogbank)] == ["rollback", "rollback", "up", "up", "up"]
    ok(fogbank(project, "up", "--packed"))
    assert len(deployments(project, fogbank)) == 5, "that package is there to stay"
    unknown = fogbank(project, "rollback", "77")
    assert (unknown.returncode, "deployment-unknown" in unknown.stderr) == (2, True)
    failed = fogbank(project, "rollback", told[0]["digest"][:12])
    assert (failed.returncode, "deployment-failed" in failed.stderr) == (2, True)

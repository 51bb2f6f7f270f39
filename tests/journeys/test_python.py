"""The whole main job by `from fogbank import Project` alone, in a process of its own: nothing is printed, everything is an event."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from fogbank.contracts.config import ProjectConfig

JOB = """
import json, sys
from pathlib import Path
from fogbank import FogbankError, Project

events, results = [], {}
project = Project("infra", events=events.append)
results["trained"] = project.train()
results["artifact"] = str(project.pack().manifest.artifact_path)
results["checked"] = project.check().passed
results["verified"] = project.verify(unsigned=True).files
summary = project.deploy()
results["created"], results["outputs"] = summary.changes, summary.outputs
results["again"] = project.deploy(packed=True).changed
results["preview"] = project.preview(expect_no_changes=True).changed
results["same outputs"] = project.outputs() == summary.outputs
rows = (project.config.trained / "sample.csv").read_bytes()
answer = project.invoke("live", rows)
results["answer"], results["content type"] = answer.body.decode(), answer.content_type
results["boto3"] = project.cloud.client("sagemaker-runtime").invoke_endpoint(
    EndpointName=summary.outputs["endpoint"], ContentType="text/csv", Body=rows)["Body"].read().decode()
results["scored"] = {name: body.decode() for name, body in project.transform("nightly", rows, name="day.csv").outputs.items()}
clean = project.monitor("quality")
shifted = "\\n".join(",".join(["1e6"] * len(line.split(","))) for line in rows.decode().splitlines() * 4)
project.invoke("live", shifted.encode())
drifted = project.monitor("quality")
results["verdicts"] = [(verdict.status, bool(verdict.violations)) for verdict in (clean, drifted, project.last_verdict("quality"))]
results["fired"] = len(project.cloud.advance("3h"))
project.refresh()
results["deleted"] = project.destroy().changes
try:
    project.invoke("live", rows)
except FogbankError as error:
    results["gone"] = error.code
results["stopped"], results["running"] = project.cloud.stop(), project.cloud.running()
try:
    project.cloud.status()
except FogbankError as error:
    results["not running"] = [error.code, error.exit_code]
results["events"] = [(type(event).__name__, getattr(event, "step", None)) for event in events]
Path(sys.argv[1]).write_text(json.dumps(results))
"""


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory, fogbank_project: ProjectConfig) -> dict[str, Any]:
    """What the job knows at its end; it must have printed nothing."""
    folder = tmp_path_factory.mktemp("python")
    env = {**os.environ, "FOGBANK_PORT": "0"}
    fogbank = [sys.executable, "-m", "fogbank"]
    subprocess.run([*fogbank, "new", "churn"], cwd=folder, env=env, check=True, capture_output=True)
    file = folder / "results.json"
    try:
        done = subprocess.run(
            [sys.executable, "-c", JOB, str(file)],
            cwd=folder / "churn",
            env=env,
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        subprocess.run([*fogbank, "cloud", "stop"], cwd=folder / "churn", env=env, check=False, capture_output=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    document: dict[str, Any] = json.loads(file.read_text())
    return document


def test_the_model_becomes_a_package_that_is_checked_and_verified(results: dict[str, Any]) -> None:
    assert results["trained"]
    assert results["artifact"].endswith("model.tar.gz")
    assert results["checked"] is True
    assert results["verified"] > 3


def test_it_is_deployed_once_and_what_is_deployed_is_known(results: dict[str, Any]) -> None:
    assert set(results["created"]) == {"create"}
    assert results["outputs"]["endpoint"] == "churn-live"
    assert (results["again"], results["preview"], results["same outputs"]) == (False, False, True)


def test_answers_are_the_same_by_every_way(results: dict[str, Any]) -> None:
    rows = results["answer"].splitlines()

    assert len(rows) == 5
    assert results["content type"].startswith("text/csv")
    assert results["boto3"] == results["answer"]
    assert {name: body.splitlines() for name, body in results["scored"].items()} == {"day.csv.out": rows}


def test_monitors_come_to_verdicts_and_schedules_fire(results: dict[str, Any]) -> None:
    assert results["verdicts"] == [
        ["Completed", False],
        ["CompletedWithViolations", True],
        ["CompletedWithViolations", True],
    ]
    assert results["fired"] >= 3


def test_at_the_end_nothing_is_left_and_errors_say_so(results: dict[str, Any]) -> None:
    assert results["deleted"] == {"delete": results["created"]["create"]}
    assert results["gone"] == "ValidationError"
    assert (results["stopped"], results["running"]) == (True, False)
    assert results["not running"] == ["cloud-not-running", 5]


def test_every_step_was_an_event_with_its_end(results: dict[str, Any]) -> None:
    events = [tuple(item) for item in results["events"]]
    ended = [step for kind, step in events if kind == "StepDone"]

    assert [step for kind, step in events if kind == "StepStarted"] == ended
    assert ended[:6] == ["train", "pack", "pack", "check", "verify", "pack"]
    for step in (
        "local cloud",
        "up local",
        "package",
        "preview local",
        "transform churn-nightly",
        "monitor churn-quality",
    ):
        assert step in ended
    assert ("Operation", None) in events

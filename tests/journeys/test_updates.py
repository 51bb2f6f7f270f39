"""What is deployed follows what is written: changes reach the live endpoint, bad ones do not, and plain `pulumi` agrees."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from fogbank.contracts.config import ProjectConfig
from fogbank.testing import CloudProcess

Fogbank = Callable[..., subprocess.CompletedProcess[str]]
SAMPLE = ".fogbank/trained/sample.csv"


def ok(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_changes_reach_the_endpoint_and_nothing_changes_twice(
    project: Path, fogbank: Fogbank, fogbank_project: ProjectConfig
) -> None:
    shutil.copytree(fogbank_project.trained, project / ".fogbank" / "trained", copy_function=shutil.copy)
    first = json.loads(ok(fogbank(project, "up", "--json")))
    assert first["changes"] == {"create": 25}
    assert json.loads(ok(fogbank(project, "up", "--json")))["changes"] == {"same": 25}
    ok(fogbank(project, "preview", "--expect-no-changes"))
    plain_pulumi_agrees(project, fogbank)

    handler = project / "handlers" / "inference.py"
    good = handler.read_text()
    handler.write_text(good.replace("[label(p), p]", "[7, p]"))
    second = json.loads(ok(fogbank(project, "up", "--json")))
    assert second["outputs"]["endpoint"] == first["outputs"]["endpoint"] == "churn-live"
    assert second["outputs"]["model"] != first["outputs"]["model"]
    assert ok(fogbank(project, "invoke", "live", SAMPLE)).startswith("7,")

    handler.write_text(good.replace("    return [[", "    import os\n    os._exit(9)\n    return [["))
    broken = fogbank(project, "up")
    assert broken.returncode == 3
    assert ok(fogbank(project, "invoke", "live", SAMPLE)).startswith("7,"), (
        "a bad version never takes the place of a good one"
    )

    handler.write_text(good)
    ok(fogbank(project, "up"))
    assert not ok(fogbank(project, "invoke", "live", SAMPLE)).startswith("7,"), (
        "the way back is an update like any other"
    )
    ok(fogbank(project, "refresh"))
    ok(fogbank(project, "preview", "--expect-no-changes"))
    ok(fogbank(project, "destroy"))
    status = json.loads(ok(fogbank(project, "cloud", "status", "--json")))
    assert (status["endpoints"], status["monitoring_schedules"]) == ({}, {})
    cloud = CloudProcess(project / ".fogbank" / "cloud")
    left = [
        cloud.client("s3").list_buckets()["Buckets"],
        cloud.client("iam").list_roles()["Roles"],
        cloud.client("scheduler").list_schedules()["Schedules"],
        cloud.client("sagemaker").list_models()["Models"],
        cloud.client("sagemaker").list_endpoint_configs()["EndpointConfigs"],
        cloud.client("sagemaker").list_data_quality_job_definitions()["JobDefinitionSummaries"],
    ]
    assert left == [[]] * 6


def plain_pulumi_agrees(project: Path, fogbank: Fogbank) -> None:
    """`eval "$(fogbank env)"`, then the real CLI by itself."""
    lines = ok(fogbank(project, "env"))
    script = f"{lines}\npulumi preview -s local --expect-no-changes --non-interactive && pulumi stack output -s local endpoint"
    done = subprocess.run(
        ["bash", "-c", script], cwd=project, env=os.environ, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.strip().endswith("churn-live")
    image = "pulumi config set -s aws fogbank:image i"
    foreign = f"{lines}\npulumi stack init aws --non-interactive; {image}; pulumi preview -s aws --non-interactive"
    refused = subprocess.run(
        ["bash", "-c", foreign], cwd=project, env=os.environ, capture_output=True, text=True, check=False
    )
    assert refused.returncode != 0
    assert "it means AWS" in refused.stdout + refused.stderr, "a stack for AWS never meets the stand-in"


def test_schedules_fire_in_order_as_the_clock_is_moved(
    project: Path, fogbank: Fogbank, fogbank_project: ProjectConfig
) -> None:
    shutil.copytree(fogbank_project.trained, project / ".fogbank" / "trained", copy_function=shutil.copy)
    ok(fogbank(project, "up"))
    ok(fogbank(project, "invoke", "live", SAMPLE))
    fired = json.loads(ok(fogbank(project, "cloud", "advance", "2d", "--json")))

    assert [item["at"] for item in fired] == sorted(item["at"] for item in fired)
    names = [item["name"] for item in fired]
    assert names.count("EventBridge schedule churn-quality") == 48
    assert names.count("EventBridge schedule churn-nightly") == 2
    results = {item["result"] for item in fired if "quality" in item["name"]}
    assert any("Failed (AlgorithmError: Job inputs had no data)" in result for result in results)
    assert any("Completed (Completed" in result for result in results)
    assert all("No S3 objects found under S3 URL" in item["result"] for item in fired if "nightly" in item["name"])


def test_a_monitor_that_finds_violations_ends_in_8(
    project: Path, fogbank: Fogbank, fogbank_project: ProjectConfig, tmp_path: Path
) -> None:
    """A gate on it in CI would let everything through otherwise."""
    shutil.copytree(fogbank_project.trained, project / ".fogbank" / "trained", copy_function=shutil.copy)
    ok(fogbank(project, "up"))
    ok(fogbank(project, "invoke", "live", SAMPLE))
    clean = fogbank(project, "monitor", "run", "quality")
    assert (clean.returncode, clean.stdout) == (0, "Completed: 0 violation(s)\n"), clean.stderr

    shifted = tmp_path / "shifted.csv"
    width = len((project / SAMPLE).read_text().splitlines()[0].split(","))
    shifted.write_text("\n".join([",".join(["1e6"] * width)] * 20) + "\n")
    ok(fogbank(project, "invoke", "live", str(shifted)))
    for verb in ("run", "show"):
        drifted = fogbank(project, "monitor", verb, "quality", "--json")
        assert drifted.returncode == 8, drifted.stderr
        assert json.loads(drifted.stdout)["status"] == "CompletedWithViolations"
        assert "error" not in drifted.stderr


def test_what_the_stand_in_refuses_is_told_without_the_programs_traceback(
    project: Path, fogbank: Fogbank, fogbank_project: ProjectConfig
) -> None:
    """The engine interrupts the program when a resource fails: how that ends in the program's own process is nobody's cause."""
    shutil.copytree(fogbank_project.trained, project / ".fogbank" / "trained", copy_function=shutil.copy)
    program = project / "infra" / "__main__.py"
    program.write_text(
        program.read_text() + "\nimport pulumi_aws\npulumi_aws.xray.Group('g', group_name='g', filter_expression='a')\n"
    )
    for verb in ("up", "preview", "up"):
        done = fogbank(project, verb, *(["--no-check"] if verb == "up" else []))
        assert done.returncode == 4
        assert f"error {verb}-failed: " in done.stderr
        assert "does not have the resource type aws:xray/group:Group" in done.stderr
        assert "Traceback" not in done.stderr
        assert "KeyboardInterrupt" not in done.stderr

"""A team's rules stop what breaks them, in `preview` and `up` and in a plain test, and a waiver says why one may be broken."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from fogbank.contracts.config import ProjectConfig

Fogbank = Callable[..., subprocess.CompletedProcess[str]]
TEST = """
from fogbank.testing import broken_rules


def test_the_rules_of_the_stack():
    assert broken_rules("aws") == []
"""
POLICY = "config:\n  fogbank:policy: {stage: development, instances: [ml.c5.*, ml.m5.*], waive: {end live-endpoint: the demo}}\n"


def plain_test(project: Path) -> subprocess.CompletedProcess[str]:
    file = project / "tests" / "test_rules.py"
    file.write_text(TEST)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(file)]
    return subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)


def test_rules_stop_a_stack_until_it_is_mended_or_waived(
    project: Path, fogbank: Fogbank, fogbank_project: ProjectConfig
) -> None:
    shutil.copytree(fogbank_project.trained, project / ".fogbank" / "trained", copy_function=shutil.copy)
    assert fogbank(project, "pack").returncode == 0
    for name in ("Pulumi.local.yaml", "Pulumi.aws.yaml"):
        stack = project / name
        stack.write_text(stack.read_text().replace("config:\n", POLICY.replace("ml.m5", "ml.r5"), 1))
    refused = fogbank(project, "up", "--no-check")
    assert refused.returncode == 11, refused.stderr
    assert "policy-broken: the stack local breaks 3 of its rules" in refused.stderr
    assert "instances quality-schedule: ml.m5.large is none of ml.c5.*, ml.r5.*" in refused.stderr
    assert "waived: end live-endpoint: the demo" in refused.stderr
    failing = plain_test(project)
    assert (failing.returncode, "instances churn-aws-live: ml.m5.large is none of" in failing.stdout) == (1, True), (
        failing.stdout
    )

    for name in ("Pulumi.local.yaml", "Pulumi.aws.yaml"):
        stack = project / name
        stack.write_text(stack.read_text().replace("ml.r5", "ml.m5"))
    passing = plain_test(project)
    assert passing.returncode == 0, passing.stdout
    assert fogbank(project, "preview").returncode == 0

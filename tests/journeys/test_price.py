"""The price of a project before it is there, and a budget that stops what would cost more."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from fogbank.contracts.config import ProjectConfig

Fogbank = Callable[..., subprocess.CompletedProcess[str]]


def ok(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_price_is_told_and_a_budget_stops_the_up(
    project: Path, fogbank: Fogbank, fogbank_project: ProjectConfig
) -> None:
    shutil.copytree(fogbank_project.trained, project / ".fogbank" / "trained", copy_function=shutil.copy)
    ok(fogbank(project, "pack"))
    shown = fogbank(project, "price")
    assert "83.95" in ok(shown), "an ml.m5.large for 730 hours"
    assert "us-east-1, 2026-11-26: public price list, not fetched" in shown.stderr
    document = json.loads(ok(fogbank(project, "price", "-s", "aws", "--json")))
    assert document["stack"] == "aws"
    assert {"live-endpoint", "nightly-schedule", "quality-schedule", "image"} <= {
        line["resource"] for line in document["lines"]
    }
    assert [line for line in document["lines"] if line["usd"] is None] == []
    assert ok(fogbank(project, "price", "--markdown")).startswith("### Price of the stack `local`")

    stack = project / "Pulumi.local.yaml"
    settings = stack.read_text()
    stack.write_text(
        settings.replace("config:\n", "config:\n  fogbank:budget: 50\n  fogbank:traffic: {requests: 1000}\n", 1)
    )
    refused = fogbank(project, "up", "--no-check")
    assert refused.returncode == 10, refused.stderr
    assert "budget-exceeded: a month of the stack local may cost" in refused.stderr
    assert fogbank(project, "preview").returncode == 10
    assert json.loads(ok(fogbank(project, "cloud", "status", "--json")))["endpoints"] == {}, "nothing was made"
    stack.write_text(settings.replace("config:\n", "config:\n  fogbank:traffic: {reqests: 1000}\n", 1))
    wrong = fogbank(project, "price")
    assert (wrong.returncode, "unknown key 'reqests'" in wrong.stderr) == (2, True)

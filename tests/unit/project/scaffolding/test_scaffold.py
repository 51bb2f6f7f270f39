"""What a new project's pipeline says: verbs and options that there are, and no more rights than each job needs."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import click
import yaml

from fogbank.cli.app import cli
from fogbank.project.scaffolding.scaffold import write_workflow


def workflow(folder: Path) -> dict[str, Any]:
    write_workflow(folder)
    written: dict[str, Any] = yaml.safe_load((folder / ".github/workflows/deploy.yml").read_text())
    return written


def test_every_command_is_one(tmp_path: Path) -> None:
    text = "\n".join(
        step["run"] for job in workflow(tmp_path)["jobs"].values() for step in job["steps"] if "run" in step
    )
    commands = [
        shlex.split(line)
        for line in re.findall(r"\bfogbank ([a-z][^|;\n]*?)(?: 2>&1)?\s*(?:\||;|$)", text, re.MULTILINE)
    ]

    assert [words[0] for words in commands] == [
        "pack", "check", "publish", "fetch", "preview", "price", "fetch", "up",
    ]  # fmt: skip
    for verb, *options in commands:
        command = cli.get_command(click.Context(cli), verb)
        assert command is not None
        command.make_context(verb, options)  # refuses an option that it does not have


def test_a_job_may_what_it_needs_and_no_more(tmp_path: Path) -> None:
    jobs = workflow(tmp_path)

    assert jobs["permissions"] == {"contents": "read"}
    assert {name: job.get("permissions", {}) for name, job in jobs["jobs"].items()} == {
        "package": {"contents": "read", "id-token": "write"},
        "preview": {"contents": "read", "id-token": "write", "pull-requests": "write"},
        "deploy": {"contents": "read", "id-token": "write"},
    }
    assert jobs["jobs"]["deploy"]["environment"] == "production"
    assert [job.get("needs") for job in jobs["jobs"].values()] == [None, "package", "package"]


def test_a_package_is_built_once_and_what_is_deployed_is_that_by_its_digest(tmp_path: Path) -> None:
    jobs = workflow(tmp_path)["jobs"]

    packing = [
        name for name, job in jobs.items() if any("fogbank pack" in step.get("run", "") for step in job["steps"])
    ]
    assert packing == ["package"]
    assert jobs["package"]["outputs"] == {"reference": "${{ steps.publish.outputs.reference }}"}
    for name in ("preview", "deploy"):
        assert jobs[name]["env"] == {"REFERENCE": "${{ needs.package.outputs.reference }}"}

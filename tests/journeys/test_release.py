"""The release workflow's own commands, run here in the order in which it runs them, on a copy of what git has; and its grammar.

GitHub's actions (checkout, attestations, the upload to PyPI) are not run by this: who publishes the first release sees them first.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from uv import find_uv_bin

ROOT = Path(__file__).parents[2]
RELEASE = ROOT / ".github/workflows/release.yml"
SCAFFOLD = ROOT / "src/fogbank/project/scaffolding/templates/project/deploy.yml"
ACTIONLINT = "github.com/rhysd/actionlint/cmd/actionlint@v1.7.12"


def commands(job: str) -> list[str]:
    """What a job runs in a shell."""
    workflow: dict[str, Any] = yaml.safe_load(RELEASE.read_text())
    return [step["run"] for step in workflow["jobs"][job]["steps"] if "run" in step]


def test_what_the_release_builds_is_checked_and_is_a_fogbank_that_runs(tmp_path: Path) -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    sources = tmp_path / "sources"
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    for name in subprocess.run(listed, cwd=ROOT, capture_output=True, check=True).stdout.decode().split("\0"):
        if name and (ROOT / name).is_file():
            (sources / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, sources / name)
    path = f"{Path(find_uv_bin()).parent}:{os.environ['PATH']}"
    env = {**os.environ, "PATH": path, "GITHUB_REF_NAME": f"v{version}"}
    ran = [command for command in commands("build") if command != ".ci/run"]
    for command in ran:
        done = subprocess.run(
            ["bash", "-ec", command], cwd=sources, env=env, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, (command, done.stdout, done.stderr)
    other = {**env, "GITHUB_REF_NAME": "v9.9.9"}
    refused = [command for command in ran if "GITHUB_REF_NAME" in command]
    assert [
        subprocess.run(["bash", "-ec", command], cwd=sources, env=other, check=False).returncode for command in refused
    ] == [1]

    made = sorted(path.name for path in (sources / "dist").iterdir() if path.suffix in {".whl", ".gz"})
    assert made == [f"fogbank-{version}-py3-none-any.whl", f"fogbank-{version}.tar.gz"]
    for number, package in enumerate(made):
        python = tmp_path / f"env-{number}" / "bin" / "python"
        uv = [find_uv_bin(), "--quiet"]
        subprocess.run([*uv, "venv", "--python", sys.executable, str(python.parents[1])], check=True)
        subprocess.run([*uv, "pip", "install", "--python", str(python), str(sources / "dist" / package)], check=True)
        said = subprocess.run(
            [str(python.parent / "fogbank"), "--version"], cwd=tmp_path, capture_output=True, text=True, check=True
        ).stdout
        assert version in said, package


def test_every_job_asks_for_what_it_needs_and_no_more() -> None:
    workflow = yaml.safe_load(RELEASE.read_text())
    build, publish = workflow["jobs"]["build"], workflow["jobs"]["publish"]

    assert workflow["permissions"] == {"contents": "read"}
    assert build["permissions"] == {"contents": "read", "id-token": "write", "attestations": "write"}
    assert (publish["permissions"], publish["environment"], publish["needs"]) == (
        {"id-token": "write"},
        "pypi",
        "build",
    )
    assert os.access(ROOT / ".ci/run", os.X_OK)
    assert ".ci/run" in commands("build"), "nothing is built that the checks have not passed"


@pytest.mark.parametrize("workflow", [RELEASE, SCAFFOLD])
def test_the_workflows_are_github_actions_grammar(workflow: Path) -> None:
    go = shutil.which("go")
    if go is None:
        pytest.skip("go is not installed")
    env = {**os.environ, "GOFLAGS": "-mod=mod"}
    done = subprocess.run(
        [go, "run", ACTIONLINT, str(workflow)],
        cwd=workflow.parent,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr

"""The built wheel in an environment of its own, in an empty folder, with nothing of this repository."""

from __future__ import annotations

import os
import subprocess
import zipfile
from pathlib import Path

import pytest
from uv import find_uv_bin

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [find_uv_bin(), "build", "--quiet", "--wheel", "--out-dir", str(folder), str(ROOT)],
        check=True,
        capture_output=True,
    )
    return next(folder.glob("*.whl"))


def test_the_wheel_carries_what_it_needs_and_nothing_of_the_tests(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()

    for needed in (
        "py.typed",
        "_project/infra/__main__.py",
        "_project/tools/pulumi/cli/go.sum",
        "_project/tests/test_service.py",
        "cli/templates/report.html.j2",
        "project/templates/project/pyproject.toml.j2",
    ):
        assert f"fogbank/{needed}" in names
    assert not [name for name in names if "__pycache__" in name or name.startswith("tests/")]


def test_a_project_from_the_wheel_lives_and_leaves_nothing(wheel: Path, tmp_path: Path) -> None:
    environment, empty = tmp_path / "env", tmp_path / "empty"
    empty.mkdir()
    subprocess.run([find_uv_bin(), "venv", "--quiet", str(environment)], check=True)
    subprocess.run(
        [
            find_uv_bin(),
            "pip",
            "install",
            "--quiet",
            "--python",
            str(environment / "bin" / "python"),
            str(wheel),
            "pytest",
        ],
        check=True,
    )
    env = {
        **{key: value for key, value in os.environ.items() if key not in {"PYTHONPATH", "VIRTUAL_ENV", "PYTHONDONTWRITEBYTECODE"}},
        "PATH": f"{environment / 'bin'}:/usr/bin:/bin", "FOGBANK_PORT": "0",
    }  # fmt: skip

    def run(folder: Path, *command: str) -> str:
        done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False, timeout=900)
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done.stdout

    run(empty, "fogbank", "new", "churn")
    project = empty / "churn"
    run(project, "fogbank", "up")
    answer = run(project, "fogbank", "invoke", "live", ".fogbank/trained/sample.csv")
    assert len(answer.splitlines()) == 5
    assert "2 passed" in run(project, "pytest", "-q")
    run(project, "fogbank", "destroy")
    status = run(project, "fogbank", "cloud", "status", "--json")
    assert '"endpoints": {}' in status
    run(project, "fogbank", "cloud", "stop")
    assert not processes_of(tmp_path)


def processes_of(folder: Path) -> list[str]:
    """Processes that run from below a folder."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if str(folder).encode() in path.read_bytes():
                found.append(path.read_bytes().decode(errors="replace"))
        except OSError:
            continue
    return found

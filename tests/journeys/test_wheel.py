"""The built wheel in an environment of its own, in an empty folder, with nothing of this repository."""

from __future__ import annotations

import email
import os
import shutil
import subprocess
import tarfile
import zipfile
from importlib import metadata
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
        "_project/examples/common/model/leave.py",
        "_project/examples/frameworks/keras/pyproject.toml",
        "_project/examples/projects/fraud/infra/retraining.py",
        "cli/templates/report.html.j2",
        "cli/templates/report.css",
        "cli/templates/report.js",
        "project/scaffolding/templates/project/pyproject.toml.j2",
    ):
        assert f"fogbank/{needed}" in names
    assert not [name for name in names if "__pycache__" in name or name.startswith("tests/")]


def test_the_sources_make_the_same_wheel_and_say_what_an_index_shows(wheel: Path, tmp_path: Path) -> None:
    for kind, source in (("--sdist", ROOT), ("--wheel", None)):
        found = source or next(tmp_path.glob("*.tar.gz"))
        subprocess.run(
            [find_uv_bin(), "build", "--quiet", kind, "--out-dir", str(tmp_path), str(found)],
            check=True,
            capture_output=True,
        )
    sources = next(tmp_path.glob("*.tar.gz"))
    with tarfile.open(sources) as tar:
        names = {name.partition("/")[2] for name in tar.getnames()}
    assert {"pyproject.toml", "README.md", "LICENSE", "src/fogbank/py.typed"} <= names
    assert not [name for name in names if name.startswith((".fogbank/", ".tools/", ".venv/"))]

    again, first = (zipfile.ZipFile(path) for path in (next(tmp_path.glob("*.whl")), wheel))
    assert {item.filename: item.CRC for item in again.infolist()} == {
        item.filename: item.CRC for item in first.infolist()
    }
    [record] = [name for name in first.namelist() if name.endswith("dist-info/METADATA")]
    said = email.message_from_bytes(first.read(record))
    assert (said["Name"], said["License-Expression"], said["License-File"]) == ("fogbank", "Apache-2.0", "LICENSE")
    assert said["Version"] == metadata.version("fogbank")
    assert said["Description-Content-Type"] == "text/markdown"
    assert said["Summary"]
    assert said["Requires-Python"]
    assert str(said.get_payload()).startswith("# ")


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
    shutil.copytree(project, empty / "cloned")
    run(empty / "cloned", find_uv_bin(), "sync", "--quiet")  # which locks first, with the wheel that came along
    assert run(empty / "cloned", ".venv/bin/fogbank", "--version").startswith("fogbank")
    run(project, "fogbank", "up")
    answer = run(project, "fogbank", "invoke", "live", ".fogbank/trained/sample.csv")
    assert len(answer.splitlines()) == 5
    assert "2 passed" in run(project, "pytest", "-q")
    run(project, "fogbank", "destroy")
    status = run(project, "fogbank", "cloud", "status", "--json")
    assert '"endpoints": {}' in status
    run(project, "fogbank", "cloud", "stop")
    assert not processes_of(tmp_path)


def test_one_command_in_an_empty_folder_is_the_whole_demo(wheel: Path, tmp_path: Path) -> None:
    """`uvx fogbank demo`, with the wheel in place of the registry's."""
    env = {**os.environ, "FOGBANK_PORT": "0"}
    tool = [find_uv_bin(), "tool", "run", "--quiet", "--from", str(wheel), "fogbank"]

    done = subprocess.run(
        [*tool, "demo"], cwd=tmp_path, env=env, capture_output=True, text=True, check=False, timeout=900
    )
    stopped = subprocess.run(
        [*tool, "cloud", "stop"], cwd=tmp_path / "fogbank-demo", env=env, check=False, capture_output=True
    )

    assert done.returncode == 0, done.stderr
    assert (tmp_path / "fogbank-demo" / ".fogbank" / "report.html").is_file()
    assert "cd fogbank-demo && fogbank cloud stop" in done.stdout
    assert stopped.returncode == 0


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

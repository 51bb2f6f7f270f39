"""Each exit code that docs/06-cli.md promises comes out of the process; 8 of a monitor is in tests/journeys/test_updates.py."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fakes.osv import osv
from tests.projects import small_project

ROOT = Path(__file__).parents[3]


def fogbank(folder: Path, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "fogbank", *arguments],
        cwd=folder, env={**os.environ, **env}, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return small_project(tmp_path).root


def _gate(project: Path) -> subprocess.CompletedProcess[str]:
    (project / ".fogbank" / "trained" / "metrics.json").write_text('{"metrics": {"f1": 0.1}, "gates": {"f1": 0.8}}')
    return fogbank(project, "pack")


def _engine(project: Path) -> subprocess.CompletedProcess[str]:
    assert fogbank(project, "pack").returncode == 0
    return fogbank(
        project, "env", "-s", "aws", FOGBANK_CACHE=str(project / "cache"), PATH="/usr/bin:/bin", UV_OFFLINE="1",
        HTTPS_PROXY="http://127.0.0.1:9", https_proxy="http://127.0.0.1:9", GOPROXY="off", GOMODCACHE=str(project / "mod"),
    )  # fmt: skip


def _registry(project: Path) -> subprocess.CompletedProcess[str]:
    with (project / "pyproject.toml").open("a") as settings:
        settings.write('base = "127.0.0.1:9/python:3.11"\n')
    return fogbank(project, "pack", "--image")


def _cloud(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    assert fogbank(project, "cloud", "start").returncode == 0
    try:
        return fogbank(project, *arguments)
    finally:
        fogbank(project, "cloud", "stop")


def _bug(project: Path) -> subprocess.CompletedProcess[str]:
    """A name that is none, in the product."""
    script = "import fogbank.project.project as p; p.load_config = None; from fogbank.cli import main; main(['train'])"
    return subprocess.run([sys.executable, "-c", script], cwd=project, capture_output=True, text=True, check=False)


def _interrupted(project: Path) -> subprocess.CompletedProcess[str]:
    """In the middle of what training does."""
    (project / "model").mkdir(exist_ok=True)
    (project / "model" / "train.py").write_text(
        "import os, signal, time\nos.kill(os.getppid(), signal.SIGINT)\ntime.sleep(60)\n"
    )
    return fogbank(project, "train")


def _audited(project: Path) -> subprocess.CompletedProcess[str]:
    with osv() as (url, state):
        assert fogbank(project, "audit", FOGBANK_OSV_URL=url).returncode == 0
        asked = {query["package"]["name"]: query["version"] for query in state.asked}
        state.known = {("numpy", asked["numpy"]): ["PYSEC-0"]}
        state.documents = {"PYSEC-0": {"id": "PYSEC-0", "summary": "something"}}
        return fogbank(project, "audit", FOGBANK_OSV_URL=url)


ENDS: dict[int, tuple[Callable[[Path], subprocess.CompletedProcess[str]], str]] = {
    0: (lambda project: fogbank(project, "pack"), ""),
    1: (_bug, "error internal"),
    2: (lambda project: fogbank(project.parent.parent, "up"), "error project-not-found"),
    3: (_gate, "error gate-missed"),
    4: (_engine, "error engine-missing"),
    5: (lambda project: fogbank(project, "cloud", "status"), "error cloud-not-running"),
    6: (lambda project: _cloud(project, "invoke", "live", "none.csv"), "error input-missing"),
    7: (lambda project: _cloud(project, "invoke", "live", "1,2"), "error ValidationError"),
    8: (_audited, ""),
    9: (_registry, "error registry"),
    130: (_interrupted, "interrupted"),
}


ELSEWHERE = {10: "journeys/test_price.py", 11: "journeys/test_policy.py"}
"""Codes that need a stack, with the journey whose process ends in them."""


def documented() -> set[int]:
    table = (ROOT / "docs" / "06-cli.md").read_text().partition("| exit code |")[2].partition("\n\n")[0]
    return {int(code) for code in re.findall(r"^\| (\d+) \|", table, re.MULTILINE)}


def test_every_code_of_the_page_is_tried() -> None:
    assert set(ENDS) | set(ELSEWHERE) == documented()
    for code, place in ELSEWHERE.items():
        assert f"returncode == {code}" in (ROOT / "tests" / place).read_text()


@pytest.mark.parametrize("code", ENDS)
def test_the_process_ends_in_it(code: int, project: Path) -> None:
    end, said = ENDS[code]

    done = end(project)

    assert done.returncode == code, done.stderr
    assert said in done.stderr

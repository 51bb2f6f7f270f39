"""Every `sh` and `python` block of the README and the docs runs, in order, in a fresh project."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from fogbank.check.findings import FIXES
from fogbank.contracts.config import ProjectConfig
from fogbank.contracts.dependencies import MACHINES
from tests.engines import ensure_base, needs

ROOT = Path(__file__).parents[2]
PAGES = ["README.md", *sorted(str(path.relative_to(ROOT)) for path in (ROOT / "docs").glob("*.md"))]
NEEDS = {"docs/08-image.md": ("mmdebstrap", "openssl")}
"""Programs of the system that a page's blocks run."""
BLOCK = re.compile(r"^```(sh|python)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def script(page: Path) -> str:
    """The page's blocks as one bash script; a Python block is a here-document."""
    parts = ["set -euo pipefail"]
    for kind, text in BLOCK.findall(page.read_text()):
        parts.append(
            text
            if kind == "sh"
            else f"url=$(fogbank -q cloud start)\nsed \"s#http://127.0.0.1:4566#$url#\" <<'PYTHON' | python\n{text}PYTHON"
        )
    return "\n".join(parts)


@pytest.mark.parametrize("page", [page for page in PAGES if BLOCK.search((ROOT / page).read_text())])
def test_the_blocks_of_a_page_run(page: str, tmp_path: Path, fogbank_project: ProjectConfig) -> None:
    needs(*NEEDS.get(page, ()))
    if page in NEEDS:
        ensure_base(*MACHINES)
    env = {**os.environ, "FOGBANK_PORT": "0", "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    start = tmp_path
    if page != "README.md":
        subprocess.run(["fogbank", "new", "churn"], cwd=tmp_path, env=env, check=True, capture_output=True)
        start = tmp_path / "churn"
        shutil.copytree(fogbank_project.trained, start / ".fogbank" / "trained", copy_function=shutil.copy)
    done = subprocess.run(
        ["bash", "-c", script(ROOT / page)],
        cwd=start,
        env=env,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    subprocess.run(["fogbank", "cloud", "stop"], cwd=tmp_path / "churn", env=env, check=False, capture_output=True)

    assert done.returncode == 0, done.stdout + done.stderr


def test_every_finding_of_a_check_is_in_its_page() -> None:
    page = (ROOT / "docs/09-check.md").read_text()

    assert set(re.findall(r"^\| `([a-z-]+)` \|", page, re.MULTILINE)) == set(FIXES) - {"check-failed"}
    for code, fix in FIXES.items():
        assert code == "check-failed" or f"| `{code}` | {fix} |" in page


def test_links_between_pages_lead_somewhere() -> None:
    for page in (ROOT / "README.md", ROOT / "llms.txt", *(ROOT / "docs").glob("*.md")):
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_llms_txt_names_every_page() -> None:
    named = set(re.findall(r"\]\(docs/([^)]+)\)", (ROOT / "llms.txt").read_text()))

    assert named == {page.name for page in (ROOT / "docs").glob("*.md")}


@pytest.mark.parametrize(("name", "letter", "frictions"), [("first-hour.md", "F", 24), ("second-hour.md", "S", 43)])
def test_an_hours_journal_names_tests_that_are_there(name: str, letter: str, frictions: int) -> None:
    page = (ROOT / "docs" / name).read_text()
    hour = (ROOT / "tests/journeys/test_first_hour.py").read_text()

    numbered = re.findall(rf"^\| ({letter}\d+)\b", page, re.MULTILINE)
    assert numbered == [f"{letter}{number}" for number in range(1, frictions + 1)]
    for test in re.findall(r"`((?:contracts|journeys|unit)/[\w/]+\.py)`", page):
        assert (ROOT / "tests" / test).is_file(), test
    for name in re.findall(r"`(test_f\d+_\w+)`", page):
        assert f"def {name}(" in hour, name

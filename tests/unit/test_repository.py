"""Promises of the repository itself."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from uv import find_uv_bin

ROOT = Path(__file__).parents[2]


def test_the_demo_needs_at_most_75_wheels() -> None:
    done = subprocess.run(
        [find_uv_bin(), "export", "--frozen", "--no-dev", "--no-emit-project", "--no-hashes", "--quiet", "--python", "3.11"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    names = {
        line.partition("==")[0].strip()
        for line in done.stdout.splitlines()
        if "==" in line and not line.lstrip().startswith("#")
    }

    assert "sagemaker" not in names
    assert 50 < len(names) <= 75


def test_what_is_forbidden_appears_nowhere() -> None:
    forbidden = re.compile(
        r"mock\.patch|unittest\.mock|monkeypatch\.setattr|type: ignore(?!\[)|# noqa(?!: )|\bTODO\b|\bFIXME\b"
    )
    this = Path(__file__)
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for room in ("src", "infra", "model", "handlers", "tests", "benchmarks")
        for path in (ROOT / room).rglob("*.py")
        if path != this
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if forbidden.search(line)
    ]

    assert found == []


def test_every_command_of_the_makefile_is_told() -> None:
    targets = set(re.findall(r"^([a-z]+):.*##", (ROOT / "Makefile").read_text(), re.MULTILINE))

    assert {"setup", "demo", "test", "check", "bench", "clean"} <= targets

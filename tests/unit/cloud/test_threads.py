"""Threads have one owner: none is made in the cloud but by its runner."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import fogbank.cloud

CLOUD = Path(fogbank.cloud.__file__).parent
OWNERS = {"ground/runner.py", "functions/bootstrap.py"}
"""The runner, and what runs in a function's own process, where there is none."""
MAKERS = {"Thread", "Timer", "start_new_thread"}


def made(tree: ast.AST) -> Iterator[int]:
    """Lines on which a thread is made."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name in MAKERS:
                yield node.lineno


def test_nobody_else_makes_a_thread() -> None:
    files = {str(path.relative_to(CLOUD)): path for path in sorted(CLOUD.rglob("*.py"))}
    lines = [
        f"{name}:{line}"
        for name, path in files.items()
        if name not in OWNERS and any(maker in (text := path.read_text()) for maker in MAKERS)
        for line in made(ast.parse(text))
    ]

    assert lines == [], "submit the work to the runner (cloud/ground/runner.py)"
    assert list(made(ast.parse(files["ground/runner.py"].read_text()))), "the test sees what it looks for"

"""The public face: few names, sorted, there, and imported only when they are asked for."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import fogbank

SOURCE = Path(fogbank.__file__).parent


def test_the_public_names_are_these() -> None:
    assert fogbank.__all__ == [
        "CheckOptions",
        "Event",
        "FogbankError",
        "Notice",
        "Operation",
        "Package",
        "Project",
        "StepDone",
        "StepFailed",
        "StepProgress",
        "StepStarted",
    ]
    assert all(getattr(fogbank, name) is not None for name in fogbank.__all__)
    assert set(fogbank.__all__) < set(dir(fogbank))
    with pytest.raises(AttributeError, match="no attribute 'Projct'"):
        fogbank.Projct  # type: ignore[attr-defined]  # noqa: B018 - the name is wrong on purpose


def test_importing_fogbank_does_nothing() -> None:
    code = "import sys, fogbank; print(sorted(name for name in sys.modules if name.startswith('fogbank')))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "['fogbank']"


def test_a_project_is_imported_without_what_only_some_of_it_needs() -> None:
    heavy = {"pulumi", "boto3", "botocore", "moto", "sklearn", "numpy", "onnx", "click", "jinja2", "yaml"}
    code = f"import sys; from fogbank import Project; print(sorted({heavy!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


def test_no_room_asks_the_face_for_more_than_its_version() -> None:
    """The face names `Project` for users; a room below it that came by it would climb past import-linter."""
    names = {
        alias.name
        for path in SOURCE.rglob("*.py")
        if "from fogbank import" in (text := path.read_text())
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.ImportFrom) and node.module == "fogbank" and node.level == 0
        for alias in node.names
    }

    assert names <= {"__version__"}

"""A preview is needed where the program or its configuration is another than at the last good `up`, and nowhere else."""

from __future__ import annotations

from pathlib import Path

import pytest

from fogbank.engine.previews import LARGEST, Previews


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    (root / "infra").mkdir(parents=True)
    (root / "handlers").mkdir()
    (root / "Pulumi.yaml").write_text("name: p\nmain: infra/\n")
    (root / "Pulumi.local.yaml").write_text("config: {}\n")
    (root / "infra" / "__main__.py").write_text("x = 1\n")
    (root / "handlers" / "inference.py").write_text("x = 1\n")
    return root


@pytest.fixture
def previews(root: Path, tmp_path: Path) -> Previews:
    previews = Previews(root, tmp_path / "state")
    assert not previews.are_current("local"), "nothing was ever good"
    previews.keep("local")
    assert previews.are_current("local")
    assert not previews.are_current("aws"), "another stack"
    return previews


@pytest.mark.parametrize(
    "file", ["infra/__main__.py", "infra/more.py", "Pulumi.yaml", "Pulumi.local.yaml", "infra/a/b.py"]
)
def test_another_program_or_configuration_is_looked_at(root: Path, previews: Previews, file: str) -> None:
    (root / file).parent.mkdir(exist_ok=True)
    with (root / file).open("a") as target:
        target.write("# another\n")

    assert not previews.are_current("local")
    previews.keep("local")
    assert previews.are_current("local")


@pytest.mark.parametrize(
    "file", ["handlers/inference.py", "Pulumi.aws.yaml", "infra/__pycache__/a.pyc", "infra/.state", "infra/venv/lib.py"]
)
def test_what_is_not_the_program_is_not(root: Path, previews: Previews, file: str) -> None:
    (root / file).parent.mkdir(exist_ok=True)
    if "venv" in file:
        (root / "infra" / "venv" / "pyvenv.cfg").touch()
    (root / file).write_text("x = 2\n")

    assert previews.are_current("local")


def test_a_program_beside_its_project_file_is_looked_at_without_the_data_there(root: Path, previews: Previews) -> None:
    (root / "Pulumi.yaml").write_text("name: p\n")
    (root / "__main__.py").write_text("x = 1\n")
    previews.keep("local")
    (root / "model.bin").write_bytes(b"0" * (LARGEST + 1))
    assert previews.are_current("local")
    (root / "__main__.py").write_text("x = 2\n")
    assert not previews.are_current("local")

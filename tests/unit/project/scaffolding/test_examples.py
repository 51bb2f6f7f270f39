"""The examples are projects: each is written whole under the name that is asked for, and loads as one."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
import yaml

from fogbank.contracts.errors import ProjectError
from fogbank.project.scaffolding.examples import examples, write_example
from fogbank.project.workplace.config import load_config
from fogbank.project.workplace.installation import assets

WITHOUT_EXAMPLE = {"onnx_image.py.j2", "torch_export.py.j2", "torch_weights.py.j2"}
"""What tests/contracts/project/test_adoption.py serves, without an example of it; and what tests/unit/pack/test_look_torch.py writes after the
inputs of a program, and test_look_weights.py after the class whose the weights are."""
TEMPLATES = Path(assets()) / "src" / "fogbank" / "project" / "scaffolding" / "templates" / "adopted" / "handlers"


def test_there_are_examples_and_each_says_what_it_is() -> None:
    known = examples()

    assert {"torch-export", "keras", "mlflow", "catboost", "quantlib"} <= known.keys()
    assert {"digits", "fraud", "marketing", "sentiment"} <= known.keys()
    assert all(known.values())


@pytest.mark.parametrize("name", sorted(examples()))
def test_an_example_is_a_project_of_its_own_name(name: str, tmp_path: Path) -> None:
    write_example(name, "ours", tmp_path / "ours")

    config = load_config(tmp_path / "ours")
    assert (config.name, config.train) == ("ours", "model.train")
    assert (config.root / "infra" / "__main__.py").is_file()
    assert "name: ours" in (config.root / "Pulumi.yaml").read_text()
    for module in ("model/train.py", "model/leave.py"):
        compile((config.root / module).read_text(), module, "exec")
    project = tomllib.loads((config.root / "pyproject.toml").read_text())["project"]
    assert project["name"] == "ours"
    stack = yaml.safe_load((config.root / "Pulumi.yaml").read_text())
    assert stack["description"] == project["description"] == examples()[name]
    assert (config.root / "README.md").read_text().startswith("# ours\n")


def test_an_example_brings_a_program_of_its_own_and_takes_what_it_shares(tmp_path: Path) -> None:
    write_example("fraud", "ours", tmp_path / "ours")
    write_example("marketing", "theirs", tmp_path / "theirs")

    ours, theirs = ({path.name for path in (tmp_path / name / "infra").iterdir()} for name in ("ours", "theirs"))
    assert ours == {"__main__.py", "serving.py", "watch.py", "retraining.py"}
    assert theirs == {"__main__.py", "serving.py", "batch.py"}
    alarm = (tmp_path / "ours" / "handlers" / "alarm.py").read_text()
    assert alarm == (assets() / "handlers" / "alarm.py").read_text()
    assert "trainingImage" in (tmp_path / "ours" / "Pulumi.aws.yaml").read_text()
    assert "trainingImage" not in (tmp_path / "theirs" / "Pulumi.aws.yaml").read_text()


def test_one_that_is_not_there_is_refused_with_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="torch-export") as caught:
        write_example("cafe", "ours", tmp_path / "ours")

    assert caught.value.code == "example-unknown"
    assert not (tmp_path / "ours").exists()


@pytest.mark.parametrize("template", sorted({path.name for path in TEMPLATES.glob("*.j2")} - WITHOUT_EXAMPLE))
def test_what_new_from_writes_is_the_examples_own_handler(template: str) -> None:
    text = (TEMPLATES / template).read_text()
    handlers = [path.read_text() for path in (assets() / "examples").glob("*/*/handlers/inference.py")]

    assert [handler for handler in handlers if _without_files(handler) == _without_files(text)]


def _without_files(text: str) -> str:
    for file in ("{{ look.file }}", "model.keras", "model.pt2", "model.pt"):
        text = text.replace(f'"{file}"', "FILE")
    return text

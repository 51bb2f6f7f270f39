"""The next version of a brought model takes the former's place: asked, compared, put in whole, and the user's edits stay."""

from __future__ import annotations

import csv
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
import sklearn
from click.testing import CliRunner
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from fogbank.cli.app import cli
from fogbank.contracts.config import ProjectConfig
from fogbank.contracts.errors import DataError, PackageError, ProjectError
from fogbank.project.packaging import packing
from fogbank.project.scaffolding.adoption import adopt
from fogbank.project.scaffolding.successor import bring
from fogbank.project.workplace.config import load_config
from fogbank.project.workplace.events import Event, Notice, Steps, ignore

G = np.random.default_rng(5)
FRAME = pd.DataFrame({"age": G.uniform(1, 9, 40).round(2), "zip": G.integers(1000, 1003, 40)})
LABELS = np.where(FRAME.age > 5, "old", "new")


def fitted(frame: pd.DataFrame, labels: Any) -> Any:
    return make_pipeline(StandardScaler(), LogisticRegression()).fit(frame, labels)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("written")
    joblib.dump(fitted(FRAME, LABELS), folder / "v1.joblib")
    FRAME.to_csv(folder / "rows.csv", index=False)
    adopt("ours", folder / "v1.joblib", folder / "rows.csv", folder / "ours", Steps(ignore), lambda _: True)
    return folder / "ours"


@pytest.fixture
def project(written: Path, tmp_path: Path) -> ProjectConfig:
    shutil.copytree(written, tmp_path / "ours")
    return load_config(tmp_path / "ours")


@pytest.fixture
def put(project: ProjectConfig, tmp_path: Path) -> Callable[..., tuple[bool, list[str], list[str]]]:
    """Brings a model; whether it was put, what was asked, and what was told."""

    def bring_it(model: Any, sample: Path | None = None, *, yes: bool = True) -> tuple[bool, list[str], list[str]]:
        joblib.dump(model, tmp_path / "next.joblib")
        asked: list[str] = []
        events: list[Event] = []

        def agree(differences: Sequence[str]) -> bool:
            asked.extend(differences)
            return yes

        done = bring(project, tmp_path / "next.joblib", sample, Steps(events.append), lambda _: True, agree)
        return done, asked, [event.text for event in events if isinstance(event, Notice)]

    return bring_it


def tree(root: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and "locked" not in path.parts
    }


def baseline(config: ProjectConfig) -> list[list[str]]:
    with (config.trained / "baseline.csv").open(newline="") as stream:
        return list(csv.reader(stream))


def test_one_that_takes_the_same_is_put_in_without_a_question_and_what_the_user_wrote_stays(
    project: ProjectConfig, put: Callable[..., Any]
) -> None:
    schema = json.loads((project.trained / "schema.json").read_text())
    schema["input"]["columns"][0] |= {"nullable": True}
    (project.trained / "schema.json").write_text(json.dumps(schema))
    (project.trained / "metrics.json").write_text('{"metrics": {"auc": 0.9}, "gates": {"auc": 0.8}}')
    (project.trained / "notes.txt").write_text("mine")
    (project.root / "requirements.txt").write_text("# mine\nnumpy==1.0\nrich==13.0.0\nscikit-learn==0.1\n")
    (project.root / "infra" / "extra.py").write_text("mine = 1\n")
    second = fitted(FRAME, LABELS[::-1])

    done, asked, told = put(second)

    assert (done, asked) == (True, [])
    assert [row[0] for row in baseline(project)[1:]] == second.predict(FRAME).tolist()
    assert (project.trained / "model.joblib").read_bytes() == (project.root.parent / "next.joblib").read_bytes()
    kept = json.loads((project.trained / "schema.json").read_text())
    assert kept["input"]["columns"][0]["nullable"] is True
    assert json.loads((project.trained / "metrics.json").read_text()) == {"metrics": {}, "gates": {"auc": 0.8}}
    assert any("scores in metrics.json were the former model's" in text for text in told)
    lines = (project.root / "requirements.txt").read_text().splitlines()
    assert lines[0] == "# mine"
    assert {f"scikit-learn=={sklearn.__version__}", "rich==13.0.0"} <= set(lines)
    assert (project.trained / "notes.txt").read_text() == "mine"
    assert not list(project.state.glob(".bring-*"))
    assert not (project.state / "change").exists()


def test_one_that_takes_other_columns_is_told_and_asked_about_and_a_no_leaves_all_as_it_was(
    project: ProjectConfig, put: Callable[..., Any], tmp_path: Path
) -> None:
    before = tree(project.root)
    other = FRAME.rename(columns={"zip": "income"})[["income", "age"]]
    other.to_csv(tmp_path / "new.csv", index=False)

    done, asked, _ = put(fitted(other, FRAME.age > 5), tmp_path / "new.csv", yes=False)

    assert not done
    assert asked == [
        "column zip is no more taken",
        "column income (float) is new: a request must have it",
        "an answer is prediction (boolean); it was prediction (string)",
    ]
    assert tree(project.root) == before


def test_rows_that_are_not_of_the_types_that_were_known_are_told(
    project: ProjectConfig, put: Callable[..., Any], tmp_path: Path
) -> None:
    schema = json.loads((project.trained / "schema.json").read_text())
    schema["input"]["columns"] = [
        {"name": "age", "dtype": "integer", "nullable": False},
        {"name": "zip", "dtype": "category", "nullable": False, "categories": [1000, 1001, 999]},
    ]
    (project.trained / "schema.json").write_text(json.dumps(schema))
    FRAME.to_csv(tmp_path / "new.csv", index=False)

    done, asked, _ = put(fitted(FRAME, LABELS), tmp_path / "new.csv")

    assert done
    assert asked == [
        "column age is float; it was integer",
        "column zip has categories that are new: 1002",
        "rows reach the model as frame; they did as array",
    ]
    kept = json.loads((project.trained / "schema.json").read_text())["input"]["columns"]
    assert [(column["dtype"], column.get("categories")) for column in kept] == [
        ("float", None),
        ("category", [1000, 1001, 999, 1002]),
    ]


def test_labels_that_the_package_knew_and_the_order_of_columns_are_compared(
    project: ProjectConfig, put: Callable[..., Any]
) -> None:
    packing.pack(project, Steps(ignore))

    _, asked, _ = put(fitted(FRAME[["zip", "age"]], np.where(FRAME.age > 7, "ancient", LABELS)))

    assert asked == [
        "columns in another order, which a CSV without a header goes by: zip, age",
        "labels: ancient, new, old; they were new, old",
    ]
    assert baseline(project)[0] == ["prediction", "zip", "age"]
    assert packing.pack(load_config(project.root), Steps(ignore)).package.output.classes == ("ancient", "new", "old")


def test_another_kind_of_model_takes_the_formers_file_away_and_its_library_is_declared(
    project: ProjectConfig, tmp_path: Path
) -> None:
    assert bring(project, booster(tmp_path), None, Steps(ignore), lambda _: False, lambda _: True)

    config = load_config(project.root)
    assert not (config.trained / "model.joblib").exists()
    assert "lightgbm" in config.dependencies
    assert len(baseline(config)) == 41


def set_up(config: ProjectConfig, **settings: str) -> ProjectConfig:
    """The project with lines of its pyproject.toml in place of those that it has."""
    file = config.root / "pyproject.toml"
    for key, value in settings.items():
        file.write_text(re.sub(rf"^{key} = .*$", f"{key} = {value}", file.read_text(), flags=re.MULTILINE))
    return load_config(config.root)


def booster(folder: Path) -> Path:
    import lightgbm

    model = lightgbm.LGBMRegressor(n_estimators=2, min_child_samples=1, verbose=-1).fit(FRAME, FRAME.age)
    model.booster_.save_model(folder / "next.txt")
    return folder / "next.txt"


def test_dependencies_with_extras_and_comments_get_the_new_name_and_stay(
    project: ProjectConfig, tmp_path: Path
) -> None:
    own = '[\n  "joblib",  # [ours]\n  "uvicorn[standard]",\n]'
    config = set_up(project, dependencies=own)

    assert bring(config, booster(tmp_path), None, Steps(ignore), lambda _: False, lambda _: True)

    text = (config.root / "pyproject.toml").read_text()
    assert '"joblib",  # [ours]' in text
    assert load_config(config.root).dependencies == ("joblib", "uvicorn[standard]", "lightgbm")


def test_a_pyproject_that_cannot_be_written_to_is_said_before_anything_is_changed(
    project: ProjectConfig, tmp_path: Path
) -> None:
    file = project.root / "pyproject.toml"
    file.write_text(re.sub("^dependencies =", '"dependencies" =', file.read_text(), flags=re.MULTILINE))
    before = tree(project.root)

    with pytest.raises(ProjectError) as caught:
        bring(project, booster(tmp_path), None, Steps(ignore), lambda _: False, lambda _: True)

    assert caught.value.code == "pyproject-unreadable"
    assert tree(project.root) == before


@pytest.mark.parametrize("linked", ["model", "inner/model", "..", "."])
def test_a_model_that_lies_elsewhere_is_left_to_its_owner(project: ProjectConfig, tmp_path: Path, linked: str) -> None:
    (project.root / "model").rename(tmp_path / "kept")
    if linked == "model":
        (project.root / "model").symlink_to(tmp_path / "kept")
    if linked == "inner/model":
        (tmp_path / "other").mkdir()
        (tmp_path / "kept").rename(tmp_path / "other" / "model")
        (project.root / "inner").symlink_to(tmp_path / "other")
    config = set_up(project, model=f'"{linked}"')

    with pytest.raises(ProjectError) as caught:
        bring(config, booster(tmp_path), None, Steps(ignore), lambda _: False, lambda _: True)
    assert caught.value.code == "model-elsewhere"


def test_a_models_folder_below_one_of_that_name_gets_the_next_one(project: ProjectConfig, tmp_path: Path) -> None:
    (project.root / "model").rename(tmp_path / "v1")
    (project.root / "model").mkdir()
    (tmp_path / "v1").rename(project.root / "model" / "v1")
    config = set_up(project, model='"model/v1"')
    joblib.dump(fitted(FRAME, LABELS[::-1]), tmp_path / "next.joblib")

    assert bring(config, tmp_path / "next.joblib", None, Steps(ignore), lambda _: True, lambda _: True)

    assert [path.name for path in (project.root / "model").iterdir()] == ["v1"]
    assert (config.trained / "model.joblib").read_bytes() == (tmp_path / "next.joblib").read_bytes()


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("scikit-learn==0.1 \\\n    --hash=sha256:aa \\\n    --hash=sha256:bb\n", "requirements-hashed"),
        ("-r other.txt\ngit+https://github.com/them/theirs.git\n", "lock-unreadable"),
    ],
)
def test_requirements_that_are_not_followed_are_said_and_nothing_is_touched(
    project: ProjectConfig, put: Callable[..., Any], text: str, code: str
) -> None:
    (project.root / "requirements.txt").write_text(text)
    before = tree(project.root)

    with pytest.raises(PackageError) as caught:
        put(fitted(FRAME, LABELS))

    assert caught.value.code == code
    assert tree(project.root) == before


def test_what_cannot_be_is_refused_and_nothing_is_touched(project: ProjectConfig, put: Callable[..., Any]) -> None:
    before = tree(project.root)
    joblib.dump(fitted(FRAME, LABELS), project.root.parent / "next.joblib")
    with pytest.raises(PackageError, match="is a pickle"):
        bring(project, project.root.parent / "next.joblib", None, Steps(ignore), lambda _: False, lambda _: True)
    with pytest.raises(DataError, match=r"baseline\.csv has age, zip; the model takes age, city"):
        put(fitted(FRAME.rename(columns={"zip": "city"}), LABELS))
    (project.root.parent / "next.joblib").write_bytes(b"")
    with pytest.raises(PackageError):
        bring(project, project.root.parent / "next.joblib", None, Steps(ignore), lambda _: True, lambda _: True)
    assert tree(project.root) == before


OWN = """
class Fit:
    feature_names_in_ = ["age", "zip"]

    def predict(self, frame):
        return frame["age"] * 2
"""


def test_a_module_that_comes_with_the_model_and_is_another_than_the_projects_is_asked_about(
    project: ProjectConfig, tmp_path: Path
) -> None:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    (folder / "ownfit.py").write_text(OWN)
    code = "import pickle, ownfit; pickle.dump(ownfit.Fit(), open('m.pkl', 'wb'))"
    subprocess.run([sys.executable, "-c", code], cwd=folder, check=True)
    theirs = project.root / "ownfit.py"
    theirs.write_text(edited := OWN + "# edited here\n")
    told = "ownfit.py is another one beside the model than in the project: it is replaced"
    asked: list[Sequence[str]] = []

    def brought(*, yes: bool) -> bool:
        def agree(differences: Sequence[str]) -> bool:
            asked.append(differences)
            return yes

        return bring(project, folder / "m.pkl", None, Steps(ignore), lambda _: True, agree)

    assert not brought(yes=False)
    assert (told in asked[-1], theirs.read_text()) == (True, edited)

    assert brought(yes=True)
    assert (told in asked[-1], theirs.read_text()) == (True, OWN)

    theirs.rename(tmp_path / "ownfit.py")
    theirs.symlink_to(tmp_path / "ownfit.py")
    assert brought(yes=True)
    assert (len(asked), theirs.is_symlink()) == (2, True)

    theirs.unlink()
    assert brought(yes=True)
    assert (len(asked), theirs.read_text()) == (2, OWN)


def test_a_project_that_trains_is_told_what_is_for_it(project: ProjectConfig) -> None:
    file = project.root / "pyproject.toml"
    file.write_text(file.read_text().replace('model = "model"', 'train = "m.train"'))
    with pytest.raises(ProjectError, match="trains its own model"):
        bring(load_config(project.root), project.root / "x", None, Steps(ignore), lambda _: True, lambda _: True)


def test_the_verb_says_how_it_differs_and_that_nobody_answered(
    project: ProjectConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    joblib.dump(fitted(FRAME[["age"]], LABELS), tmp_path / "next.joblib")
    monkeypatch.chdir(project.root)

    result = CliRunner().invoke(cli, ["bring", str(tmp_path / "next.joblib"), "--trust"])
    assert result.exit_code == 2
    assert "column zip is no more taken" in result.stderr
    assert "give --yes" in result.stderr

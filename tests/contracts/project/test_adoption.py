"""Models from elsewhere become projects that pack: nothing is loaded that may not be, and the answers are the model's."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from fogbank.contracts.errors import FogbankError, PackageError, ProjectError
from fogbank.project import packing
from fogbank.project.adoption import adopt
from fogbank.project.config import load_config
from fogbank.project.events import Event, Notice, Steps, ignore
from fogbank.project.training import is_due, train

G = np.random.default_rng(0)
FRAME = pd.DataFrame({"age": G.uniform(1, 9, 60).round(2), "city": G.choice(["Rome", "Oslo"], 60)})
FRAME.loc[3, "age"] = np.nan
LABELS = np.where(FRAME.age > 5, "old", "new")


@pytest.fixture(scope="module")
def brought(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("brought")
    table = ColumnTransformer([("n", SimpleImputer(), ["age"]), ("c", OneHotEncoder(), ["city"])])
    joblib.dump(
        make_pipeline(table, RandomForestClassifier(5, random_state=0)).fit(FRAME, LABELS), folder / "clf.joblib"
    )
    FRAME.assign(target=LABELS).to_csv(folder / "rows.csv", index=False)
    return folder


def test_a_pickle_of_a_stranger_is_not_loaded_and_nothing_is_written(brought: Path, tmp_path: Path) -> None:
    looks: list[Any] = []

    def refuse(look: Any) -> bool:
        looks.append(look)
        return False

    with pytest.raises(PackageError) as caught:
        adopt("churn", brought / "clf.joblib", brought / "rows.csv", tmp_path / "churn", Steps(ignore), refuse)

    assert caught.value.code == "model-untrusted"
    assert looks[0].names == ("age", "city")
    assert list(tmp_path.iterdir()) == []


def test_a_pipeline_on_a_frame_becomes_a_project_that_packs_and_answers(brought: Path, tmp_path: Path) -> None:
    events: list[Event] = []
    adopt(
        "churn", brought / "clf.joblib", brought / "rows.csv", tmp_path / "churn", Steps(events.append), lambda _: True
    )
    config = load_config(tmp_path / "churn")

    notices = [event.text for event in events if isinstance(event, Notice)]
    assert any("scikit-learn" in text for text in notices)
    assert notices[-1] == "columns of the sample that the model does not take: target"
    schema = json.loads((config.trained / "schema.json").read_text())
    assert [column["dtype"] for column in schema["input"]["columns"]] == ["float", "string"]
    with (config.trained / "baseline.csv").open(newline="") as stream:
        rows = list(csv.reader(stream))
    model: Any = joblib.load(brought / "clf.joblib")
    assert [row[0] for row in rows[1:]] == model.predict(FRAME).tolist()
    assert not is_due(config)
    with pytest.raises(ProjectError, match="nothing is trained here"):
        train(config, Steps(ignore))

    package = packing.pack(config, Steps(ignore)).package  # the staged package answers the sample, as the server does
    assert (package.compilation.compiled, package.input.rows, package.output.classes) == (True, "array", ("new", "old"))


def test_a_model_without_a_sample_has_its_columns_and_no_monitor(tmp_path: Path) -> None:
    import lightgbm

    booster = lightgbm.LGBMRegressor(n_estimators=2, min_child_samples=1, verbose=-1).fit(
        FRAME[["age"]], np.arange(60.0)
    )
    booster.booster_.save_model(tmp_path / "m.txt")

    adopt("boost", tmp_path / "m.txt", None, tmp_path / "boost", Steps(ignore), lambda _: False)

    config = load_config(tmp_path / "boost")
    assert not (config.root / "infra" / "watch.py").exists()
    assert "quality" not in (config.root / "infra" / "__main__.py").read_text()
    manifest = packing.pack(config, Steps(ignore))
    assert manifest.package.input.names == ("age",)
    assert json.loads(manifest.statistics_path.read_text())["dataset"]["item_count"] == 0


def test_a_program_that_says_nothing_of_its_columns_asks_for_rows(tmp_path: Path) -> None:
    import zipfile

    with zipfile.ZipFile(tmp_path / "m.pt2", "w") as archive:
        archive.writestr("m/models/model.json", "")
    with pytest.raises(PackageError, match="does not say which columns"):
        adopt("net", tmp_path / "m.pt2", None, tmp_path / "net", Steps(ignore), lambda _: False)

    (tmp_path / "rows.csv").write_text("a,b\n1,2\n")
    adopt("net", tmp_path / "m.pt2", tmp_path / "rows.csv", tmp_path / "net", Steps(ignore), lambda _: False)
    compile((tmp_path / "net" / "handlers" / "inference.py").read_text(), "inference.py", "exec")
    assert (tmp_path / "net" / "requirements.txt").read_text() == "numpy\ntorch\n"


@pytest.mark.parametrize("name", ["Not A Name", "x" * 31])
def test_a_name_that_is_none_is_refused_before_anything_is_loaded(brought: Path, tmp_path: Path, name: str) -> None:
    with pytest.raises(FogbankError, match="lower-case letters"):
        adopt(name, brought / "clf.joblib", None, tmp_path / "x", Steps(ignore), lambda _: True)

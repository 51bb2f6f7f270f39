"""The model's own names rule: what training left is packed as the model takes it, or refused with what differs."""

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
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

from fogbank.contracts.config import ProjectConfig
from fogbank.contracts.errors import PackageError
from fogbank.contracts.manifest import Manifest
from fogbank.pack import build, read_trained
from fogbank.project.packaging.packing import probe
from fogbank.project.workplace.config import load_config
from fogbank.project.workplace.events import Steps, ignore
from tests.fakes.probe import Probe
from tests.projects import BASELINE

G = np.random.default_rng(0)
FRAME = pd.DataFrame({
    "age": G.integers(18, 80, 60).astype(float), "fare": G.uniform(5, 100, 60).round(2), "city": G.choice(["Köln", "Paris"], 60),
})  # fmt: skip
Y = ((FRAME.age > 40) & (FRAME.city == "Köln")).astype(int)
AGE, FARE, CITY = {"name": "age"}, {"name": "fare"}, {"name": "city", "dtype": "string", "nullable": True}


def by_name() -> Any:
    city = make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder(handle_unknown="ignore"))
    return ColumnTransformer([("n", StandardScaler(), ["age", "fare"]), ("c", city, ["city"])])


def project(
    root: Path, model: Any, columns: list[dict[str, Any]], *, handler: str = "", needs: str = "pandas"
) -> ProjectConfig:
    """A trained project; its dependencies are what is installed here."""
    needed = json.dumps(["scikit-learn", "joblib", "numpy", *([needs] if needs else [])])
    root.mkdir(parents=True, exist_ok=True)
    (root / "pyproject.toml").write_text(f'[tool.fogbank]\nname = "p"\ncompile = false\ndependencies = {needed}\n')
    if handler:
        (root / "handlers").mkdir(exist_ok=True)
        (root / "handlers" / "inference.py").write_text(handler)
    config = load_config(root)
    config.trained.mkdir(parents=True, exist_ok=True)
    if model is not None:
        joblib.dump(model, config.trained / "model.joblib")
    schema = {"input": {"columns": columns}, "output": {"columns": [{"name": "p"}]}}
    (config.trained / "schema.json").write_text(json.dumps(schema))
    (config.trained / "metrics.json").write_text('{"metrics": {"a": 1.0}}')
    return config


def packed(config: ProjectConfig, sample: list[list[Any]] | None = None) -> Manifest:
    """The project's package; with a sample the staged one has answered it, as the server does."""
    if sample is None:
        return build(config, read_trained(config.trained), BASELINE, Probe())
    with (config.trained / "sample.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows(sample)
    return build(config, read_trained(config.trained), BASELINE, probe)


def test_a_model_that_selects_by_name_gets_a_frame_and_answers(tmp_path: Path) -> None:
    config = project(tmp_path, make_pipeline(by_name(), LogisticRegression()).fit(FRAME, Y), [AGE, FARE, CITY])

    package = packed(config, [[50, 7.5, "Köln"], [20, 5, ""]]).package
    assert package.input.rows == "frame"
    assert package.output.classes == (0, 1)


@pytest.mark.parametrize(
    "wrap", [lambda model: model, lambda model: GridSearchCV(model, {"logisticregression__C": [1.0]}, cv=2)]
)
def test_text_on_its_own_is_given_as_text(tmp_path: Path, wrap: Any) -> None:
    texts = ["good film", "bad film", "great plot", "awful plot"] * 10
    model = wrap(make_pipeline(TfidfVectorizer(), LogisticRegression())).fit(texts, ["good", "bad"] * 20)

    package = packed(
        project(tmp_path, model, [{"name": "text", "dtype": "string"}], needs=""), [["good film"], ["awful"]]
    ).package
    assert (package.input.rows, package.output.classes) == ("texts", ("bad", "good"))


def test_numbers_that_are_taken_as_they_are_stay_an_array(tmp_path: Path) -> None:
    frame = FRAME[["age", "fare"]]

    plain = packed(project(tmp_path / "a", LogisticRegression().fit(frame, Y), [AGE, FARE], needs=""))
    assert plain.package.input.rows == "array"
    numpys = make_pipeline(FunctionTransformer(np.nan_to_num), LogisticRegression()).fit(frame, Y)
    assert packed(project(tmp_path / "b", numpys, [AGE, FARE]), None).package.input.rows == "array"


def test_a_function_that_asks_for_a_frame_gets_one_and_answers(tmp_path: Path) -> None:
    filled = FunctionTransformer(pd.DataFrame.fillna, kw_args={"value": 0})
    model = make_pipeline(filled, LogisticRegression()).fit(FRAME[["age", "fare"]], Y)

    package = packed(project(tmp_path, model, [AGE, {**FARE, "nullable": True}]), [[50, 7.5], [20, ""]]).package
    assert package.input.rows == "frame"
    assert package.output.classes == (0, 1)


@pytest.mark.parametrize(
    ("columns", "code", "words"),
    [
        ([FARE, AGE], "columns-order", "column 1 is 'fare' in schema.json and 'age' in the model"),
        ([AGE, {"name": "price"}], "columns-differ", "the model does not know 'price'; the schema lacks 'fare'"),
        ([AGE], "columns-differ", "the schema lacks 'fare'"),
    ],
)
def test_columns_that_are_not_the_models_are_refused_before_anything_is_built(
    tmp_path: Path, columns: list[dict[str, Any]], code: str, words: str
) -> None:
    config = project(tmp_path, LogisticRegression().fit(FRAME[["age", "fare"]], Y), columns, needs="")

    with pytest.raises(PackageError) as caught:
        packed(config)

    assert (caught.value.code, words in caught.value.cause) == (code, True), caught.value.cause
    assert not config.package.exists()


def test_names_that_differ_in_their_writing_alone_are_the_same_for_a_model_that_takes_an_array(tmp_path: Path) -> None:
    frame = FRAME[["age", "fare"]].rename(columns={"age": "Age (years)", "fare": "Fare"})
    config = project(tmp_path, LogisticRegression().fit(frame, Y), [{"name": "age__years_"}, FARE], needs="")

    assert packed(config).package.input.names == ("age__years_", "fare")


def test_a_model_without_names_has_a_number_of_columns(tmp_path: Path) -> None:
    config = project(tmp_path, Ridge().fit(FRAME[["age", "fare"]].to_numpy(), Y), [AGE], needs="")

    with pytest.raises(PackageError, match="the schema has 1 columns, and the model was trained with 2"):
        packed(config)


def test_a_handler_that_makes_its_own_columns_may_have_others_but_not_the_models_in_another_order(
    tmp_path: Path,
) -> None:
    handler = "def predict_fn(data, model):\n    return model.predict(data)\n"
    model = LogisticRegression().fit(FRAME[["age", "fare"]], Y)

    assert (
        packed(
            project(tmp_path / "a", model, [AGE, {"name": "x"}, {"name": "y"}], handler=handler, needs="")
        ).package.input.rows
        == "array"
    )
    with pytest.raises(PackageError) as caught:
        packed(project(tmp_path / "b", model, [FARE, AGE], handler=handler, needs=""))
    assert caught.value.code == "columns-order"
    reads = "def input_fn(body, kind):\n    return body\n" + handler
    packed(project(tmp_path / "c", model, [FARE, AGE], handler=reads, needs=""))


def test_a_frame_needs_pandas_in_the_package(tmp_path: Path) -> None:
    config = project(
        tmp_path, make_pipeline(by_name(), LogisticRegression()).fit(FRAME, Y), [AGE, FARE, CITY], needs=""
    )

    with pytest.raises(PackageError) as caught:
        packed(config)

    assert caught.value.code == "pandas-missing"


@pytest.mark.parametrize(("value", "missing"), [(np.nan, "nan"), (None, "none"), ("", "empty")])
def test_a_missing_string_is_what_the_encoder_has_seen(tmp_path: Path, value: Any, missing: str) -> None:
    cities = FRAME.city.astype(object).to_numpy().copy()
    cities[:5] = value
    rows = np.column_stack([FRAME.age, cities]).astype(object)
    encoder = ColumnTransformer([("c", OneHotEncoder(), [1])], remainder="passthrough")
    config = project(tmp_path, make_pipeline(encoder, LogisticRegression()).fit(rows, Y), [AGE, CITY], needs="")

    assert packed(config).package.input.columns[1].missing == missing


TRAIN = """
import joblib, json, pathlib
from sklearn.base import BaseEstimator
{definition}
T = pathlib.Path('.fogbank/trained')
T.mkdir(parents=True, exist_ok=True)
joblib.dump(Double(), T / 'model.joblib')
"""
DOUBLE = "class Double(BaseEstimator):\n    def predict(self, X):\n        return X[:, 0] * 2\n"


def test_a_class_of_the_projects_own_travels_with_the_model_or_says_where_it_must_go(tmp_path: Path) -> None:
    from fogbank.project.packaging.training import train

    for name, definition, module in (
        ("a", "from model.parts import Double", "from sklearn.base import BaseEstimator\n" + DOUBLE),
        ("b", DOUBLE, ""),
    ):
        config = project(tmp_path / name, None, [AGE], needs="")
        (config.root / "model").mkdir()
        (config.root / "model" / "__init__.py").touch()
        (config.root / "model" / "parts.py").write_text(module)
        (config.root / "model" / "train.py").write_text(TRAIN.format(definition=definition))
        train(config, Steps(ignore))

    package = packed(load_config(tmp_path / "a"), [[3]]).package
    assert {"code/model/__init__.py", "code/model/parts.py"} <= package.files.keys()
    assert "code/model/train.py" not in package.files
    with pytest.raises(PackageError) as caught:
        packed(load_config(tmp_path / "b"))
    assert caught.value.code == "model-class-unreachable"
    assert "model/train.py line 4" in caught.value.cause
    assert "move Double out of __main__" in caught.value.hint


def test_a_second_file_that_training_left_travels_for_the_handler_that_reads_it(tmp_path: Path) -> None:
    loads = (
        "import joblib\ndef model_fn(d):\n    return joblib.load(d + '/model.joblib'), joblib.load(f'{d}/scale.joblib')\n"
        "def predict_fn(x, m):\n    return x * m[1]\n"
    )
    names = "def predict_fn(x, m):\n    return 'labels.txt'\n"
    model = Ridge().fit([[1.0]], [1.0])
    for name, handler, travels in (
        ("a", loads, {"scale.joblib", "labels.txt"}),
        ("b", names, {"labels.txt"}),
        ("c", "", set()),
    ):
        config = project(tmp_path / name, model, [AGE], handler=handler, needs="")
        joblib.dump(3.0, config.trained / "scale.joblib")
        (config.trained / "labels.txt").write_text("x")
        files = packed(config).package.files.keys()
        assert files & {"scale.joblib", "labels.txt", "schema.json", "sample.csv"} == travels

"""Models from elsewhere become projects that pack: nothing is loaded that may not be, and the answers are the model's."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
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
from fogbank.project.packaging import packing
from fogbank.project.packaging.training import is_due, train
from fogbank.project.scaffolding.adoption import adopt
from fogbank.project.workplace.config import load_config
from fogbank.project.workplace.events import Event, Notice, Steps, ignore

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


def test_a_boosters_wrapper_gets_the_categories_that_its_frame_had(tmp_path: Path) -> None:
    import lightgbm

    frame = FRAME.assign(city=FRAME.city.astype("category"))
    model = lightgbm.LGBMClassifier(n_estimators=3, min_child_samples=1, verbose=-1).fit(frame, LABELS)
    joblib.dump(model, tmp_path / "m.joblib")
    frame.to_csv(tmp_path / "rows.csv", index=False)

    adopt("boost", tmp_path / "m.joblib", tmp_path / "rows.csv", tmp_path / "boost", Steps(ignore), lambda _: True)

    config = load_config(tmp_path / "boost")
    assert "pandas" in (config.root / "requirements.txt").read_text().split()
    manifest = packing.pack(config, Steps(ignore))
    assert manifest.package.input.columns[1].categories == ("Oslo", "Rome")
    assert manifest.package.input.rows == "frame"
    with (config.trained / "baseline.csv").open(newline="") as stream:
        answers = [row[0] for row in list(csv.reader(stream))[1:]]
    assert answers == np.asarray(model.predict(frame)).tolist()


def test_a_graph_with_an_input_for_each_column_gets_them_by_its_names(tmp_path: Path) -> None:
    (tmp_path / "m.onnx").write_bytes(graph_of_columns())
    (tmp_path / "rows.csv").write_text("city,age\nRome,1\nOslo,2.5\n")

    adopt("graph", tmp_path / "m.onnx", tmp_path / "rows.csv", tmp_path / "graph", Steps(ignore), lambda _: False)

    config = load_config(tmp_path / "graph")
    assert (config.trained / "baseline.csv").read_text().split() == [
        "prediction,age,city",
        "11.0,1,Rome",
        "22.5,2.5,Oslo",
    ]
    assert [(column.name, column.dtype) for column in packing.pack(config, Steps(ignore)).package.input.columns] == [
        ("age", "float"),
        ("city", "string"),
    ]
    (tmp_path / "m.onnx").write_bytes(graph_of_columns(width="any"))
    with pytest.raises(PackageError, match="age is not one or more columns of a table") as caught:
        adopt("graph", tmp_path / "m.onnx", None, tmp_path / "again", Steps(ignore), lambda _: False)
    assert caught.value.code == "model-inputs"


def graph_of_columns(width: int | str = 1) -> bytes:
    """A graph as skl2onnx makes it of a DataFrame's pipeline: age plus ten for Rome, twenty for Oslo."""
    from onnx import TensorProto, helper

    age = helper.make_tensor_value_info("age", TensorProto.FLOAT, [None, width])
    city = helper.make_tensor_value_info("city", TensorProto.STRING, [None, 1])
    answer = helper.make_tensor_value_info("answer", TensorProto.FLOAT, [None, 1])
    codes: dict[str, Any] = {"keys_strings": ["Rome", "Oslo"], "values_floats": [10.0, 20.0], "domain": "ai.onnx.ml"}
    nodes = [
        helper.make_node("LabelEncoder", ["city"], ["code"], **codes),
        helper.make_node("Add", ["age", "code"], ["answer"]),
    ]
    versions = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)]
    graph = helper.make_graph(nodes, "columns", [age, city], [answer])
    return bytes(helper.make_model(graph, opset_imports=versions, ir_version=9).SerializeToString())


def image_graph(shape: list[int | str], perm: list[int]) -> bytes:
    """A graph of images: the mean of each channel, which `perm` brings to the front."""
    from onnx import TensorProto, helper

    given = helper.make_tensor_value_info("image", TensorProto.FLOAT, shape)
    answer = helper.make_tensor_value_info("means", TensorProto.FLOAT, None)
    nodes = [
        helper.make_node("Transpose", ["image"], ["front"], perm=perm),
        helper.make_node("ReduceMean", ["front"], ["means"], axes=[2, 3], keepdims=0),
    ]
    graph = helper.make_graph(nodes, "images", [given], [answer])
    return bytes(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9).SerializeToString()
    )


def test_a_graph_of_images_gets_a_handler_that_answers_as_the_graph_does(tmp_path: Path) -> None:
    (tmp_path / "m.onnx").write_bytes(image_graph(["batch", 3, 2, 2], [0, 1, 2, 3]))

    adopt("eye", tmp_path / "m.onnx", None, tmp_path / "eye", Steps(ignore), lambda _: False)

    assert (tmp_path / "eye" / "requirements.txt").read_text() == "numpy\nonnxruntime\npillow\n"
    handler: dict[str, Any] = {}
    exec((tmp_path / "eye" / "handlers" / "inference.py").read_text(), handler)  # noqa: S102 - what was just written
    model = handler["model_fn"](str(tmp_path / "eye" / "model"))
    numbers = G.random((2, 3, 2, 2)).astype(np.float32)
    answer = handler["predict_fn"](handler["input_fn"](json.dumps(numbers.tolist()), "application/json"), model)
    assert np.allclose(answer, numbers.mean(axis=(2, 3)))
    for shape in ([1, 3, 4, 4], [1, 4, 4, 3], [1, 1, 4, 4]):
        assert list(handler["prepared"](Shades(3), shape).shape) == shape


class Shades:
    """An image as Pillow has them, as far as the handler asks: so many channels of equal shades."""

    def __init__(self, depth: int, size: tuple[int, int] = (9, 9)) -> None:
        self.depth, self.size = depth, size

    def resize(self, size: tuple[int, int]) -> Shades:
        return Shades(self.depth, size)

    def convert(self, mode: str) -> Any:
        width, height = self.size
        return np.full((height, width) if mode == "L" else (height, width, 3), 128, np.uint8)


@pytest.mark.parametrize("shape", [["batch", "time", 3], ["batch", 3, "high", "wide"], [1, 5, 8, 8]])
def test_a_graph_that_takes_neither_rows_nor_images_of_one_size_says_what_it_takes(
    tmp_path: Path, shape: list[int | str]
) -> None:
    (tmp_path / "m.onnx").write_bytes(image_graph(shape, list(range(len(shape)))))
    with pytest.raises(PackageError, match=" x ".join(map(str, shape))) as caught:
        adopt("eye", tmp_path / "m.onnx", None, tmp_path / "eye", Steps(ignore), lambda _: False)
    assert caught.value.code == "model-inputs"


OWN = """
class Fit:
    def __init__(self):
        self.model = type(self)
    formula = "y ~ a"
    def predict(self, frame):
        return frame["a"] * 2
"""


def test_a_class_of_ones_own_travels_also_from_a_relative_path_and_a_formula_takes_a_frame(
    tmp_path: Path, own_modules: Path
) -> None:
    (own_modules / "rows.csv").write_text("a\n1\n2.5\n")
    relative = Path(os.path.relpath(own_modules / "m.pkl"))

    adopt("own", relative, own_modules / "rows.csv", tmp_path / "own", Steps(ignore), lambda _: True)

    assert (tmp_path / "own" / "ownfit.py").read_text() == OWN
    assert (tmp_path / "own" / "model" / "baseline.csv").read_text().split() == ["prediction,a", "2.0,1", "5.0,2.5"]


@pytest.fixture
def own_modules(tmp_path: Path) -> Path:
    """A pickle of a class whose module lies beside it, made by a process of its own."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    (folder / "ownfit.py").write_text(OWN)
    code = "import pickle, ownfit; pickle.dump(ownfit.Fit(), open('m.pkl', 'wb'))"
    subprocess.run([sys.executable, "-c", code], cwd=folder, check=True)
    return folder


def test_what_a_module_of_ones_own_imports_is_declared_with_it(tmp_path: Path, own_modules: Path) -> None:
    """The pickle names the module alone; what that takes, its file says."""
    module = own_modules / "ownfit.py"
    module.write_text(f"import numpy\nfrom own_deep import X\n{module.read_text()}")
    (own_modules / "own_deep.py").write_text(
        "import joblib\ntry:\n    import torch\nexcept ImportError:\n    torch = None\nX = 1\n"
    )
    (own_modules / "rows.csv").write_text("a\n1\n2.5\n")

    adopt("own", own_modules / "m.pkl", own_modules / "rows.csv", tmp_path / "own", Steps(ignore), lambda _: True)

    config = load_config(tmp_path / "own")
    assert {"numpy", "joblib"} <= set(config.dependencies)
    assert "torch" not in config.dependencies
    packing.pack(config, Steps(ignore))


def test_what_a_model_says_of_a_sample_that_it_cannot_take_is_told_on_one_line(
    tmp_path: Path, own_modules: Path
) -> None:
    (own_modules / "ownfit.py").write_text(
        OWN.replace("return", 'raise ValueError("no such column\\n  y ~ a\\n      ^"); return')
    )
    (own_modules / "rows.csv").write_text("a\n1\n")

    with pytest.raises(PackageError, match="ValueError: no such column y ~ a") as caught:
        adopt("own", own_modules / "m.pkl", own_modules / "rows.csv", tmp_path / "own", Steps(ignore), lambda _: True)

    assert "^" not in caught.value.cause


def test_a_program_that_says_nothing_of_its_columns_asks_for_rows(tmp_path: Path) -> None:
    import zipfile

    with zipfile.ZipFile(tmp_path / "m.pt2", "w") as archive:
        archive.writestr("m/models/model.json", "{}")
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

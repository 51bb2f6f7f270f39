"""Files of each kind, made by their libraries where these are there: what is seen is what the library wrote."""

from __future__ import annotations

import json
import pickle
import zipfile
from pathlib import Path

import joblib
import lightgbm
import numpy as np
import onnx
import pandas as pd
import pytest
import skops.io
import xgboost
from sklearn import __version__ as sklearn_version
from sklearn.linear_model import LogisticRegression, Ridge

from fogbank.contracts.errors import PackageError
from fogbank.pack.look import look_at

G = np.random.default_rng(0)
FRAME = pd.DataFrame({"age": G.normal(size=40), "fare": G.normal(size=40)})
LABELS = np.where(FRAME.age > 0, "yes", "no")


def test_a_pickle_says_library_version_names_and_labels(tmp_path: Path) -> None:
    for name, dump in (
        ("m.joblib", joblib.dump),
        ("m.pkl", lambda model, path: path.write_bytes(pickle.dumps(model, protocol=4))),
    ):
        dump(LogisticRegression().fit(FRAME, LABELS), tmp_path / name)
        look = look_at(tmp_path / name)

        assert (look.file, look.kind, look.runs_code) == ("model.joblib", "joblib", True)
        assert (look.names, look.width, look.classes) == (("age", "fare"), 2, ("no", "yes"))
        assert look.versions == {"scikit-learn": sklearn_version}
        assert look.needs == ("joblib", "numpy", "scikit-learn")
        assert look.requirements == ("numpy>=2",)
        assert look.foreign == ()


def test_numpy_1_and_modules_that_nobody_knows_are_told(tmp_path: Path) -> None:
    data = b"\x80\x02cnumpy.core.multiarray\n_reconstruct\nq\x00cmy_features\nScale\nq\x01c__main__\nClean\nq\x02\x87q\x03."
    (tmp_path / "m.pkl").write_bytes(data)
    look = look_at(tmp_path / "m.pkl")
    assert look.requirements == ("numpy<2",)
    assert look.foreign == ("__main__.Clean", "my_features")


def test_skops_says_the_class_and_the_version(tmp_path: Path) -> None:
    skops.io.dump(Ridge().fit(FRAME, FRAME.age), tmp_path / "m.skops")
    look = look_at(tmp_path / "m.skops")
    assert (look.file, look.versions, look.runs_code) == ("model.skops", {"scikit-learn": sklearn_version}, False)
    assert "Ridge" in look.what


def test_boosters_say_their_columns(tmp_path: Path) -> None:
    model = xgboost.XGBClassifier(n_estimators=2).fit(FRAME, LABELS == "yes")
    model.save_model(tmp_path / "m.json")
    model.save_model(tmp_path / "m.ubj")
    booster = lightgbm.LGBMRegressor(n_estimators=2, min_child_samples=1, verbose=-1).fit(FRAME, FRAME.age)
    booster.booster_.save_model(tmp_path / "m.txt")
    nameless = lightgbm.LGBMRegressor(n_estimators=2, min_child_samples=1, verbose=-1).fit(FRAME.to_numpy(), FRAME.age)
    nameless.booster_.save_model(tmp_path / "n.txt")

    text = look_at(tmp_path / "m.json")
    assert (text.file, text.names, text.width) == ("model.json", ("age", "fare"), 2)
    assert "binary:logistic" in text.what
    assert look_at(tmp_path / "m.ubj").file == "model.ubj"
    assert look_at(tmp_path / "m.txt").names == ("age", "fare")
    assert (look_at(tmp_path / "n.txt").names, look_at(tmp_path / "n.txt").width) == ((), 2)


def test_a_graph_says_its_width_and_who_made_it(tmp_path: Path) -> None:
    value = onnx.helper.make_tensor_value_info
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("Identity", ["x"], ["y"])], "g",
        [value("x", onnx.TensorProto.FLOAT, [None, 3])], [value("y", onnx.TensorProto.FLOAT, [None, 3])],
    )  # fmt: skip
    onnx.save(onnx.helper.make_model(graph, producer_name="somewhere"), str(tmp_path / "m.onnx"))
    look = look_at(tmp_path / "m.onnx")
    assert (look.kind, look.width) == ("onnx", 3)
    assert "somewhere" in look.what


@pytest.mark.parametrize(
    ("members", "file", "handler"),
    [
        (["m/models/model.json", "m/archive_format"], "model.pt2", "torch_export"),
        (["serialized_exported_program.json", "version"], "model.pt2", "torch_export"),
        (["m/code/__torch__.py", "m/constants.pkl", "m/data.pkl"], "model.pt", "torch_script"),
    ],
)
def test_programs_of_torch_are_told_apart(tmp_path: Path, members: list[str], file: str, handler: str) -> None:
    with zipfile.ZipFile(tmp_path / "m.pt2", "w") as archive:
        for member in members:
            archive.writestr(member, "{}")
    look = look_at(tmp_path / "m.pt2")
    assert (look.file, look.handler, look.kind) == (file, handler, "handler")


def test_keras_says_its_version_and_width(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "m.keras", "w") as archive:
        archive.writestr("metadata.json", json.dumps({"keras_version": "3.9.0"}))
        archive.writestr(
            "config.json", json.dumps({"class_name": "Sequential", "build_config": {"input_shape": [None, 4]}})
        )
    look = look_at(tmp_path / "m.keras")
    assert (look.versions, look.width, look.handler) == ({"keras": "3.9.0"}, 4, "keras")


def test_catboosts_own_format_is_told_by_how_it_begins(tmp_path: Path) -> None:
    (tmp_path / "m.cbm").write_bytes(b"CBM1\x00")
    assert (look_at(tmp_path / "m.cbm").kind, look_at(tmp_path / "m.cbm").needs) == ("catboost", ("catboost", "pandas"))
    (tmp_path / "m.cbm").write_bytes(b"{}")
    with pytest.raises(PackageError, match="does not begin as CatBoost"):
        look_at(tmp_path / "m.cbm")

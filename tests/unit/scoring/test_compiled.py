"""What a compiled model answers: its plan's methods and no others, sums in the trees' order, rows that it does not take."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, Ridge

from fogbank.pack.convert import convert
from fogbank.scoring import Leaves, RefusedError, load_compiled
from fogbank.scoring.compiled import CELLS, total

GENERATOR = np.random.default_rng(0)
ROWS = np.round(GENERATOR.uniform(0, 10, (200, 3)), 1)
LABELS = np.where(ROWS[:, 0] > ROWS[:, 1], "yes", "no")


@pytest.mark.parametrize(
    ("rows", "trees", "width", "groups"), [(1, 100, 1, 1), (7, 30, 3, 1), (40, 60, 1, 3), (3, 1, 2, 1)]
)
def test_leaves_are_added_up_one_tree_after_the_other(rows: int, trees: int, width: int, groups: int) -> None:
    leaves = Leaves(
        values=GENERATOR.normal(size=(500, width)) * 10.0 ** GENERATOR.integers(-9, 9, (500, 1)), groups=groups
    )
    places = GENERATOR.integers(0, 500, (rows, trees)).astype(np.float64)

    expected = np.zeros((rows, width * groups))
    for row in range(rows):
        for tree in range(trees):
            start = tree % groups * width
            expected[row, start : start + width] += leaves.values[int(places[row, tree])]
    np.testing.assert_array_equal(total(leaves, places), expected)


def test_many_rows_are_added_up_in_pieces() -> None:
    leaves = Leaves(values=GENERATOR.normal(size=(50, 2)))
    places = GENERATOR.integers(0, 50, (CELLS // 40, 30)).astype(np.float64)

    np.testing.assert_array_equal(total(leaves, places)[-5:], total(leaves, places[-5:]))


def test_it_has_the_methods_and_the_words_of_its_model() -> None:
    forest = load_compiled(convert(RandomForestClassifier(3).fit(ROWS, LABELS)).onnx)
    ridge = load_compiled(convert(Ridge().fit(ROWS, ROWS[:, 0])).onnx)

    assert forest.classes_.tolist() == ["no", "yes"]
    assert (forest.n_features_in_, ridge.n_features_in_) == (3, 3)
    assert {name for name in ("predict", "predict_proba", "decision_function") if hasattr(forest, name)} == {
        "predict",
        "predict_proba",
    }
    assert not hasattr(ridge, "predict_proba")
    assert not hasattr(ridge, "classes_")
    with pytest.raises(AttributeError, match="coef_"):
        _ = ridge.coef_


def test_rows_of_other_types_are_what_scikit_learn_makes_of_them() -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(ROWS, columns=["a", "b", "c"])
    model = LogisticRegression().fit(frame, LABELS)
    compiled = load_compiled(convert(model).onnx)

    for rows in (frame, ROWS.tolist(), ROWS.astype(np.float32), np.asfortranarray(ROWS), ROWS.astype(int)):
        expected = model.predict(frame.__class__(np.asarray(rows), columns=frame.columns))
        np.testing.assert_array_equal(compiled.predict(rows), expected)
    assert compiled.feature_names_in_.tolist() == ["a", "b", "c"]
    for wrong in (frame[["b", "a", "c"]], ROWS[:, :2], ROWS[:0], ROWS[0], [["x", 1, 2]]):
        with pytest.raises(ValueError, match=r"columns|table|float"):
            compiled.predict(wrong)


def test_a_row_that_the_model_refuses_is_named_with_its_columns() -> None:
    compiled = load_compiled(convert(LogisticRegression().fit(ROWS, LABELS)).onnx)
    rows = ROWS[:5].copy()
    rows[3, 1] = np.nan

    with pytest.raises(RefusedError) as caught:
        compiled.predict_proba(rows)

    assert (caught.value.row, caught.value.columns) == (3, (1,))
    assert str(caught.value.named(["a", "b", "c"])).startswith("row 4, column 'b': the model does not take it")


def test_a_file_of_somebody_elses_is_none_of_ours() -> None:
    from onnx import TensorProto, helper

    node = helper.make_node("Identity", ["x"], ["y"])
    given, made = (helper.make_tensor_value_info(name, TensorProto.DOUBLE, [None, 2]) for name in "xy")
    model = helper.make_model(
        helper.make_graph([node], "g", [given], [made]), opset_imports=[helper.make_opsetid("", 18)], ir_version=10
    )

    with pytest.raises(ValueError, match="no plan"):
        load_compiled(model.SerializeToString())

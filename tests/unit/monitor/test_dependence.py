"""Partial dependence is scikit-learn's by its method brute, in the schema of Clarify's analysis.json; what cannot be asked says why."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import RandomForestRegressor
from sklearn.inspection import partial_dependence as sklearns

from fogbank.contracts.clarify import PdpConfig, PredictorConfig, ShapConfig, read_shap_config
from fogbank.contracts.clarify_document import ClarifyConfigError
from fogbank.monitor.clarify_report import report
from fogbank.monitor.dataset import Aside, DatasetError
from fogbank.monitor.dependence import UNSUPPORTED, partial_dependence
from fogbank.monitor.explain import explained
from fogbank.monitor.facets import Table


@pytest.fixture(scope="module")
def fitted() -> tuple[RandomForestRegressor, np.ndarray]:
    """A model of two measures and a category of 0, 1 and 2."""
    g = np.random.default_rng(0)
    rows = np.column_stack([g.normal(size=(300, 2)), g.integers(0, 3, 300)])
    truth = rows[:, 0] ** 2 + rows[:, 1] * rows[:, 2]
    return RandomForestRegressor(20, random_state=0).fit(rows, truth), rows


def table(rows: np.ndarray) -> Table:
    names = ("a", "b", "kind")
    return Table({name: [repr(float(value)) for value in column] for name, column in zip(names, rows.T, strict=True)})


def test_averages_are_scikit_learns(fitted: tuple[RandomForestRegressor, np.ndarray]) -> None:
    model, rows = fitted
    found = partial_dependence(
        table(rows), PdpConfig(features=["a", 1, "kind", "a"], grid=7), lambda asked: model.predict(asked.astype(float))
    )

    assert [own["feature_name"] for own in found] == ["a", "b", "kind"]
    assert [own["data_type"] for own in found] == ["numerical", "numerical", "categorical"]
    for number, own in enumerate(found):
        grid = {number: np.array(own["feature_values"])}
        expected = sklearns(model, rows, [number], method="brute", kind="average", custom_values=grid)["average"][0]
        assert own["model_predictions"] == [pytest.approx(expected.tolist(), abs=1e-12)]
        assert sum(own["data_distribution"]) == pytest.approx(1.0)


def test_numbers_are_asked_at_the_middles_of_buckets() -> None:
    # as the Developer Guide's example of ages from 19 to 75 has it: 20 buckets of 2.8 begin with the middle 20.4
    ages = Table({"Age": [str(19 + number * 0.1) for number in range(561)]})
    [own] = partial_dependence(ages, PdpConfig(features=["Age"], grid=20), lambda rows: np.zeros(len(rows)))

    assert own["feature_values"][:3] == pytest.approx([20.4, 23.2, 26.0])
    assert own["feature_values"][-1] == pytest.approx(73.6)


@pytest.mark.parametrize(
    ("cells", "kind", "values", "shares"),
    [
        (["m", "f", "m", ""], "categorical", ["f", "m"], [1 / 3, 2 / 3]),
        (["10", "9", "10", "10"], "categorical", [9.0, 10.0], [0.25, 0.75]),
        (["1.5", "1.5"], "numerical", [1.5, 1.5, 1.5], [0.0, 0.0, 1.0]),
        (["é\u2028", "<b>", "inf"], "categorical", ["<b>", "inf", "é\u2028"], [1 / 3] * 3),
    ],
)
def test_values_by_the_kind_of_a_column(cells: list[str], kind: str, values: list[Any], shares: list[float]) -> None:
    [own] = partial_dependence(Table({"x": cells}), PdpConfig(features=["x"], grid=3), lambda rows: np.ones(len(rows)))

    assert (own["data_type"], own["feature_values"]) == (kind, values)
    if cells != ["1.5", "1.5"]:
        assert own["data_distribution"] == pytest.approx(shares)
    assert own["model_predictions"] == [[1.0] * len(values)]


@pytest.mark.parametrize("cells", [[f"text {number}" for number in range(101)], ["", ""]])
def test_free_text_and_nothing_at_all_say_that_they_cannot_be_asked(cells: list[str]) -> None:
    found = partial_dependence(Table({"x": cells}), PdpConfig(features=["x"]), lambda rows: np.ones(len(rows)))

    assert found == [{"feature_name": "x", "data_type": "free_text", "error": UNSUPPORTED}]


def test_a_feature_that_is_not_there_is_named() -> None:
    with pytest.raises(DatasetError, match="there is no column 'y'; there are x"):
        partial_dependence(Table({"x": ["1"]}), PdpConfig(features=["y"]), lambda rows: np.ones(len(rows)))


def test_of_many_rows_some_are_asked_evenly_out_of_all() -> None:
    asked = list[np.ndarray]()

    def score(rows: np.ndarray) -> np.ndarray:
        asked.append(rows)
        return rows[:, 1].astype(float)

    numbers = [str(number) for number in range(20_000)]
    [own] = partial_dependence(Table({"x": ["a"] * 20_000, "y": numbers}), PdpConfig(features=["x"]), score)

    assert len(asked[0]) == 5000
    assert own["model_predictions"][0] == [pytest.approx(9999.5, rel=1e-3)]


def test_without_features_those_with_the_largest_values_are_asked() -> None:
    config = ShapConfig(predictor=PredictorConfig(model="m"), headers=("n", "s", "t"), pdp=PdpConfig(top=2))
    rows = Table({"n": ["1.5", "3.5"], "s": ["0", "1"], "t": ["5.5", "9.5"]})

    found = explained(rows, config, lambda asked: asked[:, 0].astype(float) - 3 * asked[:, 2].astype(float))

    assert found["kernel_shap"]["label0"]["global_shap_values"].keys() == {"n", "s", "t"}
    assert [own["feature_name"] for own in found["pdp"]] == ["t", "n"]


def test_dependence_alone_has_no_shap_values() -> None:
    config = ShapConfig(
        predictor=PredictorConfig(model="m"), headers=("n",), valued=False, pdp=PdpConfig(features=["n"])
    )
    assert explained(Table({"n": ["1"]}), config, lambda rows: np.ones(len(rows))).keys() == {"pdp"}


@pytest.mark.parametrize(
    ("methods", "reason"),
    [
        ({"pdp": {}}, "methods.pdp needs features, or methods.shap"),
        ({"pdp": {"features": [True]}}, "methods.pdp.features must be the name or the index of a column, not True"),
        ({"pdp": {"features": ["a"], "grid_resolution": 0}}, "grid_resolution must be a whole number from 1 on, not 0"),
        ({"pdp": {"features": ["a"], "top_k_features": "10"}}, "top_k_features must be a whole number from 1 on"),
        ({"pdp": {"features": ["a"], "grid": 3}}, "methods.pdp.grid is not supported here"),
        ({"report": {}}, "needs methods.shap"),
    ],
)
def test_configurations_that_are_not_right(methods: dict[str, Any], reason: str) -> None:
    body = json.dumps({"headers": ["a"], "predictor": {"model_name": "m"}, "methods": methods}).encode()

    with pytest.raises(ClarifyConfigError, match=reason):
        read_shap_config(body)


def test_the_sdks_defaults_are_taken() -> None:
    body = json.dumps({"headers": ["a"], "predictor": {"model_name": "m"}, "methods": {"pdp": {"features": ["a", 1]}}})

    config = read_shap_config(body.encode())

    assert (config.valued, config.pdp) == (False, PdpConfig(features=["a", 1], grid=15, top=10))


def test_the_report_shows_each_dependence(tmp_path: Path) -> None:
    names = ["measure", "<kind>", "words"]
    columns = [[str(number / 7) for number in range(200)], ["a", "b"] * 100, [f"w{number}" for number in range(200)]]
    found = partial_dependence(
        Table(dict(zip(names, columns, strict=True))), PdpConfig(features=names), lambda rows: np.array([len(str(row)) for row in rows], float)
    )  # fmt: skip
    page = report("PDP", {"explanations": {"pdp": found}}, Aside())

    assert page.count("<polyline") == 1
    assert "Dependence on <b>&lt;kind&gt;</b> (values of a categorical column)" in page
    assert f"<b>words</b>: {UNSUPPORTED}." in page

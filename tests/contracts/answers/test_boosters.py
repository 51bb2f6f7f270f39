"""XGBoost's and LightGBM's files answer as the model that was trained: best iteration, boosters, categories of a DataFrame."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import pandas as pd
import pytest
import xgboost

from fogbank.pack.examine import examine, predictions
from fogbank.scoring.boosters import frame_categories, lightgbm_model, xgboost_model

GENERATOR = np.random.default_rng(0)
ROWS = np.round(GENERATOR.uniform(0, 10, (300, 3)), 1)
LABELS = (ROWS[:, 0] + GENERATOR.normal(0, 3, 300) > ROWS[:, 1]).astype(int)
HOLES = np.where(GENERATOR.random(ROWS.shape) < 0.1, np.nan, ROWS)
FRAME = pd.DataFrame(
    {
        "size": GENERATOR.normal(size=300),
        "city": pd.Categorical(GENERATOR.choice(["rome", "oslo", "bern"], 300)),
        "code": pd.Categorical(GENERATOR.choice([10, 20, 30], 300)),
    }
)
CITIES = ((FRAME.city == "oslo") ^ (FRAME.code == 20)).astype(int).to_numpy()


@pytest.mark.parametrize("name", ["model.ubj", "model.json"])
@pytest.mark.parametrize("booster", ["gbtree", "dart", "gblinear"])
def test_after_early_stopping_the_best_iteration_answers(tmp_path: Path, booster: str, name: str) -> None:
    settings: dict[str, Any] = {"rate_drop": 0.5} if booster == "dart" else {}
    model = xgboost.XGBClassifier(
        n_estimators=60, booster=booster, learning_rate=0.5, early_stopping_rounds=5, base_score=0.3, **settings
    )
    model.fit(ROWS[:150], LABELS[:150], eval_set=[(ROWS[150:], LABELS[150:])], verbose=False)
    model.save_model(tmp_path / name)

    answer = xgboost_model(tmp_path / name).predict(HOLES)

    np.testing.assert_array_equal(answer, np.asarray(model.predict_proba(HOLES))[:, 1].astype(np.float64))
    assert model.get_booster().num_boosted_rounds() > model.best_iteration + 1


@pytest.mark.parametrize("objective", ["multi:softprob", "reg:squarederror", "count:poisson", "binary:hinge"])
def test_an_objectives_answer_is_the_boosters_own(tmp_path: Path, objective: str) -> None:
    several = {"num_class": 3} if objective == "multi:softprob" else {}
    labels = LABELS + (ROWS[:, 2] > 8) * (objective == "multi:softprob")
    booster = xgboost.train({"objective": objective, **several}, xgboost.DMatrix(ROWS, labels), 5)
    booster.save_model(tmp_path / "model.ubj")

    np.testing.assert_allclose(
        xgboost_model(tmp_path / "model.ubj").predict(HOLES), booster.predict(xgboost.DMatrix(HOLES)), rtol=1e-6
    )


def test_categories_of_a_frame_are_what_training_made_of_them(tmp_path: Path) -> None:
    asked = FRAME.head(20).copy()
    asked["city"] = pd.Categorical([*asked.city[:-3], "paris", None, "oslo"])
    cells = asked.astype(object).to_numpy()
    trees = xgboost.XGBClassifier(n_estimators=10, enable_categorical=True).fit(FRAME, CITIES)
    light = lightgbm.LGBMClassifier(n_estimators=10, verbose=-1).fit(FRAME, CITIES)
    trees.save_model(tmp_path / "model.json")
    light.booster_.save_model(tmp_path / "model.txt")

    for served, model in (
        (xgboost_model(tmp_path / "model.json"), trees),
        (lightgbm_model(tmp_path / "model.txt"), light),
    ):
        np.testing.assert_allclose(served.predict(cells), np.asarray(model.predict_proba(asked))[:, 1], rtol=1e-6)
        np.testing.assert_allclose(served.predict(asked), np.asarray(model.predict_proba(asked))[:, 1], rtol=1e-6)
        assert served.feature_names_in_.tolist() == ["size", "city", "code"]


def test_words_that_xgboost_does_not_keep_whole_are_refused_and_codes_are_taken(tmp_path: Path) -> None:
    """XGBoost 3.2 keeps Köln, New York and Paris as Köl, nNew Yor and kPari: a request's word would be missing without a word."""
    frame = pd.DataFrame({"city": pd.Categorical(["Köln", "New York", "Paris"] * 20)})
    model = xgboost.XGBClassifier(n_estimators=5, enable_categorical=True).fit(frame, [0, 1, 1] * 20)
    model.save_model(tmp_path / "model.ubj")
    served = xgboost_model(tmp_path / "model.ubj")

    with pytest.raises(ValueError, match="'Paris' cannot be looked up"):
        served.predict(np.array([["Paris"]], dtype=object))
    codes = np.array([[0.0], [1.0], [2.0], [np.nan]])
    np.testing.assert_allclose(served.predict(codes)[:3], model.predict_proba(frame.head(3))[:, 1], rtol=1e-6)
    assert frame_categories(model) == {}, "no words are made up"


def test_codes_of_words_stay_codes(tmp_path: Path) -> None:
    model = xgboost.XGBClassifier(n_estimators=10, enable_categorical=True).fit(FRAME[["size", "city"]], CITIES)
    model.save_model(tmp_path / "model.ubj")
    codes = np.column_stack([FRAME["size"], FRAME.city.cat.codes])

    np.testing.assert_allclose(
        xgboost_model(tmp_path / "model.ubj").predict(codes),
        model.predict_proba(FRAME[["size", "city"]])[:, 1],
        rtol=1e-6,
    )


def test_lightgbm_stops_where_training_did(tmp_path: Path) -> None:
    model = lightgbm.LGBMClassifier(n_estimators=200, learning_rate=0.5, verbose=-1)
    model.fit(
        ROWS[:150],
        LABELS[:150],
        eval_X=ROWS[150:],
        eval_y=LABELS[150:],
        callbacks=[lightgbm.early_stopping(5, verbose=False)],
    )
    model.booster_.save_model(tmp_path / "model.txt")

    np.testing.assert_array_equal(
        lightgbm_model(tmp_path / "model.txt").predict(HOLES), np.asarray(model.predict_proba(HOLES))[:, 1]
    )


def test_rows_that_do_not_fit_are_an_error_in_a_line(tmp_path: Path) -> None:
    xgboost.XGBRegressor(n_estimators=2).fit(ROWS, LABELS).save_model(tmp_path / "model.ubj")
    model = xgboost_model(tmp_path / "model.ubj")

    with pytest.raises(ValueError, match=r"shape \(300, 2\); the model takes 3 columns"):
        model.predict(ROWS[:, :2])
    with pytest.raises(ValueError, match="could not convert"):
        model.predict(np.array([["x", 1.0, 2.0]], dtype=object))


@pytest.mark.parametrize(
    "model",
    [
        xgboost.XGBClassifier(n_estimators=3, enable_categorical=True),
        lightgbm.LGBMClassifier(n_estimators=3, min_child_samples=1, verbose=-1),
    ],
    ids=["xgboost", "lightgbm"],
)
def test_a_wrapper_is_asked_with_the_categories_of_its_frame(model: Any) -> None:
    model.fit(FRAME, CITIES)
    dtypes = ["float", "category", "category"]
    said = examine(model, dtypes)
    columns = [{"name": name, "dtype": dtype} for name, dtype in zip(FRAME.columns, dtypes, strict=True)]
    cells = [[str(cell) for cell in row] for row in FRAME.itertuples(index=False)]

    answers = predictions(model, {"kind": "joblib", "cells": cells, "columns": columns}, said)

    assert said["categories"] == {"city": ["bern", "oslo", "rome"], "code": [10, 20, 30]}
    assert [answer[0] for answer in answers] == model.predict(FRAME).tolist()

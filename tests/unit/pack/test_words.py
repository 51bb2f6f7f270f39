"""Words that go to encoders have codes, and the trained model stays as it is; tests/contracts/answers asks the compiled ones."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from fogbank.pack.examine import examine
from fogbank.pack.graph import UnsupportedError
from fogbank.pack.words import worded

G = np.random.default_rng(0)
FRAME = pd.DataFrame(
    {
        "age": G.uniform(18, 90, 120).round(1),
        "city": G.choice(["Rome", "Oslo", "Lima"], 120),
        "tier": G.choice(["a", "b"], 120),
    }
)


def test_words_that_go_elsewhere_than_to_an_encoder_have_no_codes() -> None:
    counted = ColumnTransformer([("t", CountVectorizer(), "city")], remainder="drop")
    with pytest.raises(UnsupportedError, match="CountVectorizer takes words"):
        worded(make_pipeline(counted, Ridge()).fit(FRAME, np.arange(120.0)), [1, 2], {1: "nan", 2: "nan"})


def test_the_model_that_was_trained_is_left_as_it_is() -> None:
    model = make_pipeline(ColumnTransformer([("c", OneHotEncoder(), ["city"])]), Ridge()).fit(FRAME, np.arange(120.0))
    right = model.predict(FRAME)

    own = worded(model, [1, 2], {1: "nan", 2: "nan"})

    assert own.words == {1: ("Lima", "Oslo", "Rome"), 2: ()}
    np.testing.assert_array_equal(model.predict(FRAME), right)
    coded = own.codes(np.array([[1.0, 2.0, 0.0], [1.0, np.inf, np.nan]]))
    np.testing.assert_array_equal(coded, [[1.0, 2.0, -1.0], [1.0, -1.0, np.nan]])


def test_a_pipeline_says_which_of_its_columns_hold_words() -> None:
    prepared = ColumnTransformer([("c", OneHotEncoder(), ["city"]), ("n", "passthrough", ["age"])])
    model = make_pipeline(prepared, Ridge()).fit(FRAME.fillna(0), np.arange(120.0))

    assert examine(model, ["float", "float", "float"])["words"] == ["city"]

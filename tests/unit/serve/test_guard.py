"""What a model raises about a caller's rows is the caller's error, with the row; what it raises otherwise is not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from fogbank.scoring import RefusedError
from fogbank.serve.guard import Guarded, blamed

ROWS = np.array([[1.0, 2.0], [3.0, np.nan], [5.0, 6.0]])
MODEL = LogisticRegression().fit([[0.0, 1.0], [1.0, 0.0]], [0, 1])


def test_the_row_is_named_whoever_the_model_is() -> None:
    with pytest.raises(RefusedError, match=r"^row 2, column 'b': the model does not take it: Input X contains NaN\.$"):
        Guarded(MODEL.predict, ["a", "b"])(ROWS)
    assert Guarded(MODEL.predict, ())(ROWS[:1]).tolist() == MODEL.predict(ROWS[:1]).tolist()


def test_what_no_row_is_to_blame_for_is_raised_as_it_is() -> None:
    def broken(rows: Any) -> Any:
        if len(rows) > 1:
            raise ValueError("one at a time")
        return rows

    with pytest.raises(ValueError, match=r"^one at a time$"):
        Guarded(broken, ())(ROWS)
    with pytest.raises(ValueError, match=r"^not a table$"):
        Guarded(lambda _: (_ for _ in ()).throw(ValueError("not a table")), ())("text")


def test_a_library_that_works_in_place_gets_rows_of_its_own() -> None:
    def in_place(rows: Any) -> Any:
        rows *= 2
        return rows[:, 0]

    rows = ROWS.copy()
    rows.flags.writeable = False

    assert Guarded(in_place, ())(rows).tolist() == [2.0, 6.0, 10.0]
    assert rows[0, 0] == 1.0


def test_a_users_function_is_not_the_model() -> None:
    def predict(rows: Any) -> Any:
        return MODEL.predict(rows)

    def wrong(_: Any) -> Any:
        raise ValueError("my own")

    said = []
    for ask in (predict, wrong):
        with pytest.raises(ValueError, match=r"NaN|my own") as caught:
            ask(ROWS)
        said.append(str(blamed(ask, ROWS, MODEL, ["a", "b"], caught.value)))
    assert said == ["row 2, column 'b': the model does not take it: Input X contains NaN.", "my own"]

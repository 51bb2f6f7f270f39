from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from fogbank.scoring.refusal import RefusedError, accepted_rows, first_refused, refusal

ROWS = np.arange(300.0).reshape(100, 3)
NAMES = ("a", "b", "c")


class Picky:
    """Refuses rows whose second cell is among `unknown`, without a word on which; counts how often it is asked."""

    def __init__(self, *unknown: float) -> None:
        self.unknown, self.calls = unknown, 0

    def __call__(self, rows: Any) -> Any:
        self.calls += 1
        if np.isin(np.asarray(rows)[:, 1].astype(float), self.unknown).any():
            raise ValueError("found unknown categories\nand more")
        return np.zeros(len(rows))


def test_the_row_is_found_by_halves_and_the_column_by_mending_it() -> None:
    model = Picky(ROWS[70, 1], ROWS[90, 1])

    refused = refusal(model, ROWS, NAMES, ValueError("found unknown categories\nand more"))

    assert refused is not None
    assert (refused.row, refused.columns) == (70, (1,))
    assert str(refused) == "row 71, column 'b': the model does not take it: found unknown categories"
    assert model.calls < 25


def test_cells_that_are_strange_are_named_first() -> None:
    rows = ROWS.copy()
    rows[5] = [np.nan, 1e39, 2.0]

    def takes_finite_singles(part: Any) -> None:
        if not (np.abs(part) < 3.4e38).all():
            raise ValueError("Input X contains NaN.")

    refused = refusal(takes_finite_singles, rows, NAMES, ValueError("Input X contains NaN."))
    assert refused is not None
    assert str(refused).startswith("row 6, columns 'a', 'b': ")


def test_the_only_row_of_a_request_is_mended_with_zeros() -> None:
    refused = refusal(Picky(4.0), ROWS[1:2], NAMES, ValueError("no"))
    assert refused is not None
    assert (refused.row, refused.columns) == (0, (1,))


def test_where_no_row_alone_is_at_fault_nobody_is_blamed() -> None:
    def together(rows: Any) -> None:
        if len(rows) > 1:
            raise ValueError("one row at a time")

    assert first_refused(together, ROWS) == 0 or refusal(together, ROWS[:1], NAMES, ValueError()) is None
    assert refusal(lambda rows: rows, ROWS, NAMES, ValueError()) is None


def test_which_rows_are_accepted_is_found_in_few_calls() -> None:
    model = Picky(ROWS[10, 1], ROWS[11, 1], ROWS[99, 1])

    accepted = accepted_rows(model, ROWS)

    assert np.flatnonzero(~accepted).tolist() == [10, 11, 99]
    assert model.calls < 40


def test_a_machines_fault_is_no_rows_fault() -> None:
    def broken(_: Any) -> None:
        raise MemoryError

    with pytest.raises(MemoryError):
        first_refused(broken, ROWS)


def test_frames_and_texts_are_rows_too() -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"a": ["x"] * 4, "b": [1.0, 2.0, 3.0, None], "c": [0] * 4})

    def complete(part: Any) -> None:
        if part["b"].isna().any():
            raise ValueError("missing")

    refused = refusal(complete, frame, NAMES, ValueError("missing"))
    assert refused is not None
    assert str(refused) == "row 4, column 'b': the model does not take it: missing"
    assert isinstance(refused, ValueError)
    assert isinstance(refused, RefusedError)

"""Models on DataFrames drawn at random answer of words, gaps, truths and numbers what the model itself answers, in each form.

FOGBANK_DRAWN says how many are drawn (200): an eighth of it, since each takes seconds.
"""

from __future__ import annotations

import csv
import io
import json
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest

from fogbank.pack.compile import Compiled
from fogbank.pack.proof import carry_out
from fogbank.scoring.refusal import FAULTS
from tests.contracts.answers.drawn_frames import DrawnFrame, draw_frame
from tests.contracts.answers.served import TOLERANCE, Ask, in_process, refused_wrong, wrong_answer
from tests.contracts.answers.test_drawn import DRAWN
from tests.packages import signed

WORDS = ("string", "category")


@pytest.mark.parametrize("seed", range(DRAWN // 8))
def test_a_drawn_models_answers_are_its_own(seed: int, tmp_path: Path) -> None:
    drawn = draw_frame(seed)
    outcome, ask = _packed(drawn, tmp_path)

    assert _differences(drawn, outcome, ask) == []


def _packed(drawn: DrawnFrame, folder: Path) -> tuple[Compiled, Ask]:
    """As pack does it: the model is loaded from its file, and proven on the rows of a baseline in CSV."""
    path, baseline = folder / "trained.joblib", folder / "baseline.csv"
    joblib.dump(drawn.model, path)
    drawn.frame.to_csv(baseline, index=False)
    columns = drawn.schema.columns
    outcome = carry_out(
        {
            "model": str(path),
            "kind": "joblib",
            "baseline": str(baseline),
            "columns": list(drawn.schema.names),
            "rows": "frame",
            "nullable": [column.name for column in columns if column.nullable],
            "words": {column.name: column.missing for column in columns if column.dtype in WORDS},
            "tolerance": TOLERANCE,
            "method": drawn.method,
            "uses": [],
            "why_not": "",
        }
    )
    compiled = outcome.onnx is not None
    settings = signed(
        folder / "served",
        model=("model.onnx", outcome.onnx) if outcome.onnx is not None else ("model.joblib", path.read_bytes()),
        schema=drawn.schema,
        kind="onnx" if compiled else "joblib",
        method=drawn.method,
        compilation=outcome.compilation,
    )
    return outcome, in_process(settings)


def _differences(drawn: DrawnFrame, outcome: Compiled, ask: Ask) -> list[str]:
    wrong = []
    alone = [drawn.asked.iloc[place : place + 1] for place in range(0, len(drawn.asked), 2)]
    for rows in [drawn.asked.iloc[:25], drawn.asked, *alone]:
        right, refused = _right(drawn, rows)
        for body, kind in _bodies(drawn, rows):
            status, answer = ask(body, kind)
            found = (
                refused_wrong(status, answer, refused)
                if refused is not None
                else wrong_answer(drawn, outcome, right, (status, answer))
            )
            where = (
                f"{drawn.name}.{drawn.method} ({'compiled' if outcome.onnx else 'native'}), {len(rows)} rows as {kind}"
            )
            wrong += [f"{where}: {found}; {body[:300]!r}"] if found else []
    return wrong


def _right(drawn: DrawnFrame, rows: pd.DataFrame) -> tuple[Any, int | None]:
    """The model's own answer, or the first row that a column's list of categories refuses, which is looked at first, or that it refuses."""
    ask = getattr(drawn.model, drawn.method)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        for place in range(len(rows)):
            if _unlisted(drawn, rows.iloc[place]):
                return None, place
        try:
            return np.asarray(ask(_as_trained(drawn, rows))), None
        except FAULTS:
            pass
        for place in range(len(rows)):
            try:
                ask(_as_trained(drawn, rows.iloc[place : place + 1]))
            except FAULTS:
                return None, place
    raise AssertionError("the model refuses rows together that it takes alone")


def _unlisted(drawn: DrawnFrame, row: Any) -> bool:
    listed = [column for column in drawn.schema.columns if column.dtype == "category"]
    return any(not pd.isna(row[column.name]) and row[column.name] not in column.categories for column in listed)


def _as_trained(drawn: DrawnFrame, rows: pd.DataFrame) -> pd.DataFrame:
    """The rows with the dtypes of the frame that the model was fitted on."""
    return rows.astype(drawn.frame.dtypes.to_dict())


def _bodies(drawn: DrawnFrame, rows: pd.DataFrame) -> list[tuple[bytes, str]]:
    """Rows as records, as MLflow's split, and as CSV, where an empty cell is a missing one."""
    cells = [[None if pd.isna(cell) else cell for cell in row] for row in rows.to_numpy(dtype=object).tolist()]
    records = [dict(zip(drawn.schema.names, row, strict=True)) for row in cells]
    split = {"dataframe_split": {"columns": list(drawn.schema.names), "data": cells}}
    return [
        (json.dumps(records).encode(), "application/json"),
        (json.dumps(split).encode(), "application/json"),
        (_csv(cells), "text/csv"),
    ]


def _csv(rows: Sequence[Sequence[Any]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()

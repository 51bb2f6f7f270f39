from __future__ import annotations

from pathlib import Path

import pytest

from fogbank.pack.uses import names_used


@pytest.mark.parametrize(
    ("code", "names"),
    [
        ("def predict_fn(d, m): return m.predict_proba(d)[:, 1]", {"predict_proba"}),
        (
            "def predict_fn(d, m): return m.predict(d) if hasattr(m, 'decision_function') else 0",
            {"predict", "decision_function"},
        ),
        (
            "import sklearn.pipeline\ndef f(m): return isinstance(m, sklearn.pipeline.Pipeline)",
            {"isinstance:sklearn", "pipeline", "Pipeline"},
        ),
        ("def predict_fn(d, model): return model[-1].coef_", {"__getitem__", "coef_"}),
        ("def transform_fn(model, body, kind, accept): return model[0]", {"__getitem__"}),
        ("def predict_fn(d, model): return d[0]", set()),
        ("X = 'not a name'", set()),
    ],
)
def test_names_behind_dots_in_quotes_and_questions_of_type(tmp_path: Path, code: str, names: set[str]) -> None:
    path = tmp_path / "inference.py"
    path.write_text(code)

    assert set(names_used([path])) == names

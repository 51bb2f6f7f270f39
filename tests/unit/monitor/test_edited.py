"""What is suggested is right as it is."""

from __future__ import annotations

from fogbank.monitor.constraints import suggest_constraints
from fogbank.monitor.dataset import Dataset
from fogbank.monitor.edited import constraint_problems
from fogbank.monitor.profile import statistics


def test_a_suggestion_has_no_problem() -> None:
    data = Dataset({"n": ["1", "2"], "x": ["0.5", None], "s": ["a", "b"], "none": [None, None]})

    assert constraint_problems(suggest_constraints(statistics(data))) == []


def test_what_is_no_document_is_told() -> None:
    assert constraint_problems([]) == ["features: must be a list of features"]

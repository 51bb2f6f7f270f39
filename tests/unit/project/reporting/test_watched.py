"""What monitors found of columns: since when without a break, by which check, and columns that the baseline lacks."""

from __future__ import annotations

from typing import Any

from fogbank.project.reporting.watched import moved, since, told


def run(at: str, *names: str, judged: bool = True) -> dict[str, Any]:
    return {"at": at, "judged": judged, "moved": list(names)}


def test_since_is_the_first_of_an_unbroken_run_and_failures_break_nothing() -> None:
    history = [run("6", "a"), run("5", judged=False), run("4", "a", "b"), run("3", "b"), run("2", "a")]

    assert [since(history, name) for name in ("a", "b", "c")] == ["4", None, None]
    assert since([], "a") is None


def test_what_moved_is_of_either_kind_and_a_metric_is_no_column() -> None:
    violations = [{"feature_name": "a"}, {"metric_name": "auc"}]

    assert moved(violations, {"shifted": ["b", "a"]}) == ["a", "b"]
    assert moved([], {}) == []


def test_an_extra_column_is_told_too() -> None:
    violations = [{"feature_name": "new", "constraint_check_type": "extra_column_check", "description": " one more "}]
    column = {"name": "a", "change": "mean 1 → 2"}
    tests = {
        "features": [
            {
                "name": "a",
                "adjusted_p_value": 0.01,
                "psi": 0.3,
                "shifted": True,
                "test": "Kolmogorov-Smirnov",
                "stream": {"e_value": 9.0},
            }
        ]
    }

    known, extra = told([column], violations, tests, [run("2", "a", "new"), run("1")])

    assert (known["shifted"], known["psi"], known["since"], known["checks"]) == (True, 0.3, "2", [])
    assert (known["stream"], extra["stream"]) == ({"e_value": 9.0}, None)
    assert extra["checks"] == [{"check": "extra_column_check", "text": "one more"}]
    assert (extra["like"], extra["since"]) == ("not in the baseline", "2")

"""The verdict in words: what drifted, since when, by how much, and what it did."""

from __future__ import annotations

from typing import Any

from fogbank.project.reporting.paragraph import lead, paragraph

COLUMN: dict[str, Any] = {
    "name": "age",
    "checks": [],
    "shifted": False,
    "since": None,
    "drift": 0.0,
    "change": "mean 1 → 1",
}
MOVED = {**COLUMN, "shifted": True, "since": "2026-11-26 12:00", "drift": 0.5, "change": "mean 1 → 2"}
WATCHED = {"schedule": "q", "at": "2026-11-26 13:00", "rows": 1200, "wrong": 0}


def document(**changes: Any) -> dict[str, Any]:
    own = {
        "inputs": [COLUMN],
        "outputs": [{**COLUMN, "name": "p"}],
        "quality": [],
        "watched": WATCHED,
        "monitors": [],
        "endpoint": None,
    }
    return {**own, **changes}


def test_nothing_drifted() -> None:
    assert lead(document()) == "None of 1 feature drifted: the data is as it was in training."
    assert "The predictions did not move." in paragraph(document())


def test_what_drifted_since_when_how_far_and_what_it_did() -> None:
    metric = {"name": "accuracy", "value": 0.9, "low": 0.8, "high": 0.95}
    moved = document(
        inputs=[COLUMN, MOVED], outputs=[{**MOVED, "name": "p"}], quality=[{"metrics": [metric], "rows": 300}],
        endpoint={"performance": [{"requests": 9, "errors_4xx": 1, "errors_5xx": 0, "p99_ms": 12.0}]},
    )  # fmt: skip

    assert lead(moved) == "1 of 2 features drifted, since 2026-11-26 12:00 UTC."
    assert paragraph(moved) == (
        "Farthest from training: age (distance 0.50, mean 1 → 2). That is of 1,200 rows, seen at 2026-11-26 13:00 UTC. "
        "The predictions moved: p (distance 0.50, mean 1 → 2). On 300 labelled records accuracy is 0.9 (0.8 to 0.95). "
        "In seven days the endpoint had 9 requests and 1 error; in the slowest hour 99 % of the answers took at most 12 ms."
    )


def test_metrics_that_cannot_be_read_are_told_and_an_endpoint_that_nobody_asked_is_not() -> None:
    assert "its metrics could not be read" in paragraph(document(endpoint={"performance": None}))
    assert "metrics" not in paragraph(document(endpoint={"performance": []}))


def test_what_all_windows_say_together_is_told_where_there_are_some() -> None:
    stream = {"windows": 24, "since": "2026-11-25T13:00:00Z", "level": 0.05, "shifted": []}
    found = paragraph(document(watched={**WATCHED, "stream": stream}))
    assert "Over all 24 windows since 2026-11-25 13:00:00 UTC together nothing shifted." in found
    found = paragraph(document(watched={**WATCHED, "stream": {**stream, "shifted": ["a", "b", "c"]}}))
    assert "together a, b and 1 more shifted; without a shift at most one stream in 20 ever says so." in found
    assert "windows" not in paragraph(document(watched={**WATCHED, "stream": {**stream, "windows": 1}}))
    found = paragraph(document(watched={**WATCHED, "stream": {"left_out": "S3 answers 503."}}))
    assert "What all windows together say is not known: S3 answers 503." in found


def test_a_violation_of_no_feature_is_told() -> None:
    assert "found 1 violation, of no feature" in paragraph(document(watched={**WATCHED, "wrong": 1}))

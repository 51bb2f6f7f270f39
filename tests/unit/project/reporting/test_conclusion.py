"""The verdict on top of a report: the worst of what was looked at."""

from __future__ import annotations

from typing import Any

import pytest

from fogbank.project.reporting.conclusion import verdict_of

LIVE = {"name": "live", "status": "InService", "asked": 10, "same": 10}
RUN = {"schedule": "quality", "scheduled": "2026-11-26 12:00", "status": "Completed", "reason": "", "violations": []}
MET = {"name": "f1", "value": 0.9, "gate": 0.8, "met": True}


def served(requests: int, refused: int = 0, failed: int = 0) -> dict[str, Any]:
    return {"requests": requests, "errors_4xx": refused, "errors_5xx": failed, "p99_ms": None}


def document(**changes: Any) -> dict[str, Any]:
    own: dict[str, Any] = {"inputs": [], "outputs": [], "quality": [], "watched": None}
    return {**own, "metrics": [MET], "endpoint": LIVE, "monitors": [RUN], **changes}


@pytest.mark.parametrize(
    ("changes", "level", "said"),
    [
        ({}, "good", "every gate is met (1 of 1)"),
        ({"metrics": [{**MET, "value": 0.7, "met": False}]}, "bad", "f1 is 0.7, below its gate of 0.8"),
        ({"endpoint": {**LIVE, "status": "Failed"}}, "bad", "the endpoint live is Failed"),
        ({"endpoint": {**LIVE, "same": 9}}, "bad", "answers otherwise than the baseline says: 9 of 10"),
        ({"endpoint": {"name": "live", "status": "InService", "failed": "ModelError: no"}}, "bad", "does not answer"),
        ({"monitors": [{**RUN, "violations": [{}]}]}, "look", "1 violation"),
        ({"monitors": [{**RUN, "status": "Failed", "reason": "no disk"}]}, "look", "it failed: no disk"),
        (
            {"endpoint": {**LIVE, "performance": [served(24, refused=12)]}},
            "look",
            "12 of 24 requests of seven days were refused",
        ),
        ({"endpoint": {**LIVE, "performance": [served(100, refused=5)]}}, "good", "InService"),
        (
            {"endpoint": {**LIVE, "performance": [served(24), served(76, failed=5)]}},
            "look",
            "5 of 100 requests of seven days failed",
        ),
        ({"endpoint": {**LIVE, "performance": [served(10, failed=1)]}}, "bad", "1 of 10 requests of seven days failed"),
        ({"endpoint": {**LIVE, "performance": None}}, "good", "InService"),
        ({"metrics": [], "endpoint": None, "monitors": []}, "good", "no monitor has run yet"),
    ],
)
def test_the_worst_counts_and_is_told(changes: dict[str, Any], level: str, said: str) -> None:
    verdict = verdict_of(document(**changes))

    assert verdict["level"] == level
    assert verdict["words"] != "All is well", "no monitor has looked at the data"
    assert any(said in line["text"] for line in verdict["lines"])

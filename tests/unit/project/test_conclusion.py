"""The verdict on top of a report: the worst of what was looked at."""

from __future__ import annotations

from typing import Any

import pytest

from fogbank.project.conclusion import verdict_of

LIVE = {"name": "live", "status": "InService", "asked": 10, "same": 10}
RUN = {"schedule": "quality", "scheduled": "2026-11-26 12:00", "status": "Completed", "reason": "", "violations": []}
MET = {"name": "f1", "value": 0.9, "gate": 0.8, "met": True}


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
        ({"metrics": [], "endpoint": None, "monitors": []}, "good", "no monitor has run yet"),
    ],
)
def test_the_worst_counts_and_is_told(changes: dict[str, Any], level: str, said: str) -> None:
    verdict = verdict_of(document(**changes))

    assert verdict["level"] == level
    assert verdict["words"] != "All is well", "no monitor has looked at the data"
    assert any(said in line["text"] for line in verdict["lines"])

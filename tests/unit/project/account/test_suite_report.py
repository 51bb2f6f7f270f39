"""The account suite's report: differences by name, what is left, and nothing that names an account."""

from __future__ import annotations

import json
from pathlib import Path

from fogbank.project.account.suite_report import LOCAL, Scene, SuiteReport

ROLE = "arn:aws:iam::210987654321:role/churn"


def report(*scenes: Scene, left: tuple[str, ...] = ()) -> SuiteReport:
    return SuiteReport(region="eu-west-1", versions={"fogbank": "1"}, most_usd=0.69, scenes=scenes, left=left)


def test_a_run_that_is_as_the_local_cloud_passes() -> None:
    whole = report(*(Scene(name, facts=dict(facts)) for name, facts in LOCAL.items()))

    assert whole.passed
    assert whole.document()["passed"] is True
    assert "all as on the local cloud" in whole.markdown()
    assert not report(*whole.scenes, left=("a stack",)).passed


def test_the_page_on_parity_shows_what_the_report_has() -> None:
    page = (Path(__file__).parents[4] / "docs/parity.md").read_text()
    shown = page.partition("<!-- account -->")[2].partition("<!-- /account -->")[0].strip().splitlines()[2:]
    told = report(*(Scene(name, facts=dict(facts)) for name, facts in LOCAL.items())).markdown()
    rows = [line.strip("| ").split(" | ") for line in told.splitlines() if line.startswith("| ")][1:]

    assert [line.strip("| ").split(" | ")[:3] for line in shown] == [
        [scene, what, local] for scene, _, what, _, local in rows
    ]


def test_a_difference_is_told_from_both_sides() -> None:
    scene = Scene("batch", facts={**LOCAL["batch"], "status": "Failed", "new": 1})
    differing = report(scene)

    assert not differing.passed
    [told] = differing.document()["scenes"]
    assert told["differs"] == {
        "status": {"account": "Failed", "local": "Completed"}, "new": {"account": 1, "local": None}
    }  # fmt: skip
    assert "| batch | 0 | status | Failed | Completed |" in differing.markdown()


def test_a_batch_job_over_nothing_is_refused_on_both_sides() -> None:
    scene = Scene("batch", facts=dict(LOCAL["batch"]))

    assert scene.differences() == {}
    assert "| batch | 0 | an empty prefix | ValidationException | ValidationException |" in report(scene).markdown()


def test_what_was_not_seen_is_a_difference() -> None:
    scene = Scene("monitor", error="AccessDenied: nobody|may")

    assert scene.differences()["status"] == (None, "Completed")
    assert "| monitor | 0 | status | not seen | Completed |" in report(scene).markdown()
    assert "AccessDenied: nobody/may" in report(scene).markdown()


def test_nothing_names_an_account() -> None:
    scene = Scene(
        "deploy",
        facts={"x": f"{ROLE} s3://bucket-210987654321/key AKIAABCDEFGHIJKLMNOP"},
        error=f"User: {ROLE}, 210987654321",
    )
    told = report(scene, left=(ROLE,))

    for text in (json.dumps(told.document()), told.markdown()):
        assert not any(secret in text for secret in ("210987654321", "arn:", "s3://", "AKIA"))

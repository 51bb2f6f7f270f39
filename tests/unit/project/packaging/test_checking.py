"""What a check is asked for, and how its report ends."""

from __future__ import annotations

from pathlib import Path

import pytest

from fogbank.check import Finding, Report
from fogbank.contracts.errors import CheckError
from fogbank.project.packaging.checking import CheckOptions, outcome


def test_what_is_asked_for_goes_before_what_is_the_packages_own() -> None:
    own = CheckOptions().conditions({"A": "1"}, 512, "3.11")
    asked = CheckOptions(environment={"A": "2", "B": "3"}, memory_mb=64, startup_limit_s=5, network=True).conditions(
        {"A": "1"}, 512, "3.11"
    )

    assert (own.environment, own.memory_bytes, own.startup_limit_s, own.network) == ({"A": "1"}, 512 << 20, 240, False)
    assert (asked.environment, asked.memory_bytes) == ({"A": "2", "B": "3"}, 64 << 20)
    assert (asked.startup_limit_s, asked.network, asked.target.python) == (5, True, "3.11")
    assert CheckOptions(sample=Path("a.csv")).sample == Path("a.csv")


def test_a_report_without_findings_is_told_in_a_few_words() -> None:
    report = Report(ready_s=1.234, answer_s=0.004, peak_bytes=80 << 20, unchecked=("no network",))

    assert outcome(report) == "ready in 1.23 s, 80 MiB, sample answered in 4 ms (not checked here: no network)"
    assert outcome(Report(ready_s=1, peak_bytes=1 << 20)) == "ready in 1.00 s, 1 MiB"


def test_findings_are_one_error_that_carries_the_whole_report() -> None:
    findings = (Finding(code="wrong-port", cause="it listens on 1"), Finding(code="stop-slow", cause="it still ran"))

    with pytest.raises(CheckError) as caught:
        outcome(Report(findings=findings))

    assert caught.value.code == "wrong-port"
    assert caught.value.cause == "wrong-port: it listens on 1\nstop-slow: it still ran"
    assert caught.value.hint == f"{findings[0].fix}; {findings[1].fix}"
    assert caught.value.report["passed"] is False
    with pytest.raises(CheckError, match=r"^wrong-port: it listens on 1\n"):
        outcome(Report(findings=findings[:1]))

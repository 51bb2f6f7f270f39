"""What two runs of the same tests say, pure: who passes where, which exceptions hold, and the table of it.

In: outcomes by test of moto's own server and of the local cloud, exceptions with their reasons; out: a Verdict and Markdown.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """`outcome` is passed, failed or skipped; `reason` what a failure says."""

    outcome: str
    reason: str = ""

    @property
    def passed(self) -> bool:
        """Whether it passed."""
        return self.outcome == "passed"


Outcomes = Mapping[str, Outcome]
"""By test, as pytest names it below the service's folder: `test_x.py::test_y[param]`."""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """One service. `failures` pass on moto's own server and not here, without an exception; `stale` are exceptions that do not hold."""

    service: str
    tests: int
    moto: int
    here: int
    exceptions: int
    failures: Mapping[str, str]
    stale: Sequence[str]

    @property
    def holds(self) -> bool:
        """Whether nothing is left to say."""
        return not self.failures and not self.stale


def read_exceptions(file: Path) -> dict[str, dict[str, str]]:
    """Reasons by service and test."""
    reasons: dict[str, dict[str, str]] = {}
    for entry in tomllib.loads(file.read_text()).get("exception", []):
        for test in entry["tests"]:
            reasons.setdefault(entry["service"], {})[test] = entry["reason"]
    return reasons


def judge(service: str, moto: Outcomes, here: Outcomes, exceptions: Mapping[str, str]) -> Verdict:
    """Every test that passes on moto's own server passes here, or is an exception, which then really fails."""
    passing = [test for test, outcome in moto.items() if outcome.passed]
    failing = {
        test: here[test].reason if test in here else "did not run" for test in passing if not _passes(here, test)
    }
    excepted = {test for test in failing if exceptions.keys() & {test, _function(test)}}
    held = {name for test in excepted for name in (test, _function(test))}
    return Verdict(
        service=service,
        tests=len(moto),
        moto=len(passing),
        here=len(passing) - len(failing),
        exceptions=len(excepted),
        failures={test: reason for test, reason in failing.items() if test not in excepted},
        stale=[test for test in exceptions if test not in held],
    )


def table(verdicts: Sequence[Verdict]) -> str:
    """Markdown."""
    head = "| service | tests | pass on moto's own server | of these pass here | exceptions | neither |\n|---|---|---|---|---|---|\n"
    rows = [
        f"| {v.service} | {v.tests} | {v.moto} | {v.here} | {v.exceptions} | {len(v.failures)} |\n" for v in verdicts
    ]
    return head + "".join(rows)


def _passes(outcomes: Outcomes, test: str) -> bool:
    return test in outcomes and outcomes[test].passed


def _function(test: str) -> str:
    return test.partition("[")[0]

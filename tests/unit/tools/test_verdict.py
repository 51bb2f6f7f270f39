"""What two runs of moto's tests say: who passes where, and which exceptions hold."""

from __future__ import annotations

from pathlib import Path

from tools.moto.conformance import EXCEPTIONS, SERVICES
from tools.moto.verdict import Outcome, judge, read_exceptions, table

PASSED, FAILED, SKIPPED = Outcome(outcome="passed"), Outcome(outcome="failed", reason="no"), Outcome(outcome="skipped")


def test_what_passes_on_motos_own_server_only_is_a_failure_unless_it_is_an_exception() -> None:
    moto = {
        "a.py::x": PASSED,
        "a.py::y[1]": PASSED,
        "a.py::y[2]": PASSED,
        "a.py::z": FAILED,
        "a.py::s": SKIPPED,
        "a.py::gone": PASSED,
    }
    here = {"a.py::x": PASSED, "a.py::y[1]": FAILED, "a.py::y[2]": FAILED, "a.py::z": FAILED, "a.py::s": PASSED}

    verdict = judge("sqs", moto, here, {"a.py::y[1]": "truer"})

    assert verdict.failures == {"a.py::y[2]": "no", "a.py::gone": "did not run"}
    assert (verdict.tests, verdict.moto, verdict.here, verdict.exceptions) == (6, 4, 1, 1)
    assert not verdict.holds
    assert judge("sqs", moto, here, {"a.py::y": "truer", "a.py::gone": "gone"}).holds


def test_an_exception_that_passes_or_is_not_there_is_an_error() -> None:
    outcomes = {"a.py::x": PASSED, "a.py::y[1]": PASSED}

    verdict = judge("sqs", outcomes, outcomes, {"a.py::x": "r", "a.py::y": "r", "a.py::none": "r"})

    assert verdict.stale == ["a.py::x", "a.py::y", "a.py::none"]
    assert not verdict.holds


def test_an_exception_of_some_parameters_stands_for_those_that_fail() -> None:
    moto, here = {"a.py::y[1]": PASSED, "a.py::y[2]": PASSED}, {"a.py::y[1]": PASSED, "a.py::y[2]": FAILED}

    verdict = judge("sqs", moto, here, {"a.py::y": "r"})

    assert (verdict.holds, verdict.exceptions, verdict.here) == (True, 1, 1)


def test_the_table() -> None:
    verdict = judge("sqs", {"a": PASSED, "b": PASSED, "c": FAILED}, {"a": PASSED, "b": FAILED}, {})

    assert table([verdict]).splitlines()[-1] == "| sqs | 3 | 2 | 1 | 0 | 1 |"


def test_every_exception_there_is_names_a_service_and_says_why(tmp_path: Path) -> None:
    reasons = read_exceptions(EXCEPTIONS)

    assert reasons.keys() <= set(SERVICES)
    assert all(len(reason) > 20 for tests in reasons.values() for reason in tests.values())
    file = tmp_path / "e.toml"
    file.write_text('[[exception]]\nservice = "sqs"\nreason = "why"\ntests = ["a", "b"]\n')
    assert read_exceptions(file) == {"sqs": {"a": "why", "b": "why"}}

"""`python -m fogbank.monitor`: its exit status, its words, and that it does not outlive who started it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from fogbank.contracts.container import ENV_PARENT_FD
from fogbank.ground.processes import Lifeline

ANALYZER = [sys.executable, "-m", "fogbank.monitor"]


def environment(folder: Path) -> dict[str, str]:
    return {
        **os.environ,
        "dataset_format": '{"csv": {"header": true}}',
        "dataset_source": str(folder / "in"),
        "output_path": str(folder / "out"),
        "SAGEMAKER_BASE_DIR": str(folder / "ml"),
    }


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        ("a\n1\n", 0, "Completed: Job completed successfully with no violations."),
        ("a,\u2028\x85,\u2028\x85\n1,2,3\n", 1, "d.csv: the header has the column '\\u2028\\x85' twice"),
        ("", 1, "d.csv: the CSV is empty"),
    ],
)
def test_the_verdict_or_the_reason_is_its_message(tmp_path: Path, body: str, status: int, message: str) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "d.csv").write_text(body, encoding="utf-8")

    done = subprocess.run(ANALYZER, env=environment(tmp_path), capture_output=True, check=False)

    assert done.returncode == status, done.stderr
    assert (tmp_path / "ml" / "output" / "message").read_text() == message


def test_a_missing_variable_is_named(tmp_path: Path) -> None:
    env = environment(tmp_path)
    del env["output_path"]

    done = subprocess.run(ANALYZER, env=env, capture_output=True, check=False)

    assert done.returncode == 1
    assert (tmp_path / "ml" / "output" / "message").read_text() == "the environment variable 'output_path' is missing"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[]", "the baseline file constraints.json is no JSON object"),
        ('{"features": [{}]}', "the baseline file constraints.json has no features with names"),
        ("{", "the baseline file constraints.json cannot be read"),
        (
            '{"features": [{"name": "a"}]}',
            "the baseline file constraints.json is not right: features[0] (a).inferred_type: is missing; features[0]",
        ),
    ],
)
def test_a_baseline_that_is_none_is_the_reason(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "constraints.json").write_text(text)
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "d.csv").write_text("a\n1\n")
    env = {**environment(tmp_path), "baseline_constraints": str(tmp_path / "constraints.json")}

    done = subprocess.run(ANALYZER, env=env, capture_output=True, check=False)

    assert done.returncode == 1
    assert (tmp_path / "ml" / "output" / "message").read_text().startswith(message)


def test_it_ends_with_who_started_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "statistics.json")  # reading it waits for a writer, who never comes
    lifeline = Lifeline()
    env = {**environment(tmp_path), "baseline_statistics": str(tmp_path / "statistics.json")}
    process = subprocess.Popen(
        ANALYZER, env={**env, ENV_PARENT_FD: str(lifeline.inherited)}, pass_fds=(lifeline.inherited,)
    )
    lifeline.handed_over()
    lifeline.cut()

    assert process.wait(20) == 1

"""The one config table: every problem in one report, with a guess."""

from __future__ import annotations

from pathlib import Path

import pytest

from fogbank.contracts.config import defaulted, validate
from fogbank.contracts.errors import ConfigError

ROOT = Path("/project")


def test_every_problem_in_one_report_with_a_guess() -> None:
    table = {
        "name": "Churn!", "handlr": "x.py", "port": "many", "dependencies": "numpy", "method": "guess", "tolerance": 2,
        "compile": "no",
    }  # fmt: skip

    with pytest.raises(ConfigError) as caught:
        validate(defaulted(table), ROOT)

    assert len(caught.value.problems) == 7
    assert "unknown key 'handlr'; did you mean 'handler'?" in caught.value.cause
    assert "port must be a number from 0 to 65535, not 'many'" in caught.value.cause
    assert caught.value.exit_code == 2


def test_a_whole_table_is_a_frozen_value_with_absolute_paths() -> None:
    config = validate(defaulted({"name": "churn", "handler": "serve/mine.py", "dependencies": ["numpy"]}), ROOT)

    assert (config.root, config.handler, config.dependencies) == (ROOT, ROOT / "serve/mine.py", ("numpy",))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("name", "a" * 31),
        ("train", "model/train.py"),
        ("handler", 3),
        ("platform", "windows/amd64"),
        ("runtime", "vm"),
        ("base", 3),
        ("repository", ["host/churn"]),
        ("enforce_iam", "yes"),
        ("memory_mb", 63),
        ("memory_mb", True),
        ("stack", 1),
        ("port", 65536),
        ("port", True),
    ],
)
def test_a_value_that_cannot_be_is_named(key: str, value: object) -> None:
    with pytest.raises(ConfigError) as caught:
        validate({**defaulted({"name": "churn"}), key: value}, ROOT)

    assert [problem.partition(" ")[0] for problem in caught.value.problems] == [key]
    assert repr(value) in caught.value.cause

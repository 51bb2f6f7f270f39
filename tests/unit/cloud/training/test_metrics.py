"""Metrics of a training job: the last value that an expression finds, and none from one that never ends."""

from __future__ import annotations

from pathlib import Path

import pytest

from fogbank.cloud.training.metrics import last_value


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("loss=([0-9.]+);", 0.25),
        ("loss=[0-9.]+", None),
        ("epoch ([0-9]+) loss=([0-9.]+)", 1.0),
        ("never=([0-9]+)", None),
        ("\0", None),
    ],
)
def test_the_last_value_counts(tmp_path: Path, expression: str, value: float | None) -> None:
    log = tmp_path / "log"
    log.write_text("epoch 0 loss=0.5;\nepoch 1 loss=0.25;\n")

    assert last_value(expression, log) == value


def test_an_expression_that_never_ends_is_left(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("a" * 60 + "!")

    assert last_value("(a+)+$", log, 0.2) is None

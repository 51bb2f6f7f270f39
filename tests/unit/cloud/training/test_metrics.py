"""Metrics of a training job: the last value that an expression finds, and none from one that never ends."""

from __future__ import annotations

from pathlib import Path

import pytest

from fogbank.cloud.training.metrics import last_value, last_values


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

    assert last_values([expression], log) == [value]


def test_an_expression_that_never_ends_is_left(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("a" * 60 + "!")

    assert last_value("(a+)+$", log, 0.2) is None


@pytest.mark.parametrize(
    ("takes", "limits"),
    [
        ([99.0] * 4, [5.0, 5.0, 5.0, 5.0]),
        ([0.0, 99.0, 0.0, 99.0], [5.0, 20 / 3, 20 / 3, 40 / 3]),
        ([99.0] * 20, [2.0] * 20),
    ],
)
def test_all_expressions_share_one_limit(tmp_path: Path, takes: list[float], limits: list[float]) -> None:
    seconds, given = [0.0], list[float]()

    def look(expression: str, printed: Path, limit_s: float) -> float | None:
        del printed
        given.append(limit_s)
        seconds[0] += min(limit_s, takes[int(expression)])
        return None

    assert last_values([str(each) for each in range(len(takes))], tmp_path, look, lambda: seconds[0]) == [None] * len(
        takes
    )
    assert given == pytest.approx(limits)

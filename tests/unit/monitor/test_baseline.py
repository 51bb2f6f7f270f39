"""A baseline from training data."""

from __future__ import annotations

from pathlib import Path

import pytest

from fogbank.contracts.errors import DataError
from fogbank.monitor import suggest


def test_a_baseline_with_other_columns_is_named(tmp_path: Path) -> None:
    (tmp_path / "b.csv").write_text("p,a\n1,2\n")
    with pytest.raises(DataError) as refusal:
        suggest(tmp_path / "b.csv", ("p", "a", "b"))

    assert refusal.value.code == "baseline-columns"
    assert "the first that differs is number 3" in refusal.value.cause

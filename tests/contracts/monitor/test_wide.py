"""Very many columns, from a baseline's files to the verdict: what is too slow for the units."""

from __future__ import annotations

from pathlib import Path

from tests.unit.monitor.traffic import analyzed


def test_a_gap_among_ten_thousand_columns_is_told(tmp_path: Path) -> None:
    header = [f"c{i}" for i in range(10_000)]
    rows = [[str((i * 7 + row) % 10) for i in range(10_000)] for row in range(3)]
    analyzed(tmp_path, "base", [header, *rows])
    rows[0][500] = ""

    message = analyzed(tmp_path, "gap", [header, *rows], tmp_path / "base-out")
    assert message == "CompletedWithViolations: Job completed successfully with 1 violations."

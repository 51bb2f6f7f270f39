"""`fogbank transform --engine local`: the package that is here, in its own environment, beside itself in this process."""

from __future__ import annotations

from pathlib import Path

import pytest

from fogbank.contracts.config import ProjectConfig
from fogbank.contracts.errors import DataError
from fogbank.contracts.manifest import load_manifest
from fogbank.direct.scorer import Packed, Scorer, loaded
from fogbank.project.calling import engines
from fogbank.transform.records import MiniBatch
from tests.direct_work import request_of


def test_the_package_scores_a_file_in_its_own_environment(fogbank_project: ProjectConfig, tmp_path: Path) -> None:
    manifest = load_manifest(fogbank_project.package)
    rows = (fogbank_project.trained / "sample.csv").read_bytes() * 500
    file, target = tmp_path / "rows.csv", tmp_path / "rows.csv.out"
    file.write_bytes(rows)
    engines.score("local", manifest, request_of(), file, target)

    whole = MiniBatch(rows, 1, rows.count(b"\n"), len(rows))
    assert target.read_bytes() == Scorer(loaded(Packed.of(manifest)), request_of())(whole)
    assert target.read_bytes().count(b"\n") == rows.count(b"\n")
    file.write_bytes(rows + b"1,2\n")
    with pytest.raises(DataError, match="transform-failed: records"):
        engines.score("local", manifest, request_of(), file, tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_what_is_not_there_is_said(fogbank_project: ProjectConfig, tmp_path: Path) -> None:
    manifest = load_manifest(fogbank_project.package)
    with pytest.raises(DataError, match="input-missing"):
        engines.score("local", manifest, request_of(), tmp_path / "none", tmp_path / "out")
    (tmp_path / "rows.csv").write_bytes(b" \r\n\n")
    with pytest.raises(DataError, match="transform-no-data"):
        engines.score("local", manifest, request_of(), tmp_path / "rows.csv", tmp_path / "out")
    (tmp_path / "rows.csv").write_bytes(b"1\n")
    with pytest.raises(DataError, match="engine-missing"):  # PySpark is not among this project's own dependencies
        engines.score("spark", manifest, request_of(), tmp_path / "rows.csv", tmp_path / "out")

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import joblib
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from fogbank.contracts.config import ProjectConfig
from fogbank.contracts.errors import DigestError, GateError, PackageError
from fogbank.contracts.manifest import load_manifest
from fogbank.pack import Baseline, build, closure, read_trained
from fogbank.pack.archive import write_archive
from fogbank.pack.code import code_files
from fogbank.pack.lock import check_against_lock

BASELINE = Baseline(statistics=b"{}", constraints=b"{}")


def nothing(_: Path, __: Path) -> None:
    """A probe that finds nothing wrong."""


@pytest.fixture
def project(tmp_path: Path) -> ProjectConfig:
    (tmp_path / "handlers").mkdir()
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "__init__.py").touch()
    (tmp_path / "model" / "features.py").write_text("X = 1\n")
    (tmp_path / "handlers" / "inference.py").write_text("from model.features import X\n")
    config = ProjectConfig(root=tmp_path, name="churn", handler=tmp_path / "handlers" / "inference.py")
    config.trained.mkdir(parents=True)
    fitted = LogisticRegression().fit(np.array([[0.0], [1.0]]), [0, 1])
    joblib.dump(fitted, config.trained / "model.joblib")
    schema = {"columns": [{"name": "a", "dtype": "float"}]}
    (config.trained / "schema.json").write_text(json.dumps({"input": schema, "output": schema}))
    (config.trained / "metrics.json").write_text(json.dumps({"metrics": {"f1": 0.9}, "gates": {"f1": 0.8}}))
    return config


def test_same_input_same_bytes_in_any_folder(project: ProjectConfig, tmp_path_factory: pytest.TempPathFactory) -> None:
    first = build(project, read_trained(project.trained), BASELINE, nothing)
    data = first.artifact_path.read_bytes()
    second = build(project, read_trained(project.trained), BASELINE, nothing)

    assert second == first
    assert second.artifact_path.read_bytes() == data


def test_the_archive_has_sagemakers_layout_and_names_every_file(project: ProjectConfig) -> None:
    manifest = build(project, read_trained(project.trained), BASELINE, nothing)

    with tarfile.open(manifest.artifact_path) as tar:
        names = tar.getnames()
        assert {member.mtime for member in tar} == {0}
    assert names == [
        "code/inference.py", "code/model/__init__.py", "code/model/features.py", "code/requirements.txt", "fogbank.json", "model.joblib",
    ]  # fmt: skip
    assert set(manifest.package.files) == set(names) - {"fogbank.json"}
    assert any(pin.startswith("scikit-learn==") for pin in manifest.package.requirements)
    assert any(pin.startswith("threadpoolctl==") for pin in manifest.package.requirements)


@pytest.mark.parametrize("name", ["model.tar.gz", "statistics.json", "constraints.json", "manifest.json"])
def test_a_flipped_byte_is_noticed_and_named(project: ProjectConfig, name: str) -> None:
    build(project, read_trained(project.trained), BASELINE, nothing)
    path = project.package / name
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)

    with pytest.raises((DigestError, PackageError)) as caught:
        load_manifest(project.package)

    assert name in caught.value.cause


def test_a_gate_stops_the_packaging_and_leaves_the_old_package(project: ProjectConfig) -> None:
    before = build(project, read_trained(project.trained), BASELINE, nothing)
    (project.trained / "metrics.json").write_text(
        json.dumps({"metrics": {"f1": 0.7}, "gates": {"f1": 0.8, "auc": 0.5}})
    )

    with pytest.raises(GateError) as caught:
        build(project, read_trained(project.trained), BASELINE, nothing)

    assert "f1 is 0.7000, the gate is 0.8000" in caught.value.cause
    assert "auc is nan" in caught.value.cause
    assert load_manifest(project.package) == before


def test_a_probe_that_fails_leaves_nothing_behind(project: ProjectConfig) -> None:
    def refuse(stage: Path, _: Path) -> None:
        assert (stage / "model" / "fogbank.json").is_file()
        raise PackageError("package-unloadable", "no")

    with pytest.raises(PackageError, match="no"):
        build(project, read_trained(project.trained), BASELINE, refuse)

    assert sorted(path.name for path in project.state.iterdir()) == ["trained"]


def test_missing_and_damaged_training_results(project: ProjectConfig) -> None:
    (project.trained / "schema.json").write_text("{")
    with pytest.raises(PackageError) as damaged:
        read_trained(project.trained)
    (project.trained / "model.joblib").unlink()
    with pytest.raises(PackageError) as missing:
        read_trained(project.trained)

    assert (damaged.value.code, missing.value.code) == ("training-unreadable", "model-missing")


def test_code_follows_imports_and_shows_a_broken_line(tmp_path: Path) -> None:
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "deep.py").write_text("import json\n")
    (tmp_path / "helper.py").write_text("import lib.deep\n")
    handler = tmp_path / "h.py"
    handler.write_text("import helper\nimport numpy\n")

    assert list(code_files(handler, tmp_path)) == ["h.py", "helper.py", "lib/deep.py"]

    (tmp_path / "helper.py").write_text("x = 1\ndef broken(:\n")
    with pytest.raises(PackageError, match=r"helper.py line 2: def broken\(:"):
        code_files(handler, tmp_path)


def test_dependencies_that_are_not_there_or_not_as_locked(tmp_path: Path) -> None:
    with pytest.raises(PackageError) as missing:
        closure(["no-such-distribution"])
    with pytest.raises(PackageError) as invalid:
        closure(["not a name"])
    lock = tmp_path / "uv.lock"
    lock.write_text('[[package]]\nname = "joblib"\nversion = "0.0.1"\n')
    with pytest.raises(PackageError) as unlocked:
        check_against_lock(closure(["joblib"]), lock)

    assert [e.value.code for e in (missing, invalid, unlocked)] == [
        "dependency-missing",
        "dependency-invalid",
        "dependency-unlocked",
    ]


def test_an_archive_does_not_depend_on_the_order_of_its_files() -> None:
    one, two = io.BytesIO(), io.BytesIO()
    write_archive(one, {"b": b"2", "a": b"1"})
    write_archive(two, {"a": b"1", "b": b"2"})

    assert one.getvalue() == two.getvalue()

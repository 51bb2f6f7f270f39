"""A package: the same bytes from the same input, whole or not at all, and what stops it."""

from __future__ import annotations

import io
import json
import os
import shutil
import sys
import tarfile
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import pytest

from fogbank.contracts.config import ProjectConfig
from fogbank.contracts.errors import DigestError, GateError, PackageError
from fogbank.contracts.manifest import load_manifest
from fogbank.pack import build, read_trained, record_environment
from fogbank.pack.archive import write_archive
from fogbank.pack.code import code_files
from tests.fakes.probe import Probe
from tests.projects import BASELINE, small_project, uncompiled_project


@pytest.fixture
def project(tmp_path: Path) -> ProjectConfig:
    return uncompiled_project(tmp_path)


def package_bytes(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_same_input_same_bytes_in_any_folder(tmp_path: Path) -> None:
    first = uncompiled_project(tmp_path / "one")
    shutil.copytree(first.root, tmp_path / "an other" / "place")
    second = moved(first, tmp_path / "an other" / "place")
    for path in second.root.rglob("*"):
        os.utime(path, (1, 1))
    packages = [build(config, read_trained(config.trained), BASELINE, Probe()) for config in (first, second)]

    assert packages[0].folder != packages[1].folder
    written = [package_bytes(package.folder) for package in packages]
    assert set(written[0]) == {"model.tar.gz", "statistics.json", "constraints.json", "manifest.json"}
    assert written[0] == written[1]


def moved(config: ProjectConfig, root: Path) -> ProjectConfig:
    assert config.handler is not None
    return replace(config, root=root, handler=root / config.handler.relative_to(config.root))


def test_the_archive_has_sagemakers_layout_and_names_every_file(project: ProjectConfig) -> None:
    manifest = build(project, read_trained(project.trained), BASELINE, Probe())

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
    build(project, read_trained(project.trained), BASELINE, Probe())
    path = project.package / name
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)

    with pytest.raises((DigestError, PackageError)) as caught:
        load_manifest(project.package)

    assert name in caught.value.cause


def test_a_gate_stops_the_packaging_and_leaves_the_old_package(project: ProjectConfig) -> None:
    before = build(project, read_trained(project.trained), BASELINE, Probe())
    (project.trained / "metrics.json").write_text(
        json.dumps({"metrics": {"f1": 0.7}, "gates": {"f1": 0.8, "auc": 0.5}})
    )

    with pytest.raises(GateError) as caught:
        build(project, read_trained(project.trained), BASELINE, Probe())

    assert "f1 is 0.7000, the gate is 0.8000" in caught.value.cause
    assert "auc is nan" in caught.value.cause
    assert load_manifest(project.package) == before


def test_a_probe_that_fails_leaves_nothing_behind(project: ProjectConfig) -> None:
    def refuse(stage: Path, _: Path) -> None:
        assert (stage / "model" / "fogbank.json").is_file()
        raise PackageError("package-unloadable", "no")

    with pytest.raises(PackageError, match="no"):
        build(project, read_trained(project.trained), BASELINE, refuse)

    assert sorted(path.name for path in project.state.iterdir()) == ["fitted", "trained"]


def test_missing_and_damaged_training_results(project: ProjectConfig) -> None:
    (project.trained / "schema.json").write_text("{")
    with pytest.raises(PackageError) as damaged:
        read_trained(project.trained)
    (project.trained / "model.joblib").unlink()
    with pytest.raises(PackageError) as missing:
        read_trained(project.trained)

    assert (damaged.value.code, missing.value.code) == ("training-unreadable", "model-missing")


def test_every_file_that_training_did_not_leave_is_named_at_once(project: ProjectConfig) -> None:
    for name in ("schema.json", "baseline.csv", "metrics.json"):
        (project.trained / name).unlink(missing_ok=True)
    with pytest.raises(PackageError) as caught:
        read_trained(project.trained, "baseline.csv")

    assert caught.value.code == "training-incomplete"
    assert "no schema.json and no baseline.csv" in caught.value.cause
    (project.trained / "schema.json").write_text('{"input": {"columns": []}}')
    with pytest.raises(PackageError, match="a key 'output' is missing"):
        read_trained(project.trained)
    (project.trained / "schema.json").write_text('{"input": {"columns": []}, "output": {"columns": []}}')
    assert read_trained(project.trained).gates == {}, "scores and gates need not be there"


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


def test_what_trained_the_model_is_what_is_locked_before_anything_is_built(project: ProjectConfig) -> None:
    record_environment(project.trained)
    build(project, read_trained(project.trained), BASELINE, Probe())
    record = project.trained / "environment.json"
    said = json.loads(record.read_text())

    for change, words in (
        (
            {"versions": {**said["versions"], "joblib": "0.0.1"}},
            "joblib 0.0.1 trained the model, and this environment says",
        ),
        ({"python": "3.5"}, "Python 3.5 trained the model"),
    ):
        record.write_text(json.dumps({**said, **change}))
        with pytest.raises(PackageError, match=words) as caught:
            build(project, read_trained(project.trained), BASELINE, Probe())
        assert caught.value.code == "version-differs"
    record.write_text(json.dumps({**said, "python": "3.5", "model_sha256": "another model's"}))
    assert read_trained(project.trained).python == ""


def test_of_a_model_that_was_brought_nobody_says_what_trained_it(tmp_path: Path) -> None:
    config = small_project(tmp_path)
    config = replace(config, model=config.trained)
    lock = (tmp_path / "uv.lock").read_text()
    here = f'name = "joblib"\nversion = "{version("joblib")}"'
    assert here in lock
    (tmp_path / "uv.lock").write_text(lock.replace(here, 'name = "joblib"\nversion = "1.5.0"'))

    manifest = build(config, read_trained(config.trained), BASELINE, Probe(), lambda _: Path(sys.executable))

    assert "joblib==1.5.0" in manifest.package.requirements


def test_the_lock_and_the_imports_are_looked_at_before_anything_is_built(project: ProjectConfig) -> None:
    lock = project.root / "uv.lock"
    lock.write_text('[[package]]\nname = "joblib"\nversion = "0.0.1"\n')
    with pytest.raises(PackageError) as unlocked:
        build(project, read_trained(project.trained), BASELINE, Probe())
    lock.unlink()
    assert project.handler is not None
    project.handler.write_text("import click\n")
    with pytest.raises(PackageError) as undeclared:
        build(project, read_trained(project.trained), BASELINE, Probe())

    assert (unlocked.value.code, undeclared.value.code) == ("dependency-unlocked", "import-undeclared")
    assert not project.package.exists()


def test_a_package_that_would_be_the_same_is_left_as_it_is(project: ProjectConfig) -> None:
    made = build(project, read_trained(project.trained), BASELINE, Probe())

    def refuse(_: Path, __: Path) -> None:
        raise PackageError("probed", "an unchanged package is not probed again", "")

    assert build(project, read_trained(project.trained), BASELINE, refuse) == made
    made.artifact_path.write_bytes(b"damaged")
    with pytest.raises(PackageError, match="not probed again"):
        build(project, read_trained(project.trained), BASELINE, refuse)


def test_an_archive_does_not_depend_on_the_order_of_its_files() -> None:
    one, two = io.BytesIO(), io.BytesIO()
    write_archive(one, {"b": b"2", "a": b"1"})
    write_archive(two, {"a": b"1", "b": b"2"})

    assert one.getvalue() == two.getvalue()

"""The artifact wire: the same manifest is the same bytes, and what differs from it is named before anything is loaded."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from fogbank.contracts.errors import DigestError, PackageError
from fogbank.contracts.manifest import (
    ENV_MANIFEST_DIGEST,
    FORMAT,
    INNER_NAME,
    OUTER_NAME,
    Column,
    Compilation,
    Manifest,
    PackageManifest,
    Schema,
    decode_package,
    load_manifest,
    schema_from,
)
from fogbank.ground.digest import sha256_bytes

SCHEMA = Schema(columns=(Column(name="a"), Column(name="b", dtype="string", nullable=True)))
FILES = {"model.onnx": b"model", "code/inference.py": b"code"}
PACKAGE = PackageManifest(
    name="churn",
    model_file="model.onnx",
    handler="inference.py",
    python="3.11",
    requirements=("numpy==2.4.6",),
    input=SCHEMA,
    output=SCHEMA,
    metrics={"f1": 0.9},
    files={name: sha256_bytes(data) for name, data in FILES.items()},
    kind="onnx",
    compilation=Compilation(compiled=True, precision="double", rows=10, tolerance=1e-6),
)


def unpacked(folder: Path) -> Path:
    for name, data in {**FILES, INNER_NAME: PACKAGE.encode()}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


def written(folder: Path) -> Manifest:
    """A package folder: an archive, a baseline and the manifest beside them."""
    for name in ("model.tar.gz", "statistics.json", "constraints.json"):
        (folder / name).write_bytes(name.encode())
    manifest = Manifest(
        artifact="model.tar.gz",
        artifact_sha256=sha256_bytes(b"model.tar.gz"),
        package_sha256=sha256_bytes(PACKAGE.encode()),
        package=PACKAGE,
        statistics_sha256=sha256_bytes(b"statistics.json"),
        constraints_sha256=sha256_bytes(b"constraints.json"),
        folder=folder,
    )
    (folder / OUTER_NAME).write_bytes(manifest.encode())
    return manifest


def test_both_manifests_come_back_as_they_were(tmp_path: Path) -> None:
    manifest = written(tmp_path)

    assert decode_package(PACKAGE.encode()) == PACKAGE
    assert load_manifest(tmp_path) == manifest
    assert load_manifest(tmp_path).folder == tmp_path
    assert b"folder" not in manifest.encode()


def test_an_unpacked_package_that_is_whole_passes(tmp_path: Path) -> None:
    unpacked(tmp_path)
    (tmp_path / "code" / "__pycache__").mkdir()
    (tmp_path / "code" / "__pycache__" / "inference.cpython-311.pyc").touch()

    PACKAGE.check_files(tmp_path)


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_other_or_gone_is_named(tmp_path: Path, name: str) -> None:
    path = unpacked(tmp_path) / name
    path.write_bytes(b"other")
    with pytest.raises(DigestError, match=name) as changed:
        PACKAGE.check_files(tmp_path)
    path.unlink()
    with pytest.raises(DigestError, match=name) as gone:
        PACKAGE.check_files(tmp_path)

    assert (changed.value.expected, changed.value.actual) == (PACKAGE.files[name], sha256_bytes(b"other"))
    assert gone.value.actual == "no such file"


def test_a_file_that_nobody_packed_is_named(tmp_path: Path) -> None:
    (unpacked(tmp_path) / "code" / "sitecustomize.py").touch()

    with pytest.raises(DigestError, match="sitecustomize"):
        PACKAGE.check_files(tmp_path)


@pytest.mark.parametrize("name", ["model.tar.gz", "statistics.json", "constraints.json"])
def test_what_lies_beside_the_archive_is_checked_by_every_reading(tmp_path: Path, name: str) -> None:
    written(tmp_path)
    (tmp_path / name).write_bytes(b"other")

    with pytest.raises(DigestError, match=name):
        load_manifest(tmp_path)


def test_an_inner_manifest_that_is_not_the_one_that_was_named_is_found(tmp_path: Path) -> None:
    manifest = written(tmp_path)
    (tmp_path / OUTER_NAME).write_bytes(replace(manifest, package=replace(PACKAGE, handler="other.py")).encode())

    with pytest.raises(DigestError, match=OUTER_NAME):
        load_manifest(tmp_path)


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        ({"format": FORMAT - 1}, f"this fogbank reads {FORMAT}"),
        ({"surprise": 1}, "surprise"),
        ({"input": {"columns": [{"label": "a"}]}}, "label"),
        ({"input": None}, "input"),
    ],
)
def test_a_manifest_of_another_form_is_unreadable_and_says_why(change: dict[str, object], cause: str) -> None:
    document = {**json.loads(PACKAGE.encode()), **change}
    document = {name: value for name, value in document.items() if value is not None}

    with pytest.raises(PackageError, match=cause) as caught:
        decode_package(json.dumps(document).encode())
    assert (caught.value.code, caught.value.exit_code) == ("manifest-unreadable", 3)


def test_no_package_and_one_that_is_no_json(tmp_path: Path) -> None:
    with pytest.raises(PackageError) as missing:
        load_manifest(tmp_path)
    (tmp_path / OUTER_NAME).write_text("{")
    with pytest.raises(PackageError) as broken:
        load_manifest(tmp_path)

    assert (missing.value.code, broken.value.code) == ("package-missing", "manifest-unreadable")


def test_what_a_container_is_told_names_this_package_and_no_other(tmp_path: Path) -> None:
    manifest = written(tmp_path)

    assert manifest.environment == {
        "SAGEMAKER_PROGRAM": "inference.py",
        "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code",
        ENV_MANIFEST_DIGEST: manifest.package_sha256,
    }
    assert "SAGEMAKER_PROGRAM" not in replace(manifest, package=replace(PACKAGE, handler=None)).environment


def test_a_schema_refuses_a_key_that_it_does_not_know() -> None:
    assert schema_from({"columns": [{"name": "a"}]}).names == ("a",)
    with pytest.raises(TypeError, match="dtpe"):
        schema_from({"columns": [{"name": "a", "dtpe": "float"}]})

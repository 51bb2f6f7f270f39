"""What is said of a package: how it is served, and where its proof is weak."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from fogbank.contracts.config import ProjectConfig
from fogbank.contracts.errors import PackageError
from fogbank.contracts.manifest import Compilation, Manifest
from fogbank.project.packaging.packing import PROFILED, present, probe, profiled, serving, weak_proof
from fogbank.project.workplace.events import Event, StepDone, Steps
from tests.projects import packed


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    return packed(tmp_path_factory.mktemp("packing") / "project")[1]


def compiled(manifest: Manifest, compilation: Compilation) -> Manifest:
    return replace(manifest, package=replace(manifest.package, compilation=compilation))


def test_how_a_model_is_served_is_told_with_its_proof(manifest: Manifest) -> None:
    onnx = compiled(manifest, Compilation(compiled=True, rows=426, max_difference=2e-16))
    native = compiled(manifest, Compilation(compiled=False, reason="it is no estimator"))

    assert serving(onnx) == "the model as ONNX (426 rows agree within 2e-16)"
    assert serving(native) == f"the model as {manifest.package.kind} (it is no estimator)"
    assert (weak_proof(onnx), weak_proof(native)) == ("", "")
    assert "looked at on 1 row(s)" in weak_proof(compiled(manifest, Compilation(compiled=True, rows=1)))


def test_the_package_that_is_there_is_taken_as_it_is(manifest: Manifest) -> None:
    from fogbank.project.workplace.config import load_config

    events: list[Event] = []
    config = load_config(manifest.folder)

    assert present(config, Steps(events.append)).artifact_sha256 == manifest.artifact_sha256
    assert isinstance(events[-1], StepDone)
    assert events[-1].outcome.endswith("as it is")


def test_a_stage_that_does_not_load_keeps_the_code_of_its_cause(manifest: Manifest, tmp_path: Path) -> None:
    from fogbank.ground.archive import unpack_archive

    unpack_archive(manifest.artifact_path, tmp_path / "model")
    sample = tmp_path / "sample.csv"
    probe(tmp_path, sample)  # without a sample it need only load
    sample.write_text("0.5,-0.25\n")
    probe(tmp_path, sample)
    sample.write_text("0.5,-0.25,7\n")

    with pytest.raises(PackageError) as caught:
        probe(tmp_path, sample)

    assert caught.value.code == "sample-refused"
    assert caught.value.hint.startswith("make input_fn take what sample.csv holds")
    assert caught.value.hint.endswith("the package that was there is unchanged")


def test_a_profile_is_kept_until_its_rows_change_and_half_a_one_is_made_again(tmp_path: Path) -> None:
    config, file = ProjectConfig(root=tmp_path, name="p"), tmp_path / "baseline.csv"
    file.write_text("p,a\n1,2\n")
    first = profiled(config, file, ("p", "a"), [])
    kept = config.state / PROFILED
    written = kept.stat().st_mtime_ns

    assert profiled(config, file, ("p", "a"), []) == first
    assert kept.stat().st_mtime_ns == written
    kept.write_text('{"key": ')
    assert profiled(config, file, ("p", "a"), []) == first
    assert profiled(config, file, ("p", "a"), ["a"]) != first
    file.write_text("p,a\n1,2\n3,4\n")
    assert profiled(config, file, ("p", "a"), []) != first
    assert profiled(config, None, ("p", "a"), []) != first

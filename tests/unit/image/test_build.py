"""A package on a base: the same build is the same digest, another content another, and the configuration is SageMaker's."""

from __future__ import annotations

import tarfile
from dataclasses import replace
from pathlib import Path

import pytest

from fogbank.contracts.dependencies import Target, Wheel
from fogbank.contracts.manifest import INNER_NAME
from fogbank.image.build import Build, build_image, dependencies_key, image_config, image_key, model_entries
from fogbank.image.layers import LayerStore
from fogbank.image.layout import Layout

WHEEL = Wheel(name="numpy", version="2.4.6", filename="n.whl", sha256="a" * 64)
HOST = Target(platform="linux/amd64", python="3.11")


def test_an_image_has_the_bases_layers_and_three_of_its_own(build: Build, tmp_path: Path) -> None:
    layout = Layout(tmp_path / "image")
    image = build_image(build, LayerStore(tmp_path / "store"), layout)
    document = layout.read(image.manifest)

    assert [item["digest"] for item in document["layers"]] == [
        *(item.digest for item in build.base.layers),
        *(layer.digest for layer in image.layers),
    ]
    assert all(layout.blob(item["digest"]).is_file() for item in document["layers"])
    assert image.above_base == sum(layer.size for layer in image.layers)
    again = build_image(build, LayerStore(tmp_path / "another store"), Layout(tmp_path / "again"))
    assert again.digest == image.digest


def test_the_layers_hold_the_model_where_sagemaker_has_it_and_the_server_in_an_environment(
    build: Build, tmp_path: Path
) -> None:
    store = LayerStore(tmp_path / "store")
    names = []
    for layer in build_image(build, store, Layout(tmp_path / "image")).layers:
        with tarfile.open(store.blob(layer.digest)) as tar:
            names.append({member.name: member for member in tar})
    dependencies, server, model = names

    assert dependencies["opt/fogbank/bin/python"].linkname == "/usr/bin/python3.11"
    assert "opt/fogbank/lib/python3.11/site-packages/fogbank/serve/__main__.py" in server
    assert not [name for name in server if "/fogbank/cloud" in name or "/fogbank/pack" in name]
    assert {name for name, member in model.items() if member.isfile()} == {
        f"opt/ml/model/{name}" for name in ("model.joblib", "code/inference.py", INNER_NAME)
    }
    assert {entry.name for entry in model_entries(build.package)} == {
        name for name, member in model.items() if member.isfile()
    }


def test_the_configuration_keeps_the_bases_environment_and_adds_the_packages(build: Build) -> None:
    config = image_config(build, ())["config"]
    environment = dict(item.partition("=")[::2] for item in config["Env"])

    assert config["Env"] == sorted(config["Env"])
    assert (environment["TZ"], environment["PATH"]) == ("UTC", "/opt/fogbank/bin:/usr/bin")
    assert environment["SAGEMAKER_PROGRAM"] == "inference.py"
    assert environment["FOGBANK_MANIFEST_SHA256"] == build.package.package_sha256
    assert (config["Cmd"], config["StopSignal"]) == (["serve"], "SIGTERM")
    assert config["Labels"]["com.amazonaws.sagemaker.capabilities.accept-bind-to-port"] == "true"


@pytest.mark.parametrize(
    "change",
    [
        lambda build: replace(build, wheels=(WHEEL,)),
        lambda build: replace(build, package=replace(build.package, artifact_sha256="f" * 64)),
        lambda build: replace(build, package=replace(build.package, package_sha256="f" * 64)),
        lambda build: replace(build, base=replace(build.base, name="another")),
        lambda build: replace(build, target=replace(build.target, python="3.12")),
    ],
)
def test_other_materials_are_another_image(build: Build, change: object) -> None:
    assert image_key([build]) != image_key([change(build)])  # type: ignore[operator]  # one of those above
    assert image_key([build]) == image_key([build])


def test_the_layer_of_dependencies_is_named_by_its_wheels_in_any_order(build: Build) -> None:
    other = replace(WHEEL, name="scipy", sha256="b" * 64)

    assert dependencies_key(replace(build, wheels=(WHEEL, other))) == dependencies_key(
        replace(build, wheels=(other, WHEEL))
    )
    assert dependencies_key(replace(build, wheels=(WHEEL,))) != dependencies_key(build)
    assert dependencies_key(replace(build, package=replace(build.package, artifact_sha256="f" * 64))) == (
        dependencies_key(build)
    )

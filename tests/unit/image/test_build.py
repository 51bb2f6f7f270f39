"""A package on a base: the same build is the same digest, another content another, and the configuration is SageMaker's."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fogbank.contracts.dependencies import Target, Wheel
from fogbank.image.build import Build, dependencies_key, image_config, image_key

WHEEL = Wheel(name="numpy", version="2.4.6", filename="n.whl", sha256="a" * 64)
HOST = Target(platform="linux/amd64", python="3.11")


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

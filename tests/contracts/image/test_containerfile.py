"""The Containerfile says what the image's configuration says, over the same layers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from fogbank.image.build import Build, image_config, image_layers
from fogbank.image.containerfile import ARCHIVES, write_containerfile
from fogbank.image.layers import LayerStore


def test_a_base_that_is_here_alone_comes_along_and_the_layers_are_those_of_the_image(
    build: Build, tmp_path: Path
) -> None:
    store = LayerStore(tmp_path / "store")
    file = write_containerfile(build, store, tmp_path / "context")
    lines = file.read_text().splitlines()

    assert lines[:3] == ["# the base is base, which is in no registry", "FROM scratch", "ADD base-0.tar.gz /"]
    for name, layer in zip(ARCHIVES, image_layers(build, store), strict=True):
        assert (file.parent / name).read_bytes() == store.blob(layer.digest).read_bytes()
        assert f"ADD {name} /" in lines
    assert (file.parent / "requirements.txt").read_text() == ""
    config = image_config(build, ())["config"]
    for item in config["Env"]:
        name, _, value = item.partition("=")
        assert f'ENV {name}="{value}"' in lines
    assert 'CMD ["serve"]' in lines
    assert [
        line for line in lines if line.startswith("HEALTHCHECK --interval=10s --timeout=2s --start-period=240s CMD ")
    ]


def test_a_base_of_a_registry_is_named_by_its_digest_and_what_was_there_before_is_gone(
    build: Build, tmp_path: Path
) -> None:
    pulled = replace(build, base=replace(build.base, name="docker.io/library/python:3.11-slim", pulled=True))
    (tmp_path / "context").mkdir()
    (tmp_path / "context" / "base-0.tar.gz").touch()
    file = write_containerfile(pulled, LayerStore(tmp_path / "store"), tmp_path / "context")

    assert file.read_text().splitlines()[0] == (
        f"FROM --platform=linux/amd64 docker.io/library/python:3.11-slim@{build.base.manifest.digest}"
    )
    assert not (file.parent / "base-0.tar.gz").exists()
    assert not list(tmp_path.glob(".containerfile-*"))

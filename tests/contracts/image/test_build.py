"""A package's image as it is built, its server compiled by the Python that is to run it."""

from __future__ import annotations

import tarfile
from pathlib import Path

from fogbank.contracts.manifest import INNER_NAME
from fogbank.image.build import Build, build_image, model_entries
from fogbank.image.layers import LayerStore
from fogbank.image.layout import Layout


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

"""Package URLs, as ECMA-427 writes them."""

from __future__ import annotations

import pytest

from fogbank.contracts.materials import Material

SHA = "b" * 64


@pytest.mark.parametrize(
    ("material", "purl"),
    [
        (Material(kind="pypi", name="numpy", version="2.4.6"), "pkg:pypi/numpy@2.4.6"),
        (Material(kind="pypi", name="torch", version="2.1+cpu", filename="torch-2.1+cpu.whl"),
         "pkg:pypi/torch@2.1%2Bcpu?file_name=torch-2.1%2Bcpu.whl"),
        (Material(kind="deb", name="libstdc++6", version="1:2.36-9~x", architecture="arm64"),
         "pkg:deb/debian/libstdc%2B%2B6@1%3A2.36-9~x?arch=arm64"),
        (Material(kind="oci", name="docker.io/library/python:3.11-slim", version=f"sha256:{SHA}", sha256=SHA),
         f"pkg:oci/python@sha256%3A{SHA}"),
        (Material(kind="oci", name="localhost:5000/a/base/", version="", sha256=SHA), f"pkg:oci/base@sha256%3A{SHA}"),
    ],
)  # fmt: skip
def test_purls(material: Material, purl: str) -> None:
    assert material.purl == purl

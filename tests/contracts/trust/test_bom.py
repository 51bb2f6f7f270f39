"""The bill of materials is CycloneDX, and the same for the same materials."""

from __future__ import annotations

import json
from dataclasses import replace

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from fogbank.contracts.manifest import Manifest
from fogbank.trust import bill_of_materials
from tests.contracts.trust.sealed import MATERIALS


def test_the_bill_of_materials_is_cyclonedx_and_the_same_every_time(manifest: Manifest) -> None:
    first = bill_of_materials(manifest, MATERIALS, "0.1.0")

    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(first)) is None
    assert first == bill_of_materials(manifest, MATERIALS[::-1], "0.1.0")
    assert [part["purl"] for part in first["components"][1:]] == [
        "pkg:deb/debian/libc6@2.36-9%2Bdeb12u14?arch=arm64",
        f"pkg:oci/python@sha256%3A{'b' * 64}",
        "pkg:pypi/numpy@2.4.6?file_name=numpy-2.4.6-cp311.whl",
    ]
    model = first["components"][0]
    assert (model["type"], model["hashes"][0]["content"]) == (
        "machine-learning-model", manifest.package.files[manifest.package.model_file],
    )  # fmt: skip


def test_another_package_or_another_material_is_another_document(manifest: Manifest) -> None:
    first = bill_of_materials(manifest, MATERIALS, "0.1.0")
    fewer = bill_of_materials(manifest, MATERIALS[1:3], "0.1.0")
    other = bill_of_materials(replace(manifest, artifact_sha256="f" * 64), MATERIALS, "0.1.0")

    assert len({first["serialNumber"], fewer["serialNumber"], other["serialNumber"]}) == 3
    assert len(fewer["components"]) == len(first["components"]) - 1
    [root] = first["dependencies"]
    assert set(root["dependsOn"]) == {part["bom-ref"] for part in first["components"]}


def test_the_models_scores_stand_in_its_card(manifest: Manifest) -> None:
    [card] = [part["modelCard"] for part in bill_of_materials(manifest, [], "0.1.0")["components"]]

    assert card["quantitativeAnalysis"]["performanceMetrics"] == [{"type": "f1", "value": "0.9"}]

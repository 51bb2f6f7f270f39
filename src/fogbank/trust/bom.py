"""The bill of materials: CycloneDX 1.6 as JSON (ECMA-424). Same materials, same bytes: it holds no time and no random number.

In: a manifest and materials; out: the document.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Any

from fogbank.contracts.manifest import Manifest
from fogbank.contracts.materials import Material
from fogbank.ground.digest import canonical_json, sha256_bytes

TYPES = {"pypi": "library", "deb": "library", "oci": "container"}
NAMESPACE = uuid.UUID("8ad5ed4f-0bd6-5b11-b7e3-0c0f3b2a6c9d")
"""Of serial numbers, which are made from the content (RFC 9562, version 5)."""


def bill_of_materials(manifest: Manifest, materials: Iterable[Material], fogbank: str) -> dict[str, Any]:
    """The document: the service, the model with its scores, and every material once."""
    parts = [_component(item) for item in sorted(set(materials), key=lambda item: item.purl)]
    root = f"pkg:generic/{manifest.name}@{manifest.artifact_sha256[:12]}"
    model = _model(manifest)
    document: dict[str, Any] = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": root,
                "name": manifest.name,
                "version": manifest.artifact_sha256[:12],
                "hashes": [_hash(manifest.artifact_sha256)],
            },
            "tools": {"components": [{"type": "application", "name": "fogbank", "version": fogbank}]},
        },
        "components": [model, *parts],
        "dependencies": [{"ref": root, "dependsOn": sorted([model["bom-ref"], *(part["bom-ref"] for part in parts)])}],
    }
    serial = uuid.uuid5(NAMESPACE, sha256_bytes(canonical_json(document)))
    return {**document, "serialNumber": f"urn:uuid:{serial}"}


def _component(item: Material) -> dict[str, Any]:
    component: dict[str, Any] = {
        "type": TYPES[item.kind],
        "bom-ref": item.purl,
        "name": item.name,
        "version": item.version,
        "purl": item.purl,
    }
    return {**component, "hashes": [_hash(item.sha256)]} if item.sha256 else component


def _model(manifest: Manifest) -> dict[str, Any]:
    package = manifest.package
    digest = package.files[package.model_file]
    return {
        "type": "machine-learning-model",
        "bom-ref": f"model:{digest}",
        "name": package.model_file,
        "version": digest[:12],
        "hashes": [_hash(digest)],
        "modelCard": {
            "quantitativeAnalysis": {
                "performanceMetrics": [
                    {"type": name, "value": repr(value)} for name, value in sorted(package.metrics.items())
                ]
            }
        },
    }


def _hash(sha256: str) -> dict[str, str]:
    return {"alg": "SHA-256", "content": sha256}

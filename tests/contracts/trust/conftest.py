"""A package to seal, made once for all of a run's processes."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from fogbank.contracts.manifest import Manifest, load_manifest
from fogbank.ground.digest import canonical_json
from fogbank.trust import BOM, bill_of_materials
from tests.contracts.trust.sealed import MATERIALS
from tests.once import made_once
from tests.projects import packed


@pytest.fixture(scope="session")
def package(run_folder: Path) -> Path:
    """A package, made once; a test seals or spoils a copy."""
    return made_once(run_folder / "trusted-project", lambda root: packed(root / "churn")) / "churn/.fogbank/package"


@pytest.fixture
def manifest(package: Path, tmp_path: Path) -> Manifest:
    """A package with something like an image beside it."""
    shutil.copytree(package, tmp_path / "package")
    found = load_manifest(tmp_path / "package")
    blob = found.folder / "image/blobs/sha256/0123"
    blob.parent.mkdir(parents=True)
    blob.write_bytes(bytes(range(256)))
    (found.folder / "image/index.json").write_text("{}")
    (found.folder / BOM).write_bytes(canonical_json(bill_of_materials(found, MATERIALS, "0.1.0")))
    return found

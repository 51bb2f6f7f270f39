"""Unpacked packages for the server's tests: a model file, a handler, a schema, and a manifest that names them by digest."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from fogbank.contracts.container import ServeSettings
from fogbank.contracts.digest import sha256_bytes, sha256_file
from fogbank.contracts.manifest import INNER_NAME, Column, PackageManifest, Schema

TWO_FLOATS = Schema(columns=(Column(name="a"), Column(name="b")))


def script(base: Path, code: str, name: str = "inference.py") -> ServeSettings:
    """A script-mode package without a manifest, unpacked below `base`."""
    folder = base / "model" / "code"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(code)
    return ServeSettings.at(base)


def signed(
    base: Path,
    code: str | None = None,
    *,
    model: tuple[str, bytes] | None = None,
    schema: Schema = TWO_FLOATS,
    **others: Any,
) -> ServeSettings:
    """A package with its manifest; the settings require the manifest's digest."""
    folder = base / "model"
    folder.mkdir(parents=True, exist_ok=True)
    if code is not None:
        script(base, code)
    if model is not None:
        (folder / model[0]).write_bytes(model[1])
    files = {str(path.relative_to(folder)): sha256_file(path) for path in sorted(folder.rglob("*")) if path.is_file()}
    manifest = PackageManifest(
        name="tested",
        model_file=model[0] if model else "model.joblib",
        handler=None if code is None else "inference.py",
        python="3",
        requirements=(),
        input=schema,
        output=others.pop("output", schema),
        metrics={},
        files=files,
        **others,
    )
    (folder / INNER_NAME).write_bytes(manifest.encode())
    return replace(ServeSettings.at(base), package_sha256=sha256_bytes(manifest.encode()))

"""Unpacked packages for the server's tests: a model file, a handler, a schema, and a manifest that names them by digest."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from fogbank.contracts.container import ServeSettings
from fogbank.contracts.manifest import INNER_NAME, Column, PackageManifest, Schema
from fogbank.ground.digest import sha256_bytes, sha256_file

TWO_FLOATS = Schema(columns=(Column(name="a"), Column(name="b")))


def settings_at(base: Path, **others: object) -> ServeSettings:
    """Settings for a package unpacked below `base`, which stands for /opt/ml; the rest at their defaults."""
    model = base / "model"
    return ServeSettings(base_dir=base, **{"model_dir": model, "code_dir": model / "code", **others})  # type: ignore[arg-type]  # the dataclass refuses unknown keys


def script(base: Path, code: str, name: str = "inference.py") -> ServeSettings:
    """A script-mode package without a manifest, unpacked below `base`."""
    folder = base / "model" / "code"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(code)
    return settings_at(base)


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
    return replace(settings_at(base), package_sha256=sha256_bytes(manifest.encode()))

"""The artifact wire: what `pack` writes, what `infra` declares and what `serve` checks before it loads.

Two documents. `PackageManifest` travels *inside* model.tar.gz (as `fogbank.json`) and names every file in it by digest;
the server checks it before it unpickles anything. `Manifest` lies *beside* the archive and names the archive itself, the
inner manifest and the monitoring baseline, so that a Pulumi program can hand those digests on.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from fogbank.contracts.errors import DigestError, PackageError
from fogbank.contracts.method import Method
from fogbank.contracts.schema import Column, Schema, document_of, schema_from
from fogbank.ground.digest import canonical_json, sha256_bytes, sha256_file
from fogbank.ground.paths import inside, relative_name

__all__ = [
    "Column",
    "Compilation",
    "Manifest",
    "PackageManifest",
    "Schema",
    "decode_package",
    "load_manifest",
    "schema_from",
]

FORMAT = 2
INNER_NAME = "fogbank.json"
OUTER_NAME = "manifest.json"
ENV_MANIFEST_DIGEST = "FOGBANK_MANIFEST_SHA256"

ModelKind = Literal["joblib", "skops", "onnx", "xgboost", "lightgbm", "catboost", "handler"]


@dataclass(frozen=True, kw_only=True)
class Compilation:
    """Whether the model that was trained is served as ONNX, and what proves it, or why not.

    The proof is on `rows` rows of the baseline and on those that look for trouble, counted by kind in `proof` (rows that both
    refuse, and ties among the answers, are counted there too): labels, shapes and refusals are identical, and no score
    differs by more than `max_difference` (of the larger of one and the score), which is at most `tolerance`; `exact` says that
    no bit differed. `batch_exact` says that a row's result was the same to the last bit whichever rows it was computed with,
    of the compiled model or, where there is none, of the native one. `source_sha256` names the model that was trained.
    """

    compiled: bool
    reason: str = ""
    source_sha256: str = ""
    converter: str = ""
    precision: Literal["", "double", "float"] = ""
    rows: int = 0
    max_difference: float = 0.0
    tolerance: float = 0.0
    batch_exact: bool = False
    exact: bool = False
    proof: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class PackageManifest:
    """What model.tar.gz holds. `files` maps a path inside the archive to its SHA-256.

    `kind` says how `model_file` is loaded, `method` which of the model's methods answers where the handler has no
    `predict_fn`, and `trusted_types` what a skops file may hold beyond scikit-learn's own.
    """

    name: str
    model_file: str
    handler: str | None
    python: str
    requirements: tuple[str, ...]
    input: Schema
    output: Schema
    metrics: dict[str, float]
    files: dict[str, str]
    kind: ModelKind = "joblib"
    method: Method = "predict"
    trusted_types: tuple[str, ...] = ()
    compilation: Compilation = Compilation(compiled=False)
    format: int = FORMAT

    def encode(self) -> bytes:
        """Canonical JSON bytes: same manifest, same bytes."""
        return canonical_json(_document(self))

    def check_files(self, root: Path) -> None:
        """Every file named here has its digest below `root`, and no other file lies there. Raises DigestError."""
        for name, expected in self.files.items():
            path = inside(root, name)
            digest = sha256_file(path) if path.is_file() else "no such file"
            if digest != expected:
                raise DigestError(name, expected, digest)
        extra = sorted(
            str(path.relative_to(root))
            for path in root.rglob("*")
            if path.is_file()
            and "__pycache__" not in path.parts
            and str(path.relative_to(root)) not in {*self.files, INNER_NAME}
        )
        if extra:
            raise DigestError(extra[0], "no such file", "a file that the manifest does not name")


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What lies beside model.tar.gz. Paths are names in the same folder; digests are SHA-256 in hex."""

    artifact: str
    artifact_sha256: str
    package_sha256: str
    package: PackageManifest
    statistics_sha256: str
    constraints_sha256: str
    format: int = FORMAT
    folder: Path = field(default=Path(), compare=False)

    def encode(self) -> bytes:
        """Canonical JSON bytes."""
        document = asdict(self)
        del document["folder"]
        return canonical_json({**document, "package": _document(self.package)})

    @property
    def name(self) -> str:
        """The service's name."""
        return self.package.name

    @property
    def environment(self) -> dict[str, str]:
        """What a container must be told to run this package, and no other."""
        handler = {"SAGEMAKER_PROGRAM": self.package.handler} if self.package.handler else {}
        return {
            **handler,
            "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code",
            ENV_MANIFEST_DIGEST: self.package_sha256,
        }

    @property
    def artifact_path(self) -> Path:
        """The archive on disk."""
        return inside(self.folder, self.artifact)

    @property
    def statistics_path(self) -> Path:
        """The baseline's statistics.json."""
        return self.folder / "statistics.json"

    @property
    def constraints_path(self) -> Path:
        """The baseline's constraints.json."""
        return self.folder / "constraints.json"

    def check_files(self) -> None:
        """The archive and the baseline are the bytes named here. Raises DigestError."""
        for path, expected in (
            (self.artifact_path, self.artifact_sha256),
            (self.statistics_path, self.statistics_sha256),
            (self.constraints_path, self.constraints_sha256),
        ):
            digest = sha256_file(path) if path.is_file() else "no such file"
            if digest != expected:
                raise DigestError(path.name, expected, digest)


def decode_package(data: bytes) -> PackageManifest:
    """The inner manifest from its bytes. Raises PackageError (`manifest-unreadable`)."""
    try:
        return _package(json.loads(data))
    except (ValueError, KeyError, TypeError) as error:
        raise PackageError(
            "manifest-unreadable", f"{INNER_NAME} is not a package manifest: {error!r}", "run `fogbank pack` again"
        ) from error


def load_manifest(folder: Path) -> Manifest:
    """The outer manifest of a package folder, with every digest checked.

    Raises PackageError (`package-missing`, `manifest-unreadable`), DigestError.

    >>> load_manifest(Path("/nowhere"))
    Traceback (most recent call last):
    ...
    fogbank.contracts.errors.PackageError: package-missing: no package in /nowhere
    next: run `fogbank pack`
    """
    path = folder / OUTER_NAME
    if not path.is_file():
        raise PackageError("package-missing", f"no package in {folder}", "run `fogbank pack`")
    try:
        document = json.loads(path.read_bytes())
        package = _package(document.pop("package"))
        manifest = Manifest(package=package, folder=folder, **document)
        relative_name(manifest.artifact)
    except (ValueError, KeyError, TypeError) as error:
        raise PackageError(
            "manifest-unreadable", f"{path} is not a manifest: {error!r}", "run `fogbank pack` again"
        ) from error
    if sha256_bytes(package.encode()) != manifest.package_sha256:
        raise DigestError(OUTER_NAME, manifest.package_sha256, sha256_bytes(package.encode()))
    manifest.check_files()
    return manifest


def _document(package: PackageManifest) -> dict[str, Any]:
    return {**asdict(package), "input": document_of(package.input), "output": document_of(package.output)}


def _package(document: dict[str, object]) -> PackageManifest:
    if document.get("format") != FORMAT:
        raise ValueError(f"format {document.get('format')!r}, this fogbank reads {FORMAT}")
    schemas = {key: schema_from(document.pop(key)) for key in ("input", "output")}  # type: ignore[arg-type]  # parsed JSON
    lists = {key: tuple(document.pop(key)) for key in ("requirements", "trusted_types")}  # type: ignore[arg-type,var-annotated]  # parsed JSON
    compilation = Compilation(**document.pop("compilation"))  # type: ignore[arg-type]  # the dataclass refuses unknown keys
    for name in (document["model_file"], document.get("handler") or "", *document["files"]):  # type: ignore[misc]  # parsed JSON
        relative_name(str(name))
    return PackageManifest(compilation=compilation, **lists, **schemas, **document)  # type: ignore[arg-type]  # the dataclass refuses unknown keys

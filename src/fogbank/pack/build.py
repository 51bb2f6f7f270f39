"""Pack: what training left, the handler and the locked dependencies, into a folder with model.tar.gz and its manifest.

The recipe: read, gate, lock, stage, probe, write. The folder changes in one step, or not at all.
"""

from __future__ import annotations

import json
import platform
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from fogbank.contracts.config import ProjectConfig
from fogbank.contracts.digest import sha256_bytes, sha256_file
from fogbank.contracts.errors import GateError, PackageError
from fogbank.contracts.manifest import INNER_NAME, OUTER_NAME, Manifest, PackageManifest, Schema, schema_from
from fogbank.contracts.monitoring import CONSTRAINTS, STATISTICS
from fogbank.pack.archive import write_archive
from fogbank.pack.code import code_files
from fogbank.pack.lock import check_against_lock, closure

ARTIFACT = "model.tar.gz"
MODEL_FILE = "model.joblib"
Probe = Callable[[Path], None]
"""Loads a staged package (a folder that stands for /opt/ml) as the server would; raises PackageError with the cause."""


@dataclass(frozen=True, kw_only=True)
class Trained:
    """What training left in its folder."""

    model: Path
    input: Schema
    output: Schema
    metrics: dict[str, float]
    gates: dict[str, float]


@dataclass(frozen=True, kw_only=True)
class Baseline:
    """The monitoring baseline, as the bytes of statistics.json and constraints.json."""

    statistics: bytes
    constraints: bytes


def read_trained(folder: Path) -> Trained:
    """Read what training left. Raises PackageError (`model-missing`, `training-unreadable`)."""
    model = folder / MODEL_FILE
    if not model.is_file():
        raise PackageError("model-missing", f"there is no trained model at {model}", "run `fogbank train`")
    try:
        schema = json.loads((folder / "schema.json").read_text())
        scores = json.loads((folder / "metrics.json").read_text())
        return Trained(
            model=model,
            input=schema_from(schema["input"]),
            output=schema_from(schema["output"]),
            metrics=scores["metrics"],
            gates=scores.get("gates", {}),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise PackageError(
            "training-unreadable",
            f"what training left in {folder} cannot be read: {error!r}",
            "run `fogbank train` again",
        ) from error


def gate(trained: Trained) -> None:
    """Stop a model that is below a gate. Raises GateError (`gate-missed`) with every gate that it misses."""
    missed = [
        f"{name} is {trained.metrics.get(name, float('nan')):.4f}, the gate is {least:.4f}"
        for name, least in trained.gates.items()
        if not trained.metrics.get(name, float("-inf")) >= least
    ]
    if missed:
        raise GateError(
            "gate-missed",
            "the model is not good enough to be packaged: " + "; ".join(missed),
            "train a better model, or move the gate in model/evaluate.py",
        )


def build(config: ProjectConfig, trained: Trained, baseline: Baseline, probe: Probe) -> Manifest:
    """Build the project's package folder. Raises GateError, PackageError; an old package stays as it was then."""
    gate(trained)
    pins = closure(config.dependencies)
    check_against_lock(pins, config.root / "uv.lock")
    content = _content(config, trained, pins)
    inner = PackageManifest(
        name=config.name,
        model_file=MODEL_FILE,
        handler=config.handler.name,
        python=".".join(platform.python_version_tuple()[:2]),
        requirements=pins,
        input=trained.input,
        output=trained.output,
        metrics=trained.metrics,
        files={name: sha256_bytes(data) for name, data in sorted(content.items())},
    )
    config.state.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=config.state, prefix="pack-") as folder:
        stage = Path(folder)
        _stage(stage / "ml" / "model", {**content, INNER_NAME: inner.encode()})
        probe(stage / "ml")
        return _publish(stage, config.package, inner, content, baseline)


def _content(config: ProjectConfig, trained: Trained, pins: tuple[str, ...]) -> dict[str, bytes]:
    files = {f"code/{place}": path.read_bytes() for place, path in code_files(config.handler, config.root).items()}
    return {MODEL_FILE: trained.model.read_bytes(), "code/requirements.txt": ("\n".join(pins) + "\n").encode(), **files}


def _stage(folder: Path, content: dict[str, bytes]) -> None:
    for name, data in content.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def _publish(
    stage: Path, target: Path, inner: PackageManifest, content: dict[str, bytes], baseline: Baseline
) -> Manifest:
    fresh = stage / "package"
    fresh.mkdir()
    with (fresh / ARTIFACT).open("wb") as stream:
        write_archive(stream, {**content, INNER_NAME: inner.encode()})
    (fresh / STATISTICS).write_bytes(baseline.statistics)
    (fresh / CONSTRAINTS).write_bytes(baseline.constraints)
    manifest = Manifest(
        artifact=ARTIFACT,
        artifact_sha256=sha256_file(fresh / ARTIFACT),
        package_sha256=sha256_bytes(inner.encode()),
        package=inner,
        statistics_sha256=sha256_bytes(baseline.statistics),
        constraints_sha256=sha256_bytes(baseline.constraints),
        folder=target,
    )
    (fresh / OUTER_NAME).write_bytes(manifest.encode())
    old = stage / "old"
    if target.exists():
        target.rename(old)
    fresh.rename(target)
    shutil.rmtree(old, ignore_errors=True)
    return manifest

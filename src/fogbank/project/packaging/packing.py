"""Packing: what training left, with its monitoring baseline, into the package; a staged package is loaded once before it counts.

In: a trained project; out: its manifest.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Collection, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from fogbank.contracts.config import ProjectConfig
from fogbank.contracts.dependencies import WHEELS
from fogbank.contracts.errors import PackageError
from fogbank.contracts.manifest import INNER_NAME, Manifest, decode_package, load_manifest
from fogbank.ground.digest import canonical_json, sha256_bytes, sha256_file
from fogbank.ground.folders import write_whole
from fogbank.ground.processes import bare_environment
from fogbank.ground.sources import source_digest
from fogbank.project.packaging.constraints import own_constraints
from fogbank.project.packaging.training import train_if_due
from fogbank.project.workplace.environments import model_python, python_for
from fogbank.project.workplace.events import Steps
from fogbank.project.workplace.unfinished import finished

if TYPE_CHECKING:
    from fogbank.pack import Trained

PROFILED = "profiled.json"
FEW_ROWS = 30
UNCHANGED = "the package that was there is unchanged"


def pack(config: ProjectConfig, steps: Steps) -> Manifest:
    """Train if that is due, then package. Raises DataError, GateError, PackageError; an old package stays as it was then."""
    config = finished(config)
    train_if_due(config, steps)
    with steps("pack") as step:
        manifest = _build(config)
        step.done(f"{manifest.artifact} sha256 {manifest.artifact_sha256[:12]}, {serving(manifest)}")
    if weak := weak_proof(manifest):
        steps.notice(weak)
    return manifest


def present(config: ProjectConfig, steps: Steps) -> Manifest:
    """The package that is there, byte for byte. Raises PackageError."""
    with steps("package") as step:
        manifest = load_manifest(config.package)
        step.done(f"sha256 {manifest.artifact_sha256[:12]}, as it is")
    return manifest


def _build(config: ProjectConfig) -> Manifest:
    """Baseline, then package."""
    from fogbank.pack import Baseline, build, read_trained

    trained = read_trained(config.trained, *(() if config.model else ("baseline.csv",)))
    names = (*trained.output.names, *trained.input.names)
    file = trained.baseline
    statistics, constraints = profiled(
        config, file if file.is_file() or not config.model else None, names, _words(trained), _texts(trained)
    )
    return build(
        config,
        trained,
        Baseline(statistics=statistics, constraints=own_constraints(config, constraints)),
        partial(probe, brought=config.model is not None, trained=trained.versions),
        partial(python_for, wheels=config.state / WHEELS),
    )


def profiled(
    config: ProjectConfig, file: Path | None, names: tuple[str, ...], words: Sequence[str], texts: Sequence[str] = ()
) -> tuple[bytes, bytes]:
    """The baseline's statistics and constraints, kept until the file, the columns or what profiles them change. Raises DataError."""
    kept = config.state / PROFILED
    data = sha256_file(file) if file is not None and file.is_file() else ""
    key = sha256_bytes(canonical_json([data, list(names), list(words), list(texts), source_digest(("monitor",))]))
    try:
        document = json.loads(kept.read_bytes())
        if document["key"] == key:
            return document["statistics"].encode(), document["constraints"].encode()
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        pass  # none yet, or what is no such document: it is made again
    from fogbank.monitor import nothing, suggest

    statistics, constraints = nothing(names) if file is None else suggest(file, names, words, texts)
    documents = {"statistics": statistics.decode(), "constraints": constraints.decode()}
    write_whole(kept, canonical_json({"key": key, **documents}))
    return statistics, constraints


def _words(trained: Trained) -> list[str]:
    """The columns that hold words by the schema: postcodes look like numbers, and are none."""
    columns = (*trained.output.columns, *trained.input.columns)
    return [
        column.name
        for column in columns
        if column.dtype == "string" or (column.dtype == "category" and isinstance(column.categories[0], str))
    ]


def _texts(trained: Trained) -> list[str]:
    """The column of whole texts, of which hardly any comes twice; none of another model."""
    return list(trained.input.names) if trained.input.rows == "texts" else []


def serving(manifest: Manifest) -> str:
    """How the model is served, in a few words."""
    compilation = manifest.package.compilation
    if compilation.compiled:
        return f"the model as ONNX ({compilation.rows} rows agree within {compilation.max_difference:.0e})"
    return f"the model as {manifest.package.kind} ({compilation.reason})"


def weak_proof(manifest: Manifest) -> str:
    """What to know of a compiled model that few rows have proven; empty where there is nothing."""
    compilation = manifest.package.compilation
    if not compilation.compiled or compilation.rows >= FEW_ROWS:
        return ""
    return (
        f"that the ONNX model says the same was looked at on {compilation.rows} row(s) of baseline.csv: "
        "give it more, or set `compile = false`"
    )


def probe(base_dir: Path, sample: Path, *, brought: bool = False, trained: Collection[str] = ()) -> None:
    """Load a staged package in a process of its own, as the server would, and have it answer the sample.

    What was `brought`, or `trained` with distributions that are not here, runs in its own environment.

    Raises PackageError: with the code of its cause, or `package-unloadable` where the server ended without a word.
    """
    from fogbank.check import Finding, diagnose

    rows = sample.read_text() if sample.is_file() else ""
    requirements = base_dir / "model" / "code" / "requirements.txt"
    pins = decode_package((base_dir / "model" / INNER_NAME).read_bytes()).requirements
    lines = requirements.read_text().splitlines() if requirements.is_file() else []
    wheels = requirements.parent / WHEELS
    python = model_python(pins, lines, wheels, brought=brought, trained=trained) if lines else sys.executable
    diagnosis = diagnose(
        python, base_dir, {**bare_environment(base_dir / "home"), **_server_environment(base_dir)}, rows
    )
    if diagnosis.healthy:
        return
    if not diagnosis.code:
        raise PackageError("package-unloadable", diagnosis.log, f"mend the handler or the model; {UNCHANGED}")
    fix = Finding(code=diagnosis.code, cause=diagnosis.cause).fix
    raise PackageError(diagnosis.code, diagnosis.cause, f"{fix}; {UNCHANGED}")


def _server_environment(base_dir: Path) -> dict[str, str]:
    """What the server is told besides its folder: no bytecode, a log for people, and the package's handler."""
    handler = decode_package((base_dir / "model" / INNER_NAME).read_bytes()).handler
    program = {"SAGEMAKER_PROGRAM": handler} if handler else {}
    return {"PYTHONDONTWRITEBYTECODE": "1", "FOGBANK_LOG_FORMAT": "text", **program}

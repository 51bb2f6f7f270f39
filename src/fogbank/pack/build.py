"""Pack: what training left, the handler and the locked dependencies, into a folder with model.tar.gz and its manifest.

The recipe: gate, compile, lock, stage, probe, write. The folder changes in one step, or not at all.
"""

from __future__ import annotations

import platform
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from fogbank.contracts.config import ProjectConfig
from fogbank.contracts.digest import sha256_bytes, sha256_file
from fogbank.contracts.errors import GateError, PackageError
from fogbank.contracts.manifest import INNER_NAME, OUTER_NAME, Manifest, PackageManifest
from fogbank.contracts.monitoring import CONSTRAINTS, STATISTICS
from fogbank.pack.archive import write_archive
from fogbank.pack.code import code_files, defines
from fogbank.pack.compile import Compiled, compile_trained, native
from fogbank.pack.lock import check_against_lock, closure, compiled_dependencies
from fogbank.pack.trained import Trained

ARTIFACT = "model.tar.gz"
COMPILED_FILE = "model.onnx"
Probe = Callable[[Path, Path], None]
"""Loads a staged package (a folder that stands for /opt/ml) as the server would, and has it answer a sample if that is
there; raises PackageError with the cause."""


@dataclass(frozen=True, kw_only=True)
class Baseline:
    """The monitoring baseline, as the bytes of statistics.json and constraints.json."""

    statistics: bytes
    constraints: bytes


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
    code = code_files(config.handler, config.root) if config.handler else {}
    own_model_fn = config.handler is not None and defines(config.handler, "model_fn")
    compiled = compile_trained(config, trained, own_model_fn=own_model_fn)
    check_against_lock(closure(config.dependencies), config.root / "uv.lock")
    config.state.mkdir(parents=True, exist_ok=True)
    while True:
        inner, content = _package(config, trained, code, compiled)
        with tempfile.TemporaryDirectory(dir=config.state, prefix="pack-") as folder:
            stage = Path(folder)
            _stage(stage / "ml" / "model", {**content, INNER_NAME: inner.encode()})
            try:
                probe(stage / "ml", trained.sample)
            except PackageError as error:
                if compiled.onnx is None:
                    raise
                compiled = native(f"the handler fails with the compiled model: {error.cause}"[:500])
                continue  # the native model may do what the compiled one cannot; if not, that is the error to tell
            return _publish(stage, config.package, inner, content, baseline)


def _package(
    config: ProjectConfig, trained: Trained, code: Mapping[str, Path], compiled: Compiled
) -> tuple[PackageManifest, dict[str, bytes]]:
    """The inner manifest, and what else goes into the archive by its path."""
    model = trained.model.read_bytes() if compiled.onnx is None else compiled.onnx
    model_file = trained.model.name if compiled.onnx is None else COMPILED_FILE
    names = config.dependencies if compiled.onnx is None else compiled_dependencies(config.dependencies, code.values())
    pins = closure(names)
    content = {
        model_file: model,
        "code/requirements.txt": ("\n".join(pins) + "\n").encode(),
        **{f"code/{place}": path.read_bytes() for place, path in code.items()},
    }
    inner = PackageManifest(
        name=config.name,
        model_file=model_file,
        handler=config.handler.name if config.handler else None,
        python=".".join(platform.python_version_tuple()[:2]),
        requirements=pins,
        input=trained.input,
        output=trained.output,
        metrics=trained.metrics,
        files={name: sha256_bytes(data) for name, data in sorted(content.items())},
        kind=trained.kind if compiled.onnx is None else "onnx",
        method=config.method,
        trusted_types=trusted_types(trained) if compiled.onnx is None else (),
        compilation=compiled.compilation,
    )
    return inner, content


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


def trusted_types(trained: Trained) -> tuple[str, ...]:
    """What a skops file holds beyond scikit-learn's own types: listed here, trusted by the server, and nothing else is."""
    if trained.kind != "skops":
        return ()
    from skops.io import get_untrusted_types

    return tuple(sorted(get_untrusted_types(file=trained.model)))

"""Pack: what training left, the handler and the locked dependencies, into a folder with model.tar.gz and its manifest.

The recipe: gate, lock, compile, stage, probe, write. The folder changes in one step, or not at all.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from fogbank.contracts.config import ProjectConfig
from fogbank.contracts.container import SERVER_DISTRIBUTIONS
from fogbank.contracts.dependencies import Pin, Target
from fogbank.contracts.errors import GateError, PackageError
from fogbank.contracts.manifest import INNER_NAME, OUTER_NAME, Manifest, PackageManifest, load_manifest
from fogbank.contracts.monitoring import CONSTRAINTS, STATISTICS
from fogbank.ground.digest import sha256_bytes, sha256_file
from fogbank.pack.archive import write_archive
from fogbank.pack.code import code_files, data_files, defines, source_roots
from fogbank.pack.columns import Functions, check_reachable, conform
from fogbank.pack.compile import COMPILED_KINDS, Compiled, compile_trained, native, served_as
from fogbank.pack.fitted import ask
from fogbank.pack.imports import RUNTIME, check_imports, compiled_dependencies, own_modules
from fogbank.pack.lock import Installed, Source, read_lock
from fogbank.pack.locked import Locked
from fogbank.pack.pickled import check_pickle
from fogbank.pack.resolve import check_versions, differences, installed_versions, requirement_lines, resolve
from fogbank.pack.trained import Trained
from fogbank.pack.wheels import Wheels, packaged

ARTIFACT = "model.tar.gz"
COMPILED_FILE = "model.onnx"
TRAININGS_OWN = {"schema.json", "metrics.json", "baseline.csv", "sample.csv", "environment.json", INNER_NAME}
"""What training leaves for pack, and for nothing that serves."""
PythonFor = Callable[[Sequence[str]], Path]
"""The Python of an environment with these lines of requirements. Raises PackageError."""
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


def build(
    config: ProjectConfig, trained: Trained, baseline: Baseline, probe: Probe, python_for: PythonFor | None = None
) -> Manifest:
    """Build the project's package folder. Raises GateError, PackageError; an old package stays as it was then.

    `python_for` gives the Python that has what is locked, where that is not what is installed here: it examines the model then.
    """
    gate(trained)
    functions = _functions(config)
    source = _lock(config) or Installed()
    pins = _pins(config, config.dependencies, source)
    python, elsewhere = _python(pins, trained, config, python_for)
    roots = source_roots(config.handler, config.root)
    fitted = ask(trained, trusted_types(trained), roots, config.state / "fitted", python)
    if not functions.loads:
        check_reachable(fitted, config.train, config.root)
    code = code_files(config.handler, config.root, fitted.modules)
    trained = conform(trained, fitted, functions, {pin.name for pin in pins})
    _check_dependencies(config, trained, code, pins, source)
    if elsewhere and trained.kind not in COMPILED_KINDS:
        elsewhere = served_as(trained.kind)
    compiled = (
        native(elsewhere)
        if elsewhere and not functions.loads
        else compile_trained(config, trained, own_model_fn=functions.loads)
    )
    config.state.mkdir(parents=True, exist_ok=True)
    while True:
        # a compiled package holds no pickle, and does not need what that names
        needed = code if compiled.onnx is None else code_files(config.handler, config.root)
        inner, content = _package(config, trained, needed, compiled, source)
        there = _unchanged(config.package, inner, baseline)
        if there is not None:
            return there
        if compiled.onnx is None and trained.kind == "joblib" and not functions.loads:
            check_pickle(trained.model, [*(pin.name for pin in pins), *SERVER_DISTRIBUTIONS], own_modules(code))
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


def _python(
    pins: Sequence[Pin], trained: Trained, config: ProjectConfig, python_for: PythonFor | None
) -> tuple[str, str]:
    """The Python that loads the model, and what it has that this one does not; nothing where it is this one."""
    different = differences(map(str, pins), missing=config.model is not None, trained=trained.versions)
    if not different or not (trained.versions or config.model) or python_for is None:
        return sys.executable, ""
    first = "; ".join(different[:3])
    python = python_for(requirement_lines(pins, config.target.python))
    return str(
        python
    ), f"not compiled: it runs in an environment of its own, as its versions are not fogbank's: {first}"[:200]


def _pins(config: ProjectConfig, names: Sequence[str], source: Source) -> tuple[Pin, ...]:
    """What is locked, with a wheel of each that has none elsewhere. Raises PackageError."""
    return Wheels(config.root, config.state, source).of(resolve(names, source, config.target.markers()))


def _lock(config: ProjectConfig) -> Source | None:
    return read_lock(config.root, (*config.dependencies, *(RUNTIME if config.compile else ())))


def _functions(config: ProjectConfig) -> Functions:
    handler = config.handler
    if handler is None or not handler.is_file():
        return Functions()
    return Functions(
        loads=defines(handler, "model_fn"),
        reads=defines(handler, "input_fn") or defines(handler, "transform_fn"),
        predicts=defines(handler, "predict_fn"),
    )


def _check_dependencies(
    config: ProjectConfig, trained: Trained, code: Mapping[str, Path], pins: Sequence[Pin], source: Source
) -> None:
    """What is locked is what trained the model, and covers what the code imports. Raises PackageError."""
    if trained.python and trained.python != config.target.python:
        raise PackageError(
            "version-differs",
            f"Python {trained.python} trained the model, and this is Python {config.target.python}",
            "train and pack with the same Python",
        )
    here = (
        {} if config.model else installed_versions(pins)
    )  # of a model that was brought nobody here knows what trained it
    check_versions(pins, trained.versions or here, source.name)
    check_imports(code, (pin.name for pin in pins), SERVER_DISTRIBUTIONS)


def _package(
    config: ProjectConfig, trained: Trained, code: Mapping[str, Path], compiled: Compiled, source: Source
) -> tuple[PackageManifest, dict[str, bytes]]:
    """The inner manifest, and what else goes into the archive by its path."""
    model = trained.model.read_bytes() if compiled.onnx is None else compiled.onnx
    model_file = trained.model.name if compiled.onnx is None else COMPILED_FILE
    names = config.dependencies if compiled.onnx is None else compiled_dependencies(config.dependencies, code)
    pins = _pins(config, names, source)
    lines = requirement_lines(pins, config.target.python)
    beside = data_files(code, config.handler, config.root)
    content = {
        **_second_files(config, trained, code),
        model_file: model,
        "code/requirements.txt": ("\n".join(lines) + "\n").encode(),
        **{f"code/{place}": path.read_bytes() for place, path in sorted({**code, **beside, **packaged(pins)}.items())},
    }
    inner = PackageManifest(
        name=config.name,
        model_file=model_file,
        handler=config.handler.name if config.handler else None,
        python=config.target.python,
        requirements=tuple(map(str, pins)),
        input=trained.input if compiled.onnx is None else replace(trained.input, rows="array"),
        output=trained.output,
        metrics=trained.metrics,
        files={name: sha256_bytes(data) for name, data in sorted(content.items())},
        kind=trained.kind if compiled.onnx is None else "onnx",
        method=config.method,
        trusted_types=trusted_types(trained) if compiled.onnx is None else (),
        compilation=compiled.compilation,
    )
    return inner, content


def _second_files(config: ProjectConfig, trained: Trained, code: Mapping[str, Path]) -> dict[str, bytes]:
    """What training left beside the model, for a handler: all of it for one with a model_fn, else what the code names."""
    folder = trained.model.parent
    if config.handler is None:
        return {}
    files = {str(path.relative_to(folder)): path for path in sorted(folder.rglob("*")) if path.is_file()}
    second = {name: path for name, path in files.items() if path != trained.model and name not in TRAININGS_OWN}
    if not defines(config.handler, "model_fn"):
        text = b"".join(path.read_bytes() for path in code.values())
        second = {name: path for name, path in second.items() if path.name.encode() in text}
    return {name: path.read_bytes() for name, path in second.items() if not name.startswith(("code/", "."))}


def _unchanged(folder: Path, inner: PackageManifest, baseline: Baseline) -> Manifest | None:
    """The package that is there, if it is whole and the very one that would be made: then it has passed its probe."""
    try:
        there = load_manifest(folder)
    except PackageError:
        return None
    digests = (there.package_sha256, there.statistics_sha256, there.constraints_sha256)
    fresh = (inner.encode(), baseline.statistics, baseline.constraints)
    return there if digests == tuple(sha256_bytes(data) for data in fresh) else None


def image_pins(config: ProjectConfig, manifest: Manifest, target: Target) -> tuple[Pin, ...]:
    """What the image of a package holds on a target: its dependencies and the server's. Raises PackageError."""
    names = config.dependencies
    if manifest.package.compilation.compiled:
        code = code_files(config.handler, config.root) if config.handler else {}
        names = compiled_dependencies(names, code)
    return Wheels(config.root, config.state, _lock(config) or Installed()).of(_with_servers(config, names, target))


def locked_pins(config: ProjectConfig, target: Target) -> tuple[Pin, ...]:
    """What is locked for a project's container: all of its dependencies and the server's; nothing is built. Raises PackageError."""
    return _with_servers(config, config.dependencies, target)


def _with_servers(config: ProjectConfig, names: Sequence[str], target: Target) -> tuple[Pin, ...]:
    source = _lock(config)
    return resolve([*names, *SERVER_DISTRIBUTIONS], _Both(source) if source else Installed(), target.markers())


def handler_loads(handler: Path) -> bool:
    """Whether a handler loads the model itself. Raises PackageError (`handler-syntax`)."""
    return defines(handler, "model_fn")


def lock_lines(root: Path, names: Sequence[str], target: Target, state: Path) -> tuple[list[str], list[str]]:
    """What a folder's lock says of distributions on a target: the pins, and the lines that install them. Raises PackageError.

    Wheels that the lines name are in `state`, that of the project.
    """
    source = read_lock(root, names) or Installed()
    pins = Wheels(root, state, source).of(resolve(names, source, target.markers()))
    return list(map(str, pins)), requirement_lines(pins, target.python)


class _Both(Installed):
    """The lock, and for what it does not have of the server's, what is installed: fogbank need not be in the project's lock."""

    def __init__(self, lock: Source) -> None:
        self._lock = lock
        self.name = lock.name

    def candidates(self, name: str) -> tuple[Locked, ...]:
        return self._lock.candidates(name) or super().candidates(name)


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

"""A package on a base: three layers (dependencies, server, model) and what SageMaker expects of an image, as an OCI layout.

In: a `Build`, which names everything that goes in by its digest; out: a `BuiltImage` in a layout. Same build, same digest, on
any day, in any folder; a layer whose content is as it was is taken from the store.
"""

from __future__ import annotations

import csv
import importlib.util
import io
import subprocess
import sys
import tarfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from fogbank.contracts.container import BIND_LABEL, DEFAULT_PORT, MULTI_MODEL_LABEL, SHIPPED_ROOMS
from fogbank.contracts.dependencies import Target, Wheel
from fogbank.contracts.errors import PackageError
from fogbank.contracts.manifest import Manifest
from fogbank.ground.digest import canonical_json, sha256_bytes
from fogbank.ground.sources import source_digest, source_files
from fogbank.image.base import Base
from fogbank.image.layers import FORMAT, Entry, Layer, LayerStore
from fogbank.image.layout import CONFIG, LAYER, MANIFEST, Descriptor, Document, Layout, compact_json
from fogbank.image.wheels import install

HOME = "opt/fogbank"
"""The image's virtual environment: the base's Python, and nothing of what the base itself has installed for it."""
MODEL = "opt/ml/model"
CREATED = "1970-01-01T00:00:00Z"
UNUSED_FOLDERS = {"tests", "__pycache__", ".lock"}
UNUSED_SUFFIXES = (".pyi", ".pyx", ".pxd", ".h", ".hpp", ".c", ".cc", ".cpp", ".a")
"""Sources and stubs that wheels carry for compilers and editors."""


@dataclass(frozen=True, kw_only=True)
class Build:
    """What an image is made of. `wheels` are the package's and the server's, for the target."""

    package: Manifest
    base: Base
    target: Target
    wheels: tuple[Wheel, ...]


@dataclass(frozen=True, kw_only=True)
class BuiltImage:
    """An image in a layout: its manifest, and its own layers (dependencies, server, model) above the base's."""

    platform: str
    manifest: Descriptor
    layers: tuple[Layer, ...]
    above_base: int
    """Bytes of the own layers, compressed."""

    @property
    def digest(self) -> str:
        """The image's digest, `sha256:<hex>`."""
        return self.manifest.digest


def build_image(build: Build, store: LayerStore, layout: Layout) -> BuiltImage:
    """Write the image's blobs into a layout; the index is written by whoever knows all platforms. Raises PackageError, DigestError."""
    layers = image_layers(build, store)
    for item in build.base.layers:
        layout.copy(build.base.layout.blob(item.digest), item.digest)
    for layer in layers:
        layout.copy(store.blob(layer.digest), layer.digest)
    config = layout.put(compact_json(image_config(build, layers)), CONFIG)
    own = [Descriptor(media_type=LAYER, digest=layer.digest, size=layer.size) for layer in layers]
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": config.document(),
        "layers": [item.document() for item in (*build.base.layers, *own)],
        "annotations": {
            "org.opencontainers.image.base.digest": build.base.manifest.digest,
            "org.opencontainers.image.base.name": build.base.name,
            "org.opencontainers.image.title": build.package.name,
        },
    }
    described = layout.put(compact_json(manifest), MANIFEST)
    return BuiltImage(
        platform=build.target.platform,
        manifest=described,
        layers=layers,
        above_base=sum(layer.size for layer in layers),
    )


def image_layers(build: Build, store: LayerStore) -> tuple[Layer, Layer, Layer]:
    """The dependencies, the server and the model."""
    return (
        store.layer(dependencies_key(build), lambda work: dependency_entries(build, work)),
        store.layer(
            f"server-{_key(source_digest(SHIPPED_ROOMS), build.target)}",
            lambda work: server_entries(build.target, work),
        ),
        store.layer(f"model-{_key(build.package.artifact_sha256, None)}", lambda _: model_entries(build.package)),
    )


def dependencies_key(build: Build) -> str:
    """What the layer of dependencies is made from, as a name."""
    wheels = sorted((item.name, item.sha256) for item in build.wheels)
    return f"dependencies-{_key([wheels, build.base.python], build.target)}"


def _key(content: object, target: Target | None) -> str:
    made_for = [target.platform, target.python, bytecode_of()] if target else None
    return sha256_bytes(canonical_json({"format": FORMAT, "content": content, "target": made_for}))[:32]


def bytecode_of() -> str:
    """The form of the bytecode that this Python writes, which its patch versions share: a laptop's and a pipeline's images have one key."""
    return importlib.util.MAGIC_NUMBER.hex()


def image_key(builds: Sequence[Build]) -> str:
    """What images are made of, as one digest."""
    materials = [
        [item.package.artifact_sha256, item.package.package_sha256, item.base.manifest.digest, item.base.name,
         item.target.platform, item.target.python, [asdict(wheel) for wheel in item.wheels]]
        for item in builds
    ]  # fmt: skip
    return sha256_bytes(canonical_json([FORMAT, bytecode_of(), source_digest(SHIPPED_ROOMS), materials]))


def image_config(build: Build, layers: tuple[Layer, ...]) -> Document:
    """The image's configuration (image-spec v1.1, config.md), with SageMaker's entry point, labels, port and user."""
    base = build.base.config.get("config") or {}
    environment = dict(item.partition("=")[::2] for item in base.get("Env") or [])
    environment |= {
        "PATH": f"/{HOME}/bin:{environment.get('PATH', '/usr/local/bin:/usr/bin:/bin')}",
        "LANG": "C.UTF-8",
        "PYTHONUNBUFFERED": "1",
        **build.package.environment,
    }
    server = [f"/{HOME}/bin/python", "-P", "-m", "fogbank.serve"]
    history = [
        {"created": CREATED, "created_by": f"fogbank pack ({what})"} for what in ("dependencies", "server", "model")
    ]
    return {
        "created": CREATED,
        "architecture": build.target.architecture,
        "os": "linux",
        "config": {
            "Entrypoint": server,
            "Cmd": ["serve"],
            "Env": [f"{name}={value}" for name, value in sorted(environment.items())],
            "ExposedPorts": {f"{DEFAULT_PORT}/tcp": {}},
            "Healthcheck": {
                "Test": ["CMD", *server, "ping"],
                "Interval": 10_000_000_000,
                "Timeout": 2_000_000_000,
                "StartPeriod": 240_000_000_000,
            },
            "Labels": image_labels(build),
            "StopSignal": "SIGTERM",
            "WorkingDir": "/",
        },
        "rootfs": {
            "type": "layers",
            "diff_ids": [*build.base.config["rootfs"]["diff_ids"], *(layer.diff_id for layer in layers)],
        },
        "history": [*build.base.config.get("history", []), *history],
    }


def image_labels(build: Build) -> dict[str, str]:
    """SageMaker's capabilities, and what names the content."""
    return {
        BIND_LABEL: "true",
        MULTI_MODEL_LABEL: "true",
        "dev.fogbank.artifact.sha256": build.package.artifact_sha256,
        "dev.fogbank.package.sha256": build.package.package_sha256,
        "org.opencontainers.image.base.digest": build.base.manifest.digest,
        "org.opencontainers.image.base.name": build.base.name,
        "org.opencontainers.image.title": build.package.name,
    }


def dependency_entries(build: Build, work: Path) -> Iterator[Entry]:
    """The virtual environment: the interpreter's link, its configuration, and the wheels with their bytecode."""
    target = build.target
    yield Entry(name=f"{HOME}/bin/python", link=build.base.python)
    home = str(Path(build.base.python).parent)
    configured = f"home = {home}\ninclude-system-site-packages = false\nversion = {target.python}\n"
    yield Entry(name=f"{HOME}/pyvenv.cfg", data=configured.encode())
    install(build.wheels, target, work / "wheels")
    _keep_used(work / "wheels", work / "kept")
    yield from _tree(work / "kept", site_packages(target))


def _keep_used(folder: Path, target: Path) -> None:
    """What the server can import, moved: uv's files are links into its cache, so bytecode is written beside others."""
    for path in sorted(folder.rglob("*")):
        place = path.relative_to(folder)
        if not path.is_file() or UNUSED_FOLDERS & set(place.parts) or path.suffix in UNUSED_SUFFIXES:
            continue
        (target / place).parent.mkdir(parents=True, exist_ok=True)
        path.rename(target / place)
    for record in target.glob("*.dist-info/RECORD"):
        _rewrite(record, target)


def _rewrite(record: Path, root: Path) -> None:
    """A list of installed files without those that were left out: scripts among them, whose bytes name this host's Python."""
    with record.open(newline="") as stream:
        rows = [row for row in csv.reader(stream) if row and (root / row[0]).is_file()]
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(sorted(rows))
    record.unlink()  # it may be a link into uv's cache
    record.write_text(out.getvalue())


def server_entries(target: Target, work: Path) -> Iterator[Entry]:
    """fogbank's own rooms that serve and monitor, with their bytecode."""
    for name, path in source_files(SHIPPED_ROOMS).items():
        (work / name).parent.mkdir(parents=True, exist_ok=True)
        (work / name).write_bytes(path.read_bytes())
    yield from _tree(work, f"{site_packages(target)}/fogbank")


def model_entries(package: Manifest) -> Iterator[Entry]:
    """What model.tar.gz holds, where SageMaker would unpack it."""
    with tarfile.open(package.artifact_path, "r:gz") as tar:
        for member in tar:
            stream = tar.extractfile(member)
            if stream:
                yield Entry(name=f"{MODEL}/{member.name}", data=stream.read())


def site_packages(target: Target) -> str:
    """Where the image's environment has its packages."""
    return f"{HOME}/lib/python{target.python}/site-packages"


def _tree(folder: Path, place: str) -> Iterator[Entry]:
    """A folder's files and their bytecode, as members below `place`."""
    _compile(folder, f"/{place}")
    for path in sorted(folder.rglob("*")):
        name = f"{place}/{path.relative_to(folder)}"
        if path.is_symlink():
            yield Entry(name=name, link=str(path.readlink()))
        elif path.is_file():
            yield Entry(name=name, data=path, mode=0o755 if path.stat().st_mode & 0o111 else 0o644)


def _compile(folder: Path, place: str) -> None:
    """Write the bytecode of every module, in a process of its own so that nothing else of this one gets into it."""
    command = [sys.executable, "-I", "-S", str(Path(__file__).with_name("bytecode.py")), str(folder), place]
    done = subprocess.run(
        command, env={"PYTHONHASHSEED": "0"}, capture_output=True, text=True, check=False, timeout=600
    )
    if done.returncode != 0:
        raise PackageError("bytecode-failed", done.stderr.strip()[-500:], "this is a bug in fogbank: please report it")

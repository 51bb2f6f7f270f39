"""Wheels of what is locked without one: taken by hash or built here, kept below the project's state, and packed with the model.

In: pins, some with an origin; out: the same with the wheels that they have now, by their own SHA-256. A wheel is made once for the same
sources and Python; the record beside it says what it was made of.
"""

from __future__ import annotations

import json
import sysconfig
import tempfile
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path

from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename
from packaging.version import Version

from fogbank.contracts.dependencies import PACKAGED, WHEELS, Origin, Pin, WheelFile
from fogbank.contracts.errors import PackageError
from fogbank.ground.digest import canonical_json, sha256_bytes, sha256_file
from fogbank.ground.folders import write_whole
from fogbank.ground.locks import locked
from fogbank.pack.building import Built, Site, Terms, build_wheel
from fogbank.pack.fetching import SOURCES, fetched, identity
from fogbank.pack.libraries import check_libraries
from fogbank.pack.lock import Source
from fogbank.pack.resolve import installed_version

FORMAT = 2
BACKENDS = ("setuptools", "wheel", "hatchling", "flit-core", "poetry-core", "pdm-backend", "cython", "numpy")
"""What building takes in the version of the lock, where what is built allows it."""
RECORD = ".json"


class Wheels:
    """The wheels of a project's own sources. `root` is its folder, `state` that of its state, `lock` holds what building needs too."""

    def __init__(self, root: Path, state: Path, lock: Source) -> None:
        self._root, self._state, self._lock = root, state, lock
        self.folder = state / WHEELS

    def of(self, pins: Iterable[Pin]) -> tuple[Pin, ...]:
        """The pins, none of which has to be made any more. Raises PackageError (`source-...`)."""
        return tuple(self._made(pin, pin.origin) if pin.origin else pin for pin in pins)

    def _made(self, pin: Pin, origin: Origin) -> Pin:
        self.folder.mkdir(parents=True, exist_ok=True)
        terms = self._terms(pin, origin)
        python = sysconfig.get_platform(), sysconfig.get_config_var("EXT_SUFFIX")
        held = terms.constraints, terms.preferred, terms.version
        key = sha256_bytes(canonical_json([FORMAT, pin.name, pin.version, identity(origin), *python, *held]))
        with locked(self._state / f"{WHEELS}.lock"):
            file = self._kept(key) or self._fresh(key, pin, origin, terms)
        version = str(parse_wheel_filename(file.name)[1])
        wheel = WheelFile(
            filename=file.name,
            sha256=sha256_file(file),
            size=file.stat().st_size,
            url=PACKAGED + file.name,
            path=str(file),
        )
        return Pin(name=pin.name, version=version, wheels=(wheel,))

    def _kept(self, key: str) -> Path | None:
        """The wheel that was made of the same, as it was made."""
        for record in self.folder.glob(f"*{RECORD}"):
            said = json.loads(record.read_text())
            wheel = record.with_suffix("")
            if said["key"] == key and wheel.is_file() and sha256_file(wheel) == said["sha256"]:
                return wheel
        return None

    def _fresh(self, key: str, pin: Pin, origin: Origin, terms: Terms) -> Path:
        with tempfile.TemporaryDirectory(dir=self._state, prefix="wheel-") as folder:
            place, work = Path(folder) / "fetched", Path(folder) / "build"
            sources = fetched(pin.name, origin, place)
            built = Built(wheel=sources)
            if sources.is_dir():
                work.mkdir()
                built = build_wheel(pin.name, Site(tree=place / SOURCES, sources=sources, work=work), terms)
            _check_name(built.wheel.name, pin)
            if sources.is_dir() or "manylinux" not in built.wheel.name:
                check_libraries(pin.name, built.wheel)
            return self._keep(key, origin, built)

    def _keep(self, key: str, origin: Origin, built: Built) -> Path:
        """The wheel where it stays, with its record beside it."""
        place = self.folder / built.wheel.name
        record = {
            "key": key,
            "sha256": sha256_file(built.wheel),
            "kind": origin.kind,
            "pinned": origin.pinned,
            "needed": built.needed,
        }
        built.wheel.replace(place)
        write_whole(place.with_name(place.name + RECORD), canonical_json(record))
        return place

    def _terms(self, pin: Pin, origin: Origin) -> Terms:
        """What building is held to: what the project says for it (uv's `build-constraint-dependencies`); what its lock has is preferred.

        A folder whose version git would tell is locked without one: it has that in which it is installed here.
        """
        project = self._root / "pyproject.toml"
        try:
            table = tomllib.loads(project.read_text()) if project.is_file() else {}
        except ValueError:  # the project's settings are read and refused elsewhere
            table = {}
        said = table.get("tool", {}).get("uv", {}).get("build-constraint-dependencies", [])
        versions = ((name, {each.version for each in self._lock.candidates(name)}) for name in BACKENDS)
        return Terms(
            root=self._root,
            state=self.folder,
            constraints=tuple(str(item) for item in said) if isinstance(said, list) else (),
            preferred=tuple(f"{name}=={only}" for name, found in versions if len(found) == 1 for only in found if only),
            version=pin.version or (installed_version(pin.name) if origin.kind == "folder" else ""),
        )


def packaged(pins: Iterable[Pin]) -> Mapping[str, Path]:
    """The wheels that travel with a package: path inside `code/` to file."""
    files = (file for pin in pins for file in pin.wheels if file.path)
    return {f"{WHEELS}/{file.filename}": Path(file.path) for file in files}


def _check_name(filename: str, pin: Pin) -> None:
    try:
        name, version, _, _ = parse_wheel_filename(filename)
    except InvalidWheelFilename as error:
        raise PackageError(
            "source-misnamed", f"{pin.name}: {filename} is no wheel's name: {error}", "mend its sources"
        ) from error
    if name != canonicalize_name(pin.name) or (pin.version and version != Version(pin.version)):
        raise PackageError(
            "source-misnamed",
            f"{pin.name} {pin.version} is locked, and what its sources give is {filename}",
            "lock the project again (`uv lock`), then pack",
        )

"""The package's own environment: its dependencies and the server's, installed by uv into a cached virtual environment.

What is locked by hash is installed as it is locked, and nothing else; what is not is resolved as `pip install -r` does. Only wheels are
taken, and nothing of the package runs meanwhile.

In: the lines of code/requirements.txt; out: a Python that has exactly these, and fogbank's rooms that
score and monitor, and nothing else of the host's. Where the network is away, uv's own cache serves.

The libraries are installed once, whatever fogbank asks for them. Its rooms lie above them, in an environment of their own for each version of
them (`fogbank/<digest>/` in that of the libraries): what serves goes on with the code that it began with, and a newer fogbank has its own.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from fogbank.cloud.hosting.requirements import RefusedRequirementError, checked_lines, placed_lines, requirement_lines
from fogbank.contracts.container import LOCAL_ROOMS
from fogbank.contracts.errors import FogbankError
from fogbank.ground.digest import sha256_bytes
from fogbank.ground.installer import NOTHING_BUILT, run_uv
from fogbank.ground.locks import locked
from fogbank.ground.sources import source_digest, source_files

LAYERS, PYTHON = "fogbank", Path("bin") / "python"
"""Where the environments of fogbank's rooms lie in one of libraries; and an environment's Python."""
TIME_LIMIT_S = 600
AS_LOCKED = ("--no-deps", "--exclude-newer", "2999-01-01")
"""A lock is whole, and nothing is added to it; what it names is not held back for being new."""


class DependencyError(Exception):
    """The dependencies cannot be installed; the text is the installer's own last lines."""


class Environments:
    """Virtual environments by the digest of what is installed, and in them one for each version of fogbank's rooms.

    Safe against two processes at once and against kill -9. `server_pins` says the `name==version` lines that the server needs, and is asked
    when an environment is: it looks at what is installed, which a cloud's start need not wait for. A package's own pin of the same name wins.
    `rooms` are fogbank's that are in it.
    """

    def __init__(
        self, cache: Path, server_pins: Callable[[], Sequence[str]], rooms: Sequence[str] = LOCAL_ROOMS
    ) -> None:
        self._cache, self._server_pins, self._rooms = cache, server_pins, rooms

    @property
    def folder(self) -> Path:
        """Where they are."""
        return self._cache

    def python_for(self, requirements: Sequence[str], wheels: Path | None = None) -> Path:
        """The Python of the environment for these requirement lines, made now if it is not there. Raises DependencyError.

        `wheels` is the folder of the wheels that came with them.
        """
        try:
            own = checked_lines(requirements, wheels)
        except RefusedRequirementError as error:
            raise DependencyError(str(error)) from error
        server = self._server_lines(requirements)
        key = sha256_bytes("\n".join([sys.version, *own, *server]).encode())[:20]
        home = self._cache / key
        layer = home / LAYERS / source_digest(self._rooms)[:20]
        python = layer / PYTHON
        self._cache.mkdir(parents=True, exist_ok=True)
        with locked(self._cache / f"{key}.lock"):  # `fogbank cache prune` takes nothing away meanwhile
            if not (home / PYTHON).exists():
                self._build(home, placed_lines(own, wheels), server)
            if not python.exists():
                self._lay(layer, home)
            for used in (home, layer):
                os.utime(used)  # it takes what was not asked for in a long time
        return python

    def _server_lines(self, requirements: Sequence[str]) -> list[str]:
        taken = {_name(line) for line in requirement_lines(requirements)}
        try:
            pins = self._server_pins()
        except FogbankError as error:
            raise DependencyError(f"{error.cause}; {error.hint}") from error
        return sorted(pin for pin in pins if _name(pin) not in taken)

    def _build(self, home: Path, own: list[str], server: list[str]) -> None:
        with tempfile.TemporaryDirectory(dir=self._cache, prefix="build-") as folder:
            fresh = Path(folder) / "env"
            _uv("venv", "--quiet", "--python", sys.executable, str(fresh))
            if all("--hash=" in line for line in own):
                _install(fresh, own, server, *AS_LOCKED)
            else:
                try:
                    _install(fresh, own, server)
                except DependencyError:  # the package may need other versions of what the server needs too
                    _install(fresh, own, [_name(line) for line in server])
            _put(fresh, home)

    def _lay(self, layer: Path, home: Path) -> None:
        """An environment that has fogbank's rooms, and below them all that another one has."""
        libraries = next((home / "lib").glob("python3*")) / "site-packages"
        with tempfile.TemporaryDirectory(dir=self._cache, prefix="build-") as folder:
            fresh = Path(folder) / "layer"
            packages = fresh / libraries.relative_to(home)
            _install_rooms(packages / "fogbank", self._rooms)
            # as a line of code: their own .pth files count too
            (packages / "libraries.pth").write_text(f"import site; site.addsitedir({str(libraries)!r})\n")
            shutil.copy2(home / "pyvenv.cfg", fresh / "pyvenv.cfg")
            (fresh / PYTHON).parent.mkdir()
            for program in (
                PYTHON.name,
                "python3",
                libraries.parent.name,
            ):  # as venv has it: python, python3, python3.11
                (fresh / PYTHON).with_name(program).symlink_to(home / PYTHON)
            for (
                item
            ) in home.iterdir():  # share/, etc/ and the like, which some distributions look for below their prefix
                if item.name not in {LAYERS, "lib", "lib64", "bin", "pyvenv.cfg"}:
                    (fresh / item.name).symlink_to(item)
            layer.parent.mkdir(exist_ok=True)
            _put(fresh, layer)


def _put(fresh: Path, place: Path) -> None:
    """Move a whole environment to its place, and what is left there of one out of it, to where `fresh` was made, which goes."""
    if place.exists():
        place.rename(fresh.with_name("left"))
    fresh.rename(place)


def programs_of(python: Path) -> list[Path]:
    """The folders of an environment's programs, by its Python: its own, then that of the libraries below it."""
    below = python.readlink().parent if python.is_symlink() else python.parent
    return (
        [python.parent, below]
        if (below.parent / "pyvenv.cfg").is_file() and below != python.parent
        else [python.parent]
    )


def _install(environment: Path, own: Sequence[str], server: Sequence[str], *options: str) -> None:
    """Install the package's requirements and the server's into a fresh environment, with their bytecode: probes write none.

    Raises DependencyError.
    """
    files = []
    for name, lines in (("requirements.txt", own), ("server.txt", server)):
        file = environment.parent / name
        file.write_text("\n".join(lines) + "\n")
        files += ["-r", str(file)]
    python = str(environment / "bin" / "python")
    flags = ("--quiet", "--compile-bytecode", NOTHING_BUILT)
    _uv("pip", "install", *flags, "--python", python, *options, *files)


def _uv(*arguments: str) -> None:
    try:
        done = run_uv(arguments, TIME_LIMIT_S)
    except (FileNotFoundError, subprocess.TimeoutExpired) as error:
        raise DependencyError(str(error)) from error
    if done.returncode != 0:
        raise DependencyError(done.stderr.strip()[-1500:])


def _install_rooms(target: Path, rooms: Sequence[str]) -> None:
    for name, path in source_files(rooms).items():
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, target / name)


def _name(line: str) -> str:
    for index, letter in enumerate(line):
        if not (letter.isalnum() or letter in "-_."):
            return line[:index].replace("_", "-").replace(".", "-").lower()
    return line.replace("_", "-").replace(".", "-").lower()

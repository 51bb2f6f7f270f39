"""The package's own environment: its dependencies and the server's, installed by uv into a cached virtual environment.

What is locked by hash is installed as it is locked, and nothing else; what is not is resolved as `pip install -r` does. Only wheels are
taken, and nothing of the package runs meanwhile.

In: the lines of code/requirements.txt; out: a Python that has exactly these, and fogbank's `contracts`, `serve` and
`monitor` rooms, and nothing else of the host's. Where the network is away, uv's own cache serves.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from fogbank.cloud.hosting.requirements import RefusedRequirementError, checked_lines, requirement_lines
from fogbank.contracts.container import SHIPPED_ROOMS
from fogbank.ground.digest import sha256_bytes
from fogbank.ground.installer import NOTHING_BUILT, run_uv
from fogbank.ground.locks import locked
from fogbank.ground.sources import source_digest, source_files

TIME_LIMIT_S = 600
AS_LOCKED = ("--no-deps", "--exclude-newer", "2999-01-01")
"""A lock is whole, and nothing is added to it; what it names is not held back for being new."""


class DependencyError(Exception):
    """The dependencies cannot be installed; the text is the installer's own last lines."""


class Environments:
    """Virtual environments by the digest of what is in them; safe against two processes at once and against kill -9.

    `server_pins` are the `name==version` lines that the server needs; a package's own pin of the same name wins. `rooms` are
    fogbank's that are in it.
    """

    def __init__(self, cache: Path, server_pins: Sequence[str], rooms: Sequence[str] = SHIPPED_ROOMS) -> None:
        self._cache, self._server_pins, self._rooms = cache, tuple(server_pins), rooms

    @property
    def folder(self) -> Path:
        """Where they are."""
        return self._cache

    def python_for(self, requirements: Sequence[str]) -> Path:
        """The Python of the environment for these requirement lines, made now if it is not there. Raises DependencyError."""
        try:
            own = checked_lines(requirements)
        except RefusedRequirementError as error:
            raise DependencyError(str(error)) from error
        server = self._server_lines(requirements)
        key = sha256_bytes("\n".join([sys.version, source_digest(self._rooms), *own, *server]).encode())[:20]
        home = self._cache / key
        python = home / "bin" / "python"
        if not python.exists():
            self._cache.mkdir(parents=True, exist_ok=True)
            with locked(self._cache / f"{key}.lock"):
                if not python.exists():
                    self._build(home, own, server)
        os.utime(home)  # `fogbank cache prune` takes what was not asked for in a long time
        return python

    def _server_lines(self, requirements: Sequence[str]) -> list[str]:
        taken = {_name(line) for line in requirement_lines(requirements)}
        return sorted(pin for pin in self._server_pins if _name(pin) not in taken)

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
            _install_rooms(next((fresh / "lib").glob("python3*")) / "site-packages" / "fogbank", self._rooms)
            fresh.rename(home)


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

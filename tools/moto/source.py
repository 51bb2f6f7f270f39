"""moto's own tests and the environment that they want.

In: the moto that uv.lock pins, by its digest; out: a folder with its tests and a Python with all that moto's server and its tests import.
Made once below .tools/moto/, and again where the lock or the list of requirements changed.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from dataclasses import dataclass
from pathlib import Path

from uv import find_uv_bin

from fogbank.ground.locks import locked

ROOT = Path(__file__).parents[2]
REQUIREMENTS = Path(__file__).parent / "requirements.txt"
MADE = ".made"


@dataclass(frozen=True, kw_only=True)
class Source:
    """`tests` is the folder from which pytest runs; `binaries` that of the environment's programs."""

    version: str
    tests: Path
    binaries: Path

    @property
    def extras(self) -> Path:
        """The environment's libraries."""
        return next(self.binaries.parent.glob("lib/python*/site-packages"))


def pinned() -> tuple[str, str]:
    """Version and sdist's digest (`sha256:...`) of the moto in uv.lock."""
    packages = tomllib.loads((ROOT / "uv.lock").read_text())["package"]
    moto = next(package for package in packages if package["name"] == "moto")
    return moto["version"], moto["sdist"]["hash"]


def prepare(home: Path) -> Source:
    """The tests and their environment below `home`."""
    version, digest = pinned()
    tests, environment = home / f"moto-{version}", home / "environment"
    source = Source(version=version, tests=tests, binaries=environment / "bin")
    state = hashlib.sha256(f"{digest}{REQUIREMENTS.read_text()}{sys.version_info[:2]}".encode()).hexdigest()
    made = home / MADE
    if made.is_file() and made.read_text() == state:
        return source
    with locked(home / ".lock"), tempfile.TemporaryDirectory(dir=home) as folder:
        if not made.is_file() or made.read_text() != state:
            _unpack(_download(Path(folder), version, digest), tests)
            _install(environment, Path(folder), version)
            made.write_text(state)
    return source


def _download(folder: Path, version: str, digest: str) -> Path:
    wish = folder / "pinned.txt"
    wish.write_text(f"moto=={version} --hash={digest}\n")
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", "moto", "--require-hashes"]
    subprocess.run([*pip, "-r", str(wish), "-d", str(folder)], check=True)
    return next(folder.glob("moto-*.tar.gz"))


def _unpack(archive: Path, target: Path) -> None:
    """The tests and the configuration of their marks; never moto itself, which would shadow the installed one."""
    shutil.rmtree(target, ignore_errors=True)
    with tarfile.open(archive) as tar:
        wanted = [
            member
            for member in tar.getmembers()
            if member.name.split("/")[1:2] == ["tests"] or member.name.split("/")[1:] == ["setup.cfg"]
        ]
        tar.extractall(target.parent, members=wanted, filter="data")


def _install(environment: Path, folder: Path, version: str) -> None:
    """moto with all its extras; what our lock also has, in the lock's version."""
    uv = find_uv_bin()
    constraints = folder / "constraints.txt"
    export = [uv, "export", "--frozen", "--no-emit-project", "--no-hashes", "--quiet", "-o", str(constraints)]
    subprocess.run(export, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    subprocess.run([uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(environment)], check=True)
    install = [uv, "pip", "install", "--quiet", "--python", str(environment / "bin" / "python")]
    pins = ["-c", str(constraints), "-r", str(REQUIREMENTS), f"moto[all,server]=={version}", "pytest"]
    subprocess.run([*install, *pins], cwd=ROOT, check=True)

"""What is dear to make and only read: made once in a run, for all of its processes, and copied by whoever changes it."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

from uv import find_uv_bin

from fogbank.ground.digest import sha256_file
from fogbank.ground.locks import locked

MADE = ".made"
CLIENTS = Path(__file__).parents[1] / ".fogbank" / "sagemaker-clients"


def made_once(folder: Path, make: Callable[[Path], object]) -> Path:
    """`folder`, filled by the first that comes; the others wait. One that failed halfway is made again beside what it left."""
    with locked(folder.with_name(f"{folder.name}.lock")):
        if not (folder / MADE).is_file():
            folder.mkdir(parents=True, exist_ok=True)
            make(folder)
            (folder / MADE).touch()
    return folder


def programs_of(requirements: Path) -> Path:
    """The programs of an environment of the clients that a requirements file locks by hash; kept between runs."""

    def install(folder: Path) -> None:
        uv, environment = find_uv_bin(), folder / "environment"
        subprocess.run([uv, "venv", "--quiet", "--clear", environment], check=True)
        hashed = [uv, "pip", "install", "--quiet", "--require-hashes", "--python", str(environment / "bin" / "python")]
        subprocess.run([*hashed, "-r", str(requirements)], check=True)

    return made_once(CLIENTS / sha256_file(requirements)[:12], install) / "environment" / "bin"

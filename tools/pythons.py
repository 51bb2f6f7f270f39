"""The core's unit tests and the whole demo, under every Python that fogbank is said to run on and that is found here.

`python tools/pythons.py [3.12 3.13]` makes an environment for each in a temporary folder, out of the lock, and prints a line for each.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

VERSIONS = ("3.11", "3.12", "3.13", "3.14")
CORE = ("ground", "contracts", "pack", "serve")
"""The rooms that know most of Python's own: processes, pickles, dependencies, the server."""
ROOT = Path(__file__).parents[1]


def candidates(version: str) -> Iterator[str]:
    """Where a Python of a version may be: on PATH, and where pyenv and uv keep theirs."""
    yield shutil.which(f"python{version}") or ""
    homes = (
        Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions",
        Path.home() / ".local/share/uv/python",
    )
    for home in homes:
        yield from (str(path) for path in sorted(home.glob(f"*{version}.*/bin/python{version}"), reverse=True))


def found(version: str) -> str:
    """A Python of that version which runs; empty where there is none. pyenv's shims lie on PATH for versions that are not chosen."""
    said = "import sys; print('.'.join(map(str, sys.version_info[:2])))"
    for path in filter(None, candidates(version)):
        done = subprocess.run([path, "-c", said], capture_output=True, text=True, check=False)
        if done.stdout.strip() == version:
            return path
    return ""


def run(python: str, folder: Path) -> str:
    """What came of the tests and the demo, in a few words."""
    home = folder / "environment"
    environment = {**os.environ, "UV_PROJECT_ENVIRONMENT": str(home), "FOGBANK_PORT": "0"}
    environment.pop("VIRTUAL_ENV", None)
    uv = shutil.which("uv") or str(Path(sys.executable).parent / "uv")
    rooms = [f"tests/unit/{room}" for room in CORE]
    steps = {
        "environment": ([uv, "sync", "--frozen", "--quiet", "--python", python], ROOT),
        "tests": ([str(home / "bin/python"), "-m", "pytest", "-q", "-p", "no:cacheprovider", "--hypothesis-profile=few", *rooms], ROOT),
        "demo": ([str(home / "bin/fogbank"), "demo"], folder),
    }  # fmt: skip
    for name, (command, place) in steps.items():
        log = folder / f"{name}.log"
        with log.open("w") as written:
            done = subprocess.run(
                command, cwd=place, env=environment, stdout=written, stderr=subprocess.STDOUT, check=False
            )
        if done.returncode:
            print(*log.read_text().splitlines()[-20:], sep="\n", file=sys.stderr)
            return f"{name} failed"
    return (folder / "tests.log").read_text().strip().splitlines()[-1] + "; the demo ran"


def main() -> None:
    """Each version in turn; ends with 1 where one failed."""
    failed = False
    for version in sys.argv[1:] or VERSIONS:
        python, started = found(version), time.monotonic()
        if not python:
            print(f"{version}  not found here", flush=True)
            continue
        with tempfile.TemporaryDirectory(prefix="fogbank-pythons-") as folder:
            said = run(python, Path(folder))
        failed = failed or said.endswith("failed")
        print(f"{version}  {said}; {time.monotonic() - started:.0f} s", flush=True)
    sys.exit(failed)


if __name__ == "__main__":
    main()

"""A wheel from sources that the user has locked (PEP 517), behind a wall: nothing of this machine's user is there, and no network.

In: a folder with sources; out: the wheel and what made it. What building needs is resolved from the user's own indexes as wheels, in the
versions of the project's lock where it has them, and installed under its hashes before anything runs. Only then the project's build backend
runs, with a bare environment, a HOME of its own and one folder to write to. Where the kernel lets nobody have namespaces, the bare
environment and the limits alone hold.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fogbank.contracts.errors import PackageError
from fogbank.ground.installer import NOTHING_BUILT, run_uv
from fogbank.ground.paths import EscapeError, inside, plain_name
from fogbank.ground.processes import bare_environment, run_bound
from fogbank.ground.walls import UndecidedError, Wall

TIME_LIMIT_S, MEMORY = 900, 8 << 30
LEGACY = {"requires": ["setuptools >= 40.8.0"], "build-backend": "setuptools.build_meta:__legacy__"}
"""What a project without [build-system] is built by (PEP 517, "Source trees")."""
SAME_EACH_TIME = {"SOURCE_DATE_EPOCH": "315532800", "PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1"}
"""The first moment that a zip can name: the same sources are the same bytes, as far as the backend lets them."""
HOOK = """
import importlib, json, os, sys
order = json.loads(sys.argv[1])
os.chdir(order["sources"])
sys.path[:0] = order["paths"]
module, _, names = order["backend"].partition(":")
backend = importlib.import_module(module)
for name in filter(None, names.split(".")):
    backend = getattr(backend, name)
hook = getattr(backend, order["hook"], None)
answer = hook(*order["arguments"]) if hook else []
with open(order["answer"], "w") as stream:
    json.dump(answer, stream)
"""


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What a build is held to: the project's folder, whose settings name its indexes, a folder of its state, around which no build sees
    the project, and the versions (`name==version`) that what it needs is held to."""

    root: Path
    state: Path
    constraints: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Built:
    """A wheel, and the lines by hash of what was installed to make it; nothing for one that came as it is."""

    wheel: Path
    needed: tuple[str, ...] = ()


def build_wheel(name: str, sources: Path, work: Path, terms: Terms) -> Built:
    """Build below `work`, which also has the sources. Raises PackageError (`source-unbuildable`)."""
    system = _build_system(name, sources)
    workshop = _Workshop(name, sources, work, terms, system)
    needs = list(system["requires"])
    workshop.install(needs)
    more = workshop.ask("get_requires_for_build_wheel", [])
    if more:
        workshop.install([*needs, *more])
    (work / "out").mkdir()
    made = workshop.ask("build_wheel", [str(work / "out")])
    try:
        wheel = work / "out" / plain_name(str(made))
    except EscapeError as error:
        raise _unbuildable(name, f"its backend says that it made {made!r}") from error
    if not wheel.is_file() or wheel.is_symlink():
        raise _unbuildable(name, f"its backend says that it made {made!r}, which is not there")
    return Built(wheel=wheel, needed=workshop.installed)


def _build_system(name: str, sources: Path) -> dict[str, Any]:
    file = sources / "pyproject.toml"
    try:
        table = tomllib.loads(file.read_text()).get("build-system") if file.is_file() else None
    except ValueError as error:
        raise _unbuildable(name, f"its pyproject.toml cannot be read: {error}") from error
    if table is None and not file.is_file() and not (sources / "setup.py").is_file():
        raise _unbuildable(name, f"neither pyproject.toml nor setup.py is in {sources.name}")
    system = {**LEGACY, **(table or {})}
    if not isinstance(system["requires"], list) or not all(isinstance(item, str) for item in system["requires"]):
        raise _unbuildable(name, "its build-system.requires is no list of requirements")
    return system


class _Workshop:
    """An environment of what building needs, in which the backend is asked."""

    def __init__(self, name: str, sources: Path, work: Path, terms: Terms, system: dict[str, Any]) -> None:
        self._name, self._sources, self._work, self._terms = name, sources, work, terms
        self._backend = str(system["build-backend"])
        try:
            self._paths = [str(inside(sources, path)) for path in system.get("backend-path", [])]
        except EscapeError as error:
            raise _unbuildable(name, f"its backend-path leads out of it: {error}") from error
        if not self._paths and "backend-path" not in system and system["build-backend"] == LEGACY["build-backend"]:
            self._paths = [str(sources)]  # setup.py may import what lies beside it
        self._python = work / "environment" / "bin" / "python"
        self.installed: tuple[str, ...] = ()

    def install(self, requirements: Sequence[str]) -> None:
        """Resolve to wheels with hashes, and install these and nothing else. Raises PackageError."""
        self._uv("venv", "--quiet", "--clear", "--python", sys.executable, str(self._work / "environment"))
        if not requirements:
            return
        asked, constraints, locked = (self._work / f"{part}.txt" for part in ("build", "constraints", "build-locked"))
        asked.write_text("\n".join(requirements) + "\n")
        constraints.write_text("\n".join(self._terms.constraints) + "\n")
        self._uv(
            "pip", "compile", "--quiet", NOTHING_BUILT, "--generate-hashes", "--no-header", "--no-annotate", "--python", sys.executable,
            "--constraints", str(constraints), str(asked), "-o", str(locked),
        )  # fmt: skip
        install = ("pip", "install", "--quiet", "--no-deps", NOTHING_BUILT, "--require-hashes")
        self._uv(*install, "--python", str(self._python), "-r", str(locked))
        lines = locked.read_text().replace("\\\n", " ").splitlines()
        self.installed = tuple(" ".join(line.split()) for line in lines if line.strip())

    def ask(self, hook: str, arguments: Sequence[str]) -> Any:
        """What a hook of the backend answers. Raises PackageError."""
        answer = self._work / f"{hook}.json"
        order = {"sources": str(self._sources), "paths": self._paths, "backend": self._backend, "hook": hook,
                 "arguments": list(arguments), "answer": str(answer)}  # fmt: skip
        home = self._work / "home"
        environment = {**bare_environment(home), **SAME_EACH_TIME, "TMPDIR": str(home)}
        wall = Wall(own=(self._work,), state=self._terms.state, memory=MEMORY, network=False)
        command = [str(self._python), "-P", "-c", HOOK, json.dumps(order)]
        try:
            done = run_bound(wall.around(command, programs=(self._python,)), TIME_LIMIT_S, environment)
        except subprocess.TimeoutExpired as error:
            raise _unbuildable(self._name, f"its backend ran for more than {TIME_LIMIT_S} s") from error
        except UndecidedError as error:
            raise _unbuildable(self._name, f"it is to have no network, but {error}; try again") from error
        if done.returncode != 0:
            said = (done.stderr or done.stdout).strip()[-1500:] or f"its backend ended with {done.returncode}"
            raise _unbuildable(self._name, f"{self._backend}: {said}")
        try:
            return json.loads(answer.read_text())
        except (OSError, ValueError) as error:
            raise _unbuildable(self._name, f"{self._backend} gave no answer: {error}") from error

    def _uv(self, *arguments: str) -> None:
        try:
            done = run_uv(["--directory", str(self._terms.root), *arguments], TIME_LIMIT_S)
        except (FileNotFoundError, subprocess.TimeoutExpired) as error:
            raise _unbuildable(self._name, str(error)) from error
        if done.returncode != 0:
            raise _unbuildable(
                self._name, f"what building it needs cannot be had as wheels: {done.stderr.strip()[-1500:]}"
            )


def _unbuildable(name: str, why: str) -> PackageError:
    return PackageError(
        "source-unbuildable",
        f"no wheel of {name} can be built from what is locked: {why}",
        f"mend its sources; or put a wheel of {name} into an index of yours and lock that",
    )

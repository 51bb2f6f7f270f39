"""A wheel from sources that the user has locked (PEP 517), behind a wall: nothing of this machine's user is there, and no network.

In: a folder with sources; out: the wheel and what made it. What building needs is resolved from the user's own indexes as wheels, in the
versions of the project's lock where it has them, and installed under its hashes before anything runs. Only then the project's build backend
runs, with a bare environment, a HOME of its own, and the sources and three folders to write to: what it leaves there is opened by no link.
The environment and the files of this side lie outside of them. Where the kernel lets nobody have namespaces, the bare environment and
the limits alone hold.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement

from fogbank.contracts.errors import PackageError
from fogbank.ground.folders import left_file
from fogbank.ground.installer import NOTHING_BUILT, run_uv
from fogbank.ground.paths import EscapeError, inside, plain_name
from fogbank.ground.processes import bare_environment, run_bound
from fogbank.ground.walls import UndecidedError, Wall

TIME_LIMIT_S, MEMORY = 900, 8 << 30
ANSWER_LIMIT, WHEEL_LIMIT = 1 << 20, 1 << 30
LEGACY = {"requires": ["setuptools >= 40.8.0"], "build-backend": "setuptools.build_meta:__legacy__"}
"""What a project without [build-system] is built by (PEP 517, "Source trees")."""
SAME_EACH_TIME = {"SOURCE_DATE_EPOCH": "315532800", "PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1"}
"""The first moment that a zip can name: the same sources are the same bytes, as far as the backend lets them."""
VERSION_BY_GIT = (
    "SETUPTOOLS_SCM_PRETEND_VERSION", "PDM_BUILD_SCM_VERSION", "POETRY_DYNAMIC_VERSIONING_BYPASS", "UV_DYNAMIC_VERSIONING_BYPASS",
    "PBR_VERSION",
)  # fmt: skip
"""What tells backends the version that they would ask git's tags for, of which there are none here; hatch-vcs asks setuptools-scm."""
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
    the project, what it needs held to the user's `constraints`, and in the versions that are `preferred` (`name==version`) where that
    can be; the `version` that it is to have, empty where nobody knows."""

    root: Path
    state: Path
    constraints: tuple[str, ...] = ()
    preferred: tuple[str, ...] = ()
    version: str = ""


@dataclass(frozen=True, kw_only=True)
class Built:
    """A wheel, and the lines by hash of what was installed to make it; nothing for one that came as it is."""

    wheel: Path
    needed: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Site:
    """The folders of one build: `tree` with all that was fetched, in which the `sources` are, and `work`, which is empty."""

    tree: Path
    sources: Path
    work: Path

    @property
    def environment(self) -> Path:
        """What building needs; the backend reads it."""
        return self.work / "environment"

    @property
    def own(self) -> Path:
        """This side's files, which the backend does not see."""
        return self.work / "own"

    @property
    def backend(self) -> Path:
        """Where the backend's folders are: home, answer and out."""
        return self.work / "backend"


def build_wheel(name: str, site: Site, terms: Terms) -> Built:
    """Build what lies at a site. Raises PackageError (`source-unbuildable`)."""
    system = _build_system(name, site)
    workshop = _Workshop(name, site, terms, system)
    needs = checked_requirements(name, system["requires"])
    workshop.install(needs)
    more = checked_requirements(name, workshop.ask("get_requires_for_build_wheel", []))
    if more:
        workshop.install([*needs, *more])
    out = site.backend / "out"
    made = workshop.ask("build_wheel", [str(out)])
    wheel = site.own / "wheel" / _wheel_name(name, made)
    wheel.parent.mkdir()
    try:
        with left_file(out / wheel.name, WHEEL_LIMIT) as source, wheel.open("wb") as stream:
            shutil.copyfileobj(source, stream)
    except (OSError, ValueError) as error:
        raise unbuildable(name, f"its backend says that it made {made!r}, which cannot be taken: {error}") from error
    return Built(wheel=wheel, needed=workshop.installed)


def checked_requirements(name: str, said: Any) -> list[str]:
    """What somebody's sources say that building them needs: distributions of the user's indexes, by name and version, and nothing that
    says more to an installer. Raises PackageError (`source-unbuildable`)."""
    if not isinstance(said, list) or not all(isinstance(item, str) for item in said):
        raise unbuildable(name, f"what building it needs is no list of requirements: {str(said)[:200]}")
    return [_checked_requirement(name, item) for item in said]


def _checked_requirement(name: str, text: str) -> str:
    try:
        requirement = Requirement(text)
    except InvalidRequirement as error:
        raise unbuildable(name, f"building it needs {text[:200]!r}, which is no requirement") from error
    if requirement.url is not None:
        raise unbuildable(name, f"building it needs {requirement.name} from an address of its own: none is asked")
    if "${" in text or not text.isprintable():
        raise unbuildable(name, f"building it needs {text[:200]!r}: it has no variables of yours, and is one line")
    return str(requirement)


def _wheel_name(name: str, made: Any) -> str:
    try:
        return plain_name(made if isinstance(made, str) else "")
    except EscapeError as error:
        raise unbuildable(name, f"its backend says that it made {made!r}") from error


def _build_system(name: str, site: Site) -> dict[str, Any]:
    file, legacy = site.sources / "pyproject.toml", site.sources / "setup.py"
    if not file.resolve().is_relative_to(site.tree.resolve()):
        raise unbuildable(name, "its pyproject.toml lies outside of its sources")
    try:
        table = tomllib.loads(file.read_text()).get("build-system", {}) if file.is_file() else None
    except (OSError, ValueError) as error:
        raise unbuildable(name, f"its pyproject.toml cannot be read: {error}") from error
    if table is None and not legacy.is_file():
        raise unbuildable(name, f"neither pyproject.toml nor setup.py is in {site.sources.name}")
    if not isinstance(table or {}, dict):
        raise unbuildable(name, "its build-system is no table")
    system = {**LEGACY, **(table or {})}
    path = system.get("backend-path", [])
    if (
        not isinstance(system["build-backend"], str)
        or not isinstance(path, list)
        or not all(isinstance(item, str) for item in path)
    ):
        raise unbuildable(
            name, "its build-system has a build-backend that is no text, or a backend-path that is no list of folders"
        )
    return system


class _Workshop:
    """An environment of what building needs, in which the backend is asked."""

    def __init__(self, name: str, site: Site, terms: Terms, system: dict[str, Any]) -> None:
        self._name, self._site, self._terms = name, site, terms
        self._backend = system["build-backend"]
        try:
            self._paths = [str(inside(site.sources, path)) for path in system.get("backend-path", [])]
        except EscapeError as error:
            raise unbuildable(name, f"its backend-path leads out of it: {error}") from error
        if not self._paths and "backend-path" not in system and self._backend == LEGACY["build-backend"]:
            self._paths = [str(site.sources)]  # setup.py may import what lies beside it
        self._python = site.environment / "bin" / "python"
        self.installed: tuple[str, ...] = ()
        site.own.mkdir()

    def install(self, requirements: Sequence[str]) -> None:
        """Resolve to wheels with hashes, and install these and nothing else. Raises PackageError."""
        self._uv("venv", "--quiet", "--clear", "--python", sys.executable, str(self._site.environment))
        if not requirements:
            return
        asked, constraints, locked = (self._site.own / f"{part}.txt" for part in ("asked", "constraints", "locked"))
        asked.write_text("\n".join(requirements) + "\n")
        constraints.write_text("\n".join(self._terms.constraints) + "\n")
        locked.write_text("\n".join(self._terms.preferred) + "\n")  # what lies there uv keeps, where it can
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
        home, answers, out = (self._site.backend / each for each in ("home", "answer", "out"))
        environment = {**bare_environment(home), **SAME_EACH_TIME, "TMPDIR": str(home)}
        for folder in (answers, out):
            folder.mkdir(exist_ok=True)
        if self._terms.version:
            environment |= dict.fromkeys(VERSION_BY_GIT, self._terms.version)
        answer = answers / f"{hook}.json"
        order = {"sources": str(self._site.sources), "paths": self._paths, "backend": self._backend, "hook": hook,
                 "arguments": list(arguments), "answer": str(answer)}  # fmt: skip
        wall = Wall(own=(self._site.tree, home, answers, out), state=self._terms.state, memory=MEMORY, network=False)
        command = [str(self._python), "-P", "-c", HOOK, json.dumps(order)]
        try:
            done = run_bound(wall.around(command, programs=(self._python,)), TIME_LIMIT_S, environment)
        except subprocess.TimeoutExpired as error:
            raise unbuildable(self._name, f"its backend ran for more than {TIME_LIMIT_S} s") from error
        except UndecidedError as error:
            raise unbuildable(self._name, f"it is to have no network, but {error}; try again") from error
        if done.returncode != 0:
            said = (done.stderr or done.stdout).strip()[-1500:] or f"its backend ended with {done.returncode}"
            raise unbuildable(self._name, f"{self._backend}: {said}")
        try:
            with left_file(answer, ANSWER_LIMIT) as stream:
                return json.loads(stream.read())
        except (OSError, ValueError, RecursionError) as error:
            raise unbuildable(self._name, f"{self._backend} gave no answer: {error}") from error

    def _uv(self, *arguments: str) -> None:
        try:
            done = run_uv(["--directory", str(self._terms.root), *arguments], TIME_LIMIT_S)
        except (FileNotFoundError, subprocess.TimeoutExpired) as error:
            raise unbuildable(self._name, str(error)) from error
        if done.returncode != 0:
            raise unbuildable(
                self._name, f"what building it needs cannot be had as wheels: {done.stderr.strip()[-1500:]}"
            )


def unbuildable(name: str, why: str) -> PackageError:
    """The error (`source-unbuildable`) of sources of which nobody can build a wheel."""
    return PackageError(
        "source-unbuildable",
        f"no wheel of {name} can be built from what is locked: {why}",
        f"mend its sources; or put a wheel of {name} into an index of yours and lock that",
    )

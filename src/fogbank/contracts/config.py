"""The words of the one config table, `[tool.fogbank]` in pyproject.toml: its keys, their defaults, what is wrong with a value.

In: the table, as it was read; out: one frozen `ProjectConfig`, or one error that lists every problem.
"""

from __future__ import annotations

import difflib
import platform
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal, get_args

from fogbank.contracts.dependencies import MACHINES, Target
from fogbank.contracts.errors import ConfigError
from fogbank.contracts.method import Method

Runtime = Literal["process", "container"]
NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
MODULE = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")
DEFAULT_HANDLER = Path("handlers/inference.py")
TABLE = "[tool.fogbank] in pyproject.toml"


@dataclass(frozen=True, kw_only=True)
class ProjectConfig:
    """A project's settings. Paths are absolute.

    `root` is the folder of pyproject.toml; `name` prefixes every resource; `train` is the module that writes
    `trained/` (`python -m <train>`), and `model` a folder with a model that was trained elsewhere, which takes its place: with one,
    nothing is trained; `handler` is the script that runs on a request (by default
    handlers/inference.py, if it is there; without one the model's `method` answers); `dependencies` are the distributions
    that the handler and the model import (their closure is locked at pack). `compile` serves the model as ONNX where that
    is possible and no score moves by more than `tolerance`. `platform` is the container's, `base` the image below it (a
    reference such as `python:3.11-slim`, or the folder of an OCI layout; none: what `fogbank base` made), `repository` where
    it is pushed. `runtime` says what the local cloud's instances are, and `memory_mb` what an instance may use in `fogbank check`.
    With `enforce_iam` the local cloud refuses what a role's policies do not let it do.
    `require_signature` is the public key (PEM) of whoever must have signed what is deployed, pushed and run.
    """

    root: Path
    name: str
    train: str = "model.train"
    model: Path | None = None
    handler: Path | None = None
    dependencies: tuple[str, ...] = ("scikit-learn", "joblib")
    method: Method = "predict"
    compile: bool = True
    tolerance: float = 1e-6
    platform: str = "linux/amd64"
    base: str = ""
    repository: str = ""
    require_signature: Path | None = None
    runtime: Runtime = "process"
    memory_mb: int = 8192
    stack: str = "local"
    port: int = 4566
    enforce_iam: bool = False

    @property
    def target(self) -> Target:
        """What the package is made to run on: the platform, with the Python that runs now."""
        return Target(platform=self.platform, python=running_python())

    @property
    def state(self) -> Path:
        """`.fogbank/`: everything that fogbank writes for this project."""
        return self.root / ".fogbank"

    @property
    def trained(self) -> Path:
        """Where the model lies, with its schema, metrics and baseline data: what training leaves, or what was brought."""
        return self.model or self.state / "trained"

    @property
    def package(self) -> Path:
        """Where `fogbank pack` writes the artifact and its manifest."""
        return self.state / "package"

    @property
    def pulumi(self) -> Path:
        """The engine's state backend."""
        return self.state / "pulumi"

    @property
    def cloud(self) -> Path:
        """The local cloud's state."""
        return self.state / "cloud"

    @property
    def report(self) -> Path:
        """The report of the demo."""
        return self.state / "report.html"


def running_python() -> str:
    """The Python that runs, as `3.11`."""
    return ".".join(platform.python_version_tuple()[:2])


def defaulted(table: Mapping[str, Any]) -> dict[str, Any]:
    """The table with every missing key at its default."""
    defaults = {item.name: item.default for item in fields(ProjectConfig) if item.name not in {"root", "name"}}
    return {**defaults, **table}


def validate(table: Mapping[str, Any], root: Path) -> ProjectConfig:
    """A frozen config of a table in which no key is missing, or ConfigError with every problem at once."""
    problems = [*_unknown_keys(table), *_wrong_values(table)]
    if problems:
        raise ConfigError(problems, TABLE)
    handler = None if table["handler"] is None else root / table["handler"]
    paths = {"root": root, "handler": handler, "model": None if table["model"] is None else root / table["model"]}
    if table["require_signature"] is not None:
        paths["require_signature"] = root / table["require_signature"]
    return ProjectConfig(**{**table, **paths, "dependencies": tuple(table["dependencies"])})


def _unknown_keys(table: Mapping[str, Any]) -> list[str]:
    known = [item.name for item in fields(ProjectConfig) if item.name != "root"]
    problems = []
    for key in table:
        if key not in known:
            guess = difflib.get_close_matches(key, known, n=1)
            problems.append(
                f"unknown key {key!r}" + (f"; did you mean {guess[0]!r}?" if guess else f" (known: {', '.join(known)})")
            )
    return problems


def _wrong_values(table: Mapping[str, Any]) -> list[str]:
    problems = []
    name = table.get("name")
    if not isinstance(name, str) or not NAME.fullmatch(name) or len(name) > 30:
        problems.append(f"name must be 1-30 lower-case letters, digits and single hyphens, not {name!r}")
    if not isinstance(table["train"], str) or not MODULE.fullmatch(table["train"]):
        problems.append(f"train must name a module such as 'model.train', not {table['train']!r}")
    if not isinstance(table["handler"], str | None):
        problems.append(f"handler must be a path such as 'handlers/inference.py', not {table['handler']!r}")
    if not isinstance(table["model"], str | None):
        problems.append(f"model must be the path of a folder such as 'model', not {table['model']!r}")
    if not isinstance(table["require_signature"], str | None):
        problems.append(f"require_signature must be the path of a public key, not {table['require_signature']!r}")
    if not isinstance(table["dependencies"], list | tuple) or not all(
        isinstance(d, str) for d in table["dependencies"]
    ):
        problems.append(f"dependencies must be a list of distribution names, not {table['dependencies']!r}")
    if table["method"] not in get_args(Method):
        problems.append(f"method must be one of {', '.join(get_args(Method))}, not {table['method']!r}")
    if not isinstance(table["compile"], bool):
        problems.append(f"compile must be true or false, not {table['compile']!r}")
    if not isinstance(table["enforce_iam"], bool):
        problems.append(f"enforce_iam must be true or false, not {table['enforce_iam']!r}")
    if not isinstance(table["tolerance"], float | int) or not 0 <= table["tolerance"] < 1:
        problems.append(f"tolerance must be a number from 0 to 1, not {table['tolerance']!r}")
    return [*problems, *_wrong_places(table)]


def _wrong_places(table: Mapping[str, Any]) -> list[str]:
    """What is wrong about where the package runs."""
    problems = []
    if table["platform"] not in MACHINES:
        problems.append(f"platform must be one of {', '.join(MACHINES)}, not {table['platform']!r}")
    if table["runtime"] not in get_args(Runtime):
        problems.append(f"runtime must be one of {', '.join(get_args(Runtime))}, not {table['runtime']!r}")
    problems += [
        f"{key} must be a string, not {table[key]!r}"
        for key in ("base", "repository")
        if not isinstance(table[key], str)
    ]
    memory = table["memory_mb"]
    if not isinstance(memory, int) or isinstance(memory, bool) or memory < 64:
        problems.append(f"memory_mb must be a number of MiB from 64 up, not {memory!r}")
    if not isinstance(table["stack"], str):
        problems.append(f"stack must be the name of a Pulumi stack, not {table['stack']!r}")
    port = table["port"]
    if not isinstance(port, int) or isinstance(port, bool) or not 0 <= port <= 65535:
        problems.append(f"port must be a number from 0 to 65535, not {port!r}")
    return problems

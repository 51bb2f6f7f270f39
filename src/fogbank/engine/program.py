"""`pulumi-python-fogbank`: the Python that the language host of the engine that fogbank builds takes (PULUMI_PYTHON_CMD) for what it runs at
every update. The hosts of Pulumi's own distribution run the `virtualenv` of Pulumi.yaml, and heed no variable then.

That is `-m pip list -v --format json`, for the plugins of the program's packages: pip's own start is a third of a second, and the answer lies in
the names of folders. And it is the program, which loads thousands of classes of pulumi-aws. Anything else goes to this environment's
Python as it is. In: what Python is given; out: what it would do.
"""

from __future__ import annotations

import json
import os
import runpy
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from fogbank.ground.collector import collect_seldom

NAME = "pulumi-python-fogbank"
LISTING = ["-m", "pip", "list", "-v", "--format", "json"]
EXECUTOR = "pulumi-language-python-exec"
"""The language host's script that runs a program."""
METADATA = {".dist-info": "METADATA", ".egg-info": "PKG-INFO"}
"""Where a package's folder says what it is (packaging.python.org, "Recording installed projects"; setuptools' earlier form)."""


def main() -> None:
    """What the command line says."""
    arguments = sys.argv[1:]
    if arguments == ["--version"]:
        sys.stdout.write(f"Python {sys.version.split()[0]}\n")
    elif arguments == LISTING:
        sys.stdout.write(json.dumps(list(installed(_path()))))
    elif arguments and Path(arguments[0]).name == EXECUTOR:
        _run_program(arguments)
    else:
        os.execv(sys.executable, [sys.executable, *arguments])  # noqa: S606 - no shell is wanted


def _path() -> list[str]:
    """Where modules are looked for, without this script's own folder, which Python puts there first unless it was told not to (-P)."""
    return sys.path if sys.flags.safe_path else sys.path[1:]


def installed(path: Sequence[str]) -> Iterator[dict[str, str]]:
    """The packages in the folders of a path that can be read, as pip lists them: name, version and the folder; the first of a name is the one that is
    imported."""
    seen = set()
    for folder in map(Path, path):
        for place in _places(folder):
            name, version = _name_and_version(place)
            key = name.replace("_", "-").replace(".", "-").lower()
            if name and key not in seen:
                seen.add(key)
                yield {"name": name, "version": version, "location": str(folder)}


def _places(folder: Path) -> list[Path]:
    """What lies in a folder; nothing where it is none, or cannot be read: Python passes it over too."""
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def _name_and_version(place: Path) -> tuple[str, str]:
    """Of a package's folder, by its metadata's header; empty ones where it is none."""
    file = METADATA.get(place.suffix)
    if file is None:
        return "", ""
    header: dict[str, str] = {}
    try:
        with (place / file).open(encoding="utf-8", errors="replace") as lines:
            for line in lines:
                key, colon, value = line.partition(":")
                if not colon or {"Name", "Version"} <= header.keys():
                    break
                header.setdefault(key, value.strip())
    except OSError:  # half removed
        return "", ""
    return header.get("Name", ""), header.get("Version", "")


def _run_program(arguments: list[str]) -> None:
    """The language host's script with its arguments, as Python would."""
    collect_seldom()
    sys.argv = arguments
    sys.path[:] = [*([] if sys.flags.safe_path else [str(Path(arguments[0]).parent)]), *_path()]
    runpy.run_path(arguments[0], run_name="__main__")

"""The base of a project's image, pinned by its digest in pyproject.toml: a tag moves, and two machines would make two images.

In: a project and a reference; out: the project with its base, as its file says it now. The file changes in one step, and in that line alone.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from fogbank.contracts.config import TABLE, ProjectConfig
from fogbank.contracts.errors import ProjectError
from fogbank.project.bases import default_base, made_here
from fogbank.project.events import Steps

HEADER = re.compile(r"^\[tool\.fogbank\][ \t\r]*(?:#.*)?$", re.MULTILINE)
NEXT_TABLE = re.compile(r"^\[", re.MULTILINE)
BASE = re.compile(r"""^base[ \t]*=[ \t]*(?:"[^"\n]*"|'[^'\n]*')""", re.MULTILINE)
FILE = "pyproject.toml"


def pinned_where_due(config: ProjectConfig, platforms: Sequence[str], steps: Steps) -> ProjectConfig:
    """The project with a base: the one that it has, else the one that was made here, else the default, pinned now. Raises as `pin`."""
    if config.base:
        return config
    if all(made_here(config.target.python, platform) for platform in platforms):
        steps.notice(
            "the base was made on this machine, and others make other images: `fogbank base --pin` takes one that all have"
        )
        return config
    return pin(config, "", steps)


def pin(config: ProjectConfig, reference: str, steps: Steps) -> ProjectConfig:
    """Ask the registry which digest a reference (by default Python's own image) has now, and write it into [tool.fogbank].

    Raises PackageError (`reference-invalid`), RegistryError, ProjectError (`pyproject-unreadable`).
    """
    from fogbank.image import Registry, logins_for, parse_reference

    named = parse_reference(reference or default_base(config.target.python))
    with steps("base") as step:
        step.progress(f"asking {named.host}")
        digest = Registry(named, logins_for(named, os.environ)).manifest(named.manifest_name).descriptor.digest
        base = str(named.at(digest))
        _write(config.root / FILE, base)
        step.done(f"{base}, written into {TABLE}")
    return replace(config, base=base)


def with_base(text: str, base: str) -> str:
    """The text of a pyproject.toml with that base in [tool.fogbank], everything else as it was. Raises ProjectError."""
    header = HEADER.search(text)
    if header is None:
        raise _unwritten(base)
    following = NEXT_TABLE.search(text, header.end())
    end = following.start() if following else len(text)
    line = f'base = "{base}"'
    body, found = BASE.subn(line, text[header.end() : end], count=1)
    changed = text[: header.end()] + (body if found else f"\n{line}{body}") + text[end:]
    if not _differs_in_base(text, changed, base):
        raise _unwritten(base)
    return changed


def _differs_in_base(text: str, changed: str, base: str) -> bool:
    """Whether a text says what the other does but for the base: a header may stand in a string, a key in quotes."""
    wanted = tomllib.loads(text)
    wanted["tool"]["fogbank"]["base"] = base
    try:
        return tomllib.loads(changed) == wanted
    except tomllib.TOMLDecodeError:
        return False


def _write(file: Path, base: str) -> None:
    place = file.resolve()
    changed = with_base(place.read_bytes().decode(), base)
    fresh = place.with_name(f".{FILE}.new")
    fresh.write_bytes(changed.encode())
    fresh.chmod(place.stat().st_mode & 0o777)
    fresh.replace(place)


def _unwritten(base: str) -> ProjectError:
    return ProjectError(
        "pyproject-unreadable", f"{TABLE} is not where it is looked for", f'write it there yourself: base = "{base}"'
    )

"""A requirements file without hashes: resolved and locked by uv, once, as an installer would and for what runs here.

In: the file's lines and the names in `dependencies`; out: a uv.lock, kept by the digest of all that it depends on. What is
installed here is what is chosen wherever the lines allow it: that is what trained the model.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.version import InvalidVersion, Version

from fogbank.contracts.config import running_python
from fogbank.contracts.errors import PackageError
from fogbank.ground.digest import canonical_json, sha256_bytes
from fogbank.ground.installer import NOTHING_BUILT, run_uv
from fogbank.pack.lockfiles import HASH, requirement_lines

TIME_LIMIT_S = 600
INDEXES = {"-i": True, "--index-url": True, "--extra-index-url": False}
"""Options that name an index, and whether it takes the place of the default one."""
ITSELF = ({"-e", "."}, {"--editable", "."}, {"."})


def lock_requirements(path: Path, names: Sequence[str], kept: Path) -> str:
    """The text of a uv.lock of these requirements. Raises PackageError (`lock-unreadable`, `requirements-unresolved`)."""
    lines, indexes = _read(path)
    installed = _installed()
    key = sha256_bytes(canonical_json([lines, indexes, sorted(names), running_python(), installed]))[:24]
    file = kept / f"{key}.lock"
    if not file.is_file():
        kept.mkdir(parents=True, exist_ok=True)
        requirements = [*lines, *names]
        text, _ = _locked(requirements, indexes, installed)
        if text is None:  # the lines ask for others than those that are installed
            text, cause = _locked(requirements, indexes, [])
            if text is None:
                raise PackageError(
                    "requirements-unresolved", f"{path.name} cannot be resolved: {cause}", f"mend {path.name}"
                )
        with tempfile.NamedTemporaryFile("w", dir=kept, delete=False) as fresh:
            fresh.write(text)
        Path(fresh.name).rename(file)
    return file.read_text()


def _read(path: Path) -> tuple[list[str], list[tuple[str, bool]]]:
    """The requirements, and the indexes that the file names. Raises PackageError (`lock-unreadable`)."""
    lines: list[str] = []
    indexes: list[tuple[str, bool]] = []
    for line in requirement_lines(path.read_text()):
        words = line.replace("=", " ", 1).split() if line.startswith("--") else line.split()
        if set(words) in ITSELF:  # the project's modules travel as its code
            continue
        if words[0] in INDEXES and len(words) == 2:
            indexes.append((words[1], INDEXES[words[0]]))
            continue
        try:
            lines.append(str(Requirement(HASH.sub("", line).strip())))
        except InvalidRequirement as error:
            raise PackageError(
                "lock-unreadable",
                f"{path.name}: {line!r} is not followed from here: {error}",
                "name distributions and versions in it, or keep a uv.lock",
            ) from error
    return lines, indexes


def _installed() -> list[str]:
    """What is installed here, as constraints."""
    pins = set()
    for distribution in metadata.distributions():
        try:
            pins.add(f"{distribution.name}=={Version(distribution.version)}")
        except (InvalidVersion, TypeError):
            continue
    return sorted(pins)


def _locked(
    lines: Sequence[str], indexes: Sequence[tuple[str, bool]], constraints: Sequence[str]
) -> tuple[str | None, str]:
    """The lock's text, or None and why there is none."""
    with tempfile.TemporaryDirectory(prefix="fogbank-lock-") as folder:
        (Path(folder) / "pyproject.toml").write_text(_project(lines, indexes, constraints))
        process = run_uv(
            ["lock", "--quiet", NOTHING_BUILT, "--project", folder, "--python", sys.executable], TIME_LIMIT_S
        )
        if process.returncode != 0:
            return None, process.stderr.strip()[-1500:]
        return (Path(folder) / "uv.lock").read_text(), ""


def _project(lines: Sequence[str], indexes: Sequence[tuple[str, bool]], constraints: Sequence[str]) -> str:
    import json

    tables = [
        f"[[tool.uv.index]]\nurl = {json.dumps(url)}\n" + ("default = true\n" if default else "")
        for url, default in indexes
    ]
    return "\n".join([
        "[project]", 'name = "fogbank-requirements"', 'version = "0"', f'requires-python = "=={running_python()}.*"',
        f"dependencies = {json.dumps(list(lines))}", "[tool.uv]", "package = false",
        f"constraint-dependencies = {json.dumps(list(constraints))}", "environments = [\"sys_platform == 'linux'\"]", *tables,
    ]) + "\n"  # fmt: skip

"""A requirements file without hashes: resolved and locked by uv, once, as an installer would and for what runs here.

In: the file's lines and the names in `dependencies`; out: a uv.lock, kept by the digest of all that it depends on. What is
installed here is what is chosen wherever the lines allow it: that is what trained the model.
"""

from __future__ import annotations

import json
import re
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib import metadata
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from fogbank.contracts.config import running_python
from fogbank.contracts.errors import PackageError
from fogbank.ground.digest import canonical_json, sha256_bytes
from fogbank.ground.installer import NOTHING_BUILT, run_uv
from fogbank.pack.lockfiles import HASH, requirement_lines
from fogbank.pack.requirement_files import decoded

TIME_LIMIT_S = 600
INDEXES = {"-i": True, "--index-url": True, "--extra-index-url": False}
"""Options that name an index, and whether it takes the place of the default one."""
WHEELS_ALONE = "--only-binary"
FILE_HASH = re.compile(r'hash = "sha256:([0-9a-f]{64})"')
ITSELF = ({"-e", "."}, {"--editable", "."}, {"."})


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What a requirements file asks for: its lines, the indexes that it names (and whether one replaces the default), what it holds versions
    to, whether versions before a release are let in, and by name the SHA-256 of the files that it lets in."""

    lines: tuple[str, ...] = ()
    indexes: tuple[tuple[str, bool], ...] = ()
    constraints: tuple[str, ...] = ()
    early: bool = False
    hashes: Mapping[str, frozenset[str]] = field(default_factory=dict)


def lock_requirements(name: str, text: str, names: Sequence[str], kept: Path) -> str:
    """The text of a uv.lock of these requirements. Raises PackageError (`lock-unreadable`, `requirements-unresolved`)."""
    asked = read_requirements(name, text)
    installed = _installed()
    hashes = sorted((own, sorted(each)) for own, each in asked.hashes.items())
    depends = [
        asked.lines,
        asked.indexes,
        asked.constraints,
        asked.early,
        hashes,
        sorted(names),
        running_python(),
        installed,
    ]
    key = sha256_bytes(canonical_json(depends))[:24]
    file = kept / f"{key}.lock"
    if not file.is_file():
        kept.mkdir(parents=True, exist_ok=True)
        wanted = replace(asked, lines=(*asked.lines, *names))
        lock, _ = _locked(replace(wanted, constraints=(*asked.constraints, *installed)))
        if lock is None:  # the lines ask for others than those that are installed
            lock, cause = _locked(wanted)
            if lock is None:
                raise PackageError("requirements-unresolved", f"{name} cannot be resolved: {cause}", f"mend {name}")
        lock = _held(name, lock, asked.hashes)
        with tempfile.NamedTemporaryFile("w", dir=kept, delete=False) as fresh:
            fresh.write(lock)
        Path(fresh.name).rename(file)
    return file.read_text()


def read_requirements(name: str, text: str) -> Asked:
    """What a file's text asks for. Raises PackageError (`lock-unreadable`)."""
    lines: list[str] = []
    indexes: list[tuple[str, bool]] = []
    constraints: list[str] = []
    hashes: dict[str, frozenset[str]] = {}
    early = False
    for line in requirement_lines(text):
        words = line.replace("=", " ", 1).split() if line.startswith("--") else line.split()
        try:
            if (
                set(words) in ITSELF or words[0] == WHEELS_ALONE
            ):  # the project's modules travel as its code; nothing is built here anyway
                continue
            if words[0] in INDEXES and len(words) == 2:
                indexes.append((words[1], INDEXES[words[0]]))
            elif words[0] == "-c" and len(words) == 2:
                constraints += [
                    str(Requirement(each)) for each in requirement_lines(decoded(Path(words[1]).read_bytes()))
                ]
            elif words == ["--pre"]:
                early = True
            else:
                requirement = Requirement(HASH.sub("", line).strip())
                lines.append(str(requirement))
                if digests := HASH.findall(line):
                    own = canonicalize_name(requirement.name)
                    hashes[own] = hashes.get(own, frozenset()) | frozenset(digests)
        except (InvalidRequirement, OSError, UnicodeDecodeError) as error:
            raise PackageError(
                "lock-unreadable",
                f"{name}: {line!r} is not followed from here: {error}",
                "name distributions and versions in it, or keep a uv.lock",
            ) from error
    return Asked(lines=tuple(lines), indexes=tuple(indexes), constraints=tuple(constraints), early=early, hashes=hashes)


def _held(name: str, lock: str, hashes: Mapping[str, frozenset[str]]) -> str:
    """A lock without the files that the requirements' hashes do not let in. Raises PackageError (`requirements-unresolved`)."""
    lines: list[str] = []
    left: set[str] = set()
    package = ""
    for line in lock.splitlines():
        if line.startswith("name = "):
            package = line.split('"')[1]
            left |= {package} & set(hashes)
        digest = FILE_HASH.search(line)
        if digest and package in hashes:
            if digest[1] not in hashes[package]:
                continue
            left.discard(package)
        lines.append(line)
    if left:
        raise PackageError(
            "requirements-unresolved",
            f"{name} has hashes of {', '.join(sorted(left))}, and no file that its index has is one of these",
            "these are other files than were locked: lock again, or look at the index",
        )
    return "\n".join(lines) + "\n"


def _installed() -> list[str]:
    """What is installed here, as constraints."""
    pins = set()
    for distribution in metadata.distributions():
        try:
            pins.add(f"{distribution.name}=={Version(distribution.version)}")
        except (InvalidVersion, TypeError):
            continue
    return sorted(pins)


def _locked(asked: Asked) -> tuple[str | None, str]:
    """The lock's text, or None and why there is none."""
    with tempfile.TemporaryDirectory(prefix="fogbank-lock-") as folder:
        (Path(folder) / "pyproject.toml").write_text(_project(asked))
        process = run_uv(
            ["lock", "--quiet", NOTHING_BUILT, "--project", folder, "--python", sys.executable], TIME_LIMIT_S
        )
        if process.returncode != 0:
            return None, process.stderr.strip()[-1500:]
        return (Path(folder) / "uv.lock").read_text(), ""


def _project(asked: Asked) -> str:
    tables = [
        f"[[tool.uv.index]]\nurl = {json.dumps(url)}\n" + ("default = true\n" if default else "")
        for url, default in asked.indexes
    ]
    return "\n".join([
        "[project]", 'name = "fogbank-requirements"', 'version = "0"', f'requires-python = "=={running_python()}.*"',
        f"dependencies = {json.dumps(list(asked.lines))}", "[tool.uv]", "package = false",
        *(['prerelease = "allow"'] if asked.early else []),
        f"constraint-dependencies = {json.dumps(list(asked.constraints))}", "environments = [\"sys_platform == 'linux'\"]", *tables,
    ]) + "\n"  # fmt: skip

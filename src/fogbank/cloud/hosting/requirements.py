"""What a package may ask to be installed: distributions by name and version, or a wheel by its address under its digest.

In: the lines of a requirements file that is somebody else's; out: the same lines, or a RefusedRequirementError that says which is not
followed and why. A folder, a repository, an index of its own choice or an option would let a package run code, or fetch what it likes,
before anybody has looked at it. Wheels that travel in the package itself, under their digests, are named by where a container has them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from fogbank.contracts.dependencies import PACKAGED
from fogbank.ground.paths import EscapeError, plain_name

HASH = re.compile(r"\s--hash=sha256:[0-9a-f]{64}(?=\s|$)")
COMMENT = re.compile(r"(^|\s)#.*$")
HARMLESS = re.compile(r"--require-hashes|--prefer-binary|--only-binary(=|\s+):all:")
"""Options that take nothing away from this: what is installed here are wheels anyway."""


class RefusedRequirementError(Exception):
    """A line that is not followed; the text says which, and what to do."""


def requirement_lines(lines: Sequence[str]) -> list[str]:
    """The lines of a requirements file that say something, continued ones joined."""
    joined = "\n".join(lines).replace("\\\n", " ")
    return [line for line in (COMMENT.sub("", line).strip() for line in joined.splitlines()) if line]


def checked_lines(lines: Sequence[str], wheels: Path | None = None) -> list[str]:
    """The lines that an installer may be given. `wheels` is the folder of those that the package itself has. Raises RefusedRequirementError."""
    return [_checked(line, wheels) for line in requirement_lines(lines)]


def placed_lines(lines: Sequence[str], wheels: Path | None) -> list[str]:
    """Checked lines with the package's own wheels where they lie on this machine."""
    own = wheels.resolve().as_uri() + "/" if wheels else PACKAGED
    return [line.replace(f"@ {PACKAGED}", f"@ {own}", 1) for line in lines]


def _checked(line: str, wheels: Path | None) -> str:
    from packaging.requirements import InvalidRequirement, Requirement  # a start of the cloud need not wait for it

    if line.startswith("-"):
        if HARMLESS.fullmatch(line):
            return line
        raise _refused(
            line,
            "a package does not choose options or indexes: set the index for uv itself (UV_DEFAULT_INDEX, uv.toml)",
        )
    if "${" in line:
        raise _refused(line, "variables of the environment are none of a package's business")
    try:
        requirement = Requirement(HASH.sub("", line))
    except InvalidRequirement as error:
        raise _refused(line, "name a distribution and its version") from error
    if requirement.url is not None:
        _check_address(line, requirement.url, wheels)
    return line


def _check_address(line: str, address: str, wheels: Path | None) -> None:
    if address.startswith(PACKAGED):
        _check_packaged(line, address.removeprefix(PACKAGED), wheels)
        address = f"https://package/{address.removeprefix(PACKAGED)}"
    parts = urlsplit(address)
    if parts.scheme not in {"https", "http"} or not parts.path.endswith(".whl"):
        raise _refused(line, "what has an address must be a wheel that everybody can have: nothing is built here")
    if not HASH.search(line):
        raise _refused(line, "what has an address needs its digest: --hash=sha256:...")


def _check_packaged(line: str, filename: str, wheels: Path | None) -> None:
    try:
        file = wheels / plain_name(filename) if wheels else None
    except EscapeError as error:
        raise _refused(line, f"it is no wheel's name: {error}") from error
    if file is None or file.is_symlink() or not file.is_file():
        raise _refused(line, "the package has no such wheel: pack it again")


def _refused(line: str, why: str) -> RefusedRequirementError:
    shown = line if len(line) <= 120 else f"{line[:117]}..."
    return RefusedRequirementError(f"{shown!r} in code/requirements.txt is not followed: {why}")

"""The user's requirements.txt, with the lines that a model needs: what is there stays as it is written, also what only an installer reads.

In: the file's text, and lines of the form `name`, `name==version`; out: the text with those that it does not say yet. A file with hashes is
its locker's: it is not written to.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from fogbank.contracts.errors import PackageError

FILE = "requirements.txt"
COMMENT_OR_OPTION = re.compile(r"(?:^|\s)(?:#|--).*", re.DOTALL)
COMMENT = re.compile(r"(?:^|\s)#.*")
HASHED = re.compile(r"\s--hash[= ]")


def merged(text: str, lines: Collection[str]) -> str:
    """A requirements file with these lines in place of those of the same distributions; what it says already stays. Pure.

    A pin that is within what a line asks for says it; so does any line for a bare name. Lines for other environments stay.

    >>> merged("# mine\\nrich==1\\nnumpy==1.26.4\\n", {"numpy==2.0.0", "rich"})
    '# mine\\nrich==1\\nnumpy==2.0.0\\n'
    """
    fresh: dict[str, list[str]] = {}
    for line in lacking(text, lines):
        fresh.setdefault(name_of(line), []).append(line)
    if not fresh:
        return text
    kept: list[str] = []
    put: set[str] = set()
    for line in _logical(text):
        own = _here(line)
        name = canonicalize_name(own.name) if own else ""
        if name not in fresh:
            kept.append(line)
        elif name not in put:
            kept += fresh[name]
            put.add(name)
    return "\n".join([*kept, *(line for name in fresh if name not in put for line in fresh[name])]) + "\n"


def check_unlocked(text: str, lines: Collection[str]) -> None:
    """A file with hashes says these lines already. Raises PackageError (`requirements-hashed`)."""
    if not any(HASHED.search(COMMENT.sub("", line)) for line in _logical(text)):
        return
    if missing := lacking(text, lines):
        raise PackageError(
            "requirements-hashed",
            f"{FILE} has hashes, and the model needs {', '.join(missing)}, which it does not say",
            "lock it again with these (`uv pip compile --generate-hashes`, `pip-compile --generate-hashes`), and do it again",
        )


def lacking(text: str, lines: Collection[str]) -> list[str]:
    """Those lines that a file does not say, sorted."""
    there = [own for line in _logical(text) if (own := _here(line))]
    return [line for line in sorted(lines) if not any(_says(own, Requirement(line)) for own in there)]


def name_of(line: str) -> str:
    """The distribution's canonical name, of a line that has one. Raises InvalidRequirement (a ValueError)."""
    return canonicalize_name(Requirement(line).name)


def _logical(text: str) -> Iterator[str]:
    """The lines, each with those that continue it, as they are written; a comment is not continued, as pip has it."""
    open_line = ""
    for line in text.splitlines():
        whole = open_line + line
        if line.endswith("\\") and not line.lstrip().startswith("#"):
            open_line = f"{whole}\n"
            continue
        yield whole
        open_line = ""
    if open_line:
        yield open_line.removesuffix("\n")


def _here(line: str) -> Requirement | None:
    """What a line asks for in the environment that runs: nothing, where it is an option, an address or a comment, or another one's."""
    try:
        own = Requirement(COMMENT_OR_OPTION.sub("", line.replace("\\\n", " ")).strip(" \t\\"))
    except InvalidRequirement:
        return None
    return own if own.marker is None or own.marker.evaluate() else None


def _says(own: Requirement, wanted: Requirement) -> bool:
    if canonicalize_name(own.name) != canonicalize_name(wanted.name):
        return False
    if wanted.url or not wanted.extras <= own.extras:
        return own.url == wanted.url and own.extras == wanted.extras
    if own.url:  # somebody's own choice of a place
        return True
    if not wanted.specifier or own.specifier == wanted.specifier:
        return True
    pinned = [item.version for item in own.specifier if item.operator in {"==", "==="} and "*" not in item.version]
    return bool(pinned) and wanted.specifier.contains(pinned[0], prereleases=True)

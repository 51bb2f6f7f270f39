"""The mark that `fogbank new` leaves in a project: which version wrote it, and the digests of the files that are fogbank's.

In: a project's folder; out: the mark; for one that an earlier fogbank wrote, an empty one. It belongs into the project's repository.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from fogbank.contracts.errors import ProjectError
from fogbank.ground.paths import relative_name

MARK = ".fogbank.json"
ROOM = "infra"
STACKS_FILE = "Pulumi.yaml"
FILES = frozenset({STACKS_FILE, "Pulumi.local.yaml", "Pulumi.aws.yaml", ".gitignore", ".github/workflows/deploy.yml"})
"""What is fogbank's besides the program. Model, handlers, tests and the rest are the user's from the first day on."""
OWN_NAME = re.compile(rb"(?m)^name: .*$")


@dataclass(frozen=True, kw_only=True)
class Mark:
    """`version` is empty, and there are no files, where no mark was left."""

    version: str = ""
    files: Mapping[str, str] = field(default_factory=dict)


def read_mark(root: Path) -> Mark:
    """The project's mark. Raises ProjectError (`mark-unreadable`)."""
    file = root / MARK
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
        files = {str(relative_name(path)): str(digest) for path, digest in document["files"].items()}
        return Mark(version=str(document["fogbank"]), files=files)
    except FileNotFoundError:
        return Mark()
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ProjectError(
            "mark-unreadable", f"{file} cannot be read: {error!r}", "take it from the repository again, or remove it"
        ) from error


def is_fogbanks(path: str) -> bool:
    """Whether a file of a project is fogbank's to renew, as long as nobody changed it."""
    return path in FILES or path.startswith(f"{ROOM}/")


def leave_mark(folder: Path, version: str) -> None:
    """Write the mark of a project that has just been written."""
    files = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    digests = {name: digest_of(name, path.read_bytes()) for name, path in files.items() if is_fogbanks(name)}
    (folder / MARK).write_bytes(document_of(Mark(version=version, files=digests)))


def document_of(mark: Mark) -> bytes:
    """The mark as its file has it."""
    return (json.dumps({"fogbank": mark.version, "files": dict(sorted(mark.files.items()))}, indent=2) + "\n").encode()


def digest_of(path: str, content: bytes) -> str:
    """What tells whether a file is as fogbank wrote it: the project's own name, which Pulumi.yaml begins with, does not count.

    >>> digest_of("Pulumi.yaml", b"name: a\\n") == digest_of("Pulumi.yaml", b"name: b\\n")
    True
    """
    text = OWN_NAME.sub(b"name: tumours", content, count=1) if path == STACKS_FILE else content
    return hashlib.sha256(text).hexdigest()

"""pack's probe (`fogbank.pack.build.Probe`) without a server: it looks at what was staged, and answers as it was told to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from fogbank.contracts.errors import PackageError
from fogbank.contracts.manifest import INNER_NAME, decode_package


def _accept(_: str) -> str | None:
    return None


@dataclass
class Probe:
    """Takes a staged package as the real probe does: a folder that stands for /opt/ml, and a sample that may not be there.

    `cause` says, for the kind of model that is staged, why it does not load; `kinds` remembers what was shown.
    """

    cause: Callable[[str], str | None] = _accept
    kinds: list[str] = field(default_factory=list)

    def __call__(self, stage: Path, sample: Path) -> None:
        package = decode_package((stage / "model" / INNER_NAME).read_bytes())
        package.check_files(stage / "model")
        self.kinds.append(package.kind)
        cause = self.cause(package.kind)
        if cause is not None:
            raise PackageError("package-unloadable", cause)

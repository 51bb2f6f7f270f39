"""What can be seen without running anything: the archive's form, its layout, its files' digests and architecture.

In: an unpacked archive; out: findings.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from fogbank.check.findings import Finding
from fogbank.contracts.dependencies import Target
from fogbank.contracts.errors import FogbankError
from fogbank.contracts.manifest import INNER_NAME, PackageManifest, decode_package
from fogbank.ground.elf import elf_machine

LIBRARY = re.compile(r".*\.so(\.\d+)*")
DEFAULT_PROGRAM = "inference.py"


def inspect_files(folder: Path, environment: Mapping[str, str], target: Target) -> list[Finding]:
    """Everything that is wrong with the files, by themselves."""
    try:
        manifest = _manifest(folder)
    except FogbankError as error:
        return [Finding(code="file-differs", cause=str(error.cause))]
    return [
        *_layout(folder, environment, manifest),
        *_python(manifest, target),
        *_architecture(folder, target),
    ]


def _manifest(folder: Path) -> PackageManifest | None:
    path = folder / INNER_NAME
    if not path.is_file():
        return None
    package = decode_package(path.read_bytes())
    package.check_files(folder)
    return package


def _layout(folder: Path, environment: Mapping[str, str], manifest: PackageManifest | None) -> Iterator[Finding]:
    if manifest is not None and manifest.handler is None and not environment.get("SAGEMAKER_PROGRAM"):
        return
    program = environment.get("SAGEMAKER_PROGRAM") or (manifest.handler if manifest else None) or DEFAULT_PROGRAM
    if (folder / "code" / program).is_file():
        return
    tops = list(folder.iterdir())
    nested = [path for path in tops if path.is_dir() and path.name != "code" and (path / "code" / program).is_file()]
    if len(tops) == 1 and (nested or tops[0].is_dir()) and tops[0].name != "code":
        yield Finding(code="archive-nested", cause=f"everything lies below {tops[0].name}/, and not at the top")
        return
    elsewhere = sorted(str(path.relative_to(folder)) for path in folder.rglob(program))
    if elsewhere:
        yield Finding(code="code-outside-code", cause=f"{program} lies at {elsewhere[0]}, and not at code/{program}")
        return
    yield Finding(code="handler-missing", cause=f"there is no code/{program}")


def _python(manifest: PackageManifest | None, target: Target) -> Iterator[Finding]:
    if manifest is not None and manifest.python != target.python:
        yield Finding(
            code="python-differs",
            cause=f"it was packed with Python {manifest.python}, and runs on Python {target.python}",
        )


def _architecture(folder: Path, target: Target) -> Iterator[Finding]:
    for path in sorted(folder.rglob("*")):
        if LIBRARY.fullmatch(path.name) and elf_machine(path) not in {None, target.machine}:
            yield Finding(
                code="wrong-architecture",
                cause=f"{path.relative_to(folder)} is for {elf_machine(path)}, and the container is {target.machine}",
            )
            return

"""What the compiled libraries in a wheel ask of the machine that loads them, where its name does not promise it.

In: a wheel that was built here, or on another machine of the user's; out: nothing, or an error where a container could not load it.
"""

from __future__ import annotations

import zipfile
from pathlib import Path

from fogbank.contracts.dependencies import MANYLINUX
from fogbank.ground.elf import MUSL, elf_libc
from fogbank.pack.building import unbuildable
from fogbank.pack.fetching import DAMAGED

LIBRARY = ".so"


def check_libraries(name: str, wheel: Path) -> None:
    """Its libraries ask for no newer glibc than every base has (MANYLINUX). Raises PackageError (`source-unbuildable`)."""
    try:
        with zipfile.ZipFile(wheel) as files:
            for item in files.infolist():
                if LIBRARY in Path(item.filename).name:
                    with files.open(item) as stream:
                        _check(name, item.filename, elf_libc(stream))
    except DAMAGED as error:
        raise unbuildable(name, f"{wheel.name} is no whole wheel: {error}") from error


def _check(name: str, member: str, newest: tuple[int, int]) -> None:
    if newest > MANYLINUX:
        asks = "musl" if newest == MUSL else f"glibc {newest[0]}.{newest[1]}"
        raise unbuildable(
            name,
            f"{member} asks for {asks}, which this machine has, and containers may have glibc {MANYLINUX[0]}.{MANYLINUX[1]} alone: "
            "it must be built on an older system (manylinux)",
        )

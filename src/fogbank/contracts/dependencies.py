"""What a package is made to run on, and the distributions that it needs there: the words between the lock and the image.

In: a project's lock, read elsewhere; out: `Pin`s, each with the wheels that the lock names for it.
"""

from __future__ import annotations

import platform
from dataclasses import dataclass
from typing import Literal

MACHINES = {"linux/amd64": "x86_64", "linux/arm64": "aarch64"}
"""The platforms of OCI that SageMaker has instances of, and the machine's name in wheels and markers."""
DEBIAN = {"linux/amd64": "amd64", "linux/arm64": "arm64"}
HOST_PLATFORM = {"x86_64": "linux/amd64", "amd64": "linux/amd64", "aarch64": "linux/arm64", "arm64": "linux/arm64"}
MANYLINUX = (2, 28)
"""The newest glibc that wheels may ask for: that of every base since Debian 11, Ubuntu 20.04 and RHEL 8."""

LEGACY = {5: "manylinux1", 12: "manylinux2010", 17: "manylinux2014"}
"""The names of before PEP 600, by the minor version of their glibc 2."""


def linux_platforms(machine: str) -> list[str]:
    """The platforms of wheels that every base takes on a machine, best first (PEP 600).

    >>> linux_platforms("aarch64")[0]
    'manylinux_2_28_aarch64'
    """
    platforms = []
    for minor in range(MANYLINUX[1], 4, -1):
        platforms.append(f"manylinux_2_{minor}_{machine}")
        if minor in LEGACY:
            platforms.append(f"{LEGACY[minor]}_{machine}")
    return [*platforms, f"linux_{machine}"]


@dataclass(frozen=True, kw_only=True)
class Target:
    """A platform in OCI's words and a Python, such as `linux/arm64` and `3.11`."""

    platform: str
    python: str

    @property
    def machine(self) -> str:
        """The machine as wheels and markers name it."""
        return MACHINES[self.platform]

    @property
    def architecture(self) -> str:
        """The machine as OCI and Debian name it."""
        return DEBIAN[self.platform]

    def markers(self) -> dict[str, str]:
        """The environment in which dependency markers are evaluated (PEP 508); the patch version is this Python's own."""
        here = platform.python_version()
        full = here if here.startswith(f"{self.python}.") else f"{self.python}.0"
        return {
            "implementation_name": "cpython",
            "implementation_version": full,
            "os_name": "posix",
            "platform_machine": self.machine,
            "platform_python_implementation": "CPython",
            "platform_release": "",
            "platform_system": "Linux",
            "platform_version": "",
            "python_full_version": full,
            "python_version": self.python,
            "sys_platform": "linux",
        }


def host_platform() -> str:
    """The platform whose containers run here without emulation."""
    return HOST_PLATFORM.get(platform.machine().lower(), "linux/amd64")


WHEELS = "wheels"
PACKAGED = f"file:///opt/ml/model/code/{WHEELS}/"
"""Where a package's own wheels lie in a container: SageMaker unpacks every model there, and `pip install -r` finds them."""


@dataclass(frozen=True, kw_only=True)
class WheelFile:
    """One file of a release; `size` is 0 where the lock does not say it. `url` is set where it is had by its address alone.

    `path` is where it lies on this machine, of one that was built here and travels with the package.
    """

    filename: str
    sha256: str
    size: int = 0
    url: str = ""
    path: str = ""


@dataclass(frozen=True, kw_only=True)
class Origin:
    """Where a lock says that a version comes from where there is no wheel of it to be had from an index.

    `place` is an archive's address or path with the SHA-256 that it is `pinned` to, a repository's address with the commit, or a
    folder, which is pinned to nothing; the sources lie in `subdirectory` of it.
    """

    kind: Literal["archive", "git", "folder"]
    place: str
    pinned: str = ""
    subdirectory: str = ""


@dataclass(frozen=True, kw_only=True)
class Pin:
    """A distribution in one version. `wheels` are those that the lock names; `hashes` what other files of it may have.

    Both are empty where the project has no lock. `origin` is set where a wheel must be made first.
    """

    name: str
    version: str
    wheels: tuple[WheelFile, ...] = ()
    hashes: tuple[str, ...] = ()
    origin: Origin | None = None

    def __str__(self) -> str:
        return f"{self.name}=={self.version}"


@dataclass(frozen=True, kw_only=True)
class Wheel:
    """The one wheel of a distribution that goes into an image."""

    name: str
    version: str
    filename: str
    sha256: str
    url: str = ""
    path: str = ""

    @property
    def requirement(self) -> str:
        """The line that installs this wheel and no other: by its address where that is how it is had, and always by its hash."""
        return self.had_from(self.url)

    def had_from(self, address: str) -> str:
        """The same line for another address; empty for the index."""
        place = f" @ {address}" if address else f"=={self.version}"
        return f"{self.name}{place} --hash=sha256:{self.sha256}"

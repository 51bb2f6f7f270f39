"""One version of a distribution as a lock has it: its files, what it needs, and whether it can be had from where it comes from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.version import Version

from fogbank.contracts.dependencies import Origin, WheelFile


@dataclass(frozen=True, kw_only=True)
class Locked:
    """One version. `requires` is None where the lock does not hold the graph; any of `markers` must hold.

    `hashes` are those of files that are not wheels, or whose names the lock does not say. `origins` are where its sources are, and the wheels
    of this machine before them, that pack can take by hash or commit. `elsewhere` says where it comes from where nobody but this machine, or nobody
    without building it, can have it: without origins it is refused. `version` is empty for a folder that tells its own when it is built.
    """

    name: str
    version: str
    wheels: tuple[WheelFile, ...] = ()
    hashes: tuple[str, ...] = ()
    requires: tuple[Requirement, ...] | None = None
    markers: tuple[str, ...] = ()
    origins: tuple[Origin, ...] = ()
    elsewhere: str = ""

    def fits(self, requirement: Requirement, environment: Mapping[str, str]) -> bool:
        """Whether this version answers a requirement on a platform."""
        right = not self.version or requirement.specifier.contains(Version(self.version), prereleases=True)
        return right and (
            not self.markers or any(Marker(marker).evaluate({**environment, "extra": ""}) for marker in self.markers)
        )

"""One version of a distribution as a lock has it: its files, what it needs, and whether it can be had from where it comes from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.version import Version

from fogbank.contracts.dependencies import WheelFile


@dataclass(frozen=True, kw_only=True)
class Locked:
    """One version. `requires` is None where the lock does not hold the graph; any of `markers` must hold.

    `hashes` are those of files that are not wheels, or whose names the lock does not say. `elsewhere` says where it comes from
    where nobody but this machine, or nobody without building it, can have it: then it is refused.
    """

    name: str
    version: str
    wheels: tuple[WheelFile, ...] = ()
    hashes: tuple[str, ...] = ()
    requires: tuple[Requirement, ...] | None = None
    markers: tuple[str, ...] = ()
    elsewhere: str = ""

    def fits(self, requirement: Requirement, environment: Mapping[str, str]) -> bool:
        """Whether this version answers a requirement on a platform."""
        right = requirement.specifier.contains(Version(self.version), prereleases=True)
        return right and (
            not self.markers or any(Marker(marker).evaluate({**environment, "extra": ""}) for marker in self.markers)
        )

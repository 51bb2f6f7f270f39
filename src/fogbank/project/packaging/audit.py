"""The audit of a project: whether a known vulnerability is in what is locked for its container.

In: a project; out: what OSV's data has of its locked dependencies, and of the server's.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fogbank.contracts.config import ProjectConfig
from fogbank.project.workplace.events import Steps

if TYPE_CHECKING:
    from fogbank.trust import Vulnerability

OSV_URL = "FOGBANK_OSV_URL"


@dataclass(frozen=True, kw_only=True)
class Audit:
    """How many dependencies were looked up, and what is known of them."""

    dependencies: int
    vulnerabilities: tuple[Vulnerability, ...]


def audit(config: ProjectConfig, steps: Steps) -> Audit:
    """Look every locked dependency up. Raises PackageError, TrustError (`osv-unreachable`, `osv-malformed`)."""
    from fogbank.pack import locked_pins
    from fogbank.trust import OSV, Osv

    with steps("audit") as step:
        locked = locked_pins(config, config.target)
        # what is of a repository or a folder of one's own is in nobody's list: a namesake would be another thing
        pins = [(pin.name, pin.version) for pin in locked if not pin.origin or pin.origin.kind == "archive"]
        step.progress(f"asking OSV about {len(pins)} dependencies")
        found = Osv(os.environ.get(OSV_URL) or OSV).vulnerabilities(pins)
        step.done(f"{len(pins)} dependencies, {len(found) or 'no'} known vulnerabilities")
    return Audit(dependencies=len(pins), vulnerabilities=tuple(found))

"""fogbank: take a trained model to a managed cloud service, on AWS or on an embedded local cloud.

`Project` is what the command line does, from Python. Its rooms are imported when they are asked for: this file also travels
into containers, which have no tools.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fogbank.contracts.errors import FogbankError
    from fogbank.engine.operations import Operation
    from fogbank.project.packaging.checking import CheckOptions
    from fogbank.project.project import Package, Project
    from fogbank.project.workplace.events import Event, Notice, StepDone, StepFailed, StepProgress, StepStarted

__version__ = "0.1.0"
__all__ = [
    "CheckOptions",
    "Event",
    "FogbankError",
    "Notice",
    "Operation",
    "Package",
    "Project",
    "StepDone",
    "StepFailed",
    "StepProgress",
    "StepStarted",
]
_ROOMS = {
    "fogbank.contracts.errors": {"FogbankError"},
    "fogbank.engine.operations": {"Operation"},
    "fogbank.project.packaging.checking": {"CheckOptions"},
    "fogbank.project.workplace.events": {"Event", "Notice", "StepDone", "StepFailed", "StepProgress", "StepStarted"},
    "fogbank.project.project": {"Package", "Project"},
}

if not TYPE_CHECKING:  # a type checker knows the names above, and that there are no others

    def __getattr__(name: str) -> object:
        """A public name, from the room that it lives in."""
        from importlib import import_module

        for room, names in _ROOMS.items():
            if name in names:
                return getattr(import_module(room), name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*__all__, "__version__"]

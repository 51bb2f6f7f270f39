"""Which inputs a hand-written resource type takes. In: inputs; out: what is refused, by name. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

from fogbank.provider.resource import Failure, Properties
from fogbank.provider.shapes import LACKING


@dataclass(frozen=True, kw_only=True)
class Allowed:
    """The inputs that a hand-written type takes, and those that it must have."""

    keys: frozenset[str]
    required: frozenset[str] = field(default_factory=frozenset)

    def failures(self, inputs: Properties) -> list[Failure]:
        """Refuse by name what is not implemented, and what is missing."""
        refused = [
            Failure(key, LACKING)
            for key, value in inputs.items()
            if key not in self.keys and value is not None and not key.startswith("__")
        ]
        return refused + [Failure(key, "is required") for key in sorted(self.required) if inputs.get(key) is None]

"""What pulumi-aws declares of each type: the pinned package's own argument classes, cut by tools/pulumi_aws/cut.py.

In: declared.json; out: inputs by Pulumi's names, with what is required, what is a list, what is nested.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("declared.json")


@dataclass(frozen=True, kw_only=True)
class Input:
    """One input. `object` names what is nested in it; `default` is as the documentation writes it; `replaces` is what it says."""

    kind: str
    required: bool = False
    object: str | None = None
    default: str | None = None
    replaces: bool = False

    @property
    def default_value(self) -> Any:
        """The documented default in the input's own type; None where there is none."""
        if self.default is None or self.kind in {"list", "map", "object", "asset"}:
            return None
        if self.kind == "boolean":
            return self.default == "true"
        if self.kind == "number":
            number = float(self.default)
            return int(number) if number.is_integer() else number
        return self.default


Inputs = Mapping[str, Input]


@lru_cache(maxsize=1)
def _document() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(FILE.read_bytes())
    return document


def version() -> str:
    """The version of pulumi-aws whose types these are."""
    return str(_document()["version"])


@lru_cache(maxsize=256)
def inputs_of(token: str) -> Inputs:
    """The inputs of a type; nothing for one that was not cut."""
    return {name: Input(**row) for name, row in _document()["types"].get(token, {}).items()}


@lru_cache(maxsize=1024)
def object_inputs(name: str | None) -> Inputs:
    """The inputs of a nested object."""
    return {key: Input(**row) for key, row in _document()["objects"].get(name, {}).items()}

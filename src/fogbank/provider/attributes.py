"""Types whose API has attributes: one map of names to strings (SQS, SNS), where Pulumi declares numbers, booleans and documents.

In: inputs by pulumi-aws's names; out: the attributes of a call, and back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fogbank.provider.resource import Properties
from fogbank.provider.row import Row

NOTHING = frozenset({None, "", "{}"})
"""How attributes say that there is none."""


@dataclass(frozen=True, kw_only=True)
class Attributes:
    """Pulumi's keys, and the attributes that they are, in the order in which they are set."""

    names: Mapping[str, str]

    def of(self, inputs: Properties) -> dict[str, str]:
        """The attributes that inputs say."""
        return {name: _text(inputs[key]) for key, name in self.names.items() if inputs.get(key) not in NOTHING}

    def changes(self, row: Row, old: Properties, new: Properties) -> dict[str, str]:
        """The attributes that an update sets; what is not declared any more has its default, or is empty."""
        changed = set(row.diff(old, new).changed)
        return {
            name: _text(row.meaning.default(key) if new.get(key) is None else new[key])
            for key, name in self.names.items()
            if key in changed
        }

    def live(self, row: Row, attributes: Mapping[str, Any]) -> Properties:
        """What attributes say of every key, each in its input's own type; None where it is not there."""
        return {key: _value(row.inputs[key].kind, attributes.get(name)) for key, name in self.names.items()}


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).lower() if isinstance(value, bool) else str(value)


def _value(kind: str, text: Any) -> Any:
    if text in NOTHING:
        return None
    if kind == "boolean":
        return str(text).lower() == "true"
    return int(text) if kind == "number" else text

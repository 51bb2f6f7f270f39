"""What an update would change, as pulumi-aws sees it: defaults that are written out, the order of sets, and policies that mean the
same are no change. Pure.

Paths name nested inputs without their numbers: `productionVariants[].initialVariantWeight`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fogbank.provider.declared import Inputs, object_inputs
from fogbank.provider.resource import Difference, Properties
from fogbank.provider.shapes import UNKNOWN

SIGNATURE = "4dabf18193072939515e22adb298388d"
"""The key that marks an asset or an archive among Pulumi's values."""


@dataclass(frozen=True, kw_only=True)
class Meaning:
    """What makes two values of a type mean the same: its inputs with the defaults that pulumi-aws documents, further defaults by path,
    the lists that are sets, and the inputs that are IAM policies."""

    inputs: Inputs
    defaults: Mapping[str, Any] = field(default_factory=dict)
    sets: frozenset[str] = frozenset()
    policies: frozenset[str] = frozenset()

    def difference(self, old: Properties, new: Properties, in_place: frozenset[str]) -> Difference:
        """Top-level keys that differ; those that are not updated in place force a replacement."""
        before, after = (self._normal(value, self.inputs, "") for value in (old, new))
        changed = tuple(sorted(key for key in {*before, *after} if before.get(key) != after.get(key)))
        return Difference(changed, tuple(key for key in changed if key not in in_place))

    def default(self, path: str) -> Any:
        """The default of an input by its path; None where there is none."""
        if path in self.defaults:
            return self.defaults[path]
        inputs = self.inputs
        *parents, key = path.replace("[]", "").split(".")
        for parent in parents:
            inputs = object_inputs(inputs[parent].object) if parent in inputs else {}
        return inputs[key].default_value if key in inputs else None

    def _normal(self, value: Properties, inputs: Inputs, path: str) -> Properties:
        keys = {*value, *(key for key in inputs if self.default(_below(path, key)) is not None)}
        pairs = ((key, self._value(value.get(key), _below(path, key), inputs, key)) for key in keys if key[:2] != "__")
        return {key: item for key, item in pairs if item is not None}

    def _value(self, value: Any, path: str, inputs: Inputs, key: str) -> Any:
        if value is None:
            value = self.default(path)
        nested = object_inputs(inputs[key].object) if key in inputs else {}
        if isinstance(value, dict) and SIGNATURE in value:
            return value.get("hash")
        if isinstance(value, dict):
            return (self._normal(value, nested, path) if nested else _plain(value)) or None
        if isinstance(value, list):
            items = [self._normal(item, nested, f"{path}[]") if nested else _plain(item) for item in value]
            return (sorted(items, key=_text) if path in self.sets else items) or None
        if path in self.policies and isinstance(value, str) and value != UNKNOWN:
            return policy_meaning(value)
        return _plain(value)


def _below(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _plain(value: Any) -> Any:
    """A value without what is nothing: None, and an integral float as its integer."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items() if item is not None} or None
    if isinstance(value, list):
        return [_plain(item) for item in value] or None
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=str)


def policy_meaning(text: str) -> Any:
    """A policy so that equal ones compare equal: one and a list of one are the same, lists and statements have no order.

    Source: IAM User Guide, "Grammar of the IAM JSON policy language".
    """
    try:
        return _unordered(json.loads(text))
    except ValueError:
        return text


def _unordered(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _unordered(item) for key, item in value.items()}
    if isinstance(value, list):
        items = sorted((_unordered(item) for item in value), key=_text)
        return items[0] if len(items) == 1 else items
    return value

"""What a stack's state file says: its outputs, without an engine.

In: a checkpoint of Pulumi's file backend (github.com/pulumi/pulumi, sdk/go/common/apitype/core.go: CheckpointV3); out: values.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

STACK = "pulumi:pulumi:Stack"
SIGNATURE = "4dabf18193072939515e22adb298388d"
"""The key that tells Pulumi's own objects from a program's: secrets, assets, outputs that are not known yet."""
HIDDEN = "[secret]"


def outputs_in(file: Path) -> dict[str, Any] | None:
    """The outputs of the stack; secret ones as `[secret]`. None where the file says nothing that is known here."""
    try:
        resources = json.loads(file.read_text())["checkpoint"]["latest"].get("resources") or []
        stacks = [item for item in resources if item["type"] == STACK and not item.get("delete")]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    if len(stacks) != 1:
        return None
    return public(stacks[0].get("outputs") or {})


def public(outputs: Mapping[str, Any]) -> dict[str, Any]:
    """Outputs as the engine serialises them, as values; secret ones as `[secret]`."""
    return {name: _public(value) for name, value in outputs.items()}


def _public(value: Any) -> Any:
    if isinstance(value, dict):
        return HIDDEN if SIGNATURE in value else public(value)
    return [_public(item) for item in value] if isinstance(value, list) else value

"""Pulumi's package schema of the types that the stand-in serves, so that `pulumi import` can write code for them.

Source: pulumi.com, "Pulumi package schema". In: the table; out: the schema as a document.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fogbank.provider import declared
from fogbank.provider.declared import Input, Inputs, object_inputs
from fogbank.provider.row import Row

SCALARS = {"string": "string", "number": "number", "boolean": "boolean"}


def schema(table: Mapping[str, Row]) -> dict[str, Any]:
    """The document."""
    types: dict[str, Any] = {}
    resources = {token: _resource(token, row, types) for token, row in table.items()}
    modules = {token.split(":")[1].partition("/")[0] for token in table}
    python = {"moduleNameOverrides": {}, "requires": {"pulumi": ">=3.0.0,<4.0.0"}}
    return {
        "name": "aws",
        "version": declared.version(),
        "meta": {"moduleFormat": "(.*)(?:/[^/]*)"},
        "language": {"python": {**python, "moduleNameOverrides": {name: name for name in sorted(modules)}}},
        "types": types,
        "resources": resources,
        "provider": {"type": "object", "inputProperties": {"region": {"type": "string"}}},
    }


def _resource(token: str, row: Row, types: dict[str, Any]) -> dict[str, Any]:
    module = token.split(":")[1].partition("/")[0]
    inputs = {name: _type(item, module, types) for name, item in row.inputs.items()}
    computed = {name: {"type": "string"} for name in (*row.outputs, *row.computed) if name not in inputs}
    return {
        "inputProperties": inputs,
        "requiredInputs": _required(row.inputs),
        "properties": {**inputs, **computed},
        "required": [],
    }


def _required(inputs: Inputs) -> list[str]:
    return sorted(name for name, item in inputs.items() if item.required)


def _type(item: Input, module: str, types: dict[str, Any]) -> dict[str, Any]:
    if item.kind == "asset":
        return {"$ref": "pulumi.json#/Asset"}
    element: dict[str, Any] = {"type": SCALARS.get(item.kind, "string")}
    if item.object and item.kind != "string":  # a policy is text, which pulumi-aws takes as a document too
        name = f"aws:{module}/{item.object}:{item.object}"
        if name not in types:
            types[name] = {"type": "object", "properties": {}}
            nested = object_inputs(item.object)
            types[name]["properties"] = {key: _type(each, module, types) for key, each in nested.items()}
            types[name]["required"] = _required(nested)
        element = {"$ref": f"#/types/{name}"}
    if item.kind == "list":
        return {"type": "array", "items": element}
    return {"type": "object", "additionalProperties": {"type": "string"}} if item.kind == "map" else element

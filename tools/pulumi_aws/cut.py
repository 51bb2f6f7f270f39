"""Cut the pinned pulumi_aws package down to the types that the stand-in serves: names, required inputs, lists, nested objects,
and what the docstrings say of replacement and of defaults. The plugin's schema file is in no registry; the package is.

In: the installed pulumi_aws and the tokens of the table; out: src/fogbank/provider/declared.json.

    .venv/bin/python tools/pulumi_aws/cut.py
"""

from __future__ import annotations

import importlib
import inspect
import json
import re
import sys
import typing
import warnings
from importlib.metadata import version
from pathlib import Path
from typing import Any

TARGET = Path(__file__).parents[2] / "src/fogbank/provider/declared.json"
NESTED = re.compile(r"ForwardRef\('(\w+Args)'\)")
REPLACES = re.compile(
    r"(forces?|forcing)\s+(a\s+)?(new\s+resource|replacement)|must be recreated|creates? a new resource", re.IGNORECASE
)
KEYWORDS = {"lambda": "lambda_"}
"""Modules whose names Python has for itself."""
DEFAULT = re.compile(r"(?:Defaults? to|Default value is|Default is|Default:)\s+`([^`]+)`")


def cut(tokens: list[str]) -> dict[str, Any]:
    """The document: types by token, nested objects by name."""
    objects: dict[str, Any] = {}
    types = {}
    for token in sorted(tokens):
        module_name, _, class_name = token.removeprefix("aws:").replace("/", ":").split(":")
        module_name = KEYWORDS.get(module_name, module_name)
        types[token] = inputs(arguments_of(module_name, class_name), module_name, objects)
    return {"version": version("pulumi-aws"), "types": types, "objects": dict(sorted(objects.items()))}


def arguments_of(module_name: str, class_name: str) -> type:
    """A resource's argument class; one whose name a nested object has already is called `...InitArgs`."""
    module = importlib.import_module(f"pulumi_aws.{module_name}")
    own: type = getattr(module, f"{class_name}InitArgs", None) or getattr(module, f"{class_name}Args")
    return own


def inputs(arguments: type, module_name: str, objects: dict[str, Any]) -> dict[str, Any]:
    """An argument class's inputs by Pulumi's names."""
    required = {
        name
        for name, parameter in inspect.signature(arguments).parameters.items()
        if parameter.default is inspect.Parameter.empty
    }
    rows = {}
    for name, member in vars(arguments).items():
        getter = member.fget if isinstance(member, property) else None
        if getter is not None:
            rows[pulumi_name(getter, name)] = described(getter, name in required, module_name, objects)
    return dict(sorted(rows.items()))


def pulumi_name(getter: Any, name: str) -> str:
    """What Pulumi calls a property."""
    return str(getattr(getter, "_pulumi_name", name))


def described(getter: Any, required: bool, module_name: str, objects: dict[str, Any]) -> dict[str, Any]:
    """One input: only what is not the ordinary case is written down."""
    text = inspect.getdoc(getter) or ""
    annotation = getter.__annotations__["return"]
    row: dict[str, Any] = {"kind": kind(annotation)}
    if required:
        row["required"] = True
    if nested := NESTED.search(str(annotation)):
        row["object"] = nested[1].removesuffix("Args")
        add_object(row["object"], module_name, objects)
    if REPLACES.search(text):
        row["replaces"] = True
    if default := DEFAULT.search(text):
        row["default"] = default[1]
    return row


def kind(annotation: Any) -> str:
    """`list`, `map`, `object`, `boolean`, `number`, `asset` or `string`."""
    first = next(item for item in (*typing.get_args(annotation), annotation) if item is not type(None))
    text = str(first)
    for sign, name in (("Sequence", "list"), ("Mapping", "map"), ("Asset", "asset"), ("Archive", "asset")):
        if sign in text:
            return name
    if NESTED.search(text):
        return "object"
    return {bool: "boolean", int: "number", float: "number"}.get(first, "string")


def add_object(name: str, module_name: str, objects: dict[str, Any]) -> None:
    """A nested object and what is in it; the package has one module of them a service."""
    if name in objects:
        return
    objects[name] = {}
    module = importlib.import_module(f"pulumi_aws.{module_name}._inputs")
    objects[name] = inputs(getattr(module, f"{name}Args"), module_name, objects)


def main() -> int:
    """Write the document; with --check, exit 1 where it would change."""
    warnings.simplefilter("ignore")
    sys.path.insert(0, str(Path(__file__).parents[2] / "src"))
    from fogbank.provider.standin import TABLE

    text = json.dumps(cut(list(TABLE)), indent=1, sort_keys=True) + "\n"
    if "--check" in sys.argv:
        return int(TARGET.read_text() != text)
    TARGET.write_text(text)
    print(f"{TARGET.name}: {len(TABLE)} types of pulumi-aws {version('pulumi-aws')}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

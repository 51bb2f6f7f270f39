"""A call's parameters against botocore's shape, as AWS checks them, and an answer against its own.

In: JSON values and a shape; out: nothing, or AWS's error with every problem in it: types (SerializationException), and what must
be there, enums, patterns, lengths and numbers (ValidationException, in the words of the service).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from botocore.validate import ParamValidator

from fogbank.cloud.api.errors import ApiError, validation

LONGEST_VALUE = 200
TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "long": (int,),
    "float": (int, float),
    "double": (int, float),
    "timestamp": (int, float),
    "boolean": (bool,),
    "structure": (dict,),
    "map": (dict,),
    "list": (list,),
    "blob": (str,),
}
GIVEN: Mapping[type, str] = {bool: "TRUE_VALUE", str: "STRING_VALUE", int: "NUMBER_VALUE", float: "NUMBER_VALUE"}
NUMBERS = frozenset({"integer", "long", "float", "double"})


def without_nulls(value: Any) -> Any:
    """A request without members that are null: to AWS they are not there."""
    if isinstance(value, dict):
        return {key: without_nulls(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [without_nulls(item) for item in value]
    return value


def check_input(params: dict[str, Any], shape: Any) -> None:
    """Raises the error that the service raises for parameters that do not fit the shape."""
    for problem in mistyped(params, shape):
        raise ApiError("SerializationException", problem)
    problems = list(_problems(params, shape, ""))
    if problems:
        count = len(problems)
        raise validation(f"{count} validation error{'s' if count > 1 else ''} detected: {'; '.join(problems)}")


def unknown(value: Any, shape: Any, path: str = "") -> Iterator[str]:
    """Paths of members that the shape does not have, at every depth."""
    if shape.type_name == "structure":
        for key, item in value.items():
            where = f"{path}.{key}" if path else key
            if key in shape.members:
                yield from unknown(item, shape.members[key], where)
            else:
                yield where
    elif shape.type_name == "list":
        for number, item in enumerate(value):
            yield from unknown(item, shape.member, f"{path}[{number}]")


def check_output(name: str, result: dict[str, Any], shape: Any) -> dict[str, Any]:
    """The members that the output shape has, without our own; raises where a document does not fit its shape."""
    public: dict[str, Any] = strip(result, shape)
    report = ParamValidator().validate(public, shape)
    if report.has_errors():
        raise ApiError("InternalFailure", f"{name}'s answer does not fit its shape: {report.generate_report()}", 500)
    return public


def strip(value: Any, shape: Any) -> Any:
    """`value` without the members that the shape does not have, at every depth."""
    if shape.type_name == "structure" and isinstance(value, dict):
        return {
            key: strip(item, shape.members[key])
            for key, item in value.items()
            if key in shape.members and item is not None
        }
    if shape.type_name == "list" and isinstance(value, list):
        return [strip(item, shape.member) for item in value]
    if shape.type_name == "map" and isinstance(value, dict):
        return {key: strip(item, shape.value) for key, item in value.items()}
    return value


def _children(value: Any, shape: Any, path: str) -> Iterator[tuple[Any, Any, str]]:
    """(value, shape, path) of what lies in a value; a path as AWS writes it."""
    if shape.type_name == "structure":
        for key, item in value.items():
            if key in shape.members:
                yield item, shape.members[key], f"{path}.{key[:1].lower()}{key[1:]}"
    elif shape.type_name == "list":
        for number, item in enumerate(value, 1):
            yield item, shape.member, f"{path}.{number}.member"
    elif shape.type_name == "map":
        for key, item in value.items():
            yield item, shape.value, f"{path}.{key}"


def mistyped(value: Any, shape: Any) -> Iterator[str]:
    """What is of another type than the shape says."""
    kind = shape.type_name
    if not isinstance(value, TYPES[kind]) or (isinstance(value, bool) and kind != "boolean"):
        if isinstance(value, dict):
            yield "Start of structure or map found where not expected."
        elif isinstance(value, list):
            yield "Start of list found where not expected"
        else:
            yield f"{GIVEN.get(type(value), 'NULL_VALUE')} can not be converted to {_article(kind)}"
        return
    for item, inner, _ in _children(value, shape, ""):
        yield from mistyped(item, inner)


def _article(kind: str) -> str:
    name = kind.title()
    return f"{'an' if name[0] in 'AEIOU' else 'a'} {name}"


def _problems(value: Any, shape: Any, path: str) -> Iterator[str]:
    if shape.type_name == "structure":
        for name in shape.required_members:
            if name not in value:
                where = f"{path}.{name[:1].lower()}{name[1:]}".lstrip(".")
                yield f"Value null at '{where}' failed to satisfy constraint: Member must not be null"
    for constraint in _constraints(value, shape):
        yield f"Value '{_text(value)}' at '{path.lstrip('.')}' failed to satisfy constraint: {constraint}"
    for item, inner, where in _children(value, shape, path):
        if shape.type_name == "map" and inner.type_name == "string":
            continue  # told with the map
        yield from _problems(item, inner, where)


def _constraints(value: Any, shape: Any) -> Iterator[str]:
    """What one value must, and does not."""
    kind, metadata = shape.type_name, shape.metadata
    if kind == "map":
        for noun, items, inner in (("keys", value, shape.key), ("value", value.values(), shape.value)):
            musts = sorted(
                {must for item in items if inner.type_name == "string" for must in _constraints(item, inner)}
            )
            if musts:
                yield f"Map {noun} must satisfy constraint: [{', '.join(musts)}]"
    if kind == "string":
        if shape.enum and value not in shape.enum:
            yield f"Member must satisfy enum value set: [{', '.join(shape.enum)}]"
        pattern = metadata.get("pattern")
        compiled = _compiled(pattern) if pattern else None
        if compiled and not compiled.fullmatch(value):
            yield f"Member must satisfy regular expression pattern: {pattern}"
    size = value if kind in NUMBERS else len(value) if kind in {"string", "list", "map"} else None
    noun = "value" if kind in NUMBERS else "length"
    if size is not None and "max" in metadata and size > metadata["max"]:
        yield f"Member must have {noun} less than or equal to {metadata['max']}"
    if size is not None and "min" in metadata and size < metadata["min"]:
        yield f"Member must have {noun} greater than or equal to {metadata['min']}"


def _text(value: Any) -> str:
    text = f"[{', '.join(map(str, value))}]" if isinstance(value, list) else str(value)
    return text if len(text) <= LONGEST_VALUE else text[:LONGEST_VALUE] + "..."


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> re.Pattern[str] | None:
    """AWS's patterns are Java's; the few with Unicode classes, which Python's `re` lacks, are not checked here."""
    try:
        return re.compile(pattern)
    except re.error:
        return None

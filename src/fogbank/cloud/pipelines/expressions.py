"""What a definition says instead of a value, pure: references to parameters, steps and the execution, joined texts, values of JSON files.

In: a part of a definition, and what there is; out: the references in it, or the part with values in their place.
Source: the pipeline definition's JSON schema, version 2020-12-01, and the Developer Guide, "Pipeline parameters", "Properties", "Property files".
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

GET, JOIN, JSON = "Get", "Std:Join", "Std:JsonGet"
PARAMETERS, STEPS, EXECUTION = "Parameters", "Steps", "Execution"
TOKEN = re.compile(r"\.?([^.\[\]'\"]+)|\[['\"]([^'\"]*)['\"]\]|\[(\d+)\]")
FILE = re.compile(r"Steps\.([^.\[]+)\.PropertyFiles\.(.+)")


class ExpressionError(ValueError):
    """A part of a definition that has no value; the text says why."""


@dataclass(frozen=True, kw_only=True)
class Values:
    """What references lead to. `steps` are the properties of those that have ended well, `file` and `read` give the JSON of a step's property
    file and of an object."""

    parameters: Mapping[str, Any]
    execution: Mapping[str, Any]
    steps: Mapping[str, Mapping[str, Any]]
    file: Callable[[str, str], Any]
    read: Callable[[str], Any]


def is_expression(value: Any) -> bool:
    """Whether a value stands for another."""
    if not isinstance(value, dict) or len(value) != 1:
        return False
    key = next(iter(value))
    return bool((key == GET and isinstance(value[key], str)) or key.startswith("Std:"))


def references(value: Any) -> Iterator[str]:
    """Every reference in a value, at any depth.

    >>> list(references({"a": [{"Std:Join": {"On": "", "Values": ["x", {"Get": "Parameters.P"}]}}]}))
    ['Parameters.P']
    """
    if isinstance(value, dict):
        if is_expression(value) and GET in value:
            yield value[GET]
        else:
            for item in value.values():
                yield from references(item)
    elif isinstance(value, list):
        for item in value:
            yield from references(item)


def functions(value: Any) -> Iterator[str]:
    """Every function in a value, at any depth."""
    if isinstance(value, dict):
        if is_expression(value) and GET not in value:
            yield next(iter(value))
        for item in value.values():
            yield from functions(item)
    elif isinstance(value, list):
        for item in value:
            yield from functions(item)


def misshapen(value: Any) -> Iterator[str]:
    """What is wrong with the members of functions in a value, at any depth.

    >>> list(misshapen({"a": {"Std:Join": {"Values": 5}}}))
    ['Std:Join needs Values, a list']
    """
    if isinstance(value, dict):
        if is_expression(value) and GET not in value:
            yield from _misshapen(*next(iter(value.items())))
        for item in value.values():
            yield from misshapen(item)
    elif isinstance(value, list):
        for item in value:
            yield from misshapen(item)


def _misshapen(function: str, said: Any) -> Iterator[str]:
    if function not in {JOIN, JSON}:  # it is refused by its name
        return
    if not isinstance(said, dict):
        yield f"{function} needs members"
    elif function == JOIN and not isinstance(said.get("Values"), list):
        yield f"{JOIN} needs Values, a list"
    elif function == JSON and not said.keys() & {"PropertyFile", "S3Uri"}:
        yield f"{JSON} needs the PropertyFile of a step, or an S3Uri"


def literal(value: Any) -> Any:
    """A value without what stands for other values."""
    if isinstance(value, dict):
        return {key: literal(item) for key, item in value.items() if not is_expression(item)}
    if isinstance(value, list):
        return [literal(item) for item in value if not is_expression(item)]
    return value


def resolve(value: Any, values: Values) -> Any:
    """A value with others in the place of what stands for them. Raises ExpressionError."""
    if is_expression(value):
        return _resolved(value, values)
    if isinstance(value, dict):
        return {key: resolve(item, values) for key, item in value.items()}
    if isinstance(value, list):
        return [resolve(item, values) for item in value]
    return value


def _resolved(expression: Mapping[str, Any], values: Values) -> Any:
    function, said = next(iter(expression.items()))
    if function == GET:
        return _got(said, values)
    if not isinstance(said, dict):
        raise ExpressionError(f"{function} needs members")
    if function == JOIN:
        parts = [text(resolve(part, values)) for part in said.get("Values", [])]
        return str(resolve(said.get("On", ""), values)).join(parts)
    if function == JSON:
        path = str(resolve(said.get("Path", ""), values))
        if "S3Uri" in said:
            return look(values.read(str(resolve(said["S3Uri"], values))), path)
        match = FILE.fullmatch(next(references(said.get("PropertyFile")), ""))
        if match is None:
            raise ExpressionError(f"{JSON} needs the PropertyFile of a step, or an S3Uri")
        return look(values.file(match[1], match[2]), path)
    raise ExpressionError(f"the function {function} is none")


def _got(reference: str, values: Values) -> Any:
    where, _, rest = reference.partition(".")
    if where == PARAMETERS and rest in values.parameters:
        return values.parameters[rest]
    if where == EXECUTION and rest in values.execution:
        return values.execution[rest]
    name, path = step_of(reference)
    if where == STEPS and name in values.steps:
        return look(values.steps[name], path)
    raise ExpressionError(f"{reference} has no value")


def step_of(reference: str) -> tuple[str, str]:
    """The name of a step and the path that follows it; empty names where a reference is not to a step.

    >>> step_of("Steps.Train.ModelArtifacts.S3ModelArtifacts")
    ('Train', 'ModelArtifacts.S3ModelArtifacts')
    """
    if not reference.startswith(f"{STEPS}."):
        return "", ""
    rest = reference.removeprefix(f"{STEPS}.")
    name = re.split(r"[.\[]", rest, maxsplit=1)[0]
    return name, rest[len(name) :].removeprefix(".")


def look(document: Any, path: str) -> Any:
    """What lies at a path: members by name, items of a list by number, or by what an item's own name is. Raises ExpressionError.

    >>> look({"a": [{"OutputName": "o", "b": [1, 2]}]}, "a['o'].b[1]")
    2
    """
    rest, found = path.removeprefix("$"), document
    while rest:
        match = TOKEN.match(rest)
        if match is None:
            raise ExpressionError(f"the path {path} is none")
        rest = rest[match.end() :]
        name, quoted, number = match.groups()
        found = _inside(found, int(number) if number else name or quoted, path)
    return found


def _inside(found: Any, key: str | int, path: str) -> Any:
    if isinstance(found, list):
        if isinstance(key, str):
            return _named(found, key, path)
        if key < len(found):
            return found[key]
    elif isinstance(found, Mapping) and str(key) in found:
        return found[str(key)]
    raise ExpressionError(f"there is nothing at {path}: {key!r} is not there")


def _named(items: list[Any], name: str, path: str) -> Any:
    for item in items:
        if isinstance(item, Mapping) and any(key.endswith("Name") and value == name for key, value in item.items()):
            return item
    raise ExpressionError(f"there is nothing at {path}: no item is called {name!r}")


def text(value: Any) -> str:
    """A value in a text, as JSON has it.

    >>> text(False), text(1.5), text("x")
    ('false', '1.5', 'x')
    """
    return value if isinstance(value, str) else json.dumps(value)

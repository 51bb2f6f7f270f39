"""What a handler's code may ask of its model: the names that stand behind a dot or in quotation marks, and questions of type.

In: the package's code; out: names. What a compiled model does not have of them, the native model must serve.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from pathlib import Path

from fogbank.pack.code import imported_modules, parse

QUESTIONS = frozenset({"isinstance", "issubclass", "type"})
MODEL_ARGUMENTS = {"predict_fn": 1, "transform_fn": 0}
"""The functions that are given the model, and as which of their arguments."""


def names_used(paths: Iterable[Path]) -> tuple[str, ...]:
    """The names, sorted; `isinstance:MODULE` for each module of code that asks for types."""
    paths = tuple(paths)
    names: set[str] = set()
    for path in paths:
        tree = parse(path)
        nodes = list(ast.walk(tree))
        names.update(node.attr for node in nodes if isinstance(node, ast.Attribute))
        words = (node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str))
        names.update(word for word in words if word.isidentifier())
        if any(isinstance(node, ast.Name) and node.id in QUESTIONS for node in nodes):
            names.update(f"isinstance:{module}" for module in imported_modules([path]))
        if any(_subscripted(node) for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)):
            names.add("__getitem__")
    return tuple(sorted(names))


def _subscripted(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether a function takes the model apart by index, as pipelines can be."""
    place = MODEL_ARGUMENTS.get(function.name)
    arguments = function.args.posonlyargs + function.args.args
    if place is None or len(arguments) <= place:
        return False
    model = arguments[place].arg
    return any(
        isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) and node.value.id == model
        for node in ast.walk(function)
    )

"""Where a name that is not written in the code becomes a path: by `ground.paths.inside`, or for a reason that is given here."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "fogbank"
SAFE_CALLS = {"inside", "plain_name", "blob_path", "placed"}
WRITTEN = re.compile(r"\s/\s|joinpath")
"""How a join is written, by the formatter; most modules with paths have none."""
LISTED = ROOT / "tests" / "unit" / "joins.toml"


def joins(file: Path) -> Iterator[str]:
    """The right sides of `/`, and the arguments of `joinpath`, that are neither literals nor constants, in a module with paths."""
    text = file.read_text()
    if "pathlib" not in text or not WRITTEN.search(text):
        return
    for node in ast.walk(ast.parse(text)):
        parts: list[ast.expr] = []
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
            parts = [node.right]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "joinpath":
            parts = list(node.args)
        yield from (ast.unparse(part) for part in parts if not is_fixed(part))


def is_fixed(part: ast.expr) -> bool:
    if isinstance(part, ast.Constant):
        return True
    name = part.attr if isinstance(part, ast.Attribute) else part.id if isinstance(part, ast.Name) else ""
    called = part.func.id if isinstance(part, ast.Call) and isinstance(part.func, ast.Name) else ""
    return name.isupper() or called in SAFE_CALLS


def found() -> dict[str, list[str]]:
    places = {str(file.relative_to(SOURCE)): sorted(set(joins(file))) for file in sorted(SOURCE.rglob("*.py"))}
    return {place: names for place, names in places.items() if names}


def test_every_name_that_becomes_a_path_goes_through_one_function_or_is_listed_with_its_reason() -> None:
    listed: dict[str, dict[str, str]] = tomllib.loads(LISTED.read_text())
    there = {(place, name) for place, names in found().items() for name in names}
    known = {(place, name) for place, names in listed.items() for name in names}

    assert there - known == set(), (
        "use ground.paths.inside, or say in tests/unit/joins.toml why the name is not somebody else's"
    )
    assert known - there == set(), "these joins are gone: take them off tests/unit/joins.toml"
    assert all(reason for names in listed.values() for reason in names.values())

"""Which files of the project the handler needs: itself, and the project's own modules that it imports, and they import.

In: the handler's path and the project's root; out: files by their path inside `code/`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path

from fogbank.contracts.errors import PackageError


def code_files(handler: Path, root: Path) -> dict[str, Path]:
    """Path inside `code/` to file. Raises PackageError (`handler-missing`, `handler-syntax`)."""
    if not handler.is_file():
        raise PackageError(
            "handler-missing", f"there is no handler at {handler}", "set `handler` in [tool.fogbank], or write the file"
        )
    files = {handler.name: handler}
    waiting = [handler]
    while waiting:
        for name in _imports(waiting.pop()):
            for place, path in _project_files(name, root):
                if place not in files:
                    files[place] = path
                    waiting.append(path)
    return dict(sorted(files.items()))


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(parse(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def parse(path: Path) -> ast.Module:
    """A file's syntax tree. Raises PackageError (`handler-syntax`)."""
    try:
        return ast.parse(path.read_text(), filename=str(path))
    except SyntaxError as error:
        raise PackageError(
            "handler-syntax",
            f"{path.name} line {error.lineno}: {(error.text or '').strip()}: SyntaxError: {error.msg}",
            "mend that line",
        ) from error


def _project_files(name: str, root: Path) -> Iterator[tuple[str, Path]]:
    """The files that a dotted name stands for below the project's root, with the packages above it."""
    parts = name.split(".")
    module = root.joinpath(*parts).with_suffix(".py")
    package = root.joinpath(*parts, "__init__.py")
    target = module if module.is_file() else package if package.is_file() else None
    if target is None:
        return
    yield str(target.relative_to(root)), target
    for depth in range(1, len(parts)):
        above = root.joinpath(*parts[:depth], "__init__.py")
        if above.is_file():
            yield str(above.relative_to(root)), above


def defines(handler: Path, function: str) -> bool:
    """Whether the handler has a function of that name at its top level, or imports one. Raises PackageError."""
    for node in parse(handler).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == function:
            return True
        if isinstance(node, ast.ImportFrom) and any((alias.asname or alias.name) == function for alias in node.names):
            return True
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == function for t in node.targets):
            return True
    return False


def imported_modules(files: Iterable[Path]) -> set[str]:
    """The top-level names of all modules that these files import. Raises PackageError (`handler-syntax`)."""
    return {name.partition(".")[0] for path in files for name in _imports(path)}

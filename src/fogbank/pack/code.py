"""Which files of the project travel below code/: the handler, the project's own modules that it and the model need, their data.

In: the handler's path, the project's root, the modules that the model's pickle names; out: files by their path inside `code/`.
"""

from __future__ import annotations

import ast
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from fogbank.contracts.errors import PackageError

IMPORTERS = {"import_module", "__import__"}
NOT_DATA = {".py", ".pyc", ".pyo"}
LONGEST_NAME = 200
REQUIREMENTS = "requirements.txt"


def code_files(handler: Path | None, root: Path, modules: Iterable[str] = ()) -> dict[str, Path]:
    """The Python files: path inside `code/` to file. `modules` are names that something else than the handler needs.

    Raises PackageError (`handler-missing`, `handler-syntax`, `module-ambiguous`).
    """
    if handler is not None and not handler.is_file():
        raise PackageError(
            "handler-missing", f"there is no handler at {handler}", "set `handler` in [tool.fogbank], or write the file"
        )
    roots = source_roots(handler, root)
    files = {} if handler is None else {handler.name: handler}
    names = list(modules)
    waiting = list(files)
    while waiting or names:
        if waiting:
            place = waiting.pop()
            names += _imports(files[place], place)
        while names:
            for place, path in _project_files(names.pop(), roots, root):
                if place not in files:
                    files[place] = path
                    waiting.append(place)
    return dict(sorted(files.items()))


def source_roots(handler: Path | None, root: Path) -> list[Path]:
    """The folders whose modules are the project's own: the handler's, the project's, and its src/."""
    folders = [*([handler.parent] if handler else []), root, root / "src"]
    return [folder for i, folder in enumerate(folders) if folder.is_dir() and folder not in folders[:i]]


def data_files(code: Mapping[str, Path], handler: Path | None, root: Path) -> dict[str, Path]:
    """What is not Python and travels with the code: all that lies beside the handler, and files that a packed module names."""
    files = {} if handler is None or handler.parent in {root, root / "src"} else _beside(handler.parent)
    if REQUIREMENTS in files:
        raise PackageError(
            "requirements-elsewhere",
            f"{files[REQUIREMENTS].relative_to(root)} is not where a project's dependencies are read from",
            "move its lines into requirements.txt beside pyproject.toml, and their names into `dependencies` in [tool.fogbank]",
        )
    for place, path in code.items():
        files.update(_named(path, Path(place).parent))
    return {place: path for place, path in sorted(files.items()) if place not in {*code, REQUIREMENTS}}


def _beside(folder: Path) -> dict[str, Path]:
    files = {str(path.relative_to(folder)): path for path in folder.rglob("*") if path.is_file()}
    return {place: path for place, path in files.items() if _is_data(Path(place))}


def _is_data(place: Path) -> bool:
    hidden = any(part.startswith(".") or part == "__pycache__" for part in place.parts)
    return not hidden and place.suffix not in NOT_DATA


def _named(path: Path, folder: Path) -> Iterator[tuple[str, Path]]:
    """The data files that a module's strings name, from where the module lies: `"labels.json"`, or `"data"` and `"labels.json"`."""
    constants = (node.value for node in ast.walk(parse(path)) if isinstance(node, ast.Constant))
    texts = {text for text in constants if isinstance(text, str) and _is_name(text)}
    below = [text for text in texts if (path.parent / text).is_dir() and text.strip("./")]
    for place in (*texts, *(os.path.join(above, text) for above in below for text in texts)):  # noqa: PTH118 - text, not yet a path
        inside = Path(os.path.normpath(folder / place))
        if (path.parent / place).is_file() and ".." not in inside.parts and _is_data(inside):
            yield str(inside), path.parent / place


def _is_name(text: str) -> bool:
    return 0 < len(text) <= LONGEST_NAME and text.isprintable() and not text.startswith("/")


def _imports(path: Path, place: str) -> Iterator[str]:
    """The dotted names that a file imports, wherever in it; relative ones from the package that it lies in."""
    for node in ast.walk(parse(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(node, place)
            if base:
                yield base
            yield from (f"{base}.{alias.name}" if base else alias.name for alias in node.names if node.level or base)
        elif isinstance(node, ast.Call) and _called(node.func) in IMPORTERS:
            yield from (
                arg.value for arg in node.args[:1] if isinstance(arg, ast.Constant) and isinstance(arg.value, str)
            )


def _called(function: ast.expr) -> str:
    return (
        function.attr if isinstance(function, ast.Attribute) else function.id if isinstance(function, ast.Name) else ""
    )


def _absolute(node: ast.ImportFrom, place: str) -> str:
    """The module that an import names, with the packages above it where it is relative."""
    if not node.level:
        return node.module or ""
    package = Path(place).parent.parts
    above = package[: len(package) - (node.level - 1)]
    return ".".join([*above, *([node.module] if node.module else [])])


def parse(path: Path) -> ast.Module:
    """A file's syntax tree, whatever encoding it says that it has, as Python reads it. Raises PackageError (`handler-syntax`)."""
    try:
        return ast.parse(path.read_bytes(), filename=str(path))
    except SyntaxError as error:
        raise PackageError(
            "handler-syntax",
            f"{path.name} line {error.lineno}: {(error.text or '').strip()}: SyntaxError: {error.msg}",
            "mend that line",
        ) from error


def _project_files(name: str, roots: Iterable[Path], root: Path) -> Iterator[tuple[str, Path]]:
    """The files that a dotted name stands for below one of the roots, with the packages above it. Raises PackageError."""
    parts = name.split(".")
    if parts[0] in sys.stdlib_module_names or not all(parts):
        return
    hits = [(folder, target) for folder in roots if (target := _target(folder, parts)) is not None]
    if len({target for _, target in hits}) > 1:
        both = " and ".join(str(target.relative_to(root)) for _, target in hits)
        raise PackageError("module-ambiguous", f"the module {name} is both {both}", "rename one of them")
    for folder, target in hits[:1]:
        yield str(target.relative_to(folder)), target
        for depth in range(1, len(parts)):
            above = folder.joinpath(*parts[:depth], "__init__.py")
            if above.is_file():
                yield str(above.relative_to(folder)), above


def _target(folder: Path, parts: list[str]) -> Path | None:
    module = folder.joinpath(*parts).with_suffix(".py")
    package = folder.joinpath(*parts, "__init__.py")
    return package if package.is_file() else module if module.is_file() else None


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
    """The top-level names of all modules that these files import, but for relative ones. Raises PackageError (`handler-syntax`)."""
    names: set[str] = set()
    for path in files:
        for node in ast.walk(parse(path)):
            if isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names.add(node.module)
    return {name.partition(".")[0] for name in names}

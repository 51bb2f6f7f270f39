"""Whether the lock covers what the code imports. In: the package's code and its pins; out: nothing, or the line that is not covered."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import metadata
from pathlib import Path

from packaging.utils import canonicalize_name

from fogbank.contracts.errors import PackageError
from fogbank.pack.code import code_files, imported_modules, parse
from fogbank.pack.lock import installed
from fogbank.pack.resolve import parsed

RUNTIME = ("onnxruntime",)
"""What a compiled model needs in the place of what trained it."""
HELD_BY: Mapping[str, tuple[str, ...]] = {
    "PIL": ("pillow",), "cv2": ("opencv-python", "opencv-python-headless"), "mlflow": ("mlflow-skinny",),
    "sklearn": ("scikit-learn",), "tensorflow": ("tensorflow-cpu", "tensorflow-intel"), "yaml": ("pyyaml",),
}  # fmt: skip
"""Distributions that hold a module of another name, where none is installed here to say so."""
IMPORT_ERRORS = {"ImportError", "ModuleNotFoundError", "Exception", "BaseException"}


@dataclass(frozen=True, kw_only=True)
class Import:
    """A top-level module that a line imports."""

    module: str
    line: int


def check_imports(code: Mapping[str, Path], pins: Iterable[str], server: Iterable[str]) -> None:
    """Every module that the code imports is the project's, the standard library's, or a pinned distribution's.

    `code` maps a path inside `code/` to the file, `pins` and `server` are names of distributions. An import that the code
    itself can do without (inside `try ... except ImportError`, or `if TYPE_CHECKING`) is let be. Raises PackageError
    (`import-missing`, `import-undeclared`, `handler-syntax`).
    """
    covered = {canonicalize_name(name) for name in (*pins, *server)}
    own = own_modules(code)
    for place, path in code.items():
        for item in needed(parse(path)):
            if item.module in own or item.module in sys.stdlib_module_names:
                continue
            owners = owners_of(item.module)
            if not owners and covered & {canonicalize_name(item.module), *HELD_BY.get(item.module, ())}:
                continue  # locked, and not installed here
            where = f"{place} line {item.line} imports {item.module}"
            if not owners:
                raise PackageError(
                    "import-missing",
                    f"{where}, which is neither the project's nor installed here",
                    f"add the distribution that holds {item.module} to the project and to `dependencies` in [tool.fogbank]",
                )
            if not covered & set(owners):
                raise PackageError(
                    "import-undeclared",
                    f"{where}, and nothing in `dependencies` brings {owners[0]}",
                    f"add {owners[0]!r} to `dependencies` in [tool.fogbank]",
                )


def compiled_dependencies(names: Iterable[str], code: Mapping[str, Path]) -> tuple[str, ...]:
    """What a package with a compiled model needs: ONNX Runtime, and those of the project's dependencies that its code imports."""
    modules = imported_modules(code.values()) - sys.stdlib_module_names - own_modules(code)
    owners = {owner for module in modules for owner in owners_of(module)}
    return (*RUNTIME, *(name for name in names if canonicalize_name(parsed(name).name) in owners))


def imported_distributions(folder: Path, modules: Iterable[str]) -> set[str]:
    """What modules of a folder, and those of it that they import, cannot do without: by what is installed here, else by the modules' names."""
    code = code_files(None, folder, modules)
    names = {item.module for path in code.values() for item in needed(parse(path))}
    others = names - sys.stdlib_module_names - own_modules(code)
    return {(*owners_of(name), *HELD_BY.get(name, ()), canonicalize_name(name))[0] for name in others}


def own_modules(code: Mapping[str, Path]) -> set[str]:
    """The top-level modules that the code itself is, and the server's."""
    return {Path(place).parts[0].removesuffix(".py") for place in code} | {"fogbank"}


@lru_cache(maxsize=256)
def owners_of(module: str) -> tuple[str, ...]:
    """The distributions, installed here, that hold a top-level module: the one of that name, else whichever have it."""
    namesake = installed(module)
    if namesake and any(path.parts[0] in {module, f"{module}.py"} for path in namesake.files or ()):
        return (canonicalize_name(module),)
    return tuple(canonicalize_name(owner) for owner in _all_modules().get(module, []))


@lru_cache(maxsize=1)
def _all_modules() -> Mapping[str, list[str]]:
    return metadata.packages_distributions()


def needed(tree: ast.AST) -> Iterator[Import]:
    """The imports that a file cannot do without, wherever they stand."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            yield from (Import(module=alias.name.partition(".")[0], line=node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.module and node.level == 0:
                yield Import(module=node.module.partition(".")[0], line=node.lineno)
        elif isinstance(node, ast.Try) and any(_forgives(handler) for handler in node.handlers):
            for part in (*node.handlers, *node.orelse, *node.finalbody):
                yield from needed(part)
        elif isinstance(node, ast.If) and _type_checking(node.test):
            for part in node.orelse:
                yield from needed(ast.Module(body=[part], type_ignores=[]))
        else:
            yield from needed(node)


def _forgives(handler: ast.ExceptHandler) -> bool:
    if handler.type is None:
        return True
    caught = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(isinstance(item, ast.Name) and item.id in IMPORT_ERRORS for item in caught)


def _type_checking(test: ast.expr) -> bool:
    name = test.attr if isinstance(test, ast.Attribute) else test.id if isinstance(test, ast.Name) else ""
    return name == "TYPE_CHECKING"

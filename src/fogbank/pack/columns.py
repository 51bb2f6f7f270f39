"""What the schema says of the columns against what the model says: the model's own names rule.

In: what training left, and what the model says of itself; out: what training left with the form of the rows and the classes
filled in, or an error that names what differs.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path

from fogbank.contracts.errors import PackageError
from fogbank.contracts.schema import Column, Schema
from fogbank.pack.code import parse
from fogbank.pack.fitted import Fitted
from fogbank.pack.trained import Trained

SHOWN = 6


@dataclass(frozen=True, kw_only=True)
class Functions:
    """Which of the steps between a request and the model the project's handler takes itself."""

    loads: bool = False
    reads: bool = False
    predicts: bool = False

    @property
    def direct(self) -> bool:
        """Whether the model gets the rows as they are."""
        return not (self.loads or self.reads or self.predicts)


def conform(trained: Trained, fitted: Fitted, functions: Functions, pins: Collection[str]) -> Trained:
    """The trained model with what it says of itself. `pins` are the distributions that the package brings.

    Raises PackageError (`columns-differ`, `columns-order`, `pandas-missing`).
    """
    if not functions.loads and not functions.reads:
        _check_names(trained.input, fitted, direct=functions.direct)
    rows = trained.input.rows if trained.input.rows != "array" or not functions.direct else fitted.rows
    if rows == "frame" and "pandas" not in pins:
        raise PackageError(
            "pandas-missing",
            "the model was trained on a DataFrame and takes its columns by name, and nothing in `dependencies` brings pandas",
            "add 'pandas' to `dependencies` in [tool.fogbank]",
        )
    columns = tuple(_with_missing(column, fitted) for column in trained.input.columns)
    return replace(
        trained,
        input=replace(trained.input, columns=columns, rows=rows),
        output=replace(trained.output, classes=trained.output.classes or fitted.classes),
    )


def _with_missing(column: Column, fitted: Fitted) -> Column:
    if column.dtype != "string" or column.missing != "nan" or fitted.missing == "nan":
        return column
    return replace(column, missing=fitted.missing)


def _check_names(schema: Schema, fitted: Fitted, *, direct: bool) -> None:
    names, own = schema.names, fitted.names
    if fitted.rows == "array" and _plain(own) == _plain(names):  # LightGBM, too, writes an underscore for a space
        return
    if own and set(own) == set(names) and own != names:
        place = next(i for i, (one, other) in enumerate(zip(names, own, strict=True)) if one != other)
        raise PackageError(
            "columns-order",
            f"the schema has its columns in another order than the model was trained with: column {place + 1} is "
            f"{names[place]!r} in schema.json and {own[place]!r} in the model",
            f"write schema.json, and sample.csv, in the model's order: {_listed(own)}",
        )
    if not direct:
        return
    if own and set(own) != set(names):
        unknown = [name for name in names if name not in own]
        missing = [name for name in own if name not in names]
        differences = [f"the model does not know {_listed(unknown)}"] * bool(unknown)
        differences += [f"the schema lacks {_listed(missing)}"] * bool(missing)
        raise PackageError(
            "columns-differ",
            f"the schema's columns are not those that the model was trained with: {'; '.join(differences)}",
            "write schema.json with the model's own names, or a handler whose predict_fn makes its columns of yours",
        )
    if not own and fitted.width and fitted.width != len(names):
        raise PackageError(
            "columns-differ",
            f"the schema has {len(names)} columns, and the model was trained with {fitted.width}",
            "write schema.json with the columns that the model takes",
        )


def _plain(names: Collection[str]) -> list[str]:
    """The names as Model Monitor advises them: lower case, and underscores for all but letters and digits."""
    return [re.sub(r"\W", "_", name).lower() for name in names]


def _listed(names: Collection[str]) -> str:
    first = [repr(name) for name in list(names)[:SHOWN]]
    return ", ".join(first) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")


def check_reachable(fitted: Fitted, train: str, root: Path) -> None:
    """Refuse a model that holds what only the training module has. Raises PackageError (`model-class-unreachable`)."""
    if not fitted.in_main:
        return
    name = fitted.in_main[0]
    module = next((path for folder in (root, root / "src") if (path := _module(folder, train)).is_file()), None)
    where = f"{module.relative_to(root)} line {line}" if module and (line := _line_of(name, module)) else train
    home = train.rpartition(".")[0].replace(".", "/")
    raise PackageError(
        "model-class-unreachable",
        f"the model holds {name}, which is defined in the module that trains ({where}): when that runs it is __main__, and "
        "whatever loads the model later cannot import it from there",
        f"move {name} out of __main__ into a module of its own, such as {f'{home}/' if home else ''}{name.lower()}.py, import it "
        f"in {train}, and train again",
    )


def _module(folder: Path, name: str) -> Path:
    return folder.joinpath(*name.split(".")).with_suffix(".py")


def _line_of(name: str, module: Path) -> int:
    for node in ast.walk(parse(module)):
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and node.name == name:
            return node.lineno
    return 0

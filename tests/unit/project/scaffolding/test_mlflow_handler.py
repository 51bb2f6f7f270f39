"""What the handler of an MLflow folder makes of rows: MLflow refuses doubles where a signature says `float`, as PyTorch's mostly do."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from fogbank.project.scaffolding import adoption

ROWS = pd.DataFrame({"a": [1.5, 2.5], "n": [1, 2], "gap": [1.0, None], "d": [0.1, 0.2], "part": [0.5, None]})


class Array:
    """MLflow's type of a list, which has no name; so have its Object, Map and AnyType none."""


class Type:
    """MLflow's DataType, as far as it is asked."""

    def __init__(self, name: str) -> None:
        self.name = name

    def to_pandas(self) -> Any:
        return {"float": np.dtype("float32"), "integer": np.dtype("int32"), "double": np.dtype("float64")}[self.name]


@dataclass
class Spec:
    name: str | None
    type: Any


class Signature(list[Spec]):
    """MLflow's Schema: its specs in order."""

    def is_tensor_spec(self) -> bool:
        return isinstance(self[0].type, np.dtype)


@dataclass
class Model:
    """A loaded model and its metadata at once."""

    signature: Signature | None

    @property
    def metadata(self) -> Model:
        return self

    def get_input_schema(self) -> Signature | None:
        return self.signature


def narrowed(signature: Signature | None, rows: pd.DataFrame = ROWS) -> Any:
    """The function as it stands in the handler, which imports MLflow."""
    template = Path(adoption.__file__).parent / "templates" / "adopted" / "handlers" / "mlflow.py.j2"
    functions: list[ast.stmt] = [
        node
        for node in ast.parse(template.read_text()).body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("_narrow")
    ]
    names: dict[str, Any] = {"pd": pd, "Any": Any}
    exec(compile(ast.Module(functions, []), "inference.py", "exec"), names)  # noqa: S102 - our own template
    return names["_narrowed"](rows, Model(signature))


def test_columns_are_as_narrow_as_the_signature_says() -> None:
    specs = [
        Spec(name, Type(kind))
        for name, kind in (
            ("a", "float"), ("n", "integer"), ("gap", "integer"), ("d", "double"), ("part", "float"), ("absent", "float"),
        )
    ]  # fmt: skip

    rows = narrowed(Signature([*specs, Spec("list", Array())]), ROWS.assign(list=[[1.0], []]))

    assert dict(rows.dtypes.astype(str)) == {
        "a": "float32", "n": "int32", "gap": "float64", "d": "float64", "part": "float32", "list": "object",
    }, "a gap is no integer, and MLflow says so; a float may have gaps"  # fmt: skip


@pytest.mark.parametrize(("name", "kind"), [(None, "float32"), (None, "float64")])
def test_a_tensor_is_an_array_of_its_type(name: str | None, kind: str) -> None:
    rows = narrowed(Signature([Spec(name, np.dtype(kind))]))
    assert (type(rows), rows.dtype) == (np.ndarray, np.dtype(kind))


def test_named_tensors_and_no_signature_get_the_frame() -> None:
    assert narrowed(None) is ROWS
    assert narrowed(Signature([Spec("x", np.dtype("float32"))])) is ROWS

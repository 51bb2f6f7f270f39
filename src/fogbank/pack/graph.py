"""An ONNX graph in double precision, written node by node: what a fitted model's steps become.

In: operators and constants; out: the bytes of a file that carries its plan. A `Columns` is a table inside the graph.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from fogbank.scoring.plan import INPUT, METADATA, REFUSED, Plan

OPSET, TREE_OPSET, ML_OPSET = 18, 5, 3
"""The versions of ONNX's operators; its machine learning ones are of version 5 where a graph has trees of ours."""
IR_VERSION = 10
TREES = "ai.onnx.ml"


class UnsupportedError(Exception):
    """A model, or a part of it, has no exact form here; the text says which part and why."""


@dataclass(frozen=True, kw_only=True)
class Columns:
    """A table in the graph. `sources` are the model's own columns that each is made of alone, None where they are mixed.

    `exact` says that every number is the library's to the last bit; `sparse` that the library has a sparse matrix here;
    `unchecked` that an infinity which a step refuses is still
    one here, to be refused by whoever looks at the table next.
    """

    name: str
    width: int
    sources: tuple[int, ...] | None
    exact: bool = True
    unchecked: bool = False
    sparse: bool = False


class Graph:
    """Nodes, constants and what is checked on the way."""

    def __init__(self, features: int) -> None:
        self.rows = Columns(name=INPUT, width=features, sources=tuple(range(features)))
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []
        self._refusals: list[str] = []
        self._domains = {"": OPSET}

    def add(self, operator: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        """A node with one output; returns the output's name."""
        if domain:
            self._domains[domain] = TREE_OPSET
        output = f"n{len(self._nodes)}"
        self._node(operator, inputs, output, domain, **attributes)
        return output

    def constant(self, value: Any, dtype: Any = np.float64) -> str:
        """A constant of the graph; returns its name."""
        name = f"c{len(self._constants)}"
        self._constants.append(numpy_helper.from_array(np.ascontiguousarray(np.asarray(value, dtype=dtype)), name))
        return name

    def columns(self, table: Columns, places: Sequence[int]) -> Columns:
        """Some of a table's columns, in this order."""
        if list(places) == list(range(table.width)):
            return table
        table = self.refuse(table)
        sources = None if table.sources is None else tuple(table.sources[place] for place in places)
        name = self.add("Gather", table.name, self.constant(places, np.int64), axis=1)
        return replace(table, name=name, width=len(places), sources=sources)

    def refuse(self, table: Columns, *, nan: bool = False, infinity: bool = False) -> Columns:
        """A row is refused where it has a NaN or an infinity here; returns the table, which is checked then."""
        infinity = infinity or table.unchecked
        if not nan and not infinity:
            return table
        name = table.name
        found = [self.add(operator, name) for operator, wanted in (("IsNaN", nan), ("IsInf", infinity)) if wanted]
        either = found[0] if len(found) == 1 else self.add("Or", *found)
        number = self.add("Cast", either, to=TensorProto.FLOAT)
        self._refusals.append(self.add("ReduceMax", number, self.constant([1], np.int64), keepdims=0))
        return replace(table, unchecked=False)

    def refuse_unless(self, ones: str) -> None:
        """A row is refused where none of these columns is one."""
        found = self.add("ReduceMax", ones, self.constant([1], np.int64), keepdims=0)
        missing = self.add("Sub", self.constant(1.0), found)
        self._refusals.append(self.add("Cast", missing, to=TensorProto.FLOAT))

    def insert(self, model: onnx.ModelProto, table: Columns) -> list[str]:
        """Another model's graph behind a table; returns the names of its outputs."""
        if any(item.domain == TREES and item.version > ML_OPSET for item in model.opset_import):
            raise UnsupportedError("the converter writes newer operators than these")
        self._domains.setdefault(TREES, ML_OPSET)
        prefix = f"g{len(self._nodes)}_"
        inputs = {item.name: table.name for item in model.graph.input}
        rename = _Renaming(prefix, inputs)
        for tensor in model.graph.initializer:
            copy = onnx.TensorProto.FromString(tensor.SerializeToString())
            copy.name = rename(tensor.name)
            self._constants.append(copy)
        for node in model.graph.node:
            copy = onnx.NodeProto.FromString(node.SerializeToString())
            copy.input[:] = [rename(name) for name in node.input]
            copy.output[:] = [rename(name) for name in node.output]
            copy.name = ""
            self._nodes.append(copy)
        return [rename(item.name) for item in model.graph.output]

    def encode(self, outputs: Mapping[str, str], plan: Plan) -> bytes:
        """The file's bytes: the graph with these outputs (their names in the file, and inside the graph), and the plan."""
        for name, inner in outputs.items():
            self._node("Identity", (inner,), name)
        if self._refusals:
            self._node("Max", tuple(self._refusals), REFUSED)
        names = [*outputs, *([REFUSED] if self._refusals else [])]
        graph = helper.make_graph(
            self._nodes,
            "model",
            [helper.make_tensor_value_info(INPUT, TensorProto.DOUBLE, [None, self.rows.width])],
            [onnx.ValueInfoProto(name=name) for name in names],
            self._constants,
        )
        opsets = [helper.make_opsetid(domain, version) for domain, version in self._domains.items()]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION, producer_name="fogbank")
        helper.set_model_props(model, {METADATA: plan.encode()})
        return model.SerializeToString()  # type: ignore[no-any-return]  # bytes

    def _node(self, operator: str, inputs: Sequence[str], output: str, domain: str = "", **attributes: Any) -> None:
        self._nodes.append(helper.make_node(operator, inputs, [output], domain=domain, **attributes))


class _Renaming:
    """Names of an inserted graph: its inputs are ours, and everything else gets a prefix."""

    def __init__(self, prefix: str, inputs: Mapping[str, str]) -> None:
        self._prefix, self._inputs = prefix, inputs

    def __call__(self, name: str) -> str:
        return self._inputs.get(name, self._prefix + name if name else "")


def real(values: Any) -> NDArray[np.float64]:
    """Fitted numbers as doubles. Raises UnsupportedError for what is none."""
    array = np.asarray(values)
    if array.dtype.kind == "O" and all(isinstance(value, int | float) for value in array.ravel()):
        return array.astype(np.float64)
    if array.dtype.kind not in "fiub":
        raise UnsupportedError(f"fitted values of dtype {array.dtype} are no numbers")
    return array.astype(np.float64)

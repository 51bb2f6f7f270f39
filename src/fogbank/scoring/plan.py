"""What a compiled model's graph does not say: which methods it has, how each ends, the leaves of its trees and its labels.

pack writes it into the ONNX file's own metadata, as JSON (arrays as base64 of their bytes); nothing in it is ever executed.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

METADATA = "fogbank"
"""The key of the plan among the ONNX file's metadata."""
INPUT, REFUSED = "rows", "refused"
"""The graph's input, shape (rows, features), and its output that is not zero for a row that the model does not take."""
PLAIN = (str, int, float, bool)
Words = Mapping[int, tuple[str | None, ...]]
"""For each column of words the words by their code, None for one that is missing where that has a code of its own."""
UNSEEN = -1.0
"""The code of a word that training never saw."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Leaves:
    """What the leaves of a tree ensemble say. The graph names one leaf a tree; `values` has a row for each.

    `groups` is how many trees an iteration has: each of those adds up by itself.
    """

    values: NDArray[np.float64]
    groups: int = 1


@dataclass(frozen=True, kw_only=True)
class MethodPlan:
    """The output of the graph that a method starts from, and the steps that end it (`finish.STEPS`), each with its arguments."""

    output: str
    finish: tuple[tuple[Any, ...], ...] = ()


@dataclass(frozen=True, kw_only=True, eq=False)
class Plan:
    """`features` is the number of columns, `names` their names where the model knows them; `classes` a classifier's labels.

    `words` are those of columns that hold words: the graph takes their codes.
    """

    features: int
    methods: Mapping[str, MethodPlan]
    classes: NDArray[Any] | None = None
    names: tuple[str, ...] = ()
    leaves: Mapping[str, Leaves] = field(default_factory=dict)
    words: Words = field(default_factory=dict)

    def encode(self) -> str:
        """JSON. Raises ValueError for labels of a type that JSON and NumPy do not both have."""
        document = {
            "features": self.features,
            "names": self.names,
            "methods": {name: [method.output, method.finish] for name, method in self.methods.items()},
            "classes": None if self.classes is None else _encode(self.classes),
            "leaves": {name: [_encode(leaves.values), leaves.groups] for name, leaves in self.leaves.items()},
            "words": {str(place): words for place, words in self.words.items()},
        }
        return json.dumps(document, sort_keys=True, allow_nan=False)


def decode_plan(text: str) -> Plan:
    """The plan from its JSON. Raises ValueError, KeyError."""
    document = json.loads(text)
    return Plan(
        features=document["features"],
        names=tuple(document["names"]),
        methods={
            name: MethodPlan(output=output, finish=tuple(tuple(step) for step in finish))
            for name, (output, finish) in document["methods"].items()
        },
        classes=None if document["classes"] is None else _decode(document["classes"]),
        leaves={
            name: Leaves(values=_decode(values), groups=groups) for name, (values, groups) in document["leaves"].items()
        },
        words={int(place): tuple(words) for place, words in document.get("words", {}).items()},
    )


def _encode(array: NDArray[Any]) -> dict[str, Any]:
    if array.dtype.kind == "O":
        items = array.tolist()
        strange = [item for item in items if type(item) not in PLAIN]
        if strange:
            raise ValueError(f"labels of type {type(strange[0]).__name__} are no plain values")
        return {"objects": items}
    if array.dtype.kind not in "biufU":
        raise ValueError(f"labels of dtype {array.dtype} are no plain values")
    data = base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()
    return {"dtype": array.dtype.str, "shape": array.shape, "base64": data}


def _decode(document: Mapping[str, Any]) -> NDArray[Any]:
    if "objects" in document:
        return np.array(document["objects"], dtype=object)
    data = base64.b64decode(document["base64"])
    return np.frombuffer(data, dtype=np.dtype(document["dtype"])).reshape(document["shape"])

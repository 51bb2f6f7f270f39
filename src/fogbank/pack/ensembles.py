"""A fitted ensemble of trees as flat arrays: every node of every tree, and what every leaf says.

The graph only says to which leaf a row comes in each tree; what the leaves say is added up in the library's order (`scoring`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import numpy_helper

from fogbank.pack.graph import TREES, Graph, UnsupportedError

MOST_NODES = 8_000_000
LEAF = -1


@dataclass(frozen=True, kw_only=True, eq=False)
class Tree:
    """One tree: children are -1 at a leaf; a row goes left where its cell is at most the threshold, or is NaN and `missing_left`.

    `values` has a row for each node, of which those of leaves count.
    """

    left: NDArray[np.int64]
    right: NDArray[np.int64]
    feature: NDArray[np.int64]
    threshold: NDArray[np.float64]
    missing_left: NDArray[np.bool_]
    values: NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Ensemble:
    """Trees in the order in which the library adds them up. `single` says that cells are rounded to single precision first."""

    trees: Sequence[Tree]
    single: bool

    @property
    def nodes(self) -> int:
        """All nodes, leaves among them."""
        return sum(len(tree.left) for tree in self.trees)

    @property
    def splits(self) -> int:
        """All nodes that are no leaves."""
        return sum(int((tree.left != LEAF).sum()) for tree in self.trees)


def constant_tree(values: NDArray[np.float64]) -> Tree:
    """A tree that says the same of every row: what an ensemble starts from before its first tree."""
    one = np.array([LEAF])
    return Tree(
        left=one,
        right=one,
        feature=np.zeros(1, np.int64),
        threshold=np.zeros(1),
        missing_left=np.zeros(1, bool),
        values=values.reshape(1, -1),
    )


def export_ensemble(ensemble: Ensemble, graph: Graph, name: str) -> tuple[str, NDArray[np.float64]]:
    """The places of the leaves, shape (rows, trees), and the values that lie there. Raises UnsupportedError."""
    if ensemble.nodes > MOST_NODES:
        raise UnsupportedError(f"{ensemble.nodes} nodes are more than the {MOST_NODES} that are compiled")
    flat = _flat(ensemble.trees)
    splits = len(flat.feature)
    places = graph.add(
        "TreeEnsemble",
        name,
        domain=TREES,
        n_targets=len(ensemble.trees),
        aggregate_function=1,
        post_transform=0,
        tree_roots=flat.roots,
        nodes_featureids=flat.feature,
        nodes_splits=numpy_helper.from_array(flat.threshold),
        nodes_modes=numpy_helper.from_array(np.zeros(splits, np.uint8)),
        nodes_truenodeids=flat.left,
        nodes_falsenodeids=flat.right,
        nodes_trueleafs=flat.left_is_leaf,
        nodes_falseleafs=flat.right_is_leaf,
        nodes_missing_value_tracks_true=flat.missing_left,
        leaf_targetids=flat.trees,
        leaf_weights=numpy_helper.from_array(np.arange(len(flat.values), dtype=np.float64)),
    )
    return places, flat.values


@dataclass(frozen=True, kw_only=True, eq=False)
class _Flat:
    roots: NDArray[np.int64]
    feature: NDArray[np.int64]
    threshold: NDArray[np.float64]
    left: NDArray[np.int64]
    right: NDArray[np.int64]
    left_is_leaf: NDArray[np.int64]
    right_is_leaf: NDArray[np.int64]
    missing_left: NDArray[np.int64]
    trees: NDArray[np.int64]
    values: NDArray[np.float64]


def _flat(trees: Sequence[Tree]) -> _Flat:
    """Splits and leaves numbered apart, as the operator has them; a tree that is one leaf gets a split that leads there twice."""
    names = ("roots", "feature", "left", "right", "left_is_leaf", "right_is_leaf", "missing_left", "trees")
    parts: dict[str, list[NDArray[Any]]] = {name: [] for name in names}
    thresholds, values = [], []
    splits = leaves = 0
    for number, tree in enumerate(_with_a_split(tree) for tree in trees):
        is_leaf = tree.left == LEAF
        split, leaf = np.flatnonzero(~is_leaf), np.flatnonzero(is_leaf)
        place = np.empty(len(tree.left), np.int64)
        place[split], place[leaf] = splits + np.arange(len(split)), leaves + np.arange(len(leaf))
        parts["roots"].append(place[:1])
        parts["feature"].append(tree.feature[split])
        parts["left"].append(place[tree.left[split]])
        parts["right"].append(place[tree.right[split]])
        parts["left_is_leaf"].append(is_leaf[tree.left[split]])
        parts["right_is_leaf"].append(is_leaf[tree.right[split]])
        parts["missing_left"].append(tree.missing_left[split])
        parts["trees"].append(np.full(len(leaf), number))
        thresholds.append(tree.threshold[split])
        values.append(tree.values[leaf])
        splits, leaves = splits + len(split), leaves + len(leaf)
    arrays = {name: np.concatenate(part).astype(np.int64) for name, part in parts.items()}
    return _Flat(threshold=np.concatenate(thresholds), values=np.concatenate(values), **arrays)


def _with_a_split(tree: Tree) -> Tree:
    if len(tree.left) > 1:
        return tree
    return Tree(
        left=np.array([1, LEAF]),
        right=np.array([1, LEAF]),
        feature=np.zeros(2, np.int64),
        threshold=np.zeros(2),
        missing_left=np.zeros(2, bool),
        values=np.repeat(tree.values, 2, axis=0),
    )
